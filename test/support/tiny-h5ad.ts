import { File, type Group, Module, ready } from "h5wasm/node";

/** A sparse matrix as it stands in a file; `shape` is cells x genes. */
export interface SparseParts {
  encoding: string;
  shape: number[];
  data: Float32Array | Float64Array | Int32Array;
  indices: Int32Array;
  indptr: Int32Array;
}

export interface DenseParts {
  encoding: "array";
  shape: number[];
  data: Float32Array | Float64Array | Int32Array;
}

/** Text, numbers, or a categorical column. */
export type ColumnParts = string[] | Float64Array | { categories: string[]; codes: Int8Array };

/** Everything that a small h5ad file is made of. */
export interface H5adParts {
  X?: SparseParts | DenseParts | undefined;
  /** Has genes of its own. */
  raw?: { X: SparseParts | DenseParts; genes: string[] };
  layers: Record<string, SparseParts | DenseParts>;
  cells: string[];
  genes: string[];
  obs: Record<string, ColumnParts>;
  var: Record<string, ColumnParts>;
}

/** Values of 6 cells x 5 genes that {@link writeTinyH5ad} writes: counts; g4 is constant. */
export const TINY_COUNTS = [
  [3, 0, 1, 2, 0],
  [0, 5, 1, 2, 0],
  [2, 0, 4, 2, 1],
  [0, 7, 0, 2, 0],
  [1, 1, 0, 2, 3],
  [6, 0, 2, 2, 0],
];

/** The matrix in CSR; `Type` is that of its values. */
export function csr(
  values: number[][],
  Type: Float32ArrayConstructor | Float64ArrayConstructor | Int32ArrayConstructor = Float32Array,
): SparseParts {
  const data: number[] = [];
  const indices: number[] = [];
  const indptr = [0];
  for (const row of values) {
    row.forEach((value, column) => {
      if (value === 0) return;
      data.push(value);
      indices.push(column);
    });
    indptr.push(data.length);
  }
  return {
    encoding: "csr_matrix",
    shape: [values.length, values[0]?.length ?? 0],
    data: Type.from(data),
    indices: Int32Array.from(indices),
    indptr: Int32Array.from(indptr),
  };
}

/** The same in CSC. */
export function csc(...[values, Type]: Parameters<typeof csr>): SparseParts {
  const transposed = values[0].map((_, gene) => values.map((row) => row[gene]));
  const [genes, cells] = [transposed.length, values.length];
  return { ...csr(transposed, Type), encoding: "csc_matrix", shape: [cells, genes] };
}

/** The same with all zeros, cell by cell. */
export function dense(values: number[][], Type: Float32ArrayConstructor = Float32Array): DenseParts {
  return { encoding: "array", shape: [values.length, values[0].length], data: Type.from(values.flat()) };
}

/**
 * Writes a sound h5ad of 6 cells (cell_type A, A, A, B, B, C) x 5 genes at `path`; `change` can spoil its parts
 * before.
 */
export async function writeTinyH5ad(
  path: string,
  change: (parts: H5adParts) => void = () => {},
): Promise<string> {
  const parts: H5adParts = {
    X: csr(TINY_COUNTS),
    layers: {},
    cells: ["c1", "c2", "c3", "c4", "c5", "c6"],
    genes: ["g1", "g2", "g3", "g4", "g5"],
    obs: {
      cell_type: { categories: ["A", "B", "C"], codes: Int8Array.of(0, 0, 0, 1, 1, 2) },
      batch: Float64Array.of(1, 1, 2, 2, 2, 2),
    },
    var: { gene_ids: ["id1", "id2", "id3", "id4", "id5"] },
  };
  change(parts);
  await writeHdf5(path, (root) => {
    root.create_attribute("encoding-type", "anndata");
    root.create_attribute("encoding-version", "0.1.0");
    if (parts.X) writeMatrix(root, "X", parts.X);
    writeTable(root, "obs", parts.cells, parts.obs);
    writeTable(root, "var", parts.genes, parts.var);
    if (parts.raw) {
      const raw = root.create_group("raw");
      writeMatrix(raw, "X", parts.raw.X);
      writeTable(raw, "var", parts.raw.genes, {});
    }
    const layers = Object.entries(parts.layers);
    if (layers.length > 0) {
      const group = root.create_group("layers");
      for (const [name, matrix] of layers) writeMatrix(group, name, matrix);
    }
  });
  return path;
}

/** Writes an HDF5 file with h5wasm itself. */
export async function writeHdf5(path: string, write: (root: Group) => void): Promise<string> {
  await ready;
  Module.activate_throwing_error_handler();
  const file = new File(path, "w");
  write(file);
  file.close();
  return path;
}

/** Takes an attribute of the root away. */
export async function removeAttribute(path: string, name: string): Promise<void> {
  await ready;
  const file = new File(path, "a");
  file.delete_attribute(name);
  file.close();
}

/** Writes an obs or var. */
export function writeTable(
  parent: Group,
  name: string,
  index: string[],
  columns: Record<string, ColumnParts>,
): void {
  const table = parent.create_group(name);
  table.create_attribute("encoding-type", "dataframe");
  table.create_attribute("encoding-version", "0.2.0");
  table.create_attribute("_index", "_index");
  if (Object.keys(columns).length > 0) table.create_attribute("column-order", Object.keys(columns));
  if (index.length > 0) table.create_dataset({ name: "_index", data: index });
  else table.create_dataset({ name: "_index", data: new Float64Array(0), shape: [0] });
  for (const [column, data] of Object.entries(columns)) {
    if (!("categories" in data)) {
      table.create_dataset({ name: column, data });
      continue;
    }
    const group = table.create_group(column);
    group.create_attribute("encoding-type", "categorical");
    group.create_dataset({ name: "categories", data: data.categories });
    group.create_dataset({ name: "codes", data: data.codes });
  }
}

function writeMatrix(parent: Group, name: string, matrix: SparseParts | DenseParts): void {
  if (!("indptr" in matrix)) {
    parent.create_dataset({ name, data: matrix.data, shape: matrix.shape });
    return;
  }
  const group = parent.create_group(name);
  group.create_attribute("encoding-type", matrix.encoding);
  group.create_attribute("shape", BigInt64Array.from(matrix.shape, BigInt));
  group.create_dataset({ name: "data", data: matrix.data });
  group.create_dataset({ name: "indices", data: matrix.indices });
  group.create_dataset({ name: "indptr", data: matrix.indptr });
}
