import { streamDataset } from "./dataset-stream.js";
import type { Hdf5File } from "./hdf5-file.js";
import type { DatasetNode } from "./hdf5-node.js";
import { assertReadable, type BlockRequest, type Matrix, type MatrixPlace, matrixCorrupt } from "./matrix.js";
import { toFloat64 } from "./numbers.js";
import type { MatrixInfo, SparseBlock } from "./types.js";

/** How a sparse matrix is laid out: its majors are the rows of a CSR matrix, the columns of a CSC one. */
export interface SparseLayout extends MatrixPlace {
  readonly encoding: "csr" | "csc";
  readonly majorAxis: MatrixInfo["majorAxis"];
  readonly majors: number;
  readonly minors: number;
}

/**
 * Opens the group `layout.path` with its datasets `data`, `indices` and `indptr`.
 *
 * @throws CnncError `MATRIX_CORRUPT`, `UNSUPPORTED_DTYPE`, `CHUNK_TOO_LARGE`.
 */
export async function openSparseMatrix(file: Hdf5File, layout: SparseLayout): Promise<Matrix> {
  const { name, path, encoding, majorAxis, majors, minors } = layout;
  const [data, indices, indptr] = await Promise.all([
    member(file, layout, "data"),
    member(file, layout, "indices"),
    member(file, layout, "indptr"),
  ]);
  const storedValues = lengthOf(data);
  if (lengthOf(indices) !== storedValues) {
    throw matrixCorrupt(file.path, path, `data has ${storedValues} elements, indices ${lengthOf(indices)}`);
  }
  if (lengthOf(indptr) !== majors + 1) {
    throw matrixCorrupt(
      file.path,
      indptr.path,
      `it has ${lengthOf(indptr)} elements where ${majors} ${majorAxis}s need ${majors + 1}`,
    );
  }
  let offsets: Promise<Float64Array> | undefined;
  return {
    info: {
      name,
      path,
      encoding,
      dtype: data.dtype,
      shape: majorAxis === "cell" ? [majors, minors] : [minors, majors],
      majorAxis,
      storedValues,
      chunked: data.chunks !== null,
      filters: data.filters,
    },
    async *blocks(request) {
      offsets ??= readOffsets(file, indptr, storedValues, layout);
      yield* sparseBlocks(file, data, indices, await offsets, request);
    },
  };
}

async function member(file: Hdf5File, layout: SparseLayout, name: string): Promise<DatasetNode> {
  const path = `${layout.path}/${name}`;
  const node = await file.node(path);
  if (node?.kind !== "dataset" || node.shape?.length !== 1) {
    throw matrixCorrupt(file.path, path, node === undefined ? "it is missing" : "it is not a 1-D dataset");
  }
  assertReadable(file.path, node);
  if (name !== "data" && !/^u?int/.test(node.dtype)) {
    throw matrixCorrupt(file.path, path, `it holds ${node.dtype} where integers belong`);
  }
  return node;
}

function lengthOf(dataset: DatasetNode): number {
  return dataset.shape?.[0] ?? 0;
}

/** Where each major begins and, as the last of majors + 1 numbers, where the last one ends. */
async function readOffsets(
  file: Hdf5File,
  indptr: DatasetNode,
  storedValues: number,
  { majorAxis, minors }: SparseLayout,
): Promise<Float64Array> {
  const offsets = toFloat64((await file.readAll(indptr)) as Float64Array);
  const problem = (text: string) => matrixCorrupt(file.path, indptr.path, text);
  if (offsets[0] !== 0) throw problem(`it begins with ${offsets[0]} instead of 0`);
  for (let major = 0; major + 1 < offsets.length; major++) {
    const stored = offsets[major + 1] - offsets[major];
    if (stored < 0) {
      throw problem(
        `it decreases from ${offsets[major]} to ${offsets[major + 1]} at ${majorAxis} ${major} (counted from 0)`,
      );
    }
    if (stored > minors) {
      throw problem(
        `${majorAxis} ${major} (counted from 0) has ${stored} values but there is room for ${minors}`,
      );
    }
  }
  const last = offsets[offsets.length - 1];
  if (last !== storedValues) throw problem(`it ends with ${last} but there are ${storedValues} values`);
  return offsets;
}

async function* sparseBlocks(
  file: Hdf5File,
  data: DatasetNode,
  indices: DatasetNode,
  offsets: Float64Array,
  request: BlockRequest,
): AsyncGenerator<SparseBlock> {
  const dataStream = streamDataset(file, data, request);
  const indexStream = streamDataset(file, indices, request);
  const majors = offsets.length - 1;
  for (let first = 0, end = 0; first < majors; first = end) {
    end = blockEnd(offsets, first, request.maxEntries);
    const stored = offsets[end] - offsets[first];
    const [values, minorIndices] = await Promise.all([dataStream.take(stored), indexStream.take(stored)]);
    request.signal?.throwIfAborted();
    yield {
      kind: "sparse",
      first,
      count: end - first,
      indptr: Uint32Array.from(offsets.subarray(first, end + 1), (offset) => offset - offsets[first]),
      indices: minorIndices,
      values,
    };
  }
}

/** The first major that no longer fits into the block that begins with `first`, which always holds that one. */
function blockEnd(offsets: Float64Array, first: number, maxEntries: number): number {
  let end = first + 1;
  while (
    end < offsets.length - 1 &&
    end - first < maxEntries &&
    offsets[end + 1] - offsets[first] <= maxEntries
  ) {
    end++;
  }
  return end;
}
