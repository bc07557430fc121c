import type { CnncError } from "../errors.js";

/** Any numeric array that an expression file can hold. */
export type Numbers =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

/** What is known about one expression matrix (`X`, `raw/X` or `layers/<name>`) without reading its values. */
export interface MatrixInfo {
  /** `X`, `raw/X` or `layers/<name>`. */
  readonly name: string;
  /** Where it is inside the file, for messages: an HDF5 path such as `/layers/counts`. */
  readonly path: string;
  /** How it is stored. `dense` is row-major. */
  readonly encoding: "csr" | "csc" | "dense";
  /** The numpy name of the stored type: `float32`, `int64`, `bool`, ... */
  readonly dtype: string;
  /** Always cells x genes, also for files that store genes x cells. */
  readonly shape: readonly [cells: number, genes: number];
  /** The axis that blocks run over. */
  readonly majorAxis: "cell" | "gene";
  /** Number of values in the file: non-zeros when sparse, cells x genes when dense. */
  readonly storedValues: number;
  readonly chunked: boolean;
  /** HDF5 filters of the values, in the order in which they were applied. */
  readonly filters: readonly string[];
}

/** Consecutive majors (cells or genes, see `MatrixInfo.majorAxis`) `[first, first + count)`. */
export type MatrixBlock = SparseBlock | DenseBlock;

export interface SparseBlock {
  readonly kind: "sparse";
  readonly first: number;
  readonly count: number;
  /** `count + 1` offsets into `indices` and `values`; the first is 0. */
  readonly indptr: Uint32Array;
  /** Position on the minor axis of each value, as stored: maybe unsorted, maybe out of range. */
  readonly indices: Numbers;
  readonly values: Numbers;
}

export interface DenseBlock {
  readonly kind: "dense";
  readonly first: number;
  readonly count: number;
  /** `count` x minors, row-major. */
  readonly values: Numbers;
}

export interface BlockOptions {
  /** Upper limit of stored entries in a block, unless a single major has more. Default 1,048,576. */
  readonly maxEntries?: number;
  /** Threads that read and decompress. Default: the available cores, at most 4, and 1 for a small matrix. */
  readonly workers?: number;
  /** Aborting makes the iteration throw the signal's reason at once. */
  readonly signal?: AbortSignal;
}

/** One column of a table, of the table's length. */
export type Column =
  /** `codes` index `categories`; -1 is missing. */
  | { kind: "categorical"; categories: string[]; codes: Int32Array }
  | { kind: "strings"; values: (string | null)[] }
  /** NaN where missing. */
  | { kind: "numbers"; values: Float64Array }
  | { kind: "booleans"; values: (boolean | null)[] };

/** What is known about the cells (`obs`) or the genes (`var`). */
export interface Table {
  readonly length: number;
  /** The index: cell barcodes or gene names, not necessarily unique. */
  readonly names: readonly string[];
  /** In the order in which AnnData shows them. */
  readonly columns: readonly string[];
  /**
   * @throws CnncError `NO_SUCH_COLUMN` (naming those that exist), `UNKNOWN_ENCODING`, `TABLE_CORRUPT`.
   */
  column(name: string): Promise<Column>;
}

/** An open file of single-cell expression: h5ad, 10x .h5 or BEELINE CSV, behind one interface. */
export interface ExpressionFile {
  readonly path: string;
  readonly format: "h5ad" | "10x-h5" | "beeline-csv";
  /** For people, e.g. `AnnData 0.1.0` or `10x Genomics, Cell Ranger 3 or later`. */
  readonly formatDetail: string;
  readonly obs: Table;
  readonly var: Table;
  /** The matrices that can be read; `X` may be absent. */
  readonly matrices: readonly MatrixInfo[];
  /** The matrices that exist but cannot be read, and why. */
  readonly unreadable: readonly { readonly name: string; readonly error: CnncError }[];
  /** Features that were left out because they are not genes (10x antibodies, ...), counted by their type. */
  readonly otherFeatures: ReadonlyMap<string, number>;
  /** `uns/log1p/base`. `undefined`: no `uns/log1p`; `null`: there, with no base given, which means e. */
  readonly log1pBase: number | null | undefined;
  /** The genes of a matrix: `raw/X` has its own, longer `var`. */
  varOf(matrix: MatrixInfo): Table;
  /**
   * Streams a matrix in order, reading ahead on other threads. Can be called any number of times.
   * Memory is bounded by a few blocks (or a few HDF5 chunks, where those are larger), whatever the file's size.
   *
   * @throws CnncError `MATRIX_CORRUPT`, `FILE_CORRUPT`, `UNSUPPORTED_FILTER`, `CHUNK_TOO_LARGE`.
   */
  blocks(matrix: MatrixInfo, options?: BlockOptions): AsyncIterable<MatrixBlock>;
  /** Stops the reading threads; whatever is still being read fails. */
  close(): void;
}
