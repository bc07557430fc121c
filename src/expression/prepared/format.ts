import { CnncError } from "../../errors.js";
import type { PlainArray } from "../../io/index.js";
import { shellQuoted } from "../../shell-quote.js";
import { type CellFilter, describeFilter } from "../cell-filter.js";
import type { Scale, Transform } from "../scale.js";

/** Attributes of the root group by which a prepared store is known. */
export const FORMAT = "cnnc prepared store";
export const FORMAT_VERSION = 1;

/** How a prepared store was made; the JSON in its dataset `made`. */
export interface PreparedFacts {
  readonly cnncVersion: string;
  /** Name of the expression file, without folders, and the SHA-256 of its bytes. */
  readonly source: string;
  readonly sourceSha256: string;
  /** `X`, `raw/X` or `layers/<name>`, and its cells and genes. */
  readonly matrix: string;
  readonly shape: readonly [cells: number, genes: number];
  readonly geneNameSource: string;
  /** The var column that names the genes; null for the index. */
  readonly geneColumn: string | null;
  /** Chosen cells. */
  readonly cells: number;
  readonly obs: readonly CellFilter[];
  readonly scale: Scale;
  /** What `--scale auto` makes of the matrix. */
  readonly guess: Scale;
  readonly transform: Transform;
  /** Genes that fewer of the chosen cells express are left out, and how many that are. */
  readonly minCells: number;
  readonly rareGenes: number;
}

export interface PreparedSizes {
  readonly genes: number;
  /** Stored cells of all genes together. */
  readonly entries: number;
  /** Bytes of the longest gene name. */
  readonly nameBytes: number;
  /** Bytes of the JSON in `made`. */
  readonly madeBytes: number;
  readonly values: boolean;
}

/**
 * The arrays of the file: the entries of each gene one after the other, in the order of the genes, and what there is to
 * know of each gene; see native/core/expression_store.hpp. `first` has one more: the number of entries.
 */
export function preparedArrays({
  genes,
  entries,
  nameBytes,
  madeBytes,
  values,
}: PreparedSizes): PlainArray[] {
  return [
    { name: "cell_ids", type: "uint32", shape: [entries] },
    { name: "bins", type: "uint8", shape: [entries] },
    ...(values ? [{ name: "values", type: "float32", shape: [entries] } as const] : []),
    { name: "genes", type: { text: nameBytes }, shape: [genes] },
    { name: "columns", type: "uint32", shape: [genes] },
    { name: "first", type: "uint64", shape: [genes + 1] },
    { name: "zero_bin", type: "uint8", shape: [genes] },
    { name: "marginal", type: "uint32", shape: [genes, 32] },
    { name: "edges", type: "float64", shape: [genes, 33] },
    { name: "expressing", type: "uint32", shape: [genes] },
    { name: "constant", type: "uint8", shape: [genes] },
    { name: "cell_checks", type: "uint64", shape: [genes] },
    ...(values ? [{ name: "value_checks", type: "uint64", shape: [genes] } as const] : []),
    { name: "made", type: { text: madeBytes }, shape: [] },
  ];
}

/** Those that have checksums of their own; the SHA-256 is that of all others, in the order above. */
export const ENTRY_ARRAYS: ReadonlySet<string> = new Set(["cell_ids", "bins", "values"]);

/** `pbmc.h5ad: X, cells with batch=1, genes named by var index, scale counts, transform log10` */
export function describePrepared(facts: PreparedFacts): string {
  const { source, matrix, obs, geneNameSource, scale, transform, minCells } = facts;
  const cells = obs.length === 0 ? "all cells" : `cells with ${obs.map(describeFilter).join(" and ")}`;
  const rare = minCells > 0 ? `, genes expressed in ${minCells} cells or more` : "";
  return `${source}: ${matrix}, ${cells}, genes named by ${geneNameSource}${rare}, scale ${scale.name}, transform ${transform}`;
}

/** The command line that makes such a store, to which `options` are added. */
export const prepareCommand = ({ source }: PreparedFacts, options: string): string =>
  `cnnc prepare ${shellQuoted(source)} ${options} -o NEW.cnnc.h5`;

/** @throws CnncError `STORE_DAMAGED` */
export function damaged(path: string, what: string): CnncError {
  return new CnncError(
    "STORE_DAMAGED",
    `${path} is damaged: ${what}.`,
    "Copy it again, or prepare it again with cnnc prepare.",
  );
}
