import { CnncError } from "../errors.js";
import type { HistogramSession } from "../histograms/index.js";
import {
  drawNegatives,
  type Folds,
  givenFolds,
  type LabelledPairs,
  type LabelReport,
  type NegativeMode,
  type NegativeReport,
  type PairFile,
  type Positives,
  pairColumn,
  prepareLabels,
  preparePositives,
  type SplitMode,
  type Task,
  trainTest,
  validationSplit,
  withNegatives,
} from "../pairs/index.js";

/** How a file's pairs get their classes. */
export interface LabellingOptions {
  /** Default: what the labels look like. */
  readonly task?: Task;
  /** Leave out and count pairs about which the file contradicts itself, instead of failing. */
  readonly skipContradictions?: boolean;
  /** Draws negatives for the file's positives; any that it lists are left out then. */
  readonly negatives?: { readonly mode: NegativeMode; readonly ratio: number };
  readonly seed: number;
}

export interface PreparationOptions extends LabellingOptions {
  /** What validation pairs must not share with training pairs. */
  readonly split: SplitMode;
  /** Share of the training pairs that is set apart to validate on; 0 for none. */
  readonly validationShare: number;
  /** Column of the label file that names folds, and the fold to test on, never to learn from. */
  readonly test?: { readonly column: string; readonly fold: string };
}

/** What is learned from, and what is kept apart. Rows are positions in `pairs`. */
export interface PreparedPairs {
  readonly task: Task;
  readonly pairs: LabelledPairs;
  readonly training: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
  readonly report: PreparationReport;
}

export interface PreparationReport {
  readonly labels?: LabelReport;
  /** Of the listed interactions, where negatives are drawn for them. */
  readonly positives?: Positives["report"];
  readonly negatives?: NegativeReport;
  /** Training pairs dropped because their mirror is tested, and because it is validated. */
  readonly mirrorsDropped: { readonly test: number; readonly validation: number };
  /** Pairs in no part, because they share a gene with both; only in `both-disjoint`. */
  readonly leftOut: number;
}

/**
 * Makes the labelled pairs of a session ready for a training.
 *
 * @param session opened with the list `file`
 * @throws CnncError of prepareLabels, preparePositives, pairColumn, givenFolds and validationSplit;
 *   `FOLD_NOT_FOUND`; `BAD_USAGE` for a test fold together with drawn negatives, which are in no fold.
 */
export function preparePairs(
  session: Pick<HistogramSession, "source" | "labels" | "rows" | "report">,
  file: PairFile,
  options: PreparationOptions,
): PreparedPairs {
  const { test, split, validationShare, seed } = options;
  const { task, pairs, rows, report } = labelledPairs(session, file, options);
  const all = Uint32Array.from(pairs.a.keys());
  const tested =
    test === undefined
      ? { train: all, test: new Uint32Array(0), mirrorsDropped: 0, leftOut: 0 }
      : testSplit(pairs, file, rows, test);
  const validated =
    validationShare > 0
      ? validationSplit(pairs, tested.train, { mode: split, share: validationShare, seed })
      : { train: tested.train, validation: new Uint32Array(0), mirrorsDropped: 0, leftOut: 0 };
  return {
    task,
    pairs,
    training: validated.train,
    validation: validated.validation,
    test: tested.test,
    report: {
      ...report,
      mirrorsDropped: { test: tested.mirrorsDropped, validation: validated.mirrorsDropped },
      leftOut: tested.leftOut + validated.leftOut,
    },
  };
}

/** A file's pairs with their classes. */
export interface Labelled {
  readonly task: Task;
  readonly pairs: LabelledPairs;
  /** Row of the file of each pair; none for drawn negatives. */
  readonly rows?: Uint32Array;
  readonly report: Pick<PreparationReport, "labels" | "positives" | "negatives">;
}

/**
 * @param session opened with the list `file`
 * @throws CnncError of prepareLabels, preparePositives and drawNegatives
 */
export function labelledPairs(
  session: Pick<HistogramSession, "source" | "labels" | "rows" | "report">,
  file: PairFile,
  { task: asked, skipContradictions = false, negatives, seed }: LabellingOptions,
): Labelled {
  const labelOptions = { ...(asked && { task: asked }), skipContradictions };
  if (negatives === undefined) {
    const { task, pairs, report } = prepareLabels(session, file, labelOptions);
    return { task, pairs, rows: pairs.rows, report: { labels: report } };
  }
  const task = asked ?? "interaction";
  const positives = preparePositives(session, file, labelOptions);
  const drawn = drawNegatives(positives, {
    ...negatives,
    seed,
    targets: new Uint32Array(new Set(positives.b)),
    undirected: task === "causality",
  });
  return {
    task,
    pairs: withNegatives(positives, drawn),
    report: { positives: positives.report, negatives: drawn.report },
  };
}

/**
 * The folds that a column of the file names.
 *
 * @param rows row of the file of each pair
 * @throws CnncError of pairColumn and givenFolds; `BAD_USAGE` without rows
 */
export function foldsOfColumn(
  pairs: LabelledPairs,
  file: PairFile,
  rows: Uint32Array | undefined,
  column: string,
): Folds {
  if (rows === undefined) {
    throw new CnncError(
      "BAD_USAGE",
      "Negatives that are drawn are in no fold.",
      "Leave out --negatives, or the column of folds.",
    );
  }
  return givenFolds(
    pairs,
    pairColumn(file, column, rows),
    (row) => `${file.path}, line ${file.lines[rows[row]]}`,
  );
}

function testSplit(
  pairs: LabelledPairs,
  file: PairFile,
  rows: Uint32Array | undefined,
  { column, fold }: { column: string; fold: string },
) {
  const folds = foldsOfColumn(pairs, file, rows, column);
  const number = folds.names.indexOf(fold);
  if (number === -1) {
    throw new CnncError(
      "FOLD_NOT_FOUND",
      `${file.path}, column ${column} has no fold ${fold}; it has ${folds.names.join(", ")}.`,
      `Name one of these with --test-fold.`,
    );
  }
  return trainTest(pairs, folds, number);
}
