import { auroc } from "../metrics/index.js";
import { CLASSES, SWAPPED_CLASS } from "../pairs/index.js";
import { type JudgedFold, meanOf } from "./judged-fold.js";
import type { CausalityMetrics } from "./results.js";

/**
 * Judges directions. AUROCs are means over the folds that have pairs of both kinds; swap consistency is a share of the
 * test pairs of all folds. All are NaN where the method says nothing about it.
 */
export function causalityMetrics(folds: readonly JudgedFold[]): CausalityMetrics {
  const classes = Array.from({ length: CLASSES.causality }, (_, label) => label);
  return {
    classAurocs: classes.map((label) => meanOf(folds.map((fold) => classAuroc(fold, label)))),
    directionAuroc: meanOf(folds.map(directionAuroc)),
    swapConsistency: swapConsistency(folds),
  };
}

function classAuroc(fold: JudgedFold, label: number): number {
  const probabilities = classProbabilities(fold);
  if (probabilities === undefined) return Number.NaN;
  const own = Float64Array.from(fold.test, (_, i) => probabilities[3 * i + label]);
  return auroc(
    own,
    fold.labels.map((other) => (other === label ? 1 : 0)),
  );
}

/** Class 1 against class 2, by the method's direction, or p(a->b) - p(b->a). */
function directionAuroc(fold: JudgedFold): number {
  const probabilities = classProbabilities(fold);
  const direction =
    fold.scores.direction ??
    (probabilities &&
      Float64Array.from(fold.test, (_, i) => probabilities[3 * i + 1] - probabilities[3 * i + 2]));
  if (direction === undefined) return Number.NaN;
  const directed = Uint32Array.from(fold.test.keys()).filter((i) => fold.labels[i] !== 0);
  return auroc(
    Float64Array.from(directed, (i) => direction[i]),
    Uint8Array.from(directed, (i) => (fold.labels[i] === 1 ? 1 : 0)),
  );
}

/**
 * Share of pairs (a, b) whose most probable class, turned round, is the most probable one of (b, a). Where two classes
 * of (b, a) are equally probable, either will do.
 */
function swapConsistency(folds: readonly JudgedFold[]): number {
  let asked = 0;
  let consistent = 0;
  for (const fold of folds) {
    const probabilities = classProbabilities(fold);
    const { swapped } = fold.scores;
    if (probabilities === undefined || swapped === undefined) continue;
    for (let i = 0; i < fold.test.length; i++) {
      const own = probabilities.subarray(3 * i, 3 * i + 3);
      const other = swapped.subarray(3 * i, 3 * i + 3);
      const answer = own.indexOf(Math.max(...own));
      asked++;
      if (other[SWAPPED_CLASS[answer]] === Math.max(...other)) consistent++;
    }
  }
  return consistent / asked;
}

/** Test x 3; undefined for a method that does not tell classes apart. */
function classProbabilities({ test, scores: { probabilities } }: JudgedFold): Float64Array | undefined {
  return probabilities?.length === 3 * test.length ? probabilities : undefined;
}
