import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import {
  buildStore,
  type ExpressionStore,
  type SelectionOptions,
  type StoreOptions,
  selectExpression,
} from "../../dist/expression/index.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";
import { csc, csr, dense, TINY_COUNTS, writeTinyH5ad } from "../support/tiny-h5ad.js";

const ORACLE = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const TINY = join(testFolder(), "tiny.h5ad");

beforeAll(async () => {
  await writeTinyH5ad(TINY, (parts) => {
    parts.layers = {
      csc: csc(TINY_COUNTS),
      dense: dense(TINY_COUNTS),
      float64: csr(TINY_COUNTS, Float64Array),
    };
    parts.raw = { X: csr(TINY_COUNTS.map((row) => [...row, 9])), genes: [...parts.genes, "raw only"] };
    parts.var.symbol = { categories: ["A", "B", "C", "D"], codes: Int8Array.of(3, 1, 0, 2, -1) };
    parts.var.highly_variable = Float64Array.of(1, 0, 1, 0, 1);
  });
});

async function store(
  path: string,
  selection: SelectionOptions = {},
  options: Partial<StoreOptions> = {},
): Promise<ExpressionStore> {
  const selected = await selectExpression(path, selection);
  try {
    return await buildStore(selected, { threads: 2, ...options });
  } finally {
    selected.file.close();
  }
}

/** Everything that tells two stores apart, without what depends on where they came from. */
function fingerprint({
  native,
  geneNames,
  columns,
  edges,
  marginal,
  expressing,
  constantGenes,
}: ExpressionStore) {
  const { cells, genes, entries, bytes } = native;
  return { cells, genes, entries, bytes, geneNames, columns, edges, marginal, expressing, constantGenes };
}

describe("buildStore", () => {
  it("holds what can be counted by hand", async () => {
    const { native, geneNames, marginal, edges, expressing, constantGenes } = await store(TINY, {
      scale: "linear",
      transform: "none",
    });
    expect([native.cells, native.genes]).toEqual([6, 5]);
    expect(geneNames).toEqual(["g1", "g2", "g3", "g4", "g5"]);
    expect([...expressing]).toEqual([4, 3, 4, 6, 2]);
    expect(constantGenes).toBe(1);
    // g1 is 3, 0, 2, 0, 1, 6: bins of 6 / 32 each.
    const bins = new Array(32).fill(0);
    for (const value of [3, 0, 2, 0, 1, 6]) bins[Math.min(31, Math.floor((value / 6) * 32))]++;
    expect([...marginal.subarray(0, 32)]).toEqual(bins);
    expect([...edges.subarray(0, 33)]).toEqual(Array.from({ length: 33 }, (_, i) => (i * 6) / 32));
    // g4 is 2 everywhere: numpy's bins are 1.5 to 2.5.
    expect([edges[3 * 33], edges[3 * 33 + 32]]).toEqual([1.5, 2.5]);
    expect(marginal[3 * 32 + 16]).toBe(6);
  });

  it.each(["counts", "linear", "log1p"] as const)(
    "is the same from CSR, CSC and dense, float32 and float64, with scale %s",
    async (scale) => {
      const expected = fingerprint(await store(TINY, { scale }));
      for (const layer of ["csc", "dense", "float64"]) {
        expect(fingerprint(await store(TINY, { scale, layer }))).toEqual(expected);
      }
    },
  );

  it("is the same from rows that are sorted or not, of any type", async () => {
    const expected = fingerprint(await store(ORACLE));
    for (const layer of ["csc", "dense"])
      expect(fingerprint(await store(ORACLE, { layer }))).toEqual(expected);
  });

  it("is the same for any number of threads", async () => {
    const expected = fingerprint(await store(ORACLE, {}, { threads: 1 }));
    for (const threads of [2, 7]) expect(fingerprint(await store(ORACLE, {}, { threads }))).toEqual(expected);
  });

  it("normalises by all genes, also by those that are not stored", async () => {
    const all = await store(ORACLE);
    const some = await store(ORACLE, {}, { genes: [7, 2, 7] });
    expect(some.geneNames).toEqual(["gene2", "gene7"]);
    expect([...some.columns]).toEqual([2, 7]);
    expect([...some.marginal]).toEqual([
      ...all.marginal.subarray(64, 96),
      ...all.marginal.subarray(224, 256),
    ]);
    expect([...some.edges]).toEqual([...all.edges.subarray(66, 99), ...all.edges.subarray(231, 264)]);
  });

  it("reads raw/X with its own genes", async () => {
    const { geneNames, expressing } = await store(TINY, { raw: true });
    expect(geneNames.at(-1)).toBe("raw only");
    expect(expressing[5]).toBe(6);
  });

  it.each([
    [0, ["g1", "g2", "g3", "g4", "g5"]],
    [3, ["g1", "g2", "g3", "g4"]],
    [4, ["g1", "g3", "g4"]],
    [6, ["g4"]],
  ])("with minCells %d keeps the genes that as many cells express", async (minCells, genes) => {
    const { geneNames, rareGenes } = await store(TINY, {}, { minCells });
    expect(geneNames).toEqual(genes);
    expect(rareGenes).toBe(5 - genes.length);
  });

  it("counts only the chosen cells for minCells", async () => {
    const obs = [{ column: "cell_type", levels: ["A"], exclude: false }];
    expect((await store(TINY, { obs }, { minCells: 2 })).geneNames).toEqual(["g1", "g3", "g4"]);
  });

  it("says when no gene is left", async () => {
    const error = await errorOf(() => store(TINY, {}, { genes: [0, 1], minCells: 5 }));
    expect(error.code).toBe("NO_GENES_LEFT");
  });

  it("keeps values when it is asked to: 4 bytes more for each entry, also in the bin of zeros", async () => {
    const without = (await store(ORACLE)).native;
    const withValues = (await store(ORACLE, {}, { keepValues: true })).native;
    expect(withValues.entries).toBeGreaterThanOrEqual(without.entries);
    expect(withValues.bytes - without.bytes).toBeGreaterThanOrEqual(4 * withValues.entries);
  });

  it("tells how far it is, pass by pass", async () => {
    const seen: string[] = [];
    const onProgress: StoreOptions["onProgress"] = ({ phase, done, total, unit }) =>
      void seen.push(`${phase}: ${done} of ${total} ${unit}`);
    await store(TINY, {}, { onProgress });
    await store(TINY, { layer: "csc" }, { onProgress });
    expect(seen).toEqual([
      "Reading X (pass 1 of 2): 6 of 6 cells",
      "Reading X (pass 2 of 2): 6 of 6 cells",
      "Reading layers/csc (pass 1 of 3): 5 of 5 genes",
      "Reading layers/csc (pass 2 of 3): 5 of 5 genes",
      "Reading layers/csc (pass 3 of 3): 5 of 5 genes",
    ]);
  });
});

describe("selectExpression", () => {
  it("names genes by the index, or by a column of any kind", async () => {
    const names = async (geneColumn?: string) => {
      const selection = await selectExpression(TINY, geneColumn === undefined ? {} : { geneColumn });
      selection.file.close();
      return [selection.geneNameSource, ...selection.geneNames];
    };
    expect(await names()).toEqual(["var index", "g1", "g2", "g3", "g4", "g5"]);
    expect(await names("gene_ids")).toEqual(["var column gene_ids", "id1", "id2", "id3", "id4", "id5"]);
    expect(await names("symbol")).toEqual(["var column symbol", "D", "B", "A", "C", ""]);
  });

  it("refuses a column of another matrix", async () => {
    const error = await errorOf(() => selectExpression(TINY, { raw: true, geneColumn: "gene_ids" }));
    expect(error.code).toBe("NO_SUCH_COLUMN");
  });
});

/** Places where a value cannot be used, in each of the ways in which it can be stored. */
describe("buildStore, on values that cannot be used", () => {
  const encodings = { csr: csr, csc: csc, dense: dense };
  it.each(Object.keys(encodings) as (keyof typeof encodings)[])(
    "%s: names cell and gene",
    async (encoding) => {
      for (const [value, code, what] of [
        [Number.NaN, "NOT_FINITE", /NaN/],
        [Number.POSITIVE_INFINITY, "NOT_FINITE", /infinite/],
        [-1, "NEGATIVE_VALUE", /negative/],
      ] as const) {
        const path = join(testFolder(), "data.h5ad");
        const values = TINY_COUNTS.map((row) => [...row]);
        values[3][1] = value;
        await writeTinyH5ad(path, (parts) => {
          parts.X = encodings[encoding](values);
        });
        const error = await errorOf(() => store(path, { scale: "linear" }));
        expect(error.code).toBe(code);
        expect(error.message).toMatch(what);
        expect(error.message).toMatch(/data\.h5ad: in X .*cell c4 and gene g2\.$/);
      }
    },
  );

  it("does not look at cells that are left out", async () => {
    const path = join(testFolder(), "data.h5ad");
    const values = TINY_COUNTS.map((row) => [...row]);
    values[3][1] = -1;
    await writeTinyH5ad(path, (parts) => {
      parts.X = csr(values);
    });
    const obs = [{ column: "cell_type", levels: ["A"], exclude: false }];
    expect((await store(path, { scale: "linear", obs })).cells).toBe(3);
  });
});
