import { availableBytes } from "../available-memory.js";
import { CnncError } from "../errors.js";
import type { ExpressionStore } from "../expression/index.js";
import { addon } from "../native/addon.js";
import { reporting, runJob } from "../native/run-job.js";
import type { ProgressListener } from "../progress.js";

export interface PartialCorrelationOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  /** Bytes that may be taken; by default all that this process may have and has not yet. */
  readonly availableMemory?: number;
}

export interface PartialCorrelations {
  /** One number per pair, from -1 to 1, the same for (a, b) and (b, a). */
  readonly scores: Float32Array;
  /** How much the correlations were shrunk, from 0 to 1. */
  readonly lambda: number;
}

/**
 * Correlation of the two genes of each pair, given all other genes of a set, by the shrinkage estimator of Schäfer and
 * Strimmer (2005), which bears with fewer cells than genes: correlations of log10(x + 0.01), x the linear expression,
 * are shrunk towards 0 by the factor 1 - lambda; of the inverse w of their matrix, -w_ij / sqrt(w_ii w_jj) is taken.
 * lambda follows from the data: estimated variances of the correlations over their squares, summed over all pairs.
 *
 * A gene with one value in all cells has partial correlation 0. Takes at most 8 bytes x genes x genes, beside 50 MB, and
 * time that grows with the cube of the genes. Same numbers for any number of threads, and any order of the genes.
 *
 * @param store built with `keepValues`
 * @param genes of the store; repetitions do not count
 * @param a genes among those, one per pair; no array may change until the promise settles
 * @throws CnncError `OUT_OF_MEMORY`, before any work where that is certain; `BAD_PAIRS`, `TOO_FEW_CELLS` (below 3),
 *   `VALUES_MISSING`, `NEGATIVE_VALUE` with the gene, `SINGULAR`, `CANCELLED`
 */
export async function partialCorrelations(
  store: ExpressionStore,
  genes: Uint32Array,
  a: Uint32Array,
  b: Uint32Array,
  { threads, signal, onProgress, availableMemory = availableBytes() }: PartialCorrelationOptions,
): Promise<PartialCorrelations> {
  const total = new Set(genes).size;
  requireMemory(total, availableMemory);
  const scores = new Float32Array(a.length);
  const progress = { phase: "Computing partial correlations", unit: "genes", total, onProgress };
  const lambda = await runJob(
    "Partial correlation",
    signal,
    (job) =>
      reporting(job, progress, () =>
        addon().partialCorrelations(store.native, genes, a, b, scores, threads, job),
      ),
    { geneNames: store.geneNames, remedies: REMEDIES },
  );
  return { scores, lambda };
}

/** How many genes partialCorrelations can take in that many bytes. */
export function mostGenesInMemory(available = availableBytes()): number {
  return Math.floor(Math.sqrt(Math.max(available, 0) / BYTES_PER_GENE_SQUARED));
}

/** Refuses what memory can never hold, before the system ends the process for it. */
function requireMemory(genes: number, available: number): void {
  const fits = mostGenesInMemory(available);
  if (genes <= fits) return;
  throw new CnncError(
    "OUT_OF_MEMORY",
    `Partial correlation: there is not enough memory for a matrix of ${genes} x ${genes} genes; ${fits} genes would fit.`,
    REMEDIES.OUT_OF_MEMORY,
  );
}

const BYTES_PER_GENE_SQUARED = 8;

const REMEDIES: Readonly<Record<string, string>> = {
  NEGATIVE_VALUE: "Use spearman or mutual-information, which need no logarithm.",
  OUT_OF_MEMORY: "Ask for pairs of fewer genes, leave this measure out, or use a machine with more memory.",
  SINGULAR: "Take more cells, or leave out genes that are copies or sums of others.",
  TOO_FEW_CELLS: "Take more cells.",
  VALUES_MISSING: "Build the store with keepValues.",
};
