import type { ExpressionStore } from "../../expression/index.js";
import { CLASSES, type LabelledPairs, SWAPPED_CLASS } from "../../pairs/index.js";
import type { Table } from "../logistic.js";
import type { FoldScores, FoldTask } from "../method.js";
import { featureRows, type PairFeatures, pairFeatures } from "../pair-features.js";
import { directed } from "./score-rows.js";

/** What the methods on summary features need. */
export interface SummaryContext {
  /** Built with `keepValues`. */
  readonly store: ExpressionStore;
  readonly threads: number;
}

interface Kept {
  readonly pairs: LabelledPairs;
  readonly features: PairFeatures;
}

/** Features of the latest pairs of each store: folds and methods share them. */
const keptFeatures = new WeakMap<ExpressionStore, Kept>();

/**
 * Features of all pairs, in their order.
 *
 * @throws CnncError of pairFeatures
 */
export async function featuresOf(
  pairs: LabelledPairs,
  { store, threads }: SummaryContext,
  signal?: AbortSignal,
): Promise<PairFeatures> {
  const kept = keptFeatures.get(store);
  if (kept?.pairs === pairs) return kept.features;
  const features = await pairFeatures(store, pairs.a, pairs.b, { threads, ...(signal && { signal }) });
  keptFeatures.set(store, { pairs, features });
  return features;
}

/** What a classifier learns from, and what it is asked. */
export interface FoldTable {
  readonly training: Table;
  /** Class of each training row. */
  readonly labels: Uint8Array;
  readonly classes: number;
  /** The test pairs, followed for causality by the swapped ones. */
  readonly test: Table;
  /** First gene of each row of the two tables. */
  readonly firsts: { readonly training: Uint32Array; readonly test: Uint32Array };
}

/** For causality each training pair is learned in both orders. */
export function foldTable(
  { task, pairs, training, test }: Pick<FoldTask, "task" | "pairs" | "training" | "test">,
  features: PairFeatures,
): FoldTable {
  const both = task === "causality";
  const columns = features.names.length;
  const labels = Uint8Array.from(training, (row) => pairs.labels[row]);
  const inBothOrders = (rows: Uint32Array) => {
    const forth = featureRows(features, rows);
    return { values: both ? joined(forth, featureRows(features, rows, true)) : forth, columns };
  };
  const firstsOf = (rows: Uint32Array) => {
    const genes = [pairs.a, ...(both ? [pairs.b] : [])];
    return Uint32Array.from(genes.flatMap((column) => Array.from(rows, (row) => column[row])));
  };
  return {
    training: inBothOrders(training),
    labels: both
      ? Uint8Array.from([...labels, ...Array.from(labels, (label) => SWAPPED_CLASS[label])])
      : labels,
    classes: CLASSES[task],
    test: inBothOrders(test),
    firsts: { training: firstsOf(training), test: firstsOf(test) },
  };
}

/** @param probabilities of the rows of FoldTable.test */
export function foldScores(
  { task }: Pick<FoldTask, "task">,
  probabilities: Float32Array | Float64Array,
): FoldScores {
  const all = Float64Array.from(probabilities);
  if (task === "interaction") return { interaction: all, probabilities: all };
  const half = all.length / 2;
  return { ...directed(all.slice(0, half)), swapped: all.slice(half) };
}

/** Some rows of a table, without the columns before `from`. */
export function partOf({ values, columns }: Table, rows: readonly number[], from: number): Table {
  const kept = columns - from;
  const part = new Float32Array(rows.length * kept);
  rows.forEach((row, i) => {
    part.set(values.subarray(row * columns + from, (row + 1) * columns), i * kept);
  });
  return { values: part, columns: kept };
}

function joined(one: Float32Array, other: Float32Array): Float32Array {
  const both = new Float32Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}
