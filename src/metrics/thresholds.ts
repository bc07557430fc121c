import { requireSameLength, type Scores, tieGroups } from "./tie-groups.js";

/** What marking all pairs at or above a threshold would yield. */
export interface Marked {
  readonly threshold: number;
  /** Share of positives among the marked pairs; NaN if none is marked. */
  readonly precision: number;
  /** Share of all positives that are marked; NaN if there are none. */
  readonly recall: number;
  /** Marked pairs. */
  readonly marked: number;
  /** Positives among them. */
  readonly found: number;
}

/** Precision and recall of the pairs whose score is `threshold` or more; NaN scores are never marked. */
export function precisionAtThreshold(scores: Scores, labels: Uint8Array, threshold: number): Marked {
  requireSameLength(scores, labels);
  let marked = 0;
  let found = 0;
  let positives = 0;
  for (let i = 0; i < scores.length; i++) {
    const isPositive = labels[i] === 0 ? 0 : 1;
    positives += isPositive;
    if (scores[i] >= threshold) {
      marked++;
      found += isPositive;
    }
  }
  return { threshold, precision: found / marked, recall: found / positives, marked, found };
}

/** {@link thresholdForPrecision}'s answer. */
export interface ChosenThreshold extends Marked {
  /** Whether the precision asked for is reached; if not, this is the best there is. */
  readonly reached: boolean;
}

/**
 * The score threshold with the highest recall among those that reach a precision; if none does, that with the
 * highest precision. Thresholds that mark fewer than `minMarked` pairs are not considered, as their precision
 * is a matter of luck.
 *
 * @param options `minMarked` is 10 by default, or all pairs if there are fewer
 * @returns `undefined` without pairs
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function thresholdForPrecision(
  scores: Scores,
  labels: Uint8Array,
  { precision: wanted, minMarked = 10 }: { precision: number; minMarked?: number },
): ChosenThreshold | undefined {
  const groups = tieGroups(scores, labels);
  const enough = Math.min(minMarked, scores.length);
  let marked = 0;
  let found = 0;
  let best: ChosenThreshold | undefined;
  for (let g = 0; g < groups.scores.length; g++) {
    marked += groups.positives[g] + groups.negatives[g];
    found += groups.positives[g];
    if (marked < enough) continue;
    const precision = found / marked;
    const reached = precision >= wanted;
    if (!reached && precision < (best?.precision ?? 0)) continue;
    const recall = found / groups.totalPositives;
    best = { threshold: groups.scores[g], precision, recall, marked, found, reached };
  }
  return best;
}
