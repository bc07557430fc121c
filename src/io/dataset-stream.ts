import type { Hdf5File } from "./hdf5-file.js";
import type { DatasetNode } from "./hdf5-node.js";
import type { ReadOptions } from "./hdf5-pool.js";
import { allocateNumbers, copyNumbers } from "./numbers.js";
import { readAhead, readsAhead } from "./read-ahead.js";
import type { Numbers } from "./types.js";

/** Elements of one read: small enough to spread over threads, large enough to hide the cost of asking. */
const ELEMENTS_PER_READ = 1 << 18;

/** A 1-D numeric dataset, read from front to back. */
export interface DatasetStream {
  /** The next `count` elements. There must be as many left. */
  take(count: number): Promise<Numbers>;
}

/**
 * Streams `dataset` with reads that consist of whole chunks, so that each chunk is decompressed exactly once,
 * wherever the consumer cuts.
 */
export function streamDataset(
  file: Hdf5File,
  dataset: DatasetNode,
  options: Required<ReadOptions>,
): DatasetStream {
  const { path, dtype, itemBytes } = dataset;
  const length = dataset.shape?.[0] ?? 0;
  const chunk = dataset.chunks?.[0] ?? 1;
  const perRead = chunk * Math.max(1, Math.floor(ELEMENTS_PER_READ / chunk));
  const reads = readAhead(
    Math.ceil(length / perRead),
    readsAhead(options.workers, perRead * itemBytes),
    (position) =>
      file.read(path, [[position * perRead, Math.min(length, (position + 1) * perRead)]], options),
  );
  let current = allocateNumbers(dtype, 0);
  let used = 0;

  async function take(count: number): Promise<Numbers> {
    const taken = allocateNumbers(dtype, count);
    let filled = 0;
    while (filled < count) {
      if (used === current.length) {
        const next = await reads.next();
        if (next.done) throw new Error(`${path} ended before ${count} elements were taken.`);
        current = next.value;
        used = 0;
      }
      const step = Math.min(count - filled, current.length - used);
      copyNumbers(taken, filled, current, used, used + step);
      filled += step;
      used += step;
    }
    return taken;
  }

  return { take };
}
