import type { ExpressionStore } from "../expression/index.js";
import type { PairBatch, PairSource } from "../pairs/index.js";
import { throwIfAborted } from "../progress.js";

const [LEAST_PAIRS, MOST_PAIRS] = [2 ** 16, 2 ** 20];
/** Entries of genes that are met together: about a minute of one processor. */
const ENTRIES_TOGETHER = 2 ** 36;

/**
 * Pairs whose correlations are best computed in one call. The more they are, the more of them share the work on a gene:
 * of regulators with 20,000 genes, a million pairs have 50 regulators, and 8,192 pairs part of 8.
 */
export function pairsTogether({ native }: ExpressionStore): number {
  const entriesPerGene = native.entries / Math.max(native.genes, 1);
  return Math.floor(
    Math.min(MOST_PAIRS, Math.max(LEAST_PAIRS, ENTRIES_TOGETHER / Math.max(entriesPerGene, 1))),
  );
}

/**
 * Scores of consecutive batches of a source, which are computed for more pairs at a time than a batch has.
 *
 * @param size pairs that are scored together; up to that of a batch, every batch is scored by itself
 */
export function inSlabs(
  source: PairSource,
  size: number,
  score: (a: Uint32Array, b: Uint32Array, signal: AbortSignal) => Promise<Float32Array>,
): (batch: PairBatch, signal: AbortSignal) => Promise<Float32Array> {
  let held: { from: number; scores: Float32Array } = { from: 0, scores: new Float32Array(0) };
  return async ({ first, a, b }, signal) => {
    throwIfAborted(signal);
    if (size <= a.length) return score(a, b, signal);
    if (first + a.length > held.from + held.scores.length) {
      const to = Math.min(source.count, first + size);
      const [slab] = source.batches(to - first, first, to);
      held = { from: first, scores: await score(slab.a, slab.b, signal) };
    }
    return held.scores.slice(first - held.from, first - held.from + a.length);
  };
}
