import { describe, expect, it } from "vitest";
import type { Column } from "../../dist/io/index.js";
import { errorOf, expected, fixture, openForTest, writeHdf5, writeSmallH5ad } from "./helpers.js";

/** As JSON holds it: plain arrays, null for NaN. */
function plain(column: Column) {
  if (column.kind === "categorical") return { ...column, codes: [...column.codes] };
  const values = Array.from(column.values as ArrayLike<unknown>, (value) =>
    Number.isNaN(value) ? null : value,
  );
  return { kind: column.kind, values };
}

describe.each(["tables-modern.h5ad", "tables-0.7.h5ad", "tables-0.5.h5ad"])("%s", (name) => {
  it("has the columns that were written, in their order", async () => {
    const columns = expected.files[name].columns ?? {};
    const { obs } = await openForTest(fixture(name));
    expect(obs.columns).toEqual(Object.keys(columns));
    for (const column of obs.columns) {
      expect(plain(await obs.column(column)), column).toEqual(columns[column]);
    }
  });

  it("names the existing columns when asked for another", async () => {
    const { obs } = await openForTest(fixture(name));
    const error = await errorOf(() => obs.column("celltype"));
    expect(error.code).toBe("NO_SUCH_COLUMN");
    expect(error.message).toMatch(/\/obs in .*has no column "celltype"/);
    expect(error.remedy).toMatch(/type, .*count|type, n_genes/);
  });
});

it("keeps gene ids beside gene names in 10x files, as scanpy names them", async () => {
  const version3 = await openForTest(fixture("10x-v3.h5"));
  expect(version3.var.columns).toEqual(["gene_ids", "feature_types", "genome"]);
  const version2 = await openForTest(fixture("10x-v2.h5"));
  expect(version2.var.columns).toEqual(["gene_ids"]);
  for (const file of [version2, version3]) {
    const ids = expected.files["10x-v2.h5"].geneIds;
    expect(await file.var.column("gene_ids")).toEqual({ kind: "strings", values: ids });
    expect((await errorOf(() => file.var.column("symbol"))).code).toBe("NO_SUCH_COLUMN");
  }
});

/** A small h5ad with one more obs column, written by `write`. */
async function withColumn(write: (obs: import("h5wasm/node").Group) => void): Promise<string> {
  return writeHdf5((root) => {
    for (const name of ["obs", "var"]) {
      const table = root.create_group(name);
      table.create_attribute("_index", "_index");
      table.create_dataset({ name: "_index", data: ["a", "b", "c"] });
    }
    write(root.get("obs") as import("h5wasm/node").Group);
  });
}

it.each([
  [
    "a code without a category",
    "TABLE_CORRUPT",
    /\/obs\/bad .*code 7 in row 1 .*2 categories/,
    (obs: import("h5wasm/node").Group) => {
      const column = obs.create_group("bad");
      column.create_attribute("encoding-type", "categorical");
      column.create_dataset({ name: "codes", data: new Int8Array([0, 7, 1]) });
      column.create_dataset({ name: "categories", data: ["x", "y"] });
    },
  ],
  [
    "a column of another length",
    "TABLE_CORRUPT",
    /\/obs\/bad .*2 elements .*3 rows/,
    (obs: import("h5wasm/node").Group) => obs.create_dataset({ name: "bad", data: new Int8Array([1, 2]) }),
  ],
  [
    "an encoding from the future",
    "UNKNOWN_ENCODING",
    /\/obs\/bad .*"quantum-array"/,
    (obs: import("h5wasm/node").Group) => {
      obs.create_group("bad").create_attribute("encoding-type", "quantum-array");
    },
  ],
  [
    "a 2-D column",
    "TABLE_CORRUPT",
    /\/obs\/bad .*2 dimensions/,
    (obs: import("h5wasm/node").Group) =>
      obs.create_dataset({ name: "bad", data: new Int8Array(6), shape: [3, 2] }),
  ],
])("reports %s", async (_, code, message, write) => {
  const { obs } = await openForTest(await withColumn(write));
  const error = await errorOf(() => obs.column("bad"));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
});

it("reports a listed column that is missing", async () => {
  const path = await withColumn((obs) => obs.create_attribute("column-order", ["ghost"]));
  const { obs } = await openForTest(path);
  const error = await errorOf(() => obs.column("ghost"));
  expect(error.code).toBe("TABLE_CORRUPT");
  expect(error.message).toMatch(/\/obs\/ghost .*missing/);
});

it("reads names that span many reads", async () => {
  const names = Array.from({ length: 150_001 }, (_, i) => `cell-${i}`);
  const path = await writeHdf5((root) => {
    for (const name of ["obs", "var"]) {
      const table = root.create_group(name);
      table.create_attribute("_index", "_index");
      table.create_dataset({ name: "_index", data: name === "obs" ? names : ["gene"] });
    }
  });
  const { obs } = await openForTest(path);
  expect(obs.names).toEqual(names);
});

it("keeps duplicate names", async () => {
  const path = await writeSmallH5ad((parts) => {
    parts.cells = ["a", "a", "b"];
  });
  expect((await openForTest(path)).obs.names).toEqual(["a", "a", "b"]);
});
