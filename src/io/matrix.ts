import { CnncError } from "../errors.js";
import type { DatasetNode } from "./hdf5-node.js";
import type { ReadOptions } from "./hdf5-pool.js";
import { isNumericDtype } from "./numbers.js";
import type { MatrixBlock, MatrixInfo } from "./types.js";

/** `BlockOptions` with everything decided. */
export interface BlockRequest extends Required<ReadOptions> {
  readonly maxEntries: number;
}

/** A matrix of an open file: what is known about it, and how to stream it. */
export interface Matrix {
  readonly info: MatrixInfo;
  blocks(request: BlockRequest): AsyncIterable<MatrixBlock>;
}

/** A matrix's name for users (`layers/counts`) and its place in the file (`/layers/counts`), see `MatrixInfo`. */
export type MatrixPlace = Pick<MatrixInfo, "name" | "path">;

/** A `MATRIX_CORRUPT` error about the dataset or group at `path`. */
export function matrixCorrupt(file: string, path: string, problem: string): CnncError {
  return new CnncError(
    "MATRIX_CORRUPT",
    `${path} in ${file} is not a sound matrix: ${problem}.`,
    "The file is damaged or was written by a faulty program; write it again with a current version of anndata.",
  );
}

/** HDF5 itself must hold a whole chunk, compressed, decompressed and copied, in 1 GB (`wasm-memory-limit.ts`). */
const MAX_CHUNK_BYTES = 1 << 28;

/**
 * Checks that the values of `dataset` are numbers and its chunks of a size that can be read.
 *
 * @throws CnncError `UNSUPPORTED_DTYPE`, `CHUNK_TOO_LARGE`.
 */
export function assertReadable(file: string, dataset: DatasetNode): void {
  const rewrite = "Write the file again with a current version of anndata.";
  if (!isNumericDtype(dataset.dtype)) {
    throw new CnncError(
      "UNSUPPORTED_DTYPE",
      `${dataset.path} in ${file} has values of type ${dataset.dtype}, which cannot be read here.`,
      `Store it as float32 or as integers. ${rewrite}`,
    );
  }
  const chunkBytes = dataset.itemBytes * (dataset.chunks ?? []).reduce((product, side) => product * side, 1);
  if (chunkBytes > MAX_CHUNK_BYTES) {
    throw new CnncError(
      "CHUNK_TOO_LARGE",
      `${dataset.path} in ${file} is stored in chunks of ${chunkBytes} bytes; at most ${MAX_CHUNK_BYTES} can be read.`,
      rewrite,
    );
  }
}
