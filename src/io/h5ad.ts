import { CnncError } from "../errors.js";
import { inspectTable, openTable, type TableLayout } from "./dataframe.js";
import { openDenseMatrix } from "./dense-matrix.js";
import type { Hdf5File } from "./hdf5-file.js";
import type { GroupNode, Hdf5Node } from "./hdf5-node.js";
import { type Matrix, type MatrixPlace, matrixCorrupt } from "./matrix.js";
import type { OpenedFile } from "./opened-file.js";
import { openSparseMatrix } from "./sparse-matrix.js";

/**
 * Opens an h5ad file written by anndata 0.5 or later, or by software that follows it.
 *
 * @param root the file's root group, known to have `obs` and `var`
 * @throws CnncError `TABLE_CORRUPT`, `LOG1P_BASE_INVALID` and, when there are matrices but none can be read,
 *   the reason for the first of them.
 */
export async function openH5ad(file: Hdf5File, root: GroupNode): Promise<OpenedFile> {
  const isLegacyRaw = root.children.includes("raw.X");
  const [rawX, rawVar] = isLegacyRaw ? ["/raw.X", "/raw.var"] : ["/raw/X", "/raw/var"];
  const hasRaw = isLegacyRaw || root.children.includes("raw");
  const [obs, genes] = await Promise.all([inspectTable(file, "/obs"), inspectTable(file, "/var")]);
  const rawGenes = hasRaw ? await inspectTable(file, rawVar) : undefined;
  const layers = root.children.includes("layers") ? await file.node("/layers") : undefined;

  const places: { place: MatrixPlace; genes: number }[] = [
    { place: { name: "X", path: "/X" }, genes: genes.length },
    ...(rawGenes === undefined ? [] : [{ place: { name: "raw/X", path: rawX }, genes: rawGenes.length }]),
    ...(layers?.kind === "group" ? layers.children : []).map((name) => ({
      place: { name: `layers/${name}`, path: `/layers/${name}` },
      genes: genes.length,
    })),
  ];
  const matrices: Matrix[] = [];
  const unreadable: { name: string; error: CnncError }[] = [];
  for (const { place, genes } of places) {
    try {
      const matrix = await openMatrix(file, place, [obs.length, genes]);
      if (matrix !== undefined) matrices.push(matrix);
    } catch (error) {
      if (!(error instanceof CnncError)) throw error;
      unreadable.push({ name: place.name, error });
    }
  }
  // Also keeps a damaged table length, which no matrix agrees with, from being believed.
  if (matrices.length === 0 && unreadable.length > 0) throw unreadable[0].error;

  return {
    format: "h5ad",
    formatDetail: describeVersion(root, obs),
    obs: await openTable(file, obs),
    var: await openTable(file, genes),
    rawVar: rawGenes && (await openTable(file, rawGenes)),
    matrices,
    unreadable,
    otherFeatures: new Map(),
    log1pBase: await readLog1pBase(file),
    close: file.close,
  };
}

function describeVersion(root: GroupNode, obs: TableLayout): string {
  const version = root.attributes["encoding-version"];
  if (root.attributes["encoding-type"] === "anndata" && version !== undefined) return `AnnData ${version}`;
  return obs.node.kind === "dataset" ? "legacy AnnData (compound obs)" : "legacy AnnData (before 0.8)";
}

/** @returns undefined where there is no matrix. */
async function openMatrix(
  file: Hdf5File,
  place: MatrixPlace,
  expected: readonly [cells: number, genes: number],
): Promise<Matrix | undefined> {
  const node = await file.node(place.path);
  if (node === undefined) return undefined;
  const encoding = matrixEncoding(file, node);
  if (encoding === "null") return undefined;
  const shape =
    node.kind === "dataset" ? node.shape : (node.attributes.shape ?? node.attributes.h5sparse_shape);
  if (!Array.isArray(shape) || shape.length !== 2) {
    throw matrixCorrupt(file.path, place.path, "it does not have two dimensions");
  }
  if (shape[0] !== expected[0] || shape[1] !== expected[1]) {
    throw matrixCorrupt(
      file.path,
      place.path,
      `its shape is ${shape.join(" x ")} but there are ${expected[0]} cells and ${expected[1]} genes`,
    );
  }
  const [cells, genes] = expected;
  if (node.kind === "dataset") return openDenseMatrix(file, place, node);
  return encoding === "csr"
    ? openSparseMatrix(file, { ...place, encoding, majorAxis: "cell", majors: cells, minors: genes })
    : openSparseMatrix(file, { ...place, encoding: "csc", majorAxis: "gene", majors: genes, minors: cells });
}

/** By `encoding-type` (anndata 0.7 and later), `h5sparse_format` (before), or neither (dense, before 0.8). */
function matrixEncoding(file: Hdf5File, node: Hdf5Node): "csr" | "csc" | "dense" | "null" {
  const { "encoding-type": encodingType, h5sparse_format: h5sparse } = node.attributes;
  const found = encodingType ?? h5sparse;
  if (node.kind === "dataset") {
    if (node.shape === null) return "null";
    if (found === undefined || found === "array") return "dense";
  } else {
    if (found === "csr_matrix" || found === "csr") return "csr";
    if (found === "csc_matrix" || found === "csc") return "csc";
  }
  throw new CnncError(
    "UNKNOWN_ENCODING",
    `${node.path} in ${file.path} has the encoding "${found ?? "none"}", which is not a matrix that can be read here.`,
    "Readable are csr_matrix, csc_matrix and array; convert it and write the file again.",
  );
}

/** scanpy's mark that log1p was applied; a base of None is written as an empty dataset or not at all. */
async function readLog1pBase(file: Hdf5File): Promise<number | null | undefined> {
  const uns = await file.node("/uns");
  if (uns?.kind !== "group" || !uns.children.includes("log1p")) return undefined;
  const base =
    (await file.node("/uns/log1p"))?.kind === "group" ? await file.node("/uns/log1p/base") : undefined;
  if (base?.kind !== "dataset" || base.shape === null || base.dtype === "string") return null;
  const value = Number((await file.readAll(base))[0]);
  if (!(value > 0 && value !== 1 && Number.isFinite(value))) {
    throw new CnncError(
      "LOG1P_BASE_INVALID",
      `/uns/log1p/base in ${file.path} is ${value}, which cannot be the base of a logarithm.`,
      "Correct or delete uns['log1p'] and write the file again.",
    );
  }
  return value;
}
