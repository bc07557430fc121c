import type { ExpressionStore } from "../expression/index.js";
import { addon } from "../native/addon.js";
import type { NativeTreeGrowth } from "../native/addon-types.js";
import { reporting, runJob } from "../native/run-job.js";
import type { ProgressListener } from "../progress.js";
import type { Table } from "./logistic.js";
import { REMEDIES } from "./pair-features.js";

/** How boosted trees are grown. */
export type TreeGrowth = NativeTreeGrowth;

export interface BoostingOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Why no trees can be grown here, and what to do, in a sentence; undefined where they can. */
export function boostingProblem(): string | undefined {
  return addon().systemInfo().xgboost === ""
    ? "cnnc was built without XGBoost; install it (libxgboost-dev on Debian) and build again with cnnc build-native."
    : undefined;
}

/**
 * Gradient boosting by XGBoost: learns the classes of the rows of one table and predicts those of another. The
 * probabilities are means over `bags` boosters with different random draws. They depend on the seed, not on the
 * number of threads. The arrays may not change until the promise settles.
 *
 * @param labels class of each row of `training`, below `classes`; at least two occur
 * @returns probabilities of the rows of `test`: of class 1 for two classes (rows x 1), else rows x classes
 * @throws CnncError `XGBOOST_MISSING`, `BAD_TABLE`, `BAD_LABELS`, `BAD_OPTIONS`, `XGBOOST_FAILED`, `OUT_OF_MEMORY`,
 *   `CANCELLED`
 */
export async function boostClasses(
  { training, labels, classes, test }: { training: Table; labels: Uint8Array; classes: number; test: Table },
  growth: TreeGrowth,
  bags: number,
  { threads, signal, onProgress }: BoostingOptions,
): Promise<Float32Array> {
  const outputs = classes === 2 ? 1 : classes;
  const out = new Float32Array((test.values.length / test.columns) * outputs);
  const total = growth.rounds * bags;
  await runJob("Gradient boosting", signal, (job) =>
    reporting(job, { phase: "Boosting", unit: "trees", total, onProgress }, () =>
      addon().boostClasses(
        float32(training),
        labels,
        classes,
        float32(test),
        training.columns,
        bags,
        growth,
        out,
        threads,
        job,
      ),
    ),
  );
  return out;
}

/**
 * How much each regulator tells about each target: the share of the target's variance over the cells that splits on
 * the regulator take away, in boosted trees that predict log10(x + 0.01) of the target from that of all regulators but
 * itself (exact with a row share of 1, about right otherwise). The idea of GENIE3 and GRNBoost2. Depends on the seed, not on the number of threads.
 *
 * @param store built with `keepValues`
 * @param regulators different genes of the store, as are `targets`; neither may change until the promise settles
 * @param growth at most `rounds` rounds
 * @param patience rounds without a better prediction of cells kept aside, after which the growing ends
 * @returns targets x regulators; 0 for a gene itself and for genes with one value in all cells
 * @throws CnncError `XGBOOST_MISSING`, `VALUES_MISSING`, `NEGATIVE_VALUE` with the gene, `TOO_FEW_CELLS`, `BAD_PAIRS`,
 *   `BAD_OPTIONS`, `XGBOOST_FAILED`, `OUT_OF_MEMORY`, `CANCELLED`
 */
export async function treeImportances(
  store: ExpressionStore,
  regulators: Uint32Array,
  targets: Uint32Array,
  growth: TreeGrowth,
  patience: number,
  { threads, signal, onProgress }: BoostingOptions,
): Promise<Float32Array> {
  const out = new Float32Array(targets.length * regulators.length);
  const total = targets.length;
  await runJob(
    "Tree ensembles",
    signal,
    (job) =>
      reporting(job, { phase: "Growing trees", unit: "genes", total, onProgress }, () =>
        addon().treeImportances(store.native, regulators, targets, growth, patience, out, threads, job),
      ),
    { geneNames: store.geneNames, remedies: REMEDIES },
  );
  return out;
}

function float32({ values }: Table): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}
