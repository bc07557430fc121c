import { CnncError } from "../errors.js";
import type { PairFile } from "./pair-file.js";
import { pairMap } from "./pair-map.js";
import type { ResolvedPairs } from "./resolve.js";

/**
 * What a network learns: `interaction`, whether a acts on b (classes 0 no, 1 yes), or `causality`, in which
 * direction (classes 0 none, 1 a acts on b, 2 b acts on a).
 */
export type Task = "interaction" | "causality";

export const TASKS: readonly Task[] = ["interaction", "causality"];

/** How many classes the labels of a task have. */
export const CLASSES: Readonly<Record<Task, number>> = { interaction: 2, causality: 3 };

/** The class of (b, a), given that of (a, b), in the task `causality`. */
export const SWAPPED_CLASS: readonly number[] = [0, 2, 1];

/** With fewer labelled pairs than this there is nothing to learn or to measure. */
export const MIN_LABELS = 20;

/** Pairs in gene columns with a class each; all arrays are equally long. */
export interface LabelledPairs {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  readonly labels: Uint8Array;
}

/** Labelled pairs of a file. */
export interface ListedPairs extends LabelledPairs {
  /** Row of {@link PairFile} where each pair stands, first if it stands there several times. */
  readonly rows: Uint32Array;
}

/** What became of the labels of a file. */
export interface LabelReport {
  /** Pairs left in each class: 2 numbers or 3. */
  readonly classCounts: number[];
  /** Rows left out because they repeat a pair with its label. */
  readonly duplicatesMerged: number;
  /** Rows (a, b, 2) that were read as (b, a, 1), because the task is `interaction`. */
  readonly reversed: number;
  /** Pairs left out because the file contradicts itself about them; (a, b) and (b, a) count as two. */
  readonly contradictionsLeftOut: number;
}

export interface LabelOptions {
  /** Default: what the labels suggest, see {@link chooseTask}. */
  readonly task?: Task;
  /** Leave out and count pairs about which the file contradicts itself, instead of failing. Default false. */
  readonly skipContradictions?: boolean;
}

/**
 * The task that labels are for: the one asked for, or else `causality` if any label is 2, or else
 * `interaction`. Labels 0 and 1 alone serve `causality` too, if the mirror of each pair is learned with it.
 *
 * @param place names the pair at a position for the error message, e.g. `pairs.tsv, line 3 (GATA1 TAL1)`
 * @throws CnncError `LABEL_INVALID` for a label other than 0, 1 and 2.
 */
export function chooseTask(
  labels: ArrayLike<number>,
  asked?: Task,
  place = (position: number) => `pair ${position + 1}`,
): Task {
  let suggested: Task = "interaction";
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i];
    if (label === 2) suggested = "causality";
    else if (label !== 0 && label !== 1) {
      throw new CnncError(
        "LABEL_INVALID",
        `${place(i)}: the label ${label} is none of 0, 1 and 2.`,
        "Labels are 0 (no interaction), 1 (the first gene acts on the second) or 2 (the second on the first).",
      );
    }
  }
  return asked ?? suggested;
}

/**
 * Makes a file's labelled pairs ready to learn from. Rows that repeat a pair with its label are merged. For
 * the task `interaction` a row (a, b, 2) is read as (b, a, 1): in CNNC's triples (a, b, 1), (b, a, 2), (a, c,
 * 0) that leaves each edge once.
 *
 * A pair with two labels is a contradiction. In `causality` so is a pair whose mirror has another label than
 * 0 for 0, 2 for 1 and 1 for 2: two genes that act on each other have no class there.
 *
 * @param resolved what resolvePairList made of `file`
 * @throws CnncError `LABELS_MISSING`, `LABEL_INVALID`, `LABELS_CONTRADICT` (unless `skipContradictions`),
 *   `TOO_FEW_LABELS`, `LABELS_ONE_CLASS`.
 */
export function prepareLabels(
  resolved: ResolvedPairs,
  file: PairFile,
  { task: asked, skipContradictions = false }: LabelOptions = {},
): { task: Task; pairs: ListedPairs; report: LabelReport } {
  const listed = listedPairs(resolved);
  if (resolved.labels === undefined) {
    throw new CnncError(
      "LABELS_MISSING",
      `${file.path} has no labels.`,
      "Give it a column label with 0 and 1, or have negatives drawn for its pairs with --negatives.",
    );
  }
  const task = chooseTask(resolved.labels, asked, (i) => placeOf(listed.rows[i], file));
  const labels = Uint8Array.from(resolved.labels);
  const reversed = task === "interaction" ? turnReversed(listed, labels) : 0;
  const { pairs, ...merged } = mergeRows({ ...listed, labels }, task, skipContradictions, file);
  const classCounts = countClasses(pairs.labels, CLASSES[task]);
  requireEnough(classCounts, file.path);
  return { task, pairs, report: { classCounts, reversed, ...merged } };
}

/** Known interactions alone, without labelled negatives. */
export interface Positives {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  /** Row of {@link PairFile} where each pair stands first. */
  readonly rows: Uint32Array;
  readonly report: {
    readonly duplicatesMerged: number;
    readonly selfPairsDropped: number;
    /** Rows (a, b, 2) that were read as (b, a, 1). */
    readonly reversed: number;
    /** Rows left out because their label is 0. */
    readonly negativesLeftOut: number;
    /** Pairs left out because their mirror is listed too; only in the task `causality`. */
    readonly contradictionsLeftOut: number;
  };
}

/**
 * The interactions that a file lists, to draw negatives for: all its pairs if it has no labels, else those of
 * label 1, and of label 2 turned round. Repeated pairs are merged and pairs of a gene with itself dropped.
 * For the task `causality` two genes that act on each other are a contradiction; its negatives should be
 * drawn as for an undirected network.
 *
 * @param options `task` is `interaction` by default
 * @throws CnncError `LABEL_INVALID`; `LABELS_CONTRADICT` (unless `skipContradictions`); `TOO_FEW_LABELS` for
 *   fewer than 10 interactions.
 */
export function preparePositives(
  resolved: ResolvedPairs,
  file: PairFile,
  { task = "interaction", skipContradictions = false }: LabelOptions = {},
): Positives {
  const { a, b, rows } = listedPairs(resolved);
  const labels = Uint8Array.from(resolved.labels ?? new Uint8Array(a.length).fill(1));
  chooseTask(resolved.labels ?? labels, task, (i) => placeOf(rows[i], file));
  const reversed = turnReversed({ a, b }, labels);

  const isSelf = (i: number) => a[i] === b[i];
  const positives = Uint32Array.from(a.keys()).filter((i) => labels[i] !== 0);
  const kept = positives.filter((i) => !isSelf(i));
  const { pairs, ...merged } = mergeRows(
    selectPairs({ a, b, labels, rows }, kept),
    task,
    skipContradictions,
    file,
  );
  if (pairs.a.length < MIN_LABELS / 2) {
    throw tooFewError(`${pairs.a.length} interactions`, file.path, MIN_LABELS / 2);
  }
  return {
    a: pairs.a,
    b: pairs.b,
    rows: pairs.rows,
    report: {
      ...merged,
      selfPairsDropped: resolved.report.selfPairsDropped + positives.length - kept.length,
      reversed,
      negativesLeftOut: a.length - positives.length,
    },
  };
}

/**
 * Weight of each class in a loss: inverse to its frequency, such that the mean weight of all samples is 1 and
 * every class that occurs weighs the same in sum. A class that does not occur has weight 0.
 *
 * @param labels classes 0 to `classes` - 1
 */
export function classWeights(labels: Uint8Array, classes: number): Float64Array {
  const counts = countClasses(labels, classes);
  const occurring = counts.filter((count) => count > 0).length;
  return Float64Array.from(counts, (count) => (count > 0 ? labels.length / (occurring * count) : 0));
}

/** Pairs of each class. */
export function countClasses(labels: Uint8Array, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (const label of labels) counts[label]++;
  return counts;
}

/** All pairs in memory, in arrays that the caller may change. */
function listedPairs({ source, rows }: ResolvedPairs): { a: Uint32Array; b: Uint32Array; rows: Uint32Array } {
  if (rows === undefined) throw new TypeError("labels belong to the pairs of a file");
  const [{ a, b }] = source.batches(source.count);
  return { a, b, rows };
}

/** Makes (b, a, 1) of each (a, b, 2) and says how many there were. */
function turnReversed({ a, b }: { a: Uint32Array; b: Uint32Array }, labels: Uint8Array): number {
  let reversed = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] !== 2) continue;
    const regulator = b[i];
    b[i] = a[i];
    a[i] = regulator;
    labels[i] = 1;
    reversed++;
  }
  return reversed;
}

function selectPairs({ a, b, labels, rows }: ListedPairs, kept: Uint32Array): ListedPairs {
  return {
    a: kept.map((i) => a[i]),
    b: kept.map((i) => b[i]),
    labels: Uint8Array.from(kept, (i) => labels[i]),
    rows: kept.map((i) => rows[i]),
  };
}

/** Each pair once, without those that contradict themselves. */
function mergeRows(
  listed: ListedPairs,
  task: Task,
  skipContradictions: boolean,
  file: PairFile,
): { pairs: ListedPairs; duplicatesMerged: number; contradictionsLeftOut: number } {
  const { first, duplicatesMerged, contradictory, example } = findContradictions(
    listed,
    task === "causality",
  );
  const kept = first.filter((i) => contradictory[i] === 0);
  const contradictionsLeftOut = first.length - kept.length;
  if (example !== undefined && !skipContradictions) {
    throw contradictionError(example, contradictionsLeftOut, listed.rows, file);
  }
  return { pairs: selectPairs(listed, kept), duplicatesMerged, contradictionsLeftOut };
}

/** Positions of two rows that cannot both be true. */
type Contradiction = readonly [number, number];

function findContradictions(
  { a, b, labels }: LabelledPairs,
  withMirrors: boolean,
): {
  /** Where each different pair stands first. */
  first: Uint32Array;
  duplicatesMerged: number;
  /** 1 for each position of `first` whose pair has a contradiction. */
  contradictory: Uint8Array;
  example: Contradiction | undefined;
} {
  const pairs = pairMap(a.length);
  const first = new Uint32Array(a.length);
  const contradictory = new Uint8Array(a.length);
  let different = 0;
  let duplicatesMerged = 0;
  let example: Contradiction | undefined;
  for (let i = 0; i < a.length; i++) {
    const earlier = pairs.put(a[i], b[i], i);
    if (earlier === -1) first[different++] = i;
    else if (labels[earlier] === labels[i]) duplicatesMerged++;
    else {
      contradictory[earlier] = 1;
      example ??= [earlier, i];
    }
  }
  for (let f = 0; withMirrors && f < different; f++) {
    const i = first[f];
    const mirror = pairs.find(b[i], a[i]);
    if (mirror === -1) continue;
    const agree = labels[mirror] === SWAPPED_CLASS[labels[i]] && !contradictory[i] && !contradictory[mirror];
    if (agree) continue;
    contradictory[i] = 1;
    example ??= [i, mirror];
  }
  return { first: first.slice(0, different), duplicatesMerged, contradictory, example };
}

function contradictionError(
  [one, other]: Contradiction,
  pairs: number,
  rows: Uint32Array,
  file: PairFile,
): CnncError {
  const statement = (row: number) => {
    const label = file.labels === undefined ? "is listed" : `has the label ${file.labels[row]}`;
    return `${nameOf(row, file)} ${label} on line ${file.lines[row]}`;
  };
  return new CnncError(
    "LABELS_CONTRADICT",
    `${file.path} contradicts itself about ${pairs} ${pairs === 1 ? "pair" : "pairs"}: ` +
      `${statement(rows[one])}, but ${statement(rows[other])}.`,
    "Correct the labels (in the task causality, that of a pair's mirror is 2 for 1, 1 for 2 and 0 for 0), or " +
      "leave such pairs out with --skip-contradictions.",
  );
}

const nameOf = (row: number, file: PairFile) => `${file.a[row]} ${file.b[row]}`;

const placeOf = (row: number, file: PairFile) =>
  `${file.path}, line ${file.lines[row]} (${nameOf(row, file)})`;

function requireEnough(classCounts: readonly number[], path: string): void {
  const pairs = classCounts.reduce((sum, count) => sum + count, 0);
  if (pairs < MIN_LABELS) throw tooFewError(`${pairs} labelled pairs`, path, MIN_LABELS);
  const only = classCounts.indexOf(pairs);
  if (only === -1) return;
  throw new CnncError(
    "LABELS_ONE_CLASS",
    `All ${pairs} labelled pairs of ${path} have the label ${only}.`,
    only === 0
      ? "Give pairs that interact too (label 1)."
      : "Give pairs that do not interact too (label 0), or have them drawn with --negatives.",
  );
}

function tooFewError(what: string, path: string, needed: number): CnncError {
  return new CnncError(
    "TOO_FEW_LABELS",
    `Only ${what} of ${path} are left; at least ${needed} are needed.`,
    "Give a longer list, and check that its gene names are those of the data.",
  );
}
