import { CnncError } from "../errors.js";
import { noSuchColumn } from "./dataframe.js";
import type { Hdf5File } from "./hdf5-file.js";
import type { GroupNode } from "./hdf5-node.js";
import { type Matrix, matrixCorrupt } from "./matrix.js";
import type { OpenedFile } from "./opened-file.js";
import { openSparseMatrix } from "./sparse-matrix.js";
import type { Numbers, SparseBlock, Table } from "./types.js";

/** The datasets that make a group of a Cell Ranger file a matrix. */
const MATRIX_MEMBERS = ["barcodes", "data", "indices", "indptr", "shape"];

const GENE_FEATURE_TYPE = "Gene Expression";

/**
 * The groups of a file that are 10x matrices: `matrix` in files of Cell Ranger 3 and later, one named after each
 * genome before. Empty for other files.
 */
export async function findTenxMatrices(file: Hdf5File, root: GroupNode): Promise<GroupNode[]> {
  const nodes = await Promise.all(root.children.map((name) => file.node(`/${name}`)));
  return nodes.filter(
    (node): node is GroupNode =>
      node?.kind === "group" && MATRIX_MEMBERS.every((member) => node.children.includes(member)),
  );
}

/**
 * Opens a feature-barcode matrix of Cell Ranger. It stores genes x cells as CSC, so its blocks run over cells.
 * Features that are not genes (antibodies, guides, ...) are left out and counted.
 *
 * @throws CnncError `SEVERAL_GENOMES`, `MATRIX_CORRUPT`, `UNSUPPORTED_DTYPE`, `CHUNK_TOO_LARGE`.
 */
export async function openTenx(file: Hdf5File, groups: readonly GroupNode[]): Promise<OpenedFile> {
  if (groups.length > 1) {
    const genomes = groups.map(({ path }) => path.slice(1)).join(", ");
    throw new CnncError(
      "SEVERAL_GENOMES",
      `${file.path} holds ${groups.length} genomes: ${genomes}.`,
      "Keep one genome: read it with scanpy.read_10x_h5(path, genome=...) and write an h5ad.",
    );
  }
  const [group] = groups;
  const features = await readFeatures(file, group);
  const [shape, barcodes] = await Promise.all([
    column(file, group, "shape"),
    column(file, group, "barcodes"),
  ]);
  const [nFeatures, nCells] = Array.from(shape as ArrayLike<number | bigint>, Number);
  if (nFeatures !== features.names.length || nCells !== barcodes.length) {
    throw matrixCorrupt(
      file.path,
      group.path,
      `its shape is ${nFeatures} x ${nCells} but there are ${features.names.length} features and ${barcodes.length} barcodes`,
    );
  }
  const matrix = await openSparseMatrix(file, {
    name: "X",
    path: group.path,
    encoding: "csc",
    majorAxis: "cell",
    majors: nCells,
    minors: nFeatures,
  });
  const { kept, otherFeatures } = selectGenes(features.types);
  return {
    format: "10x-h5",
    formatDetail: features.isVersion3
      ? "10x Genomics, Cell Ranger 3 or later"
      : `10x Genomics, Cell Ranger 2, genome ${group.path.slice(1)}`,
    obs: stringTable(file.path, group.path, barcodes as string[], {}),
    var: stringTable(
      file.path,
      group.path,
      kept.map((feature) => features.names[feature]),
      Object.fromEntries(
        Object.entries(features.columns).map(([name, values]) => [
          name,
          kept.map((feature) => values[feature]),
        ]),
      ),
    ),
    matrices: [otherFeatures.size === 0 ? matrix : keepGenes(file.path, matrix, kept)],
    unreadable: [],
    otherFeatures,
    log1pBase: undefined,
    close: file.close,
  };
}

interface Features {
  readonly isVersion3: boolean;
  readonly names: readonly string[];
  readonly types: readonly string[];
  /** Named as scanpy names them. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
}

async function readFeatures(file: Hdf5File, matrix: GroupNode): Promise<Features> {
  const group = await file.node(`${matrix.path}/features`);
  if (group?.kind !== "group") {
    const ids = await strings(file, matrix, "genes");
    const names = await strings(file, matrix, "gene_names");
    return { isVersion3: false, names, types: ids.map(() => GENE_FEATURE_TYPE), columns: { gene_ids: ids } };
  }
  const [ids, names, types] = await Promise.all([
    strings(file, group, "id"),
    strings(file, group, "name"),
    strings(file, group, "feature_type"),
  ]);
  const genomes = group.children.includes("genome") ? { genome: await strings(file, group, "genome") } : {};
  const columns = { gene_ids: ids, feature_types: types, ...genomes };
  if (Object.values(columns).some((values) => values.length !== names.length)) {
    throw matrixCorrupt(file.path, group.path, "its datasets have different lengths");
  }
  return { isVersion3: true, names, types, columns };
}

async function strings(file: Hdf5File, group: GroupNode, name: string): Promise<string[]> {
  return Array.from((await column(file, group, name)) as ArrayLike<unknown>, String);
}

async function column(file: Hdf5File, group: GroupNode, name: string): Promise<Numbers | string[]> {
  const path = `${group.path}/${name}`;
  const node = await file.node(path);
  if (node?.kind !== "dataset") throw matrixCorrupt(file.path, path, "it is missing");
  return file.readAll(node);
}

function selectGenes(types: readonly string[]): { kept: number[]; otherFeatures: Map<string, number> } {
  const kept: number[] = [];
  const otherFeatures = new Map<string, number>();
  types.forEach((type, feature) => {
    if (type === GENE_FEATURE_TYPE) kept.push(feature);
    else otherFeatures.set(type, (otherFeatures.get(type) ?? 0) + 1);
  });
  return { kept, otherFeatures };
}

function stringTable(
  file: string,
  path: string,
  names: readonly string[],
  columns: Readonly<Record<string, string[]>>,
): Table {
  return {
    length: names.length,
    names,
    columns: Object.keys(columns),
    async column(name) {
      if (!Object.hasOwn(columns, name)) throw noSuchColumn(file, path, name, Object.keys(columns));
      return { kind: "strings", values: columns[name] };
    },
  };
}

/** The matrix without the features that are not in `kept`, which are renumbered from 0. */
function keepGenes(file: string, matrix: Matrix, kept: readonly number[]): Matrix {
  const { info } = matrix;
  const geneOf = new Int32Array(info.shape[1]).fill(-1);
  kept.forEach((feature, gene) => {
    geneOf[feature] = gene;
  });
  return {
    info: { ...info, shape: [info.shape[0], kept.length] },
    async *blocks(request) {
      for await (const block of matrix.blocks(request)) {
        yield block.kind === "sparse" ? renumber(file, info.path, block, geneOf) : block;
      }
    },
  };
}

/** Maps the indices of a block, dropping those that `geneOf` maps to -1. */
function renumber(file: string, path: string, block: SparseBlock, geneOf: Int32Array): SparseBlock {
  const indptr = new Uint32Array(block.count + 1);
  const indices = new Int32Array(block.indices.length);
  const values = block.values.slice();
  let kept = 0;
  for (let major = 0; major < block.count; major++) {
    for (let entry = block.indptr[major]; entry < block.indptr[major + 1]; entry++) {
      const gene = geneOf[Number(block.indices[entry])];
      if (gene === undefined) {
        const cell = block.first + major;
        throw matrixCorrupt(
          file,
          `${path}/indices`,
          `cell ${cell} (counted from 0) has the index ${block.indices[entry]} but there are ${geneOf.length} features`,
        );
      }
      if (gene === -1) continue;
      indices[kept] = gene;
      values[kept] = block.values[entry];
      kept++;
    }
    indptr[major + 1] = kept;
  }
  return { ...block, indptr, indices: indices.subarray(0, kept), values: values.subarray(0, kept) };
}
