import { type Scores, type TieGroups, tieGroups } from "./tie-groups.js";

/**
 * Area under the ROC curve: the probability that a positive pair scores above a negative one, ties counting
 * one half. Exact (Mann-Whitney, in whole numbers); NaN if one class is missing.
 *
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function auroc(scores: Scores, labels: Uint8Array): number {
  return aurocOf(tieGroups(scores, labels));
}

/** {@link auroc} of pairs that are sorted already. */
export function aurocOf({
  positives,
  negatives,
  totalPositives,
  totalNegatives,
}: Omit<TieGroups, "scores">): number {
  let above = 0;
  let twiceWins = 0;
  for (let g = 0; g < positives.length; g++) {
    twiceWins += negatives[g] * (2 * above + positives[g]);
    above += positives[g];
  }
  return twiceWins / (2 * totalPositives * totalNegatives);
}
