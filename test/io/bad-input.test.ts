import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { findMatrix, openExpressionFile } from "../../dist/io/index.js";
import {
  drain,
  errorOf,
  fixture,
  openForTest,
  type SmallH5ad,
  scratchFile,
  scratchPath,
  writeHdf5,
  writeSmallH5ad,
} from "./helpers.js";

const whole = readFileSync(fixture("matrices.h5ad"));

describe("opening", () => {
  const cases: [what: string, code: string, message: RegExp, path: () => string | Promise<string>][] = [
    ["a missing file", "FILE_NOT_FOUND", /no file .*nowhere\.h5ad/, () => "/nowhere/nowhere.h5ad"],
    ["a folder", "NOT_A_FILE", /io.* is not a file/, () => fixture("")],
    ["an empty file", "NOT_HDF5", /is not an HDF5 file/, () => scratchFile(".h5ad", "")],
    ["text named h5ad", "NOT_HDF5", /is not an HDF5 file/, () => scratchFile(".h5ad", "cell,gene\n1,2\n")],
    [
      "half a file",
      "FILE_TRUNCATED",
      /cut off/,
      () => scratchFile(".h5ad", whole.subarray(0, whole.length / 2)),
    ],
    ["all but a byte", "FILE_TRUNCATED", /cut off/, () => scratchFile(".h5ad", whole.subarray(0, -1))],
    ["the first 40 bytes", "FILE_CORRUPT", /cannot be read/, () => scratchFile(".h5", whole.subarray(0, 40))],
    [
      "HDF5 without obs and var",
      "NOT_H5AD",
      /neither h5ad nor 10x: it has no obs and var but table, weights/,
      () =>
        writeHdf5((root) => {
          root.create_group("weights");
          root.create_group("table");
        }),
    ],
    ["HDF5 with nothing in it", "NOT_H5AD", /but nothing/, () => writeHdf5(() => {})],
    [
      "MuData",
      "NOT_H5AD",
      /MuData/,
      () =>
        writeHdf5((root) => {
          for (const name of ["mod", "obs", "var"]) root.create_group(name);
        }),
    ],
    [
      "obs without an index",
      "TABLE_CORRUPT",
      /\/obs in .*no index/,
      () =>
        writeHdf5((root) => {
          for (const name of ["obs", "var"]) root.create_group(name);
        }),
    ],
    [
      "several genomes",
      "SEVERAL_GENOMES",
      /2 genomes: hg19, mm10/,
      () =>
        writeHdf5((root) => {
          for (const genome of ["hg19", "mm10"]) {
            const group = root.create_group(genome);
            for (const name of ["barcodes", "data", "indices", "indptr", "shape"]) {
              group.create_dataset({ name, data: new Int32Array(1) });
            }
          }
        }),
    ],
  ];
  it.each(cases)("%s: %s", async (_, code, message, path) => {
    const error = await errorOf(async () => openExpressionFile(await path()));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/\n/);
    expect(error.remedy).not.toBe("");
  });

  it.skipIf(process.getuid?.() === 0)(
    "a file without permission (not as root, who may read all)",
    async () => {
      const path = scratchFile(".h5ad", whole);
      chmodSync(path, 0);
      expect((await errorOf(() => openExpressionFile(path))).code).toBe("FILE_UNREADABLE");
    },
  );
});

describe("a matrix that contradicts itself", () => {
  const int64 = (...values: bigint[]) => new BigInt64Array(values);
  const cases: [what: string, message: RegExp, change: (parts: SmallH5ad) => void][] = [
    [
      "a shape unlike obs",
      /\/X .*shape is 4 x 4 but there are 3 cells and 4 genes/,
      (p) => (p.shape = [4, 4]),
    ],
    ["a shape unlike var", /\/X .*shape is 3 x 5 but/, (p) => (p.shape = [3, 5])],
    ["a negative shape", /shape is -3 x 4/, (p) => (p.shape = [-3, 4])],
    ["three dimensions", /two dimensions/, (p) => (p.shape = [3, 4, 1])],
    ["obs without X's rows", /shape is 3 x 4 but there are 2 cells/, (p) => (p.cells = ["a", "b"])],
    ["a short indptr", /indptr .*3 elements where 3 cells need 4/, (p) => (p.indptr = p.indptr.slice(1))],
    [
      "more indices than data",
      /\/X .*data has 5 elements, indices 4/,
      (p) => (p.indices = p.indices.slice(1)),
    ],
    [
      "fractional indices",
      /indices .*float32 where integers/,
      (p) => (p.indices = Float32Array.from(p.indices)),
    ],
  ];
  it.each(cases)("%s", async (_, message, change) => {
    const path = await writeSmallH5ad(change);
    const error = await errorOf(() => openExpressionFile(path));
    expect(error.code).toBe("MATRIX_CORRUPT");
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
  });

  const indptrCases: [what: string, message: RegExp, indptr: Int32Array | BigInt64Array][] = [
    ["decreases", /decreases from 3 to 2 at cell 1 /, new Int32Array([0, 3, 2, 5])],
    ["decreases (int64)", /decreases from 3 to 2 at cell 1 /, int64(0n, 3n, 2n, 5n)],
    ["begins late", /begins with 1 instead of 0/, new Int32Array([1, 2, 3, 5])],
    ["ends early", /ends with 4 but there are 5 values/, new Int32Array([0, 2, 3, 4])],
    ["ends late", /ends with 6 but there are 5 values/, new Int32Array([0, 2, 3, 6])],
    ["crowds a cell", /cell 0 .*has 5 values but there is room for 4/, new Int32Array([0, 5, 5, 5])],
    ["is far beyond any file", /room for 4/, int64(0n, 2n ** 62n, 2n ** 62n, 2n ** 62n)],
    ["is negative", /decreases from 0 to -1 at cell 0/, new Int32Array([0, -1, 3, 5])],
  ];
  it.each(indptrCases)("an indptr that %s", async (_, message, indptr) => {
    const path = await writeSmallH5ad((parts) => {
      parts.indptr = indptr;
    });
    const file = await openForTest(path);
    const error = await errorOf(() => drain(file, findMatrix(file)));
    expect(error.code).toBe("MATRIX_CORRUPT");
    expect(error.message).toMatch(message);
    expect(error.message).toContain("/X/indptr");
  });

  it("an index beyond the features of a 10x file with antibodies", async () => {
    const path = await writeHdf5((root) => {
      const matrix = root.create_group("matrix");
      const features = matrix.create_group("features");
      features.create_dataset({ name: "id", data: ["E1", "A1"] });
      features.create_dataset({ name: "name", data: ["g1", "a1"] });
      features.create_dataset({ name: "feature_type", data: ["Gene Expression", "Antibody Capture"] });
      matrix.create_dataset({ name: "barcodes", data: ["AAA"] });
      matrix.create_dataset({ name: "shape", data: new Int32Array([2, 1]) });
      matrix.create_dataset({ name: "data", data: new Int32Array([7]) });
      matrix.create_dataset({ name: "indices", data: new Int32Array([2]) });
      matrix.create_dataset({ name: "indptr", data: new Int32Array([0, 1]) });
    });
    const file = await openForTest(path);
    const error = await errorOf(() => drain(file, findMatrix(file)));
    expect(error.code).toBe("MATRIX_CORRUPT");
    expect(error.message).toMatch(/\/matrix\/indices .*cell 0 .*index 2 but there are 2 features/);
  });
});

it("an unknown encoding of X", async () => {
  const path = await writeSmallH5ad((parts) => {
    parts.encoding = "coo_matrix";
  });
  const error = await errorOf(() => openExpressionFile(path));
  expect(error.code).toBe("UNKNOWN_ENCODING");
  expect(error.message).toMatch(/\/X in .*"coo_matrix"/);
});

it("a matrix group without its datasets", async () => {
  const path = await writeHdf5((root) => {
    for (const name of ["obs", "var"]) {
      const table = root.create_group(name);
      table.create_attribute("_index", "_index");
      table.create_dataset({ name: "_index", data: ["a"] });
    }
    const matrix = root.create_group("X");
    matrix.create_attribute("encoding-type", "csr_matrix");
    matrix.create_attribute("shape", new Int32Array([1, 1]));
  });
  const error = await errorOf(() => openExpressionFile(path));
  expect(error.code).toBe("MATRIX_CORRUPT");
  expect(error.message).toMatch(/\/X\/data .*missing/);
});

describe("a dataset that cannot be decompressed", () => {
  it.each([
    ["unknown-filter.h5ad", "UNSUPPORTED_FILTER", /\/X\/data in .*filter 40001/],
    ["corrupt-chunk.h5ad", "FILE_CORRUPT", /\/X\/data in .*filter returned failure/],
  ])("%s", async (name, code, message) => {
    const file = await openForTest(fixture(name));
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await errorOf(() => drain(file, findMatrix(file), { workers: 2 }));
      expect(error.code).toBe(code);
      expect(error.message).toMatch(message);
      expect(error.remedy).not.toBe("");
    }
    // The failure cost a thread, not the file: the rest of it can still be read.
    expect((await openForTest(fixture(name))).obs.names).toHaveLength(23);
    await expect(file.obs.column("x")).rejects.toMatchObject({ code: "NO_SUCH_COLUMN" });
  });
});

it("a length that no file of this size can hold", async () => {
  const path = await writeHdf5((root) => {
    for (const name of ["obs", "var"]) {
      const table = root.create_group(name);
      table.create_attribute("_index", "_index");
      const index = table.create_dataset({
        name: "_index",
        data: new Int32Array(1),
        maxshape: [null],
        chunks: [1],
      });
      if (name === "obs") index.resize([2 ** 40]);
    }
  });
  const error = await errorOf(() => openExpressionFile(path));
  expect(error.code).toBe("FILE_CORRUPT");
  expect(error.message).toMatch(/\/obs\/_index .*1099511627776 elements/);
});

it("a thread that gives no answer in time", async () => {
  vi.stubEnv("CNNC_READ_TIMEOUT", "0.001");
  const error = await errorOf(() => openExpressionFile(fixture("matrices.h5ad")));
  vi.unstubAllEnvs();
  expect(error.code).toBe("READ_TIMEOUT");
  expect(error.message).toMatch(/\/ in .*matrices\.h5ad could not be read within 0\.001 seconds/);
  expect(error.remedy).toContain("CNNC_READ_TIMEOUT");
});

it("chunks that are too large to decompress", async () => {
  const path = await writeHdf5((root) => {
    for (const name of ["obs", "var"]) {
      const table = root.create_group(name);
      table.create_attribute("_index", "_index");
      table.create_dataset({ name: "_index", data: ["a"] });
    }
    root.create_dataset({
      name: "X",
      data: new Float64Array(1),
      shape: [1, 1],
      maxshape: [null, null],
      chunks: [2 ** 14, 2 ** 13],
    });
  });
  const error = await errorOf(() => openExpressionFile(path));
  expect(error.code).toBe("CHUNK_TOO_LARGE");
  expect(error.message).toMatch(/\/X in .*1073741824 bytes/);
});

it("a log1p base that is no base", async () => {
  const path = await writeHdf5((root) => {
    for (const name of ["obs", "var"]) {
      const table = root.create_group(name);
      table.create_attribute("_index", "_index");
      table.create_dataset({ name: "_index", data: ["a"] });
    }
    root
      .create_group("uns")
      .create_group("log1p")
      .create_dataset({ name: "base", data: new Float64Array([-2]) });
  });
  const error = await errorOf(() => openExpressionFile(path));
  expect(error.code).toBe("LOG1P_BASE_INVALID");
  expect(error.message).toContain("-2");
});

describe("a table of text", () => {
  const cases: [
    what: string,
    code: string,
    message: RegExp,
    content: string | Uint8Array,
    suffix?: string,
  ][] = [
    ["that is empty", "CSV_MALFORMED", /Line 1 .*empty/, ""],
    ["with a header only", "CSV_MALFORMED", /Line 1 .*no gene follows/, ",c1,c2\n"],
    [
      "whose first gene does not fit",
      "CSV_MALFORMED",
      /Line 2 .*3 fields .*header has 4/,
      ",c1,c2,c3\ng1,1,2\n",
    ],
    ["with a short line", "CSV_MALFORMED", /Line 4 .*1 values .*2 cells/, ",c1,c2\ng1,1,2\n\ng2,1\n"],
    ["without values", "CSV_MALFORMED", /Line 2 .*1 fields/, "cells\ng1\n"],
    ["unpacked but named .gz", "FILE_CORRUPT", /cannot be unpacked/, ",c1\ng1,1\n", ".csv.gz"],
    [
      "whose .gz is cut off",
      "FILE_TRUNCATED",
      /cut off/,
      readFileSync(fixture("ExpressionData.csv.gz")).subarray(0, -40),
      ".csv.gz",
    ],
  ];
  it.each(cases)("%s", async (_, code, message, content, suffix = ".csv") => {
    const path = scratchFile(suffix, content);
    const error = await errorOf(() => openExpressionFile(path));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
  });

  it.each(["NA", "", "1.2.3", "nan"])("with the value %o", async (value) => {
    const file = await openForTest(scratchFile(".csv", `,c1,c2\ng1,1,2\ng2,3,${value}\n`));
    const error = await errorOf(() => drain(file, findMatrix(file)));
    expect(error.code).toBe("CSV_MALFORMED");
    expect(error.message).toMatch(/Line 3 .*gene g2 in cell c2 is not a number/);
    expect(error.message).toContain(`"${value}"`);
  });

  it("that is missing", async () => {
    const error = await errorOf(() => openExpressionFile(join(scratchPath(""), "ExpressionData.csv")));
    expect(error.code).toBe("FILE_NOT_FOUND");
  });
});
