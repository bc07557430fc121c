import { createHdf5, type GrowingDataset, type Hdf5Writer } from "./hdf5-writer.js";

/**
 * Names of cells or genes with columns of text, as AnnData's obs and var hold them. (Its categorical columns
 * need an HDF5 boolean, which h5wasm cannot write; anndata makes categories of text by itself.)
 */
export interface Annotation {
  readonly names: string[];
  readonly columns: Readonly<Record<string, string[]>>;
}

/** An h5ad file with a CSR matrix of counts, written cell by cell. */
export interface H5adWriter {
  /** Appends cells: `indptr` has one entry more than there are cells and starts at 0. */
  append(block: { indptr: ArrayLike<number>; indices: Int32Array; values: Float32Array }): void;
  /** Writes the annotation and closes the file. */
  finish(obs: Annotation, genes: Annotation): void;
  abandon(): void;
}

const CHUNK_VALUES = 1 << 15;
const GZIP_LEVEL = 4;

/**
 * Creates an h5ad file (AnnData 0.1.0 on disk, readable since anndata 0.7).
 * Memory: one offset per cell, and a few chunks.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED` from every method.
 */
export async function createH5ad(path: string): Promise<H5adWriter> {
  const file = await createHdf5(path);
  encode(file, "/", "anndata", "0.1.0");
  file.group("X");
  const growing = (name: string): GrowingDataset =>
    file.growing(name, { chunkRows: CHUNK_VALUES, gzip: GZIP_LEVEL });
  const data = growing("X/data");
  const indices = growing("X/indices");
  const offsets = [0];
  return {
    append(block) {
      const start = offsets[offsets.length - 1];
      for (let cell = 1; cell < block.indptr.length; cell++) offsets.push(start + block.indptr[cell]);
      if (block.values.length === 0) return;
      data.append(block.values);
      indices.append(block.indices);
    },
    finish(obs, genes) {
      file.write("X/indptr", BigInt64Array.from(offsets, BigInt));
      encode(file, "X", "csr_matrix", "0.1.0");
      file.attribute("X", "shape", BigInt64Array.of(BigInt(obs.names.length), BigInt(genes.names.length)));
      writeAnnotation(file, "obs", obs);
      writeAnnotation(file, "var", genes);
      file.finish();
    },
    abandon: () => file.abandon(),
  };
}

function writeAnnotation(file: Hdf5Writer, path: string, { names, columns }: Annotation): void {
  file.group(path);
  encode(file, path, "dataframe", "0.2.0");
  file.attribute(path, "_index", "_index");
  file.attribute(path, "column-order", Object.keys(columns));
  file.write(`${path}/_index`, names);
  encode(file, `${path}/_index`, "string-array", "0.2.0");
  for (const [name, values] of Object.entries(columns)) {
    file.write(`${path}/${name}`, values);
    encode(file, `${path}/${name}`, "string-array", "0.2.0");
  }
}

function encode(file: Hdf5Writer, path: string, type: string, version: string): void {
  file.attribute(path, "encoding-type", type);
  file.attribute(path, "encoding-version", version);
}
