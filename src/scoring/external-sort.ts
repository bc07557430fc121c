import { type ProgressListener, throwIfAborted } from "../progress.js";
import { KEY_WORDS, recordSorter, SORTER_BYTES_PER_RECORD } from "./external-sort-radix.js";
import { openSpillFile, type SpillFile } from "./external-sort-spill.js";

export interface SortOptions {
  /** 32-bit words of a record; at least {@link KEY_WORDS}. */
  readonly words: number;
  /** Bytes for records in memory, their order, and the blocks of runs being merged. */
  readonly memoryBudget: number;
  /** Where a temporary file may be made. */
  readonly folder: string;
  /** Keep only this many records, the first ones. Default: all. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  /** Told about merges that come before the last one. */
  readonly onProgress?: ProgressListener;
}

export interface SortedBlock {
  /** Whole records, overwritten when the next block is asked for. */
  readonly records: Uint32Array;
  /** Records of all blocks together. */
  readonly total: number;
}

/** Records of a block that goes out, and the least that is read of a run at a time. */
const BLOCK_BYTES = 1 << 18;
const LEAST_READ_BYTES = 1 << 16;
/** Runs merged at a time, at most. */
const MOST_RUNS = 512;
/** Fewer records than these are no saving. */
const LEAST_CAPACITY = 64;
/** Records held when only a few are kept, so that sorting them is rare. */
const LEAST_LIMITED_CAPACITY = 1 << 16;

/**
 * Sorts records by their first {@link KEY_WORDS} words, ascending, as unsigned numbers; records with equal ones
 * stay in the order they came in.
 *
 * As many as fit `memoryBudget` are sorted at a time. If there are more, such runs go to a temporary file and
 * are merged from there, 16 bytes and more per record on disk; with a small `limit` everything after the first
 * records is dropped on the way, and nothing goes to disk. The temporary file goes when the generator ends.
 *
 * @param blocks whole records
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`; whatever `blocks` throws
 */
export async function* sortRecords(
  blocks: AsyncIterable<Uint32Array>,
  options: SortOptions,
): AsyncGenerator<SortedBlock, void, void> {
  const { words, folder, signal } = options;
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  const { capacity, truncates } = planMemory(options);
  const records = new Uint32Array(capacity * words);
  const sort = recordSorter(words, capacity);
  const out = new Uint32Array(Math.max(1, Math.min(capacity, Math.floor(BLOCK_BYTES / (4 * words)))) * words);
  let spill: SpillFile | undefined;
  let runs: Run[] = [];
  let count = 0;
  try {
    /** Set once `limit` records are held: one whose first word is above cannot be among the first. */
    let threshold = 0xffffffff;
    for await (const block of blocks) {
      throwIfAborted(signal);
      for (let at = 0; at < block.length; ) {
        const { taken, added } = takeRecords(block, at, records, count, words, threshold);
        at += taken * words;
        count += added;
        if (count < capacity) continue;
        if (truncates) {
          keepFirst(records, words, sort(records, count).subarray(0, limit));
          count = Math.min(count, limit);
          threshold = records[(count - 1) * words];
        } else {
          spill ??= await openSpillFile(folder);
          runs.push(await spillRun(spill, records, words, sort(records, count).subarray(0, limit), out));
          count = 0;
        }
      }
    }
    if (spill === undefined) {
      yield* inOrder(records, words, sort(records, count).subarray(0, limit), out);
      return;
    }
    if (count > 0)
      runs.push(await spillRun(spill, records, words, sort(records, count).subarray(0, limit), out));

    const fanIn = mostRuns(capacity, words);
    while (runs.length > fanIn) {
      const merged = await openSpillFile(folder);
      const before = spill;
      spill = merged;
      try {
        runs = await mergeGroups(before, merged, runs, fanIn, records, out, options);
      } finally {
        await before.close();
      }
    }
    yield* mergeRuns(spill, runs, records, out, options);
  } finally {
    await spill?.close();
  }
}

/** Words [from, to) of a spill file: sorted records. */
interface Run {
  readonly from: number;
  readonly to: number;
}

/**
 * How many records are held at a time, and whether all but the first `limit` of them are dropped when there is
 * no more room.
 */
function planMemory({ words, memoryBudget, limit }: SortOptions): { capacity: number; truncates: boolean } {
  const bytes = 4 * words;
  const fitting = (reserved: number) =>
    Math.max(
      LEAST_CAPACITY,
      Math.floor((memoryBudget - BLOCK_BYTES - reserved) / (bytes + SORTER_BYTES_PER_RECORD)),
    );
  if (limit === undefined) return { capacity: fitting(0), truncates: false };
  const besideCopy = fitting(limit * bytes);
  if (2 * limit > besideCopy) return { capacity: fitting(0), truncates: false };
  return { capacity: Math.min(besideCopy, Math.max(4 * limit, LEAST_LIMITED_CAPACITY)), truncates: true };
}

/**
 * Copies records from word `at` of `block` on to those that `records` holds already, as many as there is room
 * for, leaving out those whose first word is above `threshold`.
 */
function takeRecords(
  block: Uint32Array,
  at: number,
  records: Uint32Array,
  count: number,
  words: number,
  threshold: number,
): { taken: number; added: number } {
  const room = records.length - count * words;
  if (threshold === 0xffffffff) {
    const part = block.subarray(at, at + room);
    records.set(part, count * words);
    return { taken: part.length / words, added: part.length / words };
  }
  let from = at;
  let to = count * words;
  for (; from < block.length && to < records.length; from += words) {
    if (block[from] > threshold) continue;
    for (let word = 0; word < words; word++) records[to++] = block[from + word];
  }
  return { taken: (from - at) / words, added: to / words - count };
}

/** Leaves only the records that `order` lists, in that order. */
function keepFirst(records: Uint32Array, words: number, order: Uint32Array): void {
  const kept = new Uint32Array(order.length * words);
  gather(records, words, order, kept);
  records.set(kept);
}

/** Copies the records that `order` lists one after the other to `target`. */
function gather(records: Uint32Array, words: number, order: Uint32Array, target: Uint32Array): void {
  let to = 0;
  for (let i = 0; i < order.length; i++) {
    const from = order[i] * words;
    for (let word = 0; word < words; word++) target[to++] = records[from + word];
  }
}

function* inOrder(
  records: Uint32Array,
  words: number,
  order: Uint32Array,
  out: Uint32Array,
): Generator<SortedBlock> {
  const size = out.length / words;
  for (let first = 0; first < order.length; first += size) {
    const part = order.subarray(first, first + size);
    gather(records, words, part, out);
    yield { records: out.subarray(0, part.length * words), total: order.length };
  }
}

async function spillRun(
  spill: SpillFile,
  records: Uint32Array,
  words: number,
  order: Uint32Array,
  out: Uint32Array,
): Promise<Run> {
  const from = spill.words;
  for (const block of inOrder(records, words, order, out)) await spill.append(block.records);
  return { from, to: spill.words };
}

function mostRuns(capacity: number, words: number): number {
  const fitting = Math.floor((capacity * words * 4) / LEAST_READ_BYTES);
  return Math.max(2, Math.min(MOST_RUNS, fitting));
}

/** Merges neighbouring runs, so that records with equal keys keep their order. */
async function mergeGroups(
  spill: SpillFile,
  target: SpillFile,
  runs: readonly Run[],
  size: number,
  buffer: Uint32Array,
  out: Uint32Array,
  options: SortOptions,
): Promise<Run[]> {
  const total = runs.reduce((sum, { from, to }) => sum + to - from, 0) / options.words;
  const merged: Run[] = [];
  let done = 0;
  for (let first = 0; first < runs.length; first += size) {
    const from = target.words;
    for await (const { records } of mergeRuns(spill, runs.slice(first, first + size), buffer, out, options)) {
      await target.append(records);
      done += records.length / options.words;
      options.onProgress?.({ phase: "Merging sorted pairs", done, total, unit: "pairs" });
    }
    merged.push({ from, to: target.words });
  }
  return merged;
}

/** Merges runs, reading a block of each at a time into its part of `buffer`. */
async function* mergeRuns(
  spill: SpillFile,
  runs: readonly Run[],
  buffer: Uint32Array,
  out: Uint32Array,
  { words, limit, signal }: SortOptions,
): AsyncGenerator<SortedBlock, void, void> {
  const all = runs.reduce((sum, { from, to }) => sum + to - from, 0) / words;
  const total = Math.min(all, limit ?? all);
  const blockWords = Math.floor(buffer.length / words / runs.length) * words;
  /** Word of `buffer` where the run's next record stands, where its block ends, and its next word in the file. */
  const at = new Float64Array(runs.length);
  const end = new Float64Array(runs.length);
  const position = Float64Array.from(runs, ({ from }) => from);

  const refill = async (run: number): Promise<boolean> => {
    const length = Math.min(blockWords, runs[run].to - position[run]);
    if (length === 0) return false;
    at[run] = run * blockWords;
    end[run] = at[run] + length;
    await spill.read(buffer.subarray(at[run], end[run]), position[run]);
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
