import { median } from "./median.js";
import { type Metric, requireSameLength, type Scores } from "./tie-groups.js";

/** A metric of each regulator's own pairs. */
export interface PerRegulator {
  /** Mean over the regulators that count; NaN without any. */
  readonly mean: number;
  readonly median: number;
  /** Gene column of each regulator that counts, in ascending order. */
  readonly regulators: Uint32Array;
  /** The metric of each of them. */
  readonly values: Float64Array;
  /** How many pairs each of them has, and how many of these are positive. */
  readonly pairs: Uint32Array;
  readonly positives: Uint32Array;
  /** Regulators with too few positives or negatives to count. */
  readonly skipped: number;
}

/** How many pairs of each kind a regulator needs to count. */
export interface RegulatorLimits {
  readonly minPositives?: number;
  readonly minNegatives?: number;
}

/**
 * Judges each regulator by its own pairs. A regulator with many positives says nothing there, which it does
 * in a metric over all pairs.
 *
 * @param regulators gene column of each pair's regulator
 * @param limits both are 5 by default
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function perRegulator(
  metric: Metric,
  scores: Scores,
  labels: Uint8Array,
  regulators: Uint32Array,
  { minPositives = 5, minNegatives = 5 }: RegulatorLimits = {},
): PerRegulator {
  requireSameLength(scores, labels);
  requireSameLength(scores, regulators);
  const order = Uint32Array.from(regulators.keys()).sort((i, j) => regulators[i] - regulators[j] || i - j);
  const counted: number[] = [];
  const values: number[] = [];
  const sizes: number[] = [];
  const positivesOf: number[] = [];
  let skipped = 0;
  for (let start = 0, end = 0; start < order.length; start = end) {
    const regulator = regulators[order[start]];
    while (end < order.length && regulators[order[end]] === regulator) end++;
    const pairs = order.subarray(start, end);
    const ownLabels = Uint8Array.from(pairs, (i) => labels[i]);
    const positives = ownLabels.reduce((count, label) => count + (label === 0 ? 0 : 1), 0);
    if (positives < minPositives || pairs.length - positives < minNegatives) skipped++;
    else {
      counted.push(regulator);
      sizes.push(pairs.length);
      positivesOf.push(positives);
      values.push(
        metric(
          Float64Array.from(pairs, (i) => scores[i]),
          ownLabels,
        ),
      );
    }
  }
  return {
    mean: mean(values),
    median: median(values),
    regulators: Uint32Array.from(counted),
    values: Float64Array.from(values),
    pairs: Uint32Array.from(sizes),
    positives: Uint32Array.from(positivesOf),
    skipped,
  };
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
