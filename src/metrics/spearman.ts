import { bestFirst, requireSameLength, type Scores } from "./tie-groups.js";

/**
 * Spearman's rank correlation of two lists of scores of the same pairs: Pearson's correlation of the ranks,
 * where ties have the mean of their ranks. NaN if all scores of a list are equal, or with fewer than 2.
 *
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function spearman(first: Scores, second: Scores): number {
  requireSameLength(first, second);
  const a = centredRanks(first);
  const b = centredRanks(second);
  let products = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    products += a[i] * b[i];
    squaresA += a[i] ** 2;
    squaresB += b[i] ** 2;
  }
  const correlation = products / Math.sqrt(squaresA * squaresB);
  return Math.min(1, Math.max(-1, correlation));
}

/** Twice the rank of each score, less the mean of all: whole numbers, whose sum is 0. */
function centredRanks(scores: Scores): Float64Array {
  const order = bestFirst(scores);
  const ranks = new Float64Array(scores.length);
  for (let start = 0, end = 0; start < order.length; start = end) {
    while (end < order.length && scores[order[end]] === scores[order[start]]) end++;
    for (let place = start; place < end; place++) ranks[order[place]] = order.length - start - end;
  }
  return ranks;
}
