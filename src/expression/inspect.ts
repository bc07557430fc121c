import type { Column, ExpressionFile, MatrixInfo, Table } from "../io/index.js";
import { columnLevels } from "./cell-filter.js";
import type { PreparedFacts } from "./prepared/format.js";
import type { PreparedFile } from "./prepared/read.js";
import { decideScale, type Scale, sampleValues } from "./scale.js";
import { alternativeGeneNames } from "./select.js";

/** Bytes of the store per stored cell of a gene, and per gene (edges, marginals and the like). */
const BYTES_PER_ENTRY = 5;
/** More for each where values are kept. */
const BYTES_PER_VALUE = 4;
const BYTES_PER_GENE = 33 * 8 + 32 * 4 + 18;
/** Levels listed of an obs column. */
const LEVELS_SHOWN = 12;

export interface MatrixReport {
  readonly name: string;
  readonly cells: number;
  readonly genes: number;
  readonly encoding: string;
  readonly dtype: string;
  readonly compression: readonly string[];
  /** Share of values that are not 0; of dense matrices estimated from the first million values. */
  readonly density: number;
  readonly maximum: number;
  /** What `--scale auto` decides. */
  readonly scale: Scale["name"];
  readonly scaleReason: string;
  /** Native memory that the store of all its genes takes. */
  readonly storeBytes: number;
}

export interface ColumnReport {
  readonly name: string;
  readonly kind: Column["kind"];
  /** Different values; of numbers not given. */
  readonly levels?: number;
  /** The most frequent levels with their cells. */
  readonly top?: readonly { readonly level: string; readonly cells: number }[];
  /** Of numbers. */
  readonly range?: readonly [minimum: number, maximum: number];
  readonly missing: number;
}

export interface FileReport {
  readonly path: string;
  readonly format: string;
  readonly cells: number;
  readonly matrices: readonly MatrixReport[];
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
  readonly obs: readonly ColumnReport[];
  /** Columns that can name genes (`index`, and those for `--gene-column`) with examples. */
  readonly geneNames: readonly {
    readonly column: string;
    readonly examples: readonly string[];
    readonly duplicates: number;
  }[];
  /** Features left out because they are not genes, by their type. */
  readonly otherFeatures: Readonly<Record<string, number>>;
}

/**
 * Describes an expression file without reading more than the first million values of each matrix.
 *
 * @throws CnncError of the file's `blocks` and columns.
 */
export async function inspectFile(file: ExpressionFile, signal?: AbortSignal): Promise<FileReport> {
  const matrices: MatrixReport[] = [];
  const unreadable = file.unreadable.map(({ name, error }) => ({ name, reason: error.message }));
  for (const matrix of file.matrices) matrices.push(await inspectMatrix(file, matrix, signal));
  const obs: ColumnReport[] = [];
  for (const name of file.obs.columns) obs.push(await inspectColumn(file.obs, name));
  return {
    path: file.path,
    format: file.formatDetail,
    cells: file.obs.length,
    matrices,
    unreadable,
    obs,
    geneNames: await inspectGeneNames(file.var),
    otherFeatures: Object.fromEntries(file.otherFeatures),
  };
}

async function inspectMatrix(
  file: ExpressionFile,
  matrix: MatrixInfo,
  signal: AbortSignal | undefined,
): Promise<MatrixReport> {
  const [cells, genes] = matrix.shape;
  const { nonZeroShare, maximum } = await sampleValues(file, matrix, signal);
  const scale = await decideScale(file, matrix, "auto", signal);
  const nonZeros = matrix.storedValues * nonZeroShare;
  return {
    name: matrix.name,
    cells,
    genes,
    encoding: matrix.encoding,
    dtype: matrix.dtype,
    compression: matrix.filters,
    density: cells * genes === 0 ? 0 : nonZeros / (cells * genes),
    maximum,
    scale: scale.name,
    scaleReason: scale.reason,
    storeBytes: Math.round(nonZeros * BYTES_PER_ENTRY + genes * BYTES_PER_GENE),
  };
}

async function inspectColumn(table: Table, name: string): Promise<ColumnReport> {
  const column = await table.column(name);
  if (column.kind === "numbers") {
    const present = column.values.filter((value) => !Number.isNaN(value));
    const missing = column.values.length - present.length;
    if (present.length === 0) return { name, kind: column.kind, missing };
    const minimum = present.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    const maximum = present.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    return { name, kind: column.kind, range: [minimum, maximum], missing };
  }
  const cells = new Map<string, number>();
  let missing = 0;
  for (const level of columnLevels(column)) {
    if (level === null) missing++;
    else cells.set(level, (cells.get(level) ?? 0) + 1);
  }
  const top = [...cells].sort((one, other) => other[1] - one[1]).slice(0, LEVELS_SHOWN);
  return {
    name,
    kind: column.kind,
    levels: cells.size,
    top: top.map(([level, count]) => ({ level, cells: count })),
    missing,
  };
}

async function inspectGeneNames(genes: Table): Promise<FileReport["geneNames"]> {
  const describe = (column: string, names: readonly string[]) => ({
    column,
    examples: names.slice(0, 3),
    duplicates: names.length - new Set(names).size,
  });
  const alternatives = await alternativeGeneNames(genes);
  return [
    describe("index", genes.names),
    ...alternatives.map(({ column, names }) => describe(column, names)),
  ];
}

export interface PreparedReport {
  readonly path: string;
  readonly format: "prepared store";
  readonly cells: number;
  readonly genes: number;
  /** Stored cells of all genes together. */
  readonly entries: number;
  /** Whether values stand beside the bins. */
  readonly values: boolean;
  readonly exampleGenes: readonly string[];
  /** Native memory that the store of all its genes takes, without and with values. */
  readonly storeBytes: number;
  readonly storeBytesWithValues?: number;
  readonly made: PreparedFacts;
}

/** Describes a prepared store without reading its entries. */
export function inspectPrepared({
  path,
  facts,
  geneNames,
  entries,
  hasValues,
}: PreparedFile): PreparedReport {
  const bytes = (perEntry: number) => entries * perEntry + geneNames.length * BYTES_PER_GENE;
  return {
    path,
    format: "prepared store",
    cells: facts.cells,
    genes: geneNames.length,
    entries,
    values: hasValues,
    exampleGenes: geneNames.slice(0, 3),
    storeBytes: bytes(BYTES_PER_ENTRY),
    ...(hasValues && { storeBytesWithValues: bytes(BYTES_PER_ENTRY + BYTES_PER_VALUE) }),
    made: facts,
  };
}
