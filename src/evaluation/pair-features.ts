import type { ExpressionStore } from "../expression/index.js";
import { addon } from "../native/addon.js";
import { runJob } from "../native/run-job.js";
import { associationScores } from "../scoring/index.js";

const OF_GENE = ["mean", "variance", "zeros", "q10", "q25", "q50", "q75", "q90"] as const;
const OF_BOTH = ["pearson", "abs_pearson", "spearman", "abs_spearman", "mutual_information"] as const;

/** Features of each of the two genes. */
export const GENE_FEATURES = OF_GENE.length;

/**
 * Names of a pair's features, in their order. Of each gene: mean, variance and quantiles of log10(x + 0.01) over the
 * cells, x the linear expression, and the share of cells whose x is 0; of both: the measures of associationScores.
 */
export const PAIR_FEATURES: readonly string[] = [
  ...OF_GENE.map((name) => `a_${name}`),
  ...OF_GENE.map((name) => `b_${name}`),
  ...OF_BOTH,
];

/** A few numbers about each of some ordered pairs. */
export interface PairFeatures {
  /** {@link PAIR_FEATURES} */
  readonly names: readonly string[];
  /** pairs x names, row by row. */
  readonly values: Float32Array;
}

export interface PairFeatureOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/**
 * Summarises ordered pairs of genes of the store. Memory: 84 bytes per pair, and that of associationScores.
 *
 * @param store built with `keepValues`
 * @param a genes of the store, one per pair; neither `a` nor `b` may change until the promise settles
 * @throws CnncError `VALUES_MISSING`, `NEGATIVE_VALUE` with the gene, `OUT_OF_MEMORY`, `CANCELLED`
 */
export async function pairFeatures(
  store: ExpressionStore,
  a: Uint32Array,
  b: Uint32Array,
  options: PairFeatureOptions,
): Promise<PairFeatures> {
  const genes = Uint32Array.from(new Set([...a, ...b]));
  const placeOf = new Map(Array.from(genes, (gene, place) => [gene, place]));
  const ofGene = await geneFeatures(store, genes, options);
  const pearson = await associationScores(store, "pearson", a, b, options);
  const spearman = await associationScores(store, "spearman", a, b, options);
  const information = await associationScores(store, "mutual-information", a, b, options);

  const width = PAIR_FEATURES.length;
  const values = new Float32Array(a.length * width);
  const put = (gene: number, at: number) => {
    const place = placeOf.get(gene) as number;
    values.set(ofGene.subarray(place * GENE_FEATURES, (place + 1) * GENE_FEATURES), at);
  };
  for (let i = 0, at = 0; i < a.length; i++, at += width) {
    put(a[i], at);
    put(b[i], at + GENE_FEATURES);
    values[at + 2 * GENE_FEATURES] = pearson[i];
    values[at + 2 * GENE_FEATURES + 1] = Math.abs(pearson[i]);
    values[at + 2 * GENE_FEATURES + 2] = spearman[i];
    values[at + 2 * GENE_FEATURES + 3] = Math.abs(spearman[i]);
    values[at + 2 * GENE_FEATURES + 4] = information[i];
  }
  return { names: PAIR_FEATURES, values };
}

/** genes x {@link GENE_FEATURES} numbers. */
async function geneFeatures(
  store: ExpressionStore,
  genes: Uint32Array,
  { threads, signal }: PairFeatureOptions,
): Promise<Float32Array> {
  const values = new Float32Array(genes.length * GENE_FEATURES);
  await runJob(
    "Summary features",
    signal,
    (job) => addon().geneFeatures(store.native, genes, values, threads, job),
    { geneNames: store.geneNames, remedies: REMEDIES },
  );
  return values;
}

/** Of what is worked out from the values of a store. */
export const REMEDIES: Readonly<Record<string, string>> = {
  NEGATIVE_VALUE: "Use data that are not negative, e.g. raw counts (--raw or --layer).",
  VALUES_MISSING: "Build the store with keepValues.",
  TOO_FEW_CELLS: "Choose more cells, or other methods.",
  OUT_OF_MEMORY: "Choose fewer genes or cells, or use a machine with more memory.",
};

/**
 * The features of some of the pairs, one row after the other.
 *
 * @param rows which of the pairs, in this order
 * @param swapped give those of (b, a) instead
 */
export function featureRows(
  { names, values }: PairFeatures,
  rows: Uint32Array,
  swapped = false,
): Float32Array {
  const width = names.length;
  const table = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    const own = values.subarray(row * width, (row + 1) * width);
    table.set(own, i * width);
    if (!swapped) return;
    table.set(own.subarray(GENE_FEATURES, 2 * GENE_FEATURES), i * width);
    table.set(own.subarray(0, GENE_FEATURES), i * width + GENE_FEATURES);
  });
  return table;
}
