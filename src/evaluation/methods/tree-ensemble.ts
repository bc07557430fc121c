import { availableBytes } from "../../available-memory.js";
import type { LabelledPairs, Task } from "../../pairs/index.js";
import { treeImportances } from "../boosting.js";
import type { FoldScores, FoldTask, Method, MethodOptions } from "../method.js";
import type { SummaryContext } from "./summary-table.js";

/**
 * As GRNBoost2 does, but for the rounds: it allows 5,000 and stops after about 50, by its out-of-bag error. Beyond that
 * trees tell less of the true regulators (seen on hhep and on simulated data), and take longer.
 */
const GROWTH = { rounds: 50, depth: 3, rate: 0.01, rowShare: 0.9, columnShare: 0.1, minChildWeight: 1 };
/** Rounds that may pass without a better prediction; GRNBoost2's number, too. */
const PATIENCE = 25;

/** Of each regulator, cell and thread; see tree_importances. */
const BYTES_PER_VALUE = 20;

/** Why the regulators' expression does not fit into memory, and what to do; undefined where it does. */
export function treesProblem(
  task: Task,
  pairs: LabelledPairs,
  { store, threads }: SummaryContext,
  available = availableBytes(),
): string | undefined {
  const regulators = genesOf(task, pairs).regulators.length;
  const needed = BYTES_PER_VALUE * regulators * store.cells * threads;
  if (needed <= available) return undefined;
  return (
    `${regulators} regulators in ${store.cells} cells take ${megabytes(needed)} MB with --threads ${threads}, of which ` +
    `${megabytes(available)} are to be had; choose fewer threads or cells.`
  );
}

const megabytes = (bytes: number) => Math.ceil(Math.max(bytes, 0) / 1e6);

/**
 * Boosted trees that predict each target from all regulators over the cells; the score of a pair is how much the
 * regulator tells about the target. This is the idea of GENIE3 and GRNBoost2. It learns nothing from labels: trees
 * are grown once, for all folds. Cannot be had where boostingProblem says why.
 *
 * Regulators are the first genes of the pairs; for causality, where the labels say which gene acts, all their genes.
 * Interaction is then the better of the two directions, direction their difference.
 *
 * @throws (score) CnncError of treeImportances
 */
export function createTreeEnsemble({ store, threads }: SummaryContext): Method {
  let kept: { readonly pairs: LabelledPairs; readonly importance: Importance } | undefined;

  const grow = async ({ task, pairs, seed }: FoldTask, options: MethodOptions): Promise<Importance> => {
    const { regulators, targets } = genesOf(task, pairs);
    const { signal, onProgress } = options;
    const values = await treeImportances(store, regulators, targets, { ...GROWTH, seed }, PATIENCE, {
      threads,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    const columns = new Map(Array.from(regulators, (gene, column) => [gene, column]));
    const rows = new Map(Array.from(targets, (gene, row) => [gene, row * regulators.length]));
    return (regulator, target) => values[(rows.get(target) as number) + (columns.get(regulator) as number)];
  };

  return {
    name: "trees",
    label: "tree ensemble per target (as GRNBoost2)",
    group: "association",
    learns: false,
    async score(fold, options) {
      if (kept?.pairs !== fold.pairs) kept = { pairs: fold.pairs, importance: await grow(fold, options) };
      return scoresOf(fold, kept.importance);
    },
  };
}

/** What a regulator tells about a target. */
type Importance = (regulator: number, target: number) => number;

function genesOf(task: Task, { a, b }: LabelledPairs): { regulators: Uint32Array; targets: Uint32Array } {
  const distinct = (...columns: Uint32Array[]) =>
    Uint32Array.from(new Set(columns.flatMap((column) => [...column]))).sort();
  if (task === "interaction") return { regulators: distinct(a), targets: distinct(b) };
  const all = distinct(a, b);
  return { regulators: all, targets: all };
}

function scoresOf({ task, pairs, test }: FoldTask, importance: Importance): FoldScores {
  const forth = Float64Array.from(test, (row) => importance(pairs.a[row], pairs.b[row]));
  if (task === "interaction") return { interaction: forth };
  const back = Float64Array.from(test, (row) => importance(pairs.b[row], pairs.a[row]));
  return {
    interaction: forth.map((one, i) => Math.max(one, back[i])),
    direction: forth.map((one, i) => one - back[i]),
  };
}
