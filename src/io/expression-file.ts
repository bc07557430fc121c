import { open } from "node:fs/promises";
import { CnncError } from "../errors.js";
import { isBeelinePath, openBeeline } from "./beeline.js";
import { openH5ad } from "./h5ad.js";
import { defaultWorkers, fileSize, type Hdf5File, openHdf5 } from "./hdf5-file.js";
import { HDF5_SIGNATURE } from "./hdf5-signature.js";
import type { OpenedFile } from "./opened-file.js";
import { findTenxMatrices, openTenx } from "./tenx.js";
import type { ExpressionFile, MatrixInfo } from "./types.js";

const DEFAULT_MAX_ENTRIES = 1 << 20;
const VALUES_PER_WORKER = 1 << 22;

/**
 * Opens an h5ad file, a 10x .h5 file (both recognised by what is in them) or, when the name says .csv or .tsv
 * (maybe .gz), a table of genes x cells such as BEELINE's ExpressionData.csv. Close it when done.
 *
 * @throws CnncError `FILE_NOT_FOUND`, `NOT_A_FILE`, `FILE_UNREADABLE`, `NOT_HDF5`, `FILE_TRUNCATED`,
 *   `FILE_CORRUPT`, `NOT_H5AD`, `SEVERAL_GENOMES`, `TABLE_CORRUPT`, `CSV_MALFORMED`, `LOG1P_BASE_INVALID`, and
 *   the reason why the first matrix cannot be read when none can.
 */
export async function openExpressionFile(path: string): Promise<ExpressionFile> {
  const opened = await openByContent(path);
  const matrices = new Map(opened.matrices.map((matrix) => [matrix.info.name, matrix]));
  return {
    path,
    format: opened.format,
    formatDetail: opened.formatDetail,
    obs: opened.obs,
    var: opened.var,
    matrices: opened.matrices.map(({ info }) => info),
    unreadable: opened.unreadable,
    otherFeatures: opened.otherFeatures,
    log1pBase: opened.log1pBase,
    varOf: ({ name }) => (name === "raw/X" && opened.rawVar ? opened.rawVar : opened.var),
    blocks({ name }, options = {}) {
      const matrix = matrices.get(name);
      if (matrix === undefined) throw new Error(`${name} is not a matrix of ${path}.`);
      const { maxEntries = DEFAULT_MAX_ENTRIES, workers = workersFor(matrix.info), signal } = options;
      if (!(maxEntries >= 1 && workers >= 1))
        throw new RangeError("maxEntries and workers must be at least 1.");
      return matrix.blocks({ maxEntries, workers, signal });
    },
    close: opened.close,
  };
}

/** Starting a thread costs a tenth of a second, so small matrices get fewer. */
function workersFor({ storedValues }: MatrixInfo): number {
  return Math.min(defaultWorkers(), Math.ceil((storedValues + 1) / VALUES_PER_WORKER));
}

async function openByContent(path: string): Promise<OpenedFile> {
  const bytes = await fileSize(path);
  if (isBeelinePath(path) && !(await hasHdf5Signature(path, bytes))) return openBeeline(path);
  const file = await openHdf5(path);
  try {
    return await openHdf5Format(file);
  } catch (error) {
    file.close();
    throw error;
  }
}

async function hasHdf5Signature(path: string, bytes: number): Promise<boolean> {
  if (bytes < HDF5_SIGNATURE.length) return false;
  const handle = await open(path);
  try {
    const { buffer } = await handle.read({ buffer: Buffer.alloc(HDF5_SIGNATURE.length), position: 0 });
    return buffer.equals(HDF5_SIGNATURE);
  } finally {
    await handle.close();
  }
}

async function openHdf5Format(file: Hdf5File): Promise<OpenedFile> {
  const root = await file.node("/");
  if (root?.kind !== "group") throw notH5ad(file.path, "it has no root group");
  if (root.children.includes("mod"))
    throw notH5ad(file.path, "it is a MuData file, which holds several AnnData");
  if (root.children.includes("obs") && root.children.includes("var")) return openH5ad(file, root);
  const tenx = await findTenxMatrices(file, root);
  if (tenx.length > 0) return openTenx(file, tenx);
  const found = root.children.length === 0 ? "nothing" : root.children.slice(0, 8).join(", ");
  throw notH5ad(file.path, `it has no obs and var but ${found}`);
}

function notH5ad(path: string, reason: string): CnncError {
  return new CnncError(
    "NOT_H5AD",
    `${path} is an HDF5 file but neither h5ad nor 10x: ${reason}.`,
    "Open it with the program that wrote it and save an h5ad file.",
  );
}
