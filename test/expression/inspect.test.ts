import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { buildStore, type FileReport, inspectFile, selectExpression } from "../../dist/expression/index.js";
import { openExpressionFile } from "../../dist/io/index.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";
import { csr, dense, TINY_COUNTS, writeTinyH5ad } from "../support/tiny-h5ad.js";

const ORACLE = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));

async function inspect(path: string, signal?: AbortSignal): Promise<FileReport> {
  const file = await openExpressionFile(path);
  onTestFinished(() => file.close());
  return inspectFile(file, signal);
}

describe("inspectFile", () => {
  it("describes all that is in a file", async () => {
    const path = join(testFolder(), "data.h5ad");
    await writeTinyH5ad(path, (parts) => {
      parts.layers = { half: dense(TINY_COUNTS.map((row) => row.map((value) => value / 2))) };
      parts.layers.odd = { ...csr(TINY_COUNTS), encoding: "coo_matrix" };
      parts.raw = { X: csr([...TINY_COUNTS], Int32Array), genes: ["r1", "r2", "r3", "r4", "r4"] };
      parts.obs.sample = ["s1", "s2", "s1", "s1", "s1", "s2"];
      parts.obs.batch = Float64Array.of(1, 1, Number.NaN, 2, 2, 2.5);
      parts.obs.partly = { categories: ["A"], codes: Int8Array.of(0, 0, -1, -1, -1, 0) };
      parts.var.role = { categories: ["gene"], codes: new Int8Array(5) };
    });
    expect(await inspect(path)).toEqual({
      path,
      format: "AnnData 0.1.0",
      cells: 6,
      matrices: [
        {
          name: "X",
          cells: 6,
          genes: 5,
          encoding: "csr",
          dtype: "float32",
          compression: [],
          density: 19 / 30,
          maximum: 7,
          scale: "counts",
          scaleReason: "all values looked at are whole numbers",
          storeBytes: expect.any(Number),
        },
        expect.objectContaining({ name: "raw/X", dtype: "int32", scale: "counts" }),
        expect.objectContaining({
          name: "layers/half",
          encoding: "dense",
          density: 19 / 30,
          maximum: 3.5,
          scale: "log1p",
        }),
      ],
      unreadable: [{ name: "layers/odd", reason: expect.stringContaining('the encoding "coo_matrix"') }],
      obs: [
        {
          name: "cell_type",
          kind: "categorical",
          levels: 3,
          top: [
            { level: "A", cells: 3 },
            { level: "B", cells: 2 },
            { level: "C", cells: 1 },
          ],
          missing: 0,
        },
        { name: "batch", kind: "numbers", range: [1, 2.5], missing: 1 },
        {
          name: "sample",
          kind: "strings",
          levels: 2,
          top: [
            { level: "s1", cells: 4 },
            { level: "s2", cells: 2 },
          ],
          missing: 0,
        },
        { name: "partly", kind: "categorical", levels: 1, top: [{ level: "A", cells: 3 }], missing: 3 },
      ],
      geneNames: [
        { column: "index", examples: ["g1", "g2", "g3"], duplicates: 0 },
        { column: "gene_ids", examples: ["id1", "id2", "id3"], duplicates: 0 },
      ],
      otherFeatures: {},
    });
  });

  it("shows the twelve most frequent levels", async () => {
    const cells = 120;
    const path = join(testFolder(), "data.h5ad");
    await writeTinyH5ad(path, (parts) => {
      parts.X = dense(Array.from({ length: cells }, () => [1]));
      parts.genes = ["g1"];
      parts.var = {};
      parts.cells = Array.from({ length: cells }, (_, cell) => `c${cell}`);
      // Level i has i + 1 cells, of 15 levels.
      parts.obs = {
        level: parts.cells.map((_, cell) => `l${Math.floor((Math.sqrt(8 * cell + 1) - 1) / 2)}`),
      };
    });
    const { obs } = await inspect(path);
    expect(obs[0].levels).toBe(15);
    expect(obs[0].top).toEqual(
      Array.from({ length: 12 }, (_, i) => ({ level: `l${14 - i}`, cells: 15 - i })),
    );
  });

  it("foresees the memory of the store", async () => {
    const { matrices } = await inspect(ORACLE);
    for (const [name, options] of [
      ["X", {}],
      ["raw/X", { raw: true }],
      ["layers/dense", { layer: "dense" }],
    ] as const) {
      const selection = await selectExpression(ORACLE, options);
      const { native } = await buildStore(selection, { threads: 1 });
      selection.file.close();
      const foreseen = matrices.find((matrix) => matrix.name === name)?.storeBytes ?? 0;
      expect(Math.abs(foreseen / native.bytes - 1)).toBeLessThan(0.05);
    }
  });

  it("can be aborted", async () => {
    expect((await errorOf(() => inspect(ORACLE, AbortSignal.abort()))).code).toBe("CANCELLED");
  });
});
