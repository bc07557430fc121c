import { createHash } from "node:crypto";
import { CnncError } from "../errors.js";
import {
  assignFolds,
  type Folds,
  type LabelledPairs,
  leakage,
  type PairFile,
  type Split,
  type SplitMode,
  type Task,
  trainTest,
} from "../pairs/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import { foldsOfColumn } from "../training/index.js";
import type { FoldAnswer, FoldStore } from "./fold-store.js";
import type { FoldTask, Method } from "./method.js";
import { requireScores } from "./require-scores.js";
import type { FoldResult } from "./results.js";

/** How to divide the pairs: by a rule, or as a column of the label file says. */
export type SplitRequest = { readonly mode: SplitMode; readonly folds: number } | { readonly column: string };

/** Pairs in folds. */
export interface PlannedSplit {
  readonly name: string;
  readonly given: boolean;
  readonly folds: Folds;
  readonly parts: readonly Split[];
}

/** What all methods said in all folds of a split. */
export interface SplitAnswers extends PlannedSplit {
  /** For each fold, in the order of the methods. */
  readonly answers: readonly (readonly FoldAnswer[])[];
}

export interface BenchmarkOptions {
  readonly task: Task;
  readonly pairs: LabelledPairs;
  /** Name of each gene column, for messages. */
  readonly geneNames: readonly string[];
  readonly methods: readonly Method[];
  /** Names of those that are left out, with a notice, if they fail on these data; others end the run. */
  readonly dispensable?: ReadonlySet<string>;
  readonly seed: number;
  readonly store: FoldStore;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  readonly onNotice?: (line: string) => void;
  /** Is told of every fold and method that is done. */
  readonly onAnswer?: (done: AnswerDone) => void;
}

export interface AnswerDone {
  readonly split: string;
  readonly fold: string;
  readonly method: string;
  readonly seconds: number;
  /** Whether an earlier run had done it. */
  readonly kept: boolean;
  /** Answers so far, and in all. */
  readonly done: number;
  readonly total: number;
}

/**
 * Deals the pairs into folds, or takes those of the label file, for every split.
 *
 * @param rows row of the file of each pair, see Labelled
 * @throws CnncError of assignFolds and foldsOfColumn; `FOLD_ONE_CLASS` if what is learned for a fold has one class
 */
export function planSplits(
  pairs: LabelledPairs,
  { file, rows }: { readonly file: PairFile; readonly rows?: Uint32Array },
  requests: readonly SplitRequest[],
  seed: number,
): PlannedSplit[] {
  return requests.map((request) => {
    const folds =
      "column" in request
        ? foldsOfColumn(pairs, file, rows, request.column)
        : assignFolds(pairs, { ...request, seed });
    const name = "column" in request ? request.column : request.mode;
    const parts = folds.names.map((_, fold) => trainTest(pairs, folds, fold));
    parts.forEach(({ train }, fold) => {
      requireTwoClasses(pairs, train, `${name}, fold ${folds.names[fold]}`);
    });
    return { name, given: "column" in request, folds, parts };
  });
}

function requireTwoClasses({ labels }: LabelledPairs, training: Uint32Array, place: string): void {
  const positives = training.reduce((count, row) => count + (labels[row] === 0 ? 0 : 1), 0);
  if (positives > 0 && positives < training.length) return;
  throw new CnncError(
    "FOLD_ONE_CLASS",
    `${place}: the ${training.length} pairs that are left to learn from are ${positives === 0 ? "all without interaction" : "all interactions"}.`,
    "Ask for other folds, or give more pairs.",
  );
}

/**
 * Asks every method about the test pairs of every fold. What is done already is taken from the store, and what was told
 * then is told again.
 *
 * @returns the answers, and the methods that gave them: all but dispensable ones that failed
 * @throws CnncError of the methods and the store; `SCORE_NOT_A_NUMBER`, `CANCELLED`
 */
export async function runBenchmark(
  splits: readonly PlannedSplit[],
  options: BenchmarkOptions,
): Promise<{ splits: SplitAnswers[]; methods: readonly Method[] }> {
  const { onAnswer, onNotice } = options;
  const folds = splits.reduce((sum, { parts }) => sum + parts.length, 0);
  let methods = options.methods;
  let done = 0;
  const bySplit: Map<string, FoldAnswer>[][] = [];
  for (const split of splits) {
    const answers: Map<string, FoldAnswer>[] = [];
    bySplit.push(answers);
    // Fold by fold, so that all methods have been timed when the first fold is done.
    for (const [fold, part] of split.parts.entries()) {
      const place = { split: split.name, fold: split.folds.names[fold] };
      const ofFold = new Map<string, FoldAnswer>();
      answers.push(ofFold);
      for (const method of methods) {
        throwIfAborted(options.signal);
        const { name } = method;
        try {
          const { answer, kept } = await ask(method, part, place, options);
          ofFold.set(name, answer);
          done++;
          onAnswer?.({
            ...place,
            method: name,
            seconds: answer.seconds,
            kept,
            done,
            total: folds * methods.length,
          });
        } catch (error) {
          if (!options.dispensable?.has(name) || !isOfMethod(error)) throw error;
          onNotice?.(`Left out ${name}: ${error.message}`);
          methods = methods.filter((other) => other !== method);
        }
      }
    }
  }
  const answersOf = (ofFold: Map<string, FoldAnswer>) =>
    methods.map(({ name }) => ofFold.get(name) as FoldAnswer);
  return { splits: splits.map((split, s) => ({ ...split, answers: bySplit[s].map(answersOf) })), methods };
}

/** Whether a failure says something of a method on these data, not of the run. */
function isOfMethod(error: unknown): error is CnncError {
  return error instanceof CnncError && !["CANCELLED", "DISK_FULL", "WRITE_FAILED"].includes(error.code);
}

async function ask(
  method: Method,
  { train: training, test }: Split,
  { split, fold }: { split: string; fold: string },
  { task, pairs, geneNames, seed, store, signal, onProgress, onNotice }: BenchmarkOptions,
): Promise<{ answer: FoldAnswer; kept: boolean }> {
  const place = [split, method.name, fold] as const;
  // What is in a file may have changed, and costs little to ask again.
  const isKept = method.group !== "external";
  const known = isKept ? await store.read(...place) : undefined;
  if (known?.scores.interaction.length === test.length) {
    for (const line of known.notices ?? []) onNotice?.(line);
    return { answer: known, kept: true };
  }
  const notices: string[] = [];
  const started = performance.now();
  const folds: FoldTask = { task, pairs, training, test, seed };
  const scores = await method.score(folds, {
    folder: await store.folderOf(...place),
    ...(signal && { signal }),
    onNotice: (line) => {
      notices.push(line);
      onNotice?.(line);
    },
    ...(onProgress && {
      onProgress: (progress) =>
        onProgress({ ...progress, phase: `${split}, fold ${fold}, ${method.name}: ${progress.phase}` }),
    }),
  });
  requireScores(method.name, { name: fold, test, scores }, pairs, geneNames);
  const answer = {
    scores,
    seconds: (performance.now() - started) / 1000,
    ...(notices.length > 0 && { notices }),
  };
  if (isKept) await store.write(...place, answer);
  return { answer, kept: false };
}

/** What was learned from and tested on in each fold, and what they share. */
export function foldResults(
  { pairs, geneNames }: { readonly pairs: LabelledPairs; readonly geneNames: readonly string[] },
  { folds, parts }: Pick<PlannedSplit, "folds" | "parts">,
): FoldResult[] {
  return parts.map(({ train, test, mirrorsDropped, leftOut }, fold) => ({
    name: folds.names[fold],
    training: train.length,
    test: test.length,
    testPositives: test.reduce((count, row) => count + (pairs.labels[row] === 0 ? 0 : 1), 0),
    testSha256: digestPairs(pairs, test, geneNames),
    mirrorsDropped,
    leftOut,
    leakage: leakage(pairs, train, test),
  }));
}

function digestPairs(
  { a, b, labels }: LabelledPairs,
  rows: Uint32Array,
  geneNames: readonly string[],
): string {
  const lines = Array.from(rows, (row) => `${geneNames[a[row]]}\t${geneNames[b[row]]}\t${labels[row]}\n`);
  return createHash("sha256").update(lines.sort().join("")).digest("hex");
}
