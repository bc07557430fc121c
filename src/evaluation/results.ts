import type { Interval } from "../metrics/index.js";
import type { Leakage, SplitMode, Task } from "../pairs/index.js";
import type { MethodGroup } from "./method.js";

/** Everything a benchmark found; `results.json` holds it. NaN is written as null there. */
export interface BenchmarkResults {
  readonly format: "cnnc benchmark";
  readonly formatVersion: 1;
  readonly run: RunFacts;
  readonly data: DataFacts;
  readonly labels: LabelFacts;
  readonly task: Task;
  readonly splits: readonly SplitResult[];
}

export interface RunFacts {
  /** The command line, `cnnc` first; absent in library use. */
  readonly command?: readonly string[];
  /** ISO 8601, UTC. */
  readonly finished: string;
  readonly seconds: number;
  readonly seed: number;
  readonly threads: number;
  readonly processor: string;
  readonly precision: string;
  readonly versions: { readonly cnnc: string; readonly node: string };
  /** What the user was told on the way, e.g. methods that were left out and why. */
  readonly notices: readonly string[];
}

export interface DataFacts {
  readonly path: string;
  /** Of the file, hexadecimal. */
  readonly sha256: string;
  readonly cells: number;
  /** In the file. */
  readonly genes: number;
  readonly scale: string;
  readonly transform: string;
}

export interface LabelFacts {
  readonly path: string;
  readonly sha256: string;
  readonly pairs: number;
  /** Pairs of each class: 2 numbers or 3. */
  readonly classCounts: readonly number[];
  readonly regulators: number;
  readonly targets: number;
  /** What was left out of the file, in sentences; empty if nothing was. */
  readonly leftOut: readonly string[];
}

/** One way to split the pairs, and what all methods reached on it. */
export interface SplitResult {
  /** Unique: the mode, or the name of the column that gave the folds. */
  readonly name: string;
  /** What pairs of different folds do not share; for given folds, what was found. */
  readonly mode: SplitMode;
  readonly given: boolean;
  readonly folds: readonly FoldResult[];
  /** The leakage in one sentence or two, for people. */
  readonly statement: string;
  readonly methods: readonly MethodResult[];
}

export interface FoldResult {
  readonly name: string;
  readonly training: number;
  readonly test: number;
  readonly testPositives: number;
  /** SHA-256 of the test pairs' genes and labels, hexadecimal: the same pairs have the same, in whatever order. */
  readonly testSha256: string;
  readonly mirrorsDropped: number;
  readonly leftOut: number;
  readonly leakage: Leakage;
}

export interface MethodResult {
  readonly name: string;
  readonly label: string;
  readonly group: MethodGroup;
  readonly learns: boolean;
  /** Of all folds together. */
  readonly seconds: number;
  /** Test rows that the method did not know. */
  readonly unscored: number;
  readonly pooled: PooledMetrics;
  readonly perRegulator: PerRegulatorMetrics;
  /** Mean over regulators of this method's AUROC less the other's, on the same folds. */
  readonly differences: readonly Difference[];
  readonly curves: { readonly roc: Curve; readonly precisionRecall: Curve };
  /** Only of probabilities. */
  readonly calibration?: Calibration;
  /** Only for causality. */
  readonly causality?: CausalityMetrics;
  /** Loss of each epoch, for each fold; only of networks. */
  readonly losses?: readonly (readonly number[])[];
}

/** All test pairs of a fold judged together; means over the folds. */
export interface PooledMetrics {
  readonly auroc: number;
  readonly auprc: number;
  /** AUPRC over the share of positives: 1 is chance. */
  readonly auprcRatio: number;
  /** BEELINE's early precision and its ratio, among the labelled test pairs. */
  readonly earlyPrecision: number;
  readonly earlyPrecisionRatio: number;
  /** The ratio when every regulator could act on every gene of the fold. */
  readonly earlyPrecisionRatioAllEdges: number;
  /** AUROC of each fold. */
  readonly aurocs: readonly number[];
}

/** Each regulator judged by its own test pairs of a fold, if it has 5 positives and 5 negatives there. */
export interface PerRegulatorMetrics {
  /** Mean over regulators and folds; the interval is that of other regulators (bootstrap of regulators). */
  readonly auroc: Interval;
  readonly auprc: Interval;
  readonly medianAuroc: number;
  /** Regulators that could be judged in at least one fold, and those that could in none. */
  readonly regulators: number;
  readonly skipped: number;
  readonly values: readonly RegulatorValue[];
}

/** A regulator in a fold. */
export interface RegulatorValue {
  readonly regulator: string;
  readonly fold: string;
  readonly positives: number;
  readonly pairs: number;
  readonly auroc: number;
  readonly auprc: number;
}

export interface Difference {
  /** Name of the other method. */
  readonly against: string;
  readonly auroc: Interval;
}

/** Points of a curve over the test pairs of all folds, scores ranked within their fold; at most 200. */
export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Pairs of about equal probability, together. */
export interface Calibration {
  readonly bins: readonly {
    readonly predicted: number;
    readonly observed: number;
    readonly pairs: number;
  }[];
  readonly brier: number;
}

export interface CausalityMetrics {
  /** One class against the rest, by its probability; NaN where the method has none. Means over the folds. */
  readonly classAurocs: readonly number[];
  /** p(a->b) - p(b->a) telling 1 from 2 among interacting pairs; NaN for symmetric methods. */
  readonly directionAuroc: number;
  /** Share of test pairs for which the swapped image has the swapped answer; NaN where it was not asked. */
  readonly swapConsistency: number;
}
