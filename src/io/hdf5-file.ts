import { access, constants, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { CnncError } from "../errors.js";
import type { DatasetNode, Hdf5Node } from "./hdf5-node.js";
import { createPool, type Hdf5Pool, type ReadOptions } from "./hdf5-pool.js";
import type { Range } from "./hdf5-session.js";
import { allocateNumbers, copyNumbers, isNumericDtype } from "./numbers.js";
import type { Numbers } from "./types.js";

/**
 * An HDF5 file that is read on other threads, each with an HDF5 library of its own: decompression runs in
 * parallel, the event loop is never blocked, and a damaged file can upset no more than a thread, which is replaced.
 */
export interface Hdf5File {
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  /** What stands at `path`; `undefined` where nothing does. */
  node(path: string): Promise<Hdf5Node | undefined>;
  /** The part of a numeric dataset inside `ranges` (one per axis), row-major. */
  read(path: string, ranges: Range[], options?: ReadOptions): Promise<Numbers>;
  /** A whole 1-D dataset (or scalar) of numbers or strings, or one field of a compound one. */
  readAll(dataset: DatasetNode, field?: string): Promise<Numbers | string[]>;
  /** Ends the threads; reads in progress fail. */
  close(): void;
}

/** The number of reading threads when the caller does not say. */
export function defaultWorkers(): number {
  return Math.min(4, availableParallelism());
}

/**
 * @throws CnncError `FILE_NOT_FOUND`, `NOT_A_FILE`, `FILE_UNREADABLE`, `NOT_HDF5`, `FILE_TRUNCATED`,
 *   `FILE_CORRUPT`, `READER_FAILED`, `READ_TIMEOUT`; reads also `UNSUPPORTED_FILTER` and `UNSUPPORTED_DTYPE`.
 */
export async function openHdf5(path: string): Promise<Hdf5File> {
  const bytes = await fileSize(path);
  const pool = createPool(path);
  const nodes = new Map<string, Promise<Hdf5Node | undefined>>();
  const file: Hdf5File = {
    path,
    bytes,
    node(place) {
      const known = nodes.get(place);
      if (known !== undefined) return known;
      const node = pool.run({ kind: "node", path: place }, {}) as Promise<Hdf5Node | undefined>;
      nodes.set(place, node);
      return node;
    },
    read: (place, ranges, options = {}) =>
      pool.run({ kind: "read", path: place, ranges }, options) as Promise<Numbers>,
    readAll: (dataset, field) => readAll(file, pool, dataset, field),
    close: pool.close,
  };
  try {
    await file.node("/");
  } catch (error) {
    file.close();
    throw error;
  }
  return file;
}

/**
 * Size of a regular file that may be read.
 *
 * @throws CnncError `FILE_NOT_FOUND`, `NOT_A_FILE`, `FILE_UNREADABLE`.
 */
export async function fileSize(path: string): Promise<number> {
  const status = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") {
      throw new CnncError("FILE_NOT_FOUND", `There is no file ${path}.`, "Check the path.", { cause });
    }
    throw unreadable(path, cause);
  });
  if (!status.isFile()) {
    throw new CnncError("NOT_A_FILE", `${path} is not a file.`, "Give the path of an expression file.");
  }
  await access(path, constants.R_OK).catch((cause: Error) => {
    throw unreadable(path, cause);
  });
  return status.size;
}

function unreadable(path: string, cause: Error): CnncError {
  return new CnncError(
    "FILE_UNREADABLE",
    `${path} cannot be opened: ${cause.message}.`,
    "Check its permissions.",
    {
      cause,
    },
  );
}

/** Elements of a column that are read in one request: HDF5's memory in a thread never shrinks again. */
const ROWS_PER_READ = 1 << 16;

/** gzip cannot shrink data further than this, so a file that claims more is damaged. */
const MAX_COMPRESSION_RATIO = 1032;

const ALWAYS_PLAUSIBLE_BYTES = 1 << 24;

async function readAll(
  file: Hdf5File,
  pool: Hdf5Pool,
  dataset: DatasetNode,
  field: string | undefined,
): Promise<Numbers | string[]> {
  const place = field === undefined ? dataset.path : `${dataset.path} (field ${field})`;
  const dtype =
    field === undefined ? dataset.dtype : dataset.fields.find(({ name }) => name === field)?.dtype;
  if (dtype === undefined || (dtype !== "string" && !isNumericDtype(dtype))) {
    throw new CnncError(
      "UNSUPPORTED_DTYPE",
      `${place} in ${file.path} has values of type ${dtype}, which cannot be read here.`,
      "Store it as plain numbers or strings.",
    );
  }
  if (dataset.shape === null || dataset.shape.length > 1) {
    throw new CnncError(
      "TABLE_CORRUPT",
      `${place} in ${file.path} has ${dataset.shape?.length ?? "no"} dimensions where one was expected.`,
      "Write the file again with a current version of anndata.",
    );
  }
  const length = dataset.shape[0] ?? 1;
  const plausibleBytes = Math.max(ALWAYS_PLAUSIBLE_BYTES, MAX_COMPRESSION_RATIO * file.bytes);
  if (!Number.isSafeInteger(length) || length * dataset.itemBytes > plausibleBytes) {
    throw new CnncError(
      "FILE_CORRUPT",
      `${place} in ${file.path} claims ${length} elements, more than a file of ${file.bytes} bytes can hold.`,
      "The file is damaged; copy or download it again.",
    );
  }
  const strings: string[] = [];
  const numbers = dtype === "string" ? undefined : allocateNumbers(dtype, length);
  for (let start = 0; start < length; start += ROWS_PER_READ) {
    const range: Range = [start, Math.min(length, start + ROWS_PER_READ)];
    const rows = (await pool.run({ kind: "rows", path: dataset.path, range, field }, {})) as
      | Numbers
      | string[];
    if (numbers === undefined) strings.push(...(rows as string[]));
    else copyNumbers(numbers, start, rows as Numbers, 0, rows.length);
  }
  return numbers ?? strings;
}
