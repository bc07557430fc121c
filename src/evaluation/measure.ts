import type { LabelledPairs, Task } from "../pairs/index.js";
import { calibrationOf } from "./calibration.js";
import { causalityMetrics } from "./causality.js";
import { curvesOf } from "./curves.js";
import { eachPairOnce, type FoldOutcome, judgeFolds } from "./judged-fold.js";
import type { Method } from "./method.js";
import { pooledMetrics } from "./pooled.js";
import { perRegulatorMetrics } from "./regulators.js";
import type { MethodResult } from "./results.js";

/** What is measured: a method, and how long it took in all folds together. */
export interface MeasuredMethod extends Pick<Method, "name" | "label" | "group" | "learns"> {
  readonly seconds: number;
}

/** What all methods of a split have in common. */
export interface MeasureContext {
  readonly task: Task;
  /** Of the label file; folds' test rows are positions in it. */
  readonly pairs: LabelledPairs;
  /** Name of each gene column. */
  readonly geneNames: readonly string[];
  /** Decides the draws of the intervals. */
  readonly seed: number;
}

/**
 * Judges what a method said about pairs that it had not learned.
 *
 * For causality, a pair of class 2 has its regulator in b, both directions are positive, and a pair that is listed in
 * both orders counts once, except in what is said of directions.
 *
 * @param folds each with its test rows and the scores of these
 * @throws CnncError `SCORE_NOT_A_NUMBER`, naming method, fold and pair; RangeError if arrays do not fit the test rows.
 */
export function measureMethod(
  { name, label, group, learns, seconds }: MeasuredMethod,
  folds: readonly FoldOutcome[],
  { task, pairs, geneNames, seed }: MeasureContext,
): Omit<MethodResult, "differences"> {
  const rows = judgeFolds(name, folds, pairs, geneNames);
  const judged = task === "causality" ? rows.map(eachPairOnce) : rows;
  const calibration = calibrationOf(judged);
  const hasLosses = folds.some(({ scores }) => scores.losses !== undefined);
  return {
    name,
    label,
    group,
    learns,
    seconds,
    unscored: folds.reduce((sum, { scores }) => sum + (scores.unscored?.length ?? 0), 0),
    pooled: pooledMetrics(judged),
    perRegulator: perRegulatorMetrics(judged, geneNames, seed),
    curves: curvesOf(judged),
    ...(calibration && { calibration }),
    ...(task === "causality" && { causality: causalityMetrics(rows) }),
    ...(hasLosses && { losses: folds.map(({ scores }) => [...(scores.losses ?? [])]) }),
  };
}
