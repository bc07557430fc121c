import { CnncError } from "../errors.js";
import { addon } from "../native/addon.js";
import type { NativeBlock, NativeStore, NativeStoreBuilder } from "../native/addon-types.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import { readBlocks } from "./blocks.js";
import { checkGuess } from "./scale.js";
import type { Selection } from "./select.js";

export interface StoreOptions {
  /** Gene columns to store; all when absent. */
  readonly genes?: Iterable<number>;
  /** Leave out genes that fewer of the chosen cells express. Default 0. */
  readonly minCells?: number;
  /** Keep float32 values beside the bins; `where-possible` does without those that a prepared store lacks. */
  readonly keepValues?: boolean | "where-possible";
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** Binned expression of some genes in the chosen cells, in native memory. */
export interface ExpressionStore {
  readonly native: NativeStore;
  readonly cells: number;
  /** Name of each gene of the store. */
  readonly geneNames: readonly string[];
  /** Column of the matrix that each gene comes from, ascending. */
  readonly columns: Uint32Array;
  /** genes x 33 bin edges, in transformed units. */
  readonly edges: Float64Array;
  /** genes x 32 cells per bin. */
  readonly marginal: Uint32Array;
  /** Cells that express each gene. */
  readonly expressing: Uint32Array;
  /** Whether it has values beside the bins. */
  readonly hasValues: boolean;
  /** Genes that hold one value in all chosen cells. */
  readonly constantGenes: number;
  /** Genes left out by `minCells`. */
  readonly rareGenes: number;
}

/**
 * Streams the matrix twice (three times for gene-major counts) and builds the store.
 * Memory: the store, about 5 bytes per stored cell (9 with values), and a few blocks.
 *
 * @throws CnncError of the file's `blocks`; `INDEX_OUT_OF_RANGE`, `DUPLICATE_ENTRY`, `NOT_FINITE`,
 *   `NEGATIVE_VALUE`, `SCALE_GUESS_WRONG`, `NO_GENES_LEFT`, `OUT_OF_MEMORY`, `CANCELLED`.
 */
export async function buildStore(selection: Selection, options: StoreOptions): Promise<ExpressionStore> {
  const { matrix, geneNames, cellOf, cells, scale, transform } = selection;
  const keepValues = (options.keepValues ?? false) !== false;
  const [fileCells, fileGenes] = matrix.shape;
  const wanted = [...new Set(options.genes ?? geneNames.keys())].sort((a, b) => a - b);
  const geneOf = new Int32Array(fileGenes).fill(-1);
  wanted.forEach((column, gene) => {
    geneOf[column] = gene;
  });

  try {
    const builder = new (addon().StoreBuilder)({
      fileCells,
      fileGenes,
      cellOf,
      geneOf,
      cells,
      genes: wanted.length,
      majorAxis: matrix.majorAxis,
      scale: scale.name,
      logBase: scale.logBase,
      transform,
      keepValues,
      threads: options.threads,
    });
    const passes = builder.needsTotals ? 3 : 2;
    if (builder.needsTotals) await stream(selection, options, 1, passes, (block) => builder.totals(block));
    await stream(selection, options, passes - 1, passes, (block) => builder.scan(block));
    const columns = await keepGenes(builder, wanted, selection, options.minCells ?? 0);
    await stream(selection, options, passes, passes, (block) => builder.fill(block));
    const native = await builder.finish();
    const { edges, marginal, expressing, constant } = native.geneArrays();
    return {
      native,
      cells,
      geneNames: Array.from(columns, (column) => geneNames[column]),
      columns,
      edges,
      marginal,
      expressing,
      hasValues: keepValues,
      constantGenes: constant.reduce((sum, isConstant) => sum + isConstant, 0),
      rareGenes: wanted.length - columns.length,
    };
  } catch (error) {
    throw withPlace(error, selection);
  }
}

async function keepGenes(
  builder: NativeStoreBuilder,
  genes: readonly number[],
  { file, matrix, scale, cells }: Selection,
  minCells: number,
): Promise<Uint32Array> {
  const { expressing, hasFractions } = builder.endScan();
  checkGuess(scale, hasFractions, file, matrix);
  const keep = Uint8Array.from(expressing, (count) => (count >= minCells ? 1 : 0));
  const columns = Uint32Array.from(genes.filter((_, gene) => keep[gene] === 1));
  if (columns.length === 0) throw noGenesLeft(minCells, cells, file.path);
  await builder.beginFill(keep);
  return columns;
}

/** The error of a store in which `minCells` leaves nothing. */
export const noGenesLeft = (minCells: number, cells: number, path: string) =>
  new CnncError(
    "NO_GENES_LEFT",
    `No gene asked for is expressed in ${minCells} or more of the ${cells} chosen cells of ${path}.`,
    "Lower --min-cells.",
  );

async function stream(
  { file, matrix }: Selection,
  { signal, onProgress }: StoreOptions,
  pass: number,
  passes: number,
  consume: (block: NativeBlock) => Promise<void>,
): Promise<void> {
  const [cells, genes] = matrix.shape;
  const total = matrix.majorAxis === "cell" ? cells : genes;
  const unit = matrix.majorAxis === "cell" ? "cells" : "genes";
  const phase = `Reading ${matrix.name} (pass ${pass} of ${passes})`;
  for await (const block of readBlocks(file, matrix, { ...(signal && { signal }) })) {
    throwIfAborted(signal);
    await consume(block);
    onProgress?.({ phase, done: block.first + block.count, total, unit });
  }
}

/** Names the file, cell and gene of a native error. */
function withPlace(error: unknown, { file, matrix, geneNames }: Selection): unknown {
  if (!(error instanceof Error) || error instanceof CnncError) return error;
  const { code, cell, gene } = error as Error & { code?: string; cell?: number; gene?: number };
  if (code === undefined) return error;
  const at = [
    cell !== undefined ? `cell ${file.obs.names[cell]}` : "",
    gene !== undefined ? `gene ${geneNames[gene]}` : "",
  ].filter((text) => text !== "");
  const place = at.length > 0 ? `, at ${at.join(" and ")}` : "";
  const message = `${file.path}: in ${matrix.name} ${error.message}${place}.`;
  return new CnncError(code, message, REMEDIES[code] ?? "", { cause: error });
}

const REMEDIES: Record<string, string> = {
  INDEX_OUT_OF_RANGE: "The file is damaged: write it again from its source.",
  DUPLICATE_ENTRY: "Merge the duplicates first (scipy: X.sum_duplicates()).",
  NOT_FINITE: "Replace missing and infinite values before building histograms.",
  NOT_LOG1P: "The values do not look like log1p values: choose --scale counts or linear.",
  NEGATIVE_VALUE:
    "Scaled data cannot be used with a logarithm: choose raw counts (--raw or --layer), or bin the values as " +
    "they are with --scale linear --transform none.",
  OUT_OF_MEMORY: "Choose fewer genes or cells, or use a machine with more memory.",
};
