import type { ProgressListener } from "../progress.js";
import type { RankedBatch } from "./ranked-records.js";

/** A score column that the ranking does not depend on, so that it can be worked out for the pairs that are kept. */
export interface LateColumn {
  readonly name: string;
  /** Where it stands among all columns; after the one that the ranking is by. */
  readonly column: number;
  /** Scores of pairs, in any order; neither array may change until the promise settles. */
  score(a: Uint32Array, b: Uint32Array, signal?: AbortSignal): Promise<Float32Array>;
}

export interface LateOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Pairs that are scored together. */
const SLAB = 2 ** 20;

/**
 * The same pairs with the column among their scores. Holds a million of them.
 *
 * @throws whatever `batches` and the scoring throw
 */
export async function* withLateColumn(
  batches: AsyncIterable<RankedBatch>,
  late: LateColumn,
  { signal, onProgress }: LateOptions = {},
): AsyncGenerator<RankedBatch, void, void> {
  let waiting: RankedBatch[] = [];
  let count = 0;
  async function* completed() {
    const [a, b] = [new Uint32Array(count), new Uint32Array(count)];
    for (const batch of waiting) {
      a.set(batch.a, batch.first - waiting[0].first);
      b.set(batch.b, batch.first - waiting[0].first);
    }
    const scores = await late.score(a, b, signal);
    const [{ first: start, total }] = waiting;
    onProgress?.({ phase: `Computing ${late.name}`, done: start + count, total, unit: "pairs" });
    for (const batch of waiting) {
      const from = batch.first - start;
      yield {
        ...batch,
        scores: batch.scores.toSpliced(late.column, 0, scores.slice(from, from + batch.a.length)),
      };
    }
    [waiting, count] = [[], 0];
  }
  for await (const batch of batches) {
    waiting.push(batch);
    count += batch.a.length;
    if (count >= SLAB) yield* completed();
  }
  if (count > 0) yield* completed();
}
