import { type ProgressListener, throwIfAborted } from "../progress.js";
import { KEY_WORDS } from "./external-sort-radix.js";
import { openSpillFile, type SpillFile } from "./external-sort-spill.js";

/** Sorted records that stand in a file. Positions and lengths are in 32-bit words. */
export interface SortedRun {
  readonly words: number;
  /** Fills `target` with the words from `position` on. */
  read(target: Uint32Array, position: number): Promise<void>;
  /** Is called when the run has been read as far as needed; the run may be read again after it. */
  close?(): Promise<void>;
}

export interface SortedBlock {
  /** Whole records, overwritten when the next block is asked for. */
  readonly records: Uint32Array;
  /** Records of all blocks together. */
  readonly total: number;
}

export interface MergeOptions {
  /** 32-bit words of a record; at least {@link KEY_WORDS}. */
  readonly words: number;
  /** Room for a block of each run; the more, the fewer reads. */
  readonly buffer: Uint32Array;
  /** Where temporary files may be made, when there are many runs. */
  readonly folder: string;
  /** Keep only this many records, the first ones. Default: all. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  /** Told about merges that come before the last one. */
  readonly onProgress?: ProgressListener;
  /** Is called as soon as the runs will not be read again. */
  readonly onRead?: () => Promise<void>;
}

/** Bytes of a block of records that goes out. */
export const BLOCK_BYTES = 1 << 18;
/** The least that is read of a run at a time. */
const LEAST_READ_BYTES = 1 << 16;
/** Runs merged at a time, at most. */
const MOST_RUNS = 512;

/** Room for a block of records, but for no more than `most` of them. */
export const blockOf = (words: number, most: number): Uint32Array =>
  new Uint32Array(Math.max(1, Math.min(most, Math.floor(BLOCK_BYTES / (4 * words)))) * words);

/** What has been appended to a spill file since it had `from` words. */
export const runOfSpill = (spill: SpillFile, from: number): SortedRun => ({
  words: spill.words - from,
  read: (target, position) => spill.read(target, from + position),
});

/**
 * Merges sorted runs; records with equal keys stand in the order of the runs. More runs than can be read at once are
 * merged in several steps, through temporary files as large as the runs.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`; whatever reading throws
 */
export async function* mergeRuns(
  runs: readonly SortedRun[],
  options: MergeOptions,
): AsyncGenerator<SortedBlock, void, void> {
  const { words, buffer, folder, onRead } = options;
  const out = blockOf(words, buffer.length / words);
  const fanIn = Math.max(2, Math.min(MOST_RUNS, Math.floor((4 * buffer.length) / LEAST_READ_BYTES)));
  let left = runs;
  let spill: SpillFile | undefined;
  try {
    while (left.length > fanIn) {
      const before = spill;
      spill = await openSpillFile(folder);
      try {
        left = await mergeGroups(left, fanIn, spill, out, options);
      } finally {
        await (before ? before.close() : onRead?.());
      }
    }
    yield* mergeOnce(left, out, options);
  } finally {
    await spill?.close();
  }
}

/** Merges neighbouring runs, so that records with equal keys keep their order. */
async function mergeGroups(
  runs: readonly SortedRun[],
  size: number,
  target: SpillFile,
  out: Uint32Array,
  options: MergeOptions,
): Promise<SortedRun[]> {
  const total = runs.reduce((sum, run) => sum + run.words, 0) / options.words;
  const merged: SortedRun[] = [];
  let done = 0;
  for (let first = 0; first < runs.length; first += size) {
    const from = target.words;
    for await (const { records } of mergeOnce(runs.slice(first, first + size), out, options)) {
      await target.append(records);
      done += records.length / options.words;
      options.onProgress?.({ phase: "Merging sorted pairs", done, total, unit: "pairs" });
    }
    merged.push(runOfSpill(target, from));
  }
  return merged;
}

/** Merges runs, reading a block of each at a time into its part of `buffer`. */
async function* mergeOnce(
  runs: readonly SortedRun[],
  out: Uint32Array,
  { words, buffer, limit, signal }: MergeOptions,
): AsyncGenerator<SortedBlock, void, void> {
  const all = runs.reduce((sum, run) => sum + run.words, 0) / words;
  const total = Math.min(all, limit ?? all);
  const blockWords = Math.floor(buffer.length / words / runs.length) * words;
  /** Word of `buffer` where the run's next record stands, where its block ends, and its next word in the run. */
  const at = new Float64Array(runs.length);
  const end = new Float64Array(runs.length);
  const position = new Float64Array(runs.length);

  const refill = async (run: number): Promise<boolean> => {
    const length = Math.min(blockWords, runs[run].words - position[run]);
    if (length === 0) return false;
    at[run] = run * blockWords;
    end[run] = at[run] + length;
    await runs[run].read(buffer.subarray(at[run], end[run]), position[run]);
    position[run] += length;
    return true;
  };
  const before = (run: number, other: number): boolean => {
    const a = at[run];
    const b = at[other];
    for (let word = 0; word < KEY_WORDS; word++) {
      if (buffer[a + word] !== buffer[b + word]) return buffer[a + word] < buffer[b + word];
    }
    return run < other;
  };

  const heap: number[] = [];
  try {
    for (let run = 0; run < runs.length; run++) if (await refill(run)) heap.push(run);
    for (let slot = heap.length >> 1; slot >= 0; slot--) siftDown(heap, slot, before);

    let filled = 0;
    for (let written = 0; written < total; written++) {
      const run = heap[0];
      for (let word = 0; word < words; word++) out[filled++] = buffer[at[run] + word];
      at[run] += words;
      if (at[run] === end[run] && !(await refill(run))) {
        const last = heap.pop() as number;
        if (heap.length > 0) heap[0] = last;
      }
      siftDown(heap, 0, before);
      if (filled < out.length && written + 1 < total) continue;
      throwIfAborted(signal);
      yield { records: out.subarray(0, filled), total };
      filled = 0;
    }
  } finally {
    await Promise.all(runs.map((run) => run.close?.()));
  }
}

/** Moves the entry of a slot down a heap whose least entry is first, until its children are not before it. */
function siftDown(heap: number[], slot: number, before: (a: number, b: number) => boolean): void {
  for (;;) {
    let least = 2 * slot + 1;
    if (least >= heap.length) return;
    if (least + 1 < heap.length && before(heap[least + 1], heap[least])) least++;
    if (!before(heap[least], heap[slot])) return;
    [heap[slot], heap[least]] = [heap[least], heap[slot]];
    slot = least;
  }
}
