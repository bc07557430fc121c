import { auprc, auroc, perRegulator, thresholdForPrecision } from "../metrics/index.js";
import { type PairColumns, regulatorsOf, type Task } from "../pairs/index.js";
import { interactionScores, validationMetrics } from "./train.js";

/** How well pairs were told apart. */
export interface PairMetrics {
  readonly pairs: number;
  readonly positives: number;
  readonly loss: number;
  /** Over all pairs together. */
  readonly auroc: number;
  readonly auprc: number;
  /** Mean over regulators with at least 5 positives and 5 negatives; NaN without any. */
  readonly aurocPerRegulator: number;
  /** Regulators that it is the mean of. */
  readonly regulators: number;
  readonly directionAuroc?: number;
}

/**
 * @param pairs with their classes
 * @param rows those that were asked about
 * @param probabilities of `rows`, as predictRows gives them
 */
export function pairMetrics(
  pairs: Required<PairColumns>,
  rows: Uint32Array,
  probabilities: Float32Array,
  task: Task,
): PairMetrics {
  const classes = Uint8Array.from(rows, (row) => pairs.labels[row]);
  const positive = Uint8Array.from(classes, (label) => (label === 0 ? 0 : 1));
  const scores = interactionScores(probabilities, task);
  const regulators = regulatorsOf(pairs);
  const each = perRegulator(
    auroc,
    scores,
    positive,
    rows.map((row) => regulators[row]),
  );
  return {
    pairs: rows.length,
    positives: positive.reduce((sum, one) => sum + one, 0),
    ...validationMetrics(probabilities, classes, task),
    auprc: auprc(scores, positive),
    aurocPerRegulator: each.mean,
    regulators: each.values.length,
  };
}

/**
 * A score above which pairs are marked: the one with the highest recall whose precision lies halfway between that
 * of guessing and 1, or comes closest.
 *
 * @returns undefined without pairs
 */
export function suggestedThreshold(
  labels: Uint8Array,
  rows: Uint32Array,
  probabilities: Float32Array,
  task: Task,
): { readonly score: number; readonly precision: number } | undefined {
  const positive = Uint8Array.from(rows, (row) => (labels[row] === 0 ? 0 : 1));
  const guessing = positive.reduce((sum, one) => sum + one, 0) / rows.length;
  const chosen = thresholdForPrecision(interactionScores(probabilities, task), positive, {
    precision: (1 + guessing) / 2,
  });
  return chosen && { score: chosen.threshold, precision: chosen.precision };
}
