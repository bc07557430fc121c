import { type Scores, type TieGroups, tieGroups } from "./tie-groups.js";

/**
 * Area under the precision-recall curve as average precision: the sum over the different scores, best first,
 * of the precision at that score times the recall gained there. No interpolation; as scikit-learn's
 * `average_precision_score`, also in being 0 without positives. NaN without pairs.
 *
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function auprc(scores: Scores, labels: Uint8Array): number {
  return auprcOf(tieGroups(scores, labels));
}

/**
 * {@link auprc} over the share of positives, which is what random scores are expected to reach: 1 is chance.
 */
export function auprcRatio(scores: Scores, labels: Uint8Array): number {
  const groups = tieGroups(scores, labels);
  return auprcOf(groups) / (groups.totalPositives / labels.length);
}

/** {@link auprc} of pairs that are sorted already. */
export function auprcOf({
  positives,
  negatives,
  totalPositives,
  totalNegatives,
}: Omit<TieGroups, "scores">): number {
  if (totalPositives === 0) return totalNegatives === 0 ? Number.NaN : 0;
  let found = 0;
  let marked = 0;
  let area = 0;
  for (let g = 0; g < positives.length; g++) {
    if (positives[g] + negatives[g] === 0) continue;
    found += positives[g];
    marked += positives[g] + negatives[g];
    area += (found / marked) * positives[g];
  }
  return area / totalPositives;
}
