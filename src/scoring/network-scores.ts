import type { ExpressionStore } from "../expression/index.js";
import type { HistogramFile } from "../histograms/index.js";
import { CLASS_NAMES, type ModelInfo } from "../model/index.js";
import type { PairRange, PairSource, Task } from "../pairs/index.js";
import type { ProgressListener } from "../progress.js";
import { associationScores } from "./association.js";
import type { ScoreColumn } from "./formats.js";
import { oneAhead } from "./one-ahead.js";
import type { ScoredBatch } from "./ranking.js";
import type { Scorer } from "./scorer.js";
import { inSlabs, pairsTogether } from "./slabs.js";

/** What is told of each pair. */
export interface ScoreSettings {
  readonly task: Task;
  /**
   * The pairs have no order: probabilities are the means over both orders, so that it does not matter which gene comes
   * first. Default false.
   */
  readonly unordered?: boolean;
  /** Mark pairs whose p_interaction is at least this. */
  readonly threshold?: number;
}

export interface NetworkBatchOptions extends ScoreSettings {
  /** Whether there is a column of Spearman's correlation. Default: if the store has values. */
  readonly spearman?: boolean;
  /** Pairs whose correlations are computed together, ahead of their other scores. Default: what suits the store. */
  readonly slab?: number;
  readonly threads: number;
  /** Pairs per batch. Default: what the scorer likes. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** The settings that a model's own description gives. */
export const settingsOfModel = ({ task, threshold }: ModelInfo): ScoreSettings => ({
  task,
  ...(threshold && { threshold: threshold.score }),
});

/**
 * The score columns that {@link networkBatches} and {@link countBatches} yield:
 *
 * - `p_interaction`: probability that the genes interact; of causality models in either direction, so 1 - p(none)
 * - causality only: `p_a_to_b` and `p_b_to_a`; `direction`, the likeliest of `none`, `a->b` and `b->a`; `swap_agrees`,
 *   whether the swapped image by itself says the same as the image by itself
 * - `spearman`, for the sign, with expression at hand
 * - `above_threshold`, with a threshold
 */
export function networkColumns(
  { task, threshold }: ScoreSettings,
  { spearman }: { readonly spearman: boolean },
): ScoreColumn[] {
  return [
    { name: "p_interaction" },
    ...(task === "causality" ? CAUSALITY_COLUMNS : []),
    ...(spearman ? [{ name: "spearman" }] : []),
    ...(threshold === undefined ? [] : [{ name: "above_threshold", kind: "flag" as const }]),
  ];
}

const CAUSALITY_COLUMNS: readonly ScoreColumn[] = [
  { name: "p_a_to_b" },
  { name: "p_b_to_a" },
  { name: "direction", kind: "label", labels: CLASS_NAMES.causality },
  { name: "swap_agrees", kind: "flag" },
];

/**
 * Scores of all pairs of a source, in its order, batch by batch, in the columns of {@link networkColumns}; every batch
 * owns its arrays. The next batch is worked out while the consumer has one.
 *
 * @param source pairs of genes of the store
 * @throws CnncError of the scorer and of associationScores
 */
export function networkBatches(
  scorer: Scorer,
  store: ExpressionStore,
  source: PairSource,
  options: NetworkBatchOptions,
): AsyncGenerator<ScoredBatch, void, void> {
  const { batchSize = scorer.batchSize, threads, spearman = store.hasValues } = options;
  const correlations = inSlabs(source, options.slab ?? pairsTogether(store), (a, b, signal) =>
    associationScores(store, "spearman", a, b, { threads, signal }),
  );
  const batches = oneAhead(
    source.batches(batchSize),
    async (batch, signal) => {
      const { a, b } = batch;
      const probabilities = await scorer.score(store, a, b, needsBoth(options), signal);
      const correlation = spearman ? await correlations(batch, signal) : undefined;
      return { a, b, scores: scoreColumns(probabilities, options, correlation) };
    },
    options.signal,
  );
  return reported(batches, source.count, options.onProgress);
}

/**
 * The same of all histograms in a file, or those of a range, in the columns of {@link networkColumns} without Spearman's correlation.
 *
 * @throws CnncError of the scorer and of the file's batches
 */
export function countBatches(
  scorer: Scorer,
  file: HistogramFile,
  options: Omit<NetworkBatchOptions, "threads" | "spearman" | "slab"> & { readonly range?: PairRange },
): AsyncGenerator<ScoredBatch, void, void> {
  const { batchSize = scorer.batchSize, range = { from: 0, to: file.count }, signal } = options;
  const batches = oneAhead(
    file.batches({ batchSize, range, ...(signal && { signal }) }),
    async ({ a, b, counts }, stop) => {
      const probabilities = await scorer.scoreCounts(counts, file.cells, needsBoth(options), stop);
      return { a, b, scores: scoreColumns(probabilities, options) };
    },
    signal,
  );
  return reported(batches, range.to - range.from, options.onProgress);
}

/** Directions are checked against the swapped image; pairs without an order are seen in both. */
const needsBoth = ({ task, unordered = false }: ScoreSettings) => unordered || task === "causality";

async function* reported(
  batches: AsyncIterable<ScoredBatch>,
  total: number,
  onProgress: ProgressListener | undefined,
): AsyncGenerator<ScoredBatch, void, void> {
  let done = 0;
  for await (const batch of batches) {
    done += batch.a.length;
    onProgress?.({ phase: "Scoring pairs", done, total, unit: "pairs" });
    yield batch;
  }
}

function scoreColumns(
  probabilities: Float32Array,
  settings: ScoreSettings,
  spearman?: Float32Array,
): Float32Array[] {
  const { threshold } = settings;
  const [interaction, ...more] =
    settings.task === "causality"
      ? causalityColumns(probabilities, settings)
      : [interactionColumn(probabilities, settings)];
  return [
    Float32Array.from(interaction),
    ...more.map((column) => Float32Array.from(column)),
    ...(spearman ? [spearman] : []),
    ...(threshold === undefined ? [] : [Float32Array.from(interaction, (p) => (p >= threshold ? 1 : 0))]),
  ];
}

function interactionColumn(probabilities: Float32Array, { unordered }: ScoreSettings): Float64Array {
  if (!unordered) return Float64Array.from(probabilities);
  const pairs = probabilities.length / 2;
  return Float64Array.from(
    { length: pairs },
    (_, i) => (probabilities[2 * i] + probabilities[2 * i + 1]) / 2,
  );
}

/** @param probabilities six of each pair: none, a->b, b->a of its image, then of the swapped one, where a is b */
function causalityColumns(probabilities: Float32Array, { unordered }: ScoreSettings): Float64Array[] {
  const pairs = probabilities.length / 6;
  const columns = Array.from({ length: 5 }, () => new Float64Array(pairs));
  const [interaction, aToB, bToA, direction, swapAgrees] = columns;
  for (let i = 0; i < pairs; i++) {
    const [none, forward, backward, swappedNone, swappedForward, swappedBackward] = probabilities.subarray(
      6 * i,
      6 * i + 6,
    );
    const own = [none, forward, backward];
    const mirrored = [swappedNone, swappedBackward, swappedForward];
    const told = unordered ? own.map((p, label) => (p + mirrored[label]) / 2) : own;
    interaction[i] = 1 - told[0];
    aToB[i] = told[1];
    bToA[i] = told[2];
    direction[i] = likeliest(told);
    swapAgrees[i] = likeliest(own) === likeliest(mirrored) ? 1 : 0;
  }
  return columns;
}

const likeliest = (probabilities: readonly number[]) => probabilities.indexOf(Math.max(...probabilities));
