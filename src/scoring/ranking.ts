import type { ProgressListener } from "../progress.js";
import { sortRecords } from "./external-sort.js";
import { type RankedBatch, recordCoder, type ScoredBatch } from "./ranked-records.js";

export type { RankedBatch, ScoredBatch } from "./ranked-records.js";

export interface RankingOptions {
  /** Score column to rank by, highest first. */
  readonly main: number;
  /** Names of all genes. */
  readonly names: readonly string[];
  /** Keep only this many pairs, the best. Default: all. */
  readonly top?: number;
  /** Bytes to sort in; what does not fit goes to a temporary file. Default 64 MiB. */
  readonly memoryBudget?: number;
  /** Folder for that file; best the folder of the output, where there must be room for it anyway. */
  readonly temporaryFolder: string;
  readonly signal?: AbortSignal;
  /** Told about work between the last scored pair and the first ranked one, if it takes several steps. */
  readonly onProgress?: ProgressListener;
}

const DEFAULT_MEMORY_BUDGET = 64 * 2 ** 20;

/**
 * Ranks pairs, best first: by the main score, then by the names of gene a and gene b (in the order of their UTF-16
 * code units), so that the result does not depend on how the scoring was cut or threaded. Pairs that occur twice
 * keep their order. Minus zero counts as, and becomes, zero.
 *
 * Memory is `memoryBudget` and a few batches for any number of pairs. `top` up to about a third of the pairs that
 * fit it needs no disk; otherwise a temporary file takes 12 bytes per pair plus 4 for each score column but one,
 * and is gone when the ranking ends, fails or is abandoned.
 *
 * @param batches all with the same number of score columns
 * @returns nothing when there are no pairs
 * @throws CnncError `SCORE_NOT_A_NUMBER` when a main score is NaN; `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`;
 *   whatever `batches` throws. RangeError when an option makes no sense.
 */
export async function* rankPairs(
  batches: AsyncIterable<ScoredBatch>,
  options: RankingOptions,
): AsyncGenerator<RankedBatch, void, void> {
  const { names, main, top, memoryBudget = DEFAULT_MEMORY_BUDGET, temporaryFolder } = options;
  if (top !== undefined && !(Number.isInteger(top) && top > 0)) throw new RangeError(`the top ${top} pairs`);
  const iterator = batches[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    if (first.done) return;
    const coder = recordCoder({ columns: first.value.scores.length, main, names });
    const blocks = sortRecords(coder.encode(startingWith(first.value, iterator)), {
      words: coder.words,
      memoryBudget,
      folder: temporaryFolder,
      ...(top !== undefined && { limit: top }),
      ...(options.signal && { signal: options.signal }),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    let rank = 0;
    for await (const block of blocks) {
      const batch = coder.decode(block, rank);
      rank += batch.a.length;
      yield batch;
    }
  } finally {
    await iterator.return?.();
  }
}

async function* startingWith<T>(first: T, rest: AsyncIterator<T>): AsyncGenerator<T, void, void> {
  for (let next: IteratorResult<T> = { value: first }; !next.done; next = await rest.next()) yield next.value;
}
