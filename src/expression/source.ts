import { basename } from "node:path";
import { hashFile, type MatrixInfo } from "../io/index.js";
import type { CellFilter } from "./cell-filter.js";
import { openPrepared } from "./prepared/read.js";
import { preparedSource } from "./prepared/source.js";
import { decideScale, type Scale, type Transform } from "./scale.js";
import { alternativeGeneNames, type Selection, type SelectionOptions, selectExpression } from "./select.js";
import { buildStore, type ExpressionStore, type StoreOptions } from "./store.js";

/**
 * Expression that a store can be built of: a matrix of a file with everything chosen that can be chosen, or a prepared
 * store. Both give the same store, bit for bit.
 */
export interface ExpressionSource {
  readonly path: string;
  /** As it is in the expression file. */
  readonly matrix: Pick<MatrixInfo, "name" | "shape">;
  /** Name of each gene that can be asked for. */
  readonly geneNames: readonly string[];
  /** Where the names came from, e.g. `var index`. */
  readonly geneNameSource: string;
  /** The var column of the names, unless it is the index. */
  readonly geneColumn?: string;
  /** Chosen cells, at least 2. */
  readonly cells: number;
  readonly obs: readonly CellFilter[];
  readonly scale: Scale;
  readonly transform: Transform;
  /** Of a prepared store: genes that fewer of the chosen cells express are not in it, and how many that are; else 0. */
  readonly minCells: number;
  readonly rareGenes: number;
  /** Of a prepared store. */
  readonly prepared?: {
    readonly hasValues: boolean;
    /**
     * What `build` gives, but without the entries of any gene; with the position of each gene in `geneNames`, and how
     * many entries it has.
     *
     * @throws CnncError as `build`
     */
    outline(
      options: StoreOptions,
    ): Promise<{ store: ExpressionStore; genes: Uint32Array; entries: Float64Array }>;
  };
  /** What `--scale auto` makes of the matrix. */
  guessScale(signal?: AbortSignal): Promise<Scale>;
  /** Other columns by which genes could be named; see alternativeGeneNames. A prepared store knows of none. */
  alternativeNames(): Promise<{ readonly column: string; readonly names: readonly string[] }[]>;
  /** The expression file that the values come from: its name, without folders, and the SHA-256 of its bytes. */
  origin(signal?: AbortSignal): Promise<{ readonly name: string; readonly sha256: string }>;
  /**
   * Changes with everything that is read: SHA-256 of the file's bytes or, at no cost, of what a prepared store is known
   * by.
   */
  digest(signal?: AbortSignal): Promise<string>;
  /**
   * The store of some genes, by their positions in `geneNames`.
   *
   * @throws CnncError of buildStore; of a prepared store `STORE_DAMAGED`, `VALUES_MISSING`, `NO_GENES_LEFT`,
   *   `OUT_OF_MEMORY`, `CANCELLED`
   */
  build(options: StoreOptions): Promise<ExpressionStore>;
  close(): void;
}

/**
 * Opens an expression file and makes the choices, or a store that writePrepared wrote, for which they are made. Which
 * of them it is, is known by what is in the file.
 *
 * @throws CnncError of selectExpression and openPrepared; `PREPARED_OTHERWISE` when a choice contradicts the store's
 */
export async function openExpression(
  path: string,
  options: SelectionOptions = {},
): Promise<ExpressionSource> {
  const prepared = await openPrepared(path);
  return prepared
    ? preparedSource(prepared, options)
    : fileSource(await selectExpression(path, options), options);
}

function fileSource(selection: Selection, { geneColumn }: SelectionOptions): ExpressionSource {
  const { file, matrix, geneNames, geneNameSource, cells, obs, scale, transform } = selection;
  let known: string | undefined;
  const digest = async (signal?: AbortSignal) => {
    known ??= await hashFile(file.path, signal);
    return known;
  };
  return {
    path: file.path,
    matrix,
    geneNames,
    geneNameSource,
    ...(geneColumn !== undefined && { geneColumn }),
    cells,
    obs,
    scale,
    transform,
    minCells: 0,
    rareGenes: 0,
    guessScale: (signal) => decideScale(file, matrix, "auto", signal),
    alternativeNames: () => alternativeGeneNames(file.varOf(matrix)),
    origin: async (signal) => ({ name: basename(file.path), sha256: await digest(signal) }),
    digest,
    build: (options) => buildStore(selection, options),
    close: () => file.close(),
  };
}
