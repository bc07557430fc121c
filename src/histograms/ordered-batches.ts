import { openScratchFile, type ScratchFile } from "../io/index.js";
import type { HistogramArray } from "../native/addon-types.js";
import type { PairRange, PairSource } from "../pairs/index.js";
import {
  type BatchOptions,
  type HistogramBatch,
  histogramBatches,
  IMAGE_SIZE,
  imageArray,
} from "./batches.js";
import type { StretchPart } from "./store-parts.js";

export interface OrderedBatchOptions extends BatchOptions {
  /** Folder for a temporary file with the images of one stretch of pairs; it goes however the process ends. */
  readonly temporaryFolder: string;
}

/**
 * What histogramBatches gives for a range of a source, batch for batch, from stores with parts of its genes. These
 * answer for pairs out of order, so their images go to disk until those before them are there.
 *
 * @param cells of the stores
 * @param source all pairs
 * @param parts of storeParts, for the range
 * @throws CnncError of histogramBatches; `DISK_FULL`, `WRITE_FAILED`; whatever `parts` throws
 */
export async function* orderedBatches(
  cells: number,
  source: PairSource,
  range: PairRange,
  parts: AsyncIterable<StretchPart>,
  options: OrderedBatchOptions,
): AsyncGenerator<HistogramBatch, void, void> {
  const scratch = await openScratchFile(options.temporaryFolder);
  const batchSize = options.batchSize ?? 4096;
  const batches = source.batches(batchSize, range.from, range.to)[Symbol.iterator]();
  const allocate = (pairs: number) => imageArray(cells, pairs * IMAGE_SIZE, options.nepdf);
  const imageBytes = allocate(1).byteLength;
  const reused = options.reuseImages ? allocate(Math.min(batchSize, range.to - range.from)) : undefined;
  let current: { batch: HistogramBatch; filled: number } | undefined;
  try {
    for await (const part of parts) {
      await writePart(part, scratch, imageBytes, { ...options, reuseImages: true });
      const { stretch, isLast } = part;
      for (let at = stretch.from; isLast && at < stretch.to; ) {
        current ??= { batch: nextBatch(), filled: 0 };
        const { batch, filled } = current;
        const count = Math.min(batch.a.length - filled, stretch.to - at);
        const images = batch.images.subarray(filled * IMAGE_SIZE, (filled + count) * IMAGE_SIZE);
        await scratch.read(images, (at - stretch.from) * imageBytes);
        at += count;
        current.filled += count;
        if (current.filled < batch.a.length) continue;
        current = undefined;
        yield batch;
      }
    }
  } finally {
    await scratch.close();
  }

  function nextBatch(): HistogramBatch {
    const { first, a, b } = batches.next().value as HistogramBatch;
    const images = reused?.subarray(0, a.length * IMAGE_SIZE) ?? allocate(a.length);
    return { first: first - range.from, a, b, images };
  }
}

/** Puts the images of a part's pairs to their places in the stretch. */
async function writePart(
  { store, source, stretch, positions }: StretchPart,
  scratch: ScratchFile,
  imageBytes: number,
  options: BatchOptions,
): Promise<void> {
  const runs = positions()[Symbol.iterator]();
  let run: PairRange = { from: 0, to: 0 };
  for await (const { a, images } of histogramBatches(store, source, options)) {
    for (let pair = 0; pair < a.length; ) {
      if (run.from === run.to) run = runs.next().value as PairRange;
      const count = Math.min(a.length - pair, run.to - run.from);
      const rows: HistogramArray = images.subarray(pair * IMAGE_SIZE, (pair + count) * IMAGE_SIZE);
      await scratch.write(rows, (run.from - stretch.from) * imageBytes);
      run = { from: run.from + count, to: run.to };
      pair += count;
    }
  }
}
