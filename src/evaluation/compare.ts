import type { Interval } from "../metrics/index.js";
import { differencesAgainst, sharedValues } from "./regulators.js";
import type { BenchmarkResults, MethodResult, SplitResult } from "./results.js";
import { count, listed } from "./words.js";

/** Two benchmarks side by side. */
export interface BenchmarkComparison {
  readonly first: BenchmarkResults;
  readonly second: BenchmarkResults;
  /** Why their numbers must not be compared, or not all of them, in sentences; empty if nothing speaks against it. */
  readonly warnings: readonly string[];
  /** What else differs, e.g. versions, in sentences. */
  readonly notes: readonly string[];
  /** Splits and methods in the order of the first run, then what only the second has. */
  readonly rows: readonly ComparisonRow[];
}

/** A method on a split, in both runs or in one. */
export interface ComparisonRow {
  readonly split: string;
  readonly method: string;
  readonly first?: MethodResult;
  readonly second?: MethodResult;
  /**
   * AUROC of the second run less that of the first, over the same regulators in the same folds; absent where one of
   * the runs lacks the method, or their folds are not the same.
   */
  readonly difference?: Interval;
}

const NOTHING_SHARED = "The runs have no split in common.";

/** Puts two runs side by side and says how far they can be compared. */
export function compareResults(first: BenchmarkResults, second: BenchmarkResults): BenchmarkComparison {
  const splits = inEither(first.splits, second.splits);
  const problems = splits.map(({ first: one, second: other }) =>
    one && other ? foldProblem(one, other, first, second) : undefined,
  );
  const isSameTruth =
    first.labels.sha256 === second.labels.sha256 &&
    first.task === second.task &&
    first.labels.pairs === second.labels.pairs;
  return {
    first,
    second,
    warnings: [
      ...truthWarnings(first, second),
      ...(splits.some(({ first: one, second: other }) => one && other) ? [] : [NOTHING_SHARED]),
      ...problems.filter((problem) => problem !== undefined),
    ],
    notes: [
      ...missingNotes("splits", splits),
      ...splits.flatMap(({ name, first: one, second: other }) =>
        one && other ? missingNotes(`methods on ${name}`, inEither(one.methods, other.methods)) : [],
      ),
      ...runNotes(first, second),
    ],
    rows: splits.flatMap(({ name, first: one, second: other }, i) =>
      inEither(one?.methods ?? [], other?.methods ?? []).map((methods) =>
        rowOf(name, methods, isSameTruth && problems[i] === undefined),
      ),
    ),
  };
}

/** Things by name, of two runs. */
interface Both<T> {
  readonly name: string;
  readonly first?: T;
  readonly second?: T;
}

function inEither<T extends { readonly name: string }>(first: readonly T[], second: readonly T[]): Both<T>[] {
  const names = new Set([...first, ...second].map(({ name }) => name));
  return [...names].map((name) => {
    const one = first.find((item) => item.name === name);
    const other = second.find((item) => item.name === name);
    return { name, ...(one && { first: one }), ...(other && { second: other }) };
  });
}

function rowOf(split: string, { name, first, second }: Both<MethodResult>, isPaired: boolean): ComparisonRow {
  const row = { split, method: name, ...(first && { first }), ...(second && { second }) };
  if (!first || !second || !isPaired || sharedValues(second, first).length === 0) return row;
  return { ...row, difference: differencesAgainst(second, [first], 0)[0].auroc };
}

function truthWarnings(first: BenchmarkResults, second: BenchmarkResults): string[] {
  const warnings: string[] = [];
  if (first.task !== second.task) {
    warnings.push(`The tasks differ: ${first.task} and ${second.task}.`);
  }
  if (first.data.sha256 !== second.data.sha256) {
    warnings.push(`The data differ: ${first.data.path} and ${second.data.path} have other contents.`);
  } else if (first.data.cells !== second.data.cells) {
    warnings.push(
      `The cells differ: ${count(first.data.cells)} and ${count(second.data.cells)} of the same file.`,
    );
  }
  if (first.labels.sha256 !== second.labels.sha256) {
    warnings.push(`The labels differ: ${first.labels.path} and ${second.labels.path} have other contents.`);
  } else if (first.labels.pairs !== second.labels.pairs) {
    warnings.push(
      `The pairs differ: ${count(first.labels.pairs)} and ${count(second.labels.pairs)} of the same labels.`,
    );
  }
  return warnings;
}

/** Why two splits of one name do not test the same pairs, if they do not. */
function foldProblem(
  one: SplitResult,
  other: SplitResult,
  first: BenchmarkResults,
  second: BenchmarkResults,
): string | undefined {
  const differ = (why: string) => `The folds of ${one.name} differ: ${why}.`;
  if (one.folds.length !== other.folds.length) {
    return differ(`there are ${one.folds.length} and ${other.folds.length}`);
  }
  if (!(one.given && other.given) && first.run.seed !== second.run.seed) {
    return differ(`they were dealt with the seeds ${first.run.seed} and ${second.run.seed}`);
  }
  const changed = one.folds.findIndex((fold, i) => JSON.stringify(fold) !== JSON.stringify(other.folds[i]));
  if (changed === -1) return undefined;
  return differ(`fold ${one.folds[changed].name} has other training or test pairs`);
}

function missingNotes(what: string, things: readonly Both<unknown>[]): string[] {
  const only = (side: "first" | "second", other: "first" | "second") => {
    const names = things.filter((thing) => thing[other] === undefined).map(({ name }) => name);
    return names.length === 0 ? [] : [`Only the ${side} run has these ${what}: ${listed(names)}.`];
  };
  return [...only("first", "second"), ...only("second", "first")];
}

function runNotes(
  { run: one, data }: BenchmarkResults,
  { run: other, data: others }: BenchmarkResults,
): string[] {
  const facts: [string, unknown, unknown][] = [
    ["scale", data.scale, others.scale],
    ["transform", data.transform, others.transform],
    ["seed", one.seed, other.seed],
    ["precision", one.precision, other.precision],
    ["version of cnnc", one.versions.cnnc, other.versions.cnnc],
    ["processor", one.processor, other.processor],
    ["number of threads", one.threads, other.threads],
  ];
  return facts
    .filter(([, mine, theirs]) => mine !== theirs)
    .map(([name, mine, theirs]) => `The ${name} differs: ${mine} and ${theirs}.`);
}
