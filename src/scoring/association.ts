import type { ExpressionStore } from "../expression/index.js";
import { addon } from "../native/addon.js";
import type { AssociationMeasure } from "../native/addon-types.js";
import { runJob } from "../native/run-job.js";
import type { PairSource } from "../pairs/index.js";
import type { ProgressListener } from "../progress.js";
import { oneAhead } from "./one-ahead.js";
import type { ScoredBatch } from "./ranking.js";
import { inSlabs, pairsTogether } from "./slabs.js";

export const ASSOCIATION_MEASURES = ["pearson", "spearman", "mutual-information"] as const;

export interface AssociationOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
}

export interface AssociationBatchOptions extends AssociationOptions {
  /** Pairs per batch. Default 65,536. */
  readonly batchSize?: number;
  /** Whether there is a column of Spearman's correlation beside the measure. Default true. */
  readonly spearman?: boolean;
  /** Pairs whose correlations are computed together. Default: what suits the store. */
  readonly slab?: number;
  readonly onProgress?: ProgressListener;
}

/**
 * One association measure of gene pairs of the store, in float32, the same for (a, b) and (b, a):
 *
 * - `pearson`: correlation of log10(x + 0.01), x the linear expression;
 * - `spearman`: correlation of the ranks of x, ties sharing their average rank;
 * - `mutual-information`: of the 32 x 32 counts, in nats. It is the plug-in estimate, which is too large by about
 *   (occupied bins of the image - those of a - those of b + 1) / (2 cells), so not 0 for independent genes.
 *
 * Zeros are values like any other. A gene with one value in all cells has no correlation; it counts as 0.
 *
 * @param store built with `keepValues` for pearson and spearman
 * @param a genes of the store, one per pair; neither `a` nor `b` may change until the promise settles
 * @throws CnncError `VALUES_MISSING`, `NEGATIVE_VALUE` (pearson), `OUT_OF_MEMORY`, `CANCELLED`
 */
export async function associationScores(
  store: ExpressionStore,
  measure: AssociationMeasure,
  a: Uint32Array,
  b: Uint32Array,
  { threads, signal }: AssociationOptions,
): Promise<Float32Array> {
  const scores = new Float32Array(a.length);
  await runJob(
    `Association (${measure})`,
    signal,
    (job) => addon().associations(store.native, measure, a, b, scores, threads, job),
    { geneNames: store.geneNames, remedies: REMEDIES },
  );
  return scores;
}

/** Names of the score columns that {@link associationBatches} yields; the first is what to rank by. */
export function associationColumns(measure: AssociationMeasure): string[] {
  switch (measure) {
    case "pearson":
      return ["abs_pearson", "pearson", "spearman"];
    case "spearman":
      return ["abs_spearman", "spearman"];
    case "mutual-information":
      return ["mutual_information", "spearman"];
  }
}

/**
 * Scores of all pairs of a source, in its order, batch by batch; every batch owns its arrays. The columns are
 * those of {@link associationColumns}: the absolute value for correlations, because a strong negative one is as
 * good a sign of an interaction, then the signed ones. The next batch is worked out while the consumer has one.
 *
 * @param store built with `keepValues`
 * @param source pairs of genes of the store
 * @throws CnncError of {@link associationScores}
 */
export async function* associationBatches(
  store: ExpressionStore,
  source: PairSource,
  measure: AssociationMeasure,
  options: AssociationBatchOptions,
): AsyncGenerator<ScoredBatch, void, void> {
  const phase = `Computing ${measure.replace("-", " ")}`;
  const { batchSize = 1 << 16, threads, onProgress } = options;
  let done = 0;
  const scorerOf = (one: AssociationMeasure) => {
    // Mutual information shares no more work the more pairs there are.
    const slab = one === "mutual-information" ? 1 : (options.slab ?? pairsTogether(store));
    return inSlabs(source, slab, (a, b, signal) => associationScores(store, one, a, b, { threads, signal }));
  };
  const score = scorerOf(measure);
  const beside = options.spearman === false || measure === "spearman" ? undefined : scorerOf("spearman");
  const batches = oneAhead(
    source.batches(batchSize),
    async (batch, signal) => {
      const scores = await score(batch, signal);
      const spearman = beside && (await beside(batch, signal));
      const { a, b } = batch;
      return { a, b, scores: scoreColumns(measure, scores, spearman) };
    },
    options.signal,
  );
  for await (const batch of batches) {
    done += batch.a.length;
    onProgress?.({ phase, done, total: source.count, unit: "pairs" });
    yield batch;
  }
}

const scoreColumns = (
  measure: AssociationMeasure,
  scores: Float32Array,
  spearman: Float32Array | undefined,
): Float32Array[] => [
  ...(measure === "mutual-information" ? [scores] : [scores.map(Math.abs), scores]),
  ...(spearman ? [spearman] : []),
];

const REMEDIES: Record<string, string> = {
  NEGATIVE_VALUE: "Use spearman or mutual-information, which need no logarithm.",
  VALUES_MISSING: "Build the store with keepValues.",
  OUT_OF_MEMORY: "Choose fewer genes or cells, or use a machine with more memory.",
};
