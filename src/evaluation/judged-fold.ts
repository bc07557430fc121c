import { type LabelledPairs, regulatorsOf, targetsOf } from "../pairs/index.js";
import { type FoldOutcome, requireScores } from "./require-scores.js";

export type { FoldOutcome } from "./require-scores.js";

/** A fold's scores beside what is true; all arrays have an entry for each test row. */
export interface JudgedFold extends FoldOutcome {
  readonly labels: Uint8Array;
  /** 1 for a label other than 0. */
  readonly positive: Uint8Array;
  /** Gene columns of the gene that acts, or would act, and of the other one. */
  readonly regulators: Uint32Array;
  readonly targets: Uint32Array;
  /** Whether there are both positive and negative pairs, without which a ranking cannot be judged. */
  readonly hasBothKinds: boolean;
}

/**
 * Puts folds' scores beside the labels.
 *
 * @param method name of the method, for messages
 * @param geneNames name of each gene column, for messages
 * @throws CnncError `SCORE_NOT_A_NUMBER`; RangeError if arrays do not fit the test rows.
 */
export function judgeFolds(
  method: string,
  folds: readonly FoldOutcome[],
  pairs: LabelledPairs,
  geneNames: readonly string[],
): JudgedFold[] {
  const allRegulators = regulatorsOf(pairs);
  const allTargets = targetsOf(pairs);
  return folds.map((fold) => {
    const { test } = fold;
    requireScores(method, fold, pairs, geneNames);
    const labels = Uint8Array.from(test, (row) => pairs.labels[row]);
    const positive = labels.map((label) => (label === 0 ? 0 : 1));
    return {
      ...fold,
      labels,
      positive,
      regulators: test.map((row) => allRegulators[row]),
      targets: test.map((row) => allTargets[row]),
      hasBothKinds: positive.includes(0) && positive.includes(1),
    };
  });
}

/**
 * The fold without rows whose two genes an earlier row has, in either order: CNNC's triples list each edge as (a, b, 1)
 * and (b, a, 2), and an edge must not count twice where it is asked whether there is one.
 */
export function eachPairOnce(fold: JudgedFold): JudgedFold {
  const { test, scores, labels, positive, regulators, targets } = fold;
  const met = new Set<string>();
  const kept = Uint32Array.from(test.keys()).filter((i) => {
    const [low, high] = [regulators[i], targets[i]].sort((one, other) => one - other);
    const key = `${low} ${high}`;
    const isNew = !met.has(key);
    met.add(key);
    return isNew;
  });
  if (kept.length === test.length) return fold;
  const numbers = (values: Float64Array) => {
    const width = values.length / test.length;
    return Float64Array.from({ length: kept.length * width }, (_, i) => {
      return values[kept[Math.floor(i / width)] * width + (i % width)];
    });
  };
  const { interaction, direction, probabilities, swapped } = scores;
  return {
    ...fold,
    test: kept.map((i) => test[i]),
    labels: Uint8Array.from(kept, (i) => labels[i]),
    positive: Uint8Array.from(kept, (i) => positive[i]),
    regulators: kept.map((i) => regulators[i]),
    targets: kept.map((i) => targets[i]),
    scores: {
      ...scores,
      interaction: numbers(interaction),
      ...(direction && { direction: numbers(direction) }),
      ...(probabilities && { probabilities: numbers(probabilities) }),
      ...(swapped && { swapped: numbers(swapped) }),
    },
  };
}

/** Mean of the numbers that are no NaN; NaN without any. */
export function meanOf(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}
