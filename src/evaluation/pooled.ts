import { auprc, auroc, earlyPrecision } from "../metrics/index.js";
import { type JudgedFold, meanOf } from "./judged-fold.js";
import type { PooledMetrics } from "./results.js";

/**
 * Judges all test pairs of each fold together. Folds without positive or without negative pairs tell nothing about a
 * ranking: their AUROC is NaN and they count in no mean; all means are NaN if no fold has both.
 *
 * Early precision is BEELINE's: its k is the number of positive test pairs, all ties at rank k are in. Its ratio
 * compares it with the share of positives among the test pairs. `earlyPrecisionRatioAllEdges` compares it with the
 * share of true edges among all edges that could exist in the fold, as BEELINE does for experimental networks: from
 * each regulator to each other gene. BEELINE takes regulators and genes from the true edges; here they are those of all
 * test pairs, which are the genes that somebody asked about. Pairs without label are not ranked, so where labels list
 * but a few of the possible negatives, chance lies far above 1, and only methods on the same pairs can be compared.
 */
export function pooledMetrics(folds: readonly JudgedFold[]): PooledMetrics {
  const judged = folds.filter(({ hasBothKinds }) => hasBothKinds);
  const early = judged.map((fold) => earlyPrecision(edgeWeights(fold), fold.positive));
  const precisions = judged.map(({ scores, positive }) => auprc(scores.interaction, positive));
  return {
    auroc: meanOf(judged.map(({ scores, positive }) => auroc(scores.interaction, positive))),
    auprc: meanOf(precisions),
    auprcRatio: meanOf(precisions.map((value, f) => value / early[f].density)),
    earlyPrecision: meanOf(early.map(({ precision }) => precision)),
    earlyPrecisionRatio: meanOf(early.map(({ ratio }) => ratio)),
    earlyPrecisionRatioAllEdges: meanOf(
      early.map(({ precision }, f) => precision / shareOfPossibleEdges(judged[f])),
    ),
    aurocs: folds.map(({ scores, positive }) => auroc(scores.interaction, positive)),
  };
}

/**
 * Scores as BEELINE's rule wants them, which takes the absolute value and never counts an edge of weight 0: themselves
 * if none is negative, else the number of different scores up to them. Pairs that the method does not know have 0.
 *
 * @returns one for each test row
 */
export function edgeWeights({
  test,
  scores: { interaction, unscored },
}: Pick<JudgedFold, "test" | "scores">): Float64Array {
  const unknown = new Set(unscored);
  const isKnown = (_: number, i: number) => !unknown.has(test[i]);
  const known = interaction.filter(isKnown);
  if (known.every((score) => score >= 0))
    return interaction.map((score, i) => (isKnown(score, i) ? score : 0));
  const ranks = new Map(
    [...new Set(known)].sort((one, other) => one - other).map((score, i) => [score, i + 1]),
  );
  return interaction.map((score, i) => (isKnown(score, i) ? (ranks.get(score) as number) : 0));
}

/** True edges of the fold over all that could exist between its regulators and its genes, no gene with itself. */
function shareOfPossibleEdges({ regulators, targets, positive }: JudgedFold): number {
  const edges = new Set<string>();
  // A pair of the task causality may be listed in both orders.
  regulators.forEach((regulator, i) => {
    if (positive[i] === 1) edges.add(`${regulator} ${targets[i]}`);
  });
  const genes = new Set([...regulators, ...targets]).size;
  return edges.size / (new Set(regulators).size * (genes - 1));
}
