import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { File, type Group, Module, ready } from "h5wasm/node";
import { afterAll, expect, onTestFinished } from "vitest";
import {
  type BlockOptions,
  type ExpressionFile,
  type MatrixInfo,
  openExpressionFile,
} from "../../dist/io/index.js";

const fixtures = fileURLToPath(new URL("../fixtures/io/", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "cnnc-io-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let files = 0;

/** Path of a file that make_fixtures.py made. */
export const fixture = (name: string): string => join(fixtures, name);

/** What is in those files, from the arrays that they were made of. */
export const expected: {
  matrices: Record<string, number[][]>;
  files: Record<string, ExpectedFile>;
} = JSON.parse(readFileSync(fixture("expected.json"), "utf8"));

export interface ExpectedFile {
  obs: string[];
  var: string[];
  rawVar?: string[];
  geneIds?: string[];
  columns?: Record<string, { kind: string; values?: unknown[]; categories?: string[]; codes?: number[] }>;
  matrices: Record<
    string,
    { encoding: string; dtype: string; content: string; stored: number; chunked: boolean; filters: string[] }
  >;
}

/** A path that no other test uses. */
export function scratchPath(suffix: string): string {
  return join(scratch, `${++files}${suffix}`);
}

/** Writes a file for one test and returns its path. */
export function scratchFile(suffix: string, content: string | Uint8Array): string {
  const path = scratchPath(suffix);
  writeFileSync(path, content);
  return path;
}

/** Opens a file that is closed when the test ends. */
export async function openForTest(path: string): Promise<ExpressionFile> {
  const file = await openExpressionFile(path);
  onTestFinished(() => file.close());
  return file;
}

/** The matrix as cells x genes, put together from its blocks, which must cover it in order. */
export async function readMatrix(
  file: ExpressionFile,
  matrix: MatrixInfo,
  options?: BlockOptions,
): Promise<number[][]> {
  const [cells, genes] = matrix.shape;
  const content = Array.from({ length: cells }, () => new Array<number>(genes).fill(0));
  const byCell = matrix.majorAxis === "cell";
  const put = (major: number, minor: number, value: number | bigint) => {
    content[byCell ? major : minor][byCell ? minor : major] += Number(value);
  };
  const minors = byCell ? genes : cells;
  let next = 0;
  for await (const block of file.blocks(matrix, options)) {
    expect(block.first).toBe(next);
    next += block.count;
    for (let major = 0; major < block.count; major++) {
      if (block.kind === "dense") {
        for (let minor = 0; minor < minors; minor++) {
          put(block.first + major, minor, block.values[major * minors + minor]);
        }
      } else {
        for (let entry = block.indptr[major]; entry < block.indptr[major + 1]; entry++) {
          put(block.first + major, Number(block.indices[entry]), block.values[entry]);
        }
      }
    }
  }
  expect(next).toBe(byCell ? cells : genes);
  return content;
}

/** Reads every block of a matrix and forgets it. */
export async function drain(
  file: ExpressionFile,
  matrix: MatrixInfo,
  options?: BlockOptions,
): Promise<number> {
  let blocks = 0;
  for await (const block of file.blocks(matrix, options)) blocks += Math.sign(block.count);
  return blocks;
}

/** Writes an HDF5 file with h5wasm itself. */
export async function writeHdf5(write: (root: Group) => void): Promise<string> {
  await ready;
  Module.activate_throwing_error_handler();
  const path = scratchPath(".h5ad");
  const file = new File(path, "w");
  write(file);
  file.close();
  return path;
}

/** A sound h5ad of 3 cells x 4 genes whose X is CSR; `change` can spoil it before it is written. */
export interface SmallH5ad {
  encoding: string;
  shape: number[];
  data: Float32Array | Int32Array;
  indices: Int32Array | Float32Array;
  indptr: Int32Array | BigInt64Array;
  cells: string[];
}

export async function writeSmallH5ad(change: (parts: SmallH5ad) => void): Promise<string> {
  const parts: SmallH5ad = {
    encoding: "csr_matrix",
    shape: [3, 4],
    data: new Float32Array([1, 2, 3, 4, 5]),
    indices: new Int32Array([0, 2, 1, 0, 3]),
    indptr: new Int32Array([0, 2, 3, 5]),
    cells: ["a", "b", "c"],
  };
  change(parts);
  return writeHdf5((root) => {
    for (const [name, index] of [
      ["obs", parts.cells],
      ["var", ["g1", "g2", "g3", "g4"]],
    ] as const) {
      const table = root.create_group(name);
      table.create_attribute("encoding-type", "dataframe");
      table.create_attribute("_index", "_index");
      table.create_dataset({ name: "_index", data: [...index] });
    }
    const matrix = root.create_group("X");
    matrix.create_attribute("encoding-type", parts.encoding);
    matrix.create_attribute("shape", new BigInt64Array(parts.shape.map((side) => BigInt(side))));
    matrix.create_dataset({ name: "data", data: parts.data });
    matrix.create_dataset({ name: "indices", data: parts.indices });
    matrix.create_dataset({ name: "indptr", data: parts.indptr });
  });
}

export { errorOf } from "../support/errors.js";
