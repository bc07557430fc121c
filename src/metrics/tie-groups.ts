import { CnncError } from "../errors.js";

/** A score for each of some pairs; higher means more certain to be positive. */
export type Scores = Float32Array | Float64Array;

/** Anything that judges scores by labels, e.g. {@link auroc}. A label other than 0 is positive. */
export type Metric = (scores: Scores, labels: Uint8Array) => number;

/**
 * Pairs grouped by equal score, best first: all that a metric of ranks needs to know, after one sort. Entry g
 * of each array is about the g-th best score.
 */
export interface TieGroups {
  readonly scores: Float64Array;
  /** Positive pairs with that score. */
  readonly positives: Uint32Array;
  /** Negative pairs with that score. */
  readonly negatives: Uint32Array;
  /** All positive pairs. */
  readonly totalPositives: number;
  readonly totalNegatives: number;
}

/**
 * Sorts pairs by score and groups ties.
 *
 * @throws CnncError `SCORE_NOT_A_NUMBER` for a score that is NaN; infinite ones have their rank.
 */
export function tieGroups(scores: Scores, labels: Uint8Array): TieGroups {
  requireSameLength(scores, labels);
  const order = bestFirst(scores);
  const groups = groupOf(scores, order);
  const count = order.length === 0 ? 0 : groups[order.length - 1] + 1;
  const values = new Float64Array(count);
  const positives = new Uint32Array(count);
  const negatives = new Uint32Array(count);
  for (let place = 0; place < order.length; place++) {
    const group = groups[place];
    values[group] = scores[order[place]];
    if (labels[order[place]] === 0) negatives[group]++;
    else positives[group]++;
  }
  const totalPositives = positives.reduce((sum, more) => sum + more, 0);
  return {
    scores: values,
    positives,
    negatives,
    totalPositives,
    totalNegatives: order.length - totalPositives,
  };
}

/**
 * Positions of the scores from the highest to the lowest; equal scores keep their order.
 *
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function bestFirst(scores: Scores): Uint32Array {
  const order = new Uint32Array(scores.length);
  for (let i = 0; i < scores.length; i++) {
    if (Number.isNaN(scores[i])) throw notANumberError(i, scores.length);
    order[i] = i;
  }
  return order.sort((i, j) => (scores[i] > scores[j] ? -1 : scores[i] < scores[j] ? 1 : i - j));
}

/** For each place of `order`, how many different scores stand before it. */
export function groupOf(scores: Scores, order: Uint32Array): Uint32Array {
  const groups = new Uint32Array(order.length);
  for (let place = 1; place < order.length; place++) {
    groups[place] = groups[place - 1] + (scores[order[place]] === scores[order[place - 1]] ? 0 : 1);
  }
  return groups;
}

/** @throws RangeError unless both are equally long. */
export function requireSameLength(scores: ArrayLike<number>, others: ArrayLike<unknown>): void {
  if (scores.length !== others.length)
    throw new RangeError(`${scores.length} scores for ${others.length} pairs`);
}

function notANumberError(position: number, total: number): CnncError {
  return new CnncError(
    "SCORE_NOT_A_NUMBER",
    `The score of pair ${position + 1} of ${total} is not a number (NaN), so pairs cannot be ranked by it.`,
    "A model whose training diverged gives such scores: train it again with a lower learning rate.",
  );
}
