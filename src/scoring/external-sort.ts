import { type ProgressListener, throwIfAborted } from "../progress.js";
import {
  BLOCK_BYTES,
  blockOf,
  mergeRuns,
  runOfSpill,
  type SortedBlock,
  type SortedRun,
} from "./external-sort-merge.js";
import { recordSorter, SORTER_BYTES_PER_RECORD } from "./external-sort-radix.js";
import { openSpillFile, type SpillFile } from "./external-sort-spill.js";

export type { SortedBlock } from "./external-sort-merge.js";

export interface SortOptions {
  /** 32-bit words of a record; at least KEY_WORDS. */
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

/** Fewer records than these are no saving. */
const LEAST_CAPACITY = 64;
/** Records held when only a few are kept, so that sorting them is rare. */
const LEAST_LIMITED_CAPACITY = 1 << 16;

/**
 * Sorts records by their first KEY_WORDS words, ascending, as unsigned numbers; records with equal ones
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
  const out = blockOf(words, capacity);
  let spill: SpillFile | undefined;
  const runs: SortedRun[] = [];
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
    yield* mergeRuns(runs, { ...options, buffer: records, onRead: spill.close });
  } finally {
    await spill?.close();
  }
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
): Promise<SortedRun> {
  const from = spill.words;
  for (const block of inOrder(records, words, order, out)) await spill.append(block.records);
  return runOfSpill(spill, from);
}
