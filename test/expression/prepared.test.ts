import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Dataset, File } from "h5wasm/node";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  type ExpressionSource,
  type ExpressionStore,
  openExpression,
  openPrepared,
  parseCellFilter,
  type SelectionOptions,
  type StoreOptions,
  writePrepared,
} from "../../dist/expression/index.js";
import { hashFile, openExpressionFile, readPlainHdf5, writeAll } from "../../dist/io/index.js";
import { errorOf } from "../support/errors.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { csc, TINY_COUNTS, writeTinyH5ad } from "../support/tiny-h5ad.js";

const ORACLE = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const FOLDER = testFolder();
const TINY = join(FOLDER, "tiny.h5ad");
/** Of all genes of TINY, with values. */
const STORE = join(FOLDER, "tiny.cnnc.h5");

beforeAll(async () => {
  await writeTinyH5ad(TINY, (parts) => {
    parts.layers.csc = csc(TINY_COUNTS);
    parts.genes[1] = "gène β";
  });
  await prepare(TINY, STORE, {}, { keepValues: true });
});

async function source(path: string, options: SelectionOptions = {}): Promise<ExpressionSource> {
  const opened = await openExpression(path, options);
  onTestFinished(() => opened.close());
  return opened;
}

async function build(
  path: string,
  selection: SelectionOptions = {},
  options: Partial<StoreOptions> = {},
): Promise<ExpressionStore> {
  return (await source(path, selection)).build({ threads: 2, ...options });
}

async function prepare(
  path: string,
  output: string,
  selection: SelectionOptions = {},
  options: Partial<StoreOptions> = {},
): Promise<void> {
  const from = await openExpression(path, selection);
  const store = await from.build({ threads: 2, ...options });
  await writePrepared(output, from, store, { minCells: options.minCells ?? 0 });
  from.close();
}

/** Everything that can be seen of a store. Where there is room to spare, its bytes need not be the same. */
function contentOf({ native, ...store }: ExpressionStore) {
  return { entries: native.entries, genes: native.genes, ...native.geneArrays(), ...store };
}

describe("a prepared store", () => {
  it.each([
    ["all as it is", {}, {}],
    ["values", {}, { keepValues: true }],
    ["a layer", { layer: "csc" }, {}],
    ["some cells", { obs: [parseCellFilter("cell_type=HSC,MPP"), parseCellFilter("batch!=2")] }, {}],
    ["another scale and transform", { scale: "linear", transform: "none" }, { keepValues: true }],
    ["ln(1 + x)", { transform: "log1p" }, {}],
    ["no rare genes", {}, { minCells: 30 }],
  ] satisfies [string, SelectionOptions, Partial<StoreOptions>][])(
    "gives the same store as its file: %s",
    async (_, selection, options) => {
      const path = join(testFolder(), "store.cnnc.h5");
      await prepare(ORACLE, path, selection, options);
      const expected = await build(ORACLE, selection, options);
      const { minCells: __, ...rest } = options as Partial<StoreOptions>;
      const found = await build(path, {}, rest);
      expect({ ...contentOf(found), rareGenes: expected.rareGenes }).toEqual(contentOf(expected));
    },
  );

  it.each([{}, { genes: [3, 1, 3] }, { minCells: 4 }, { genes: [0, 4], minCells: 3 }, { keepValues: true }])(
    "gives the same part of it: %j",
    async (options) => {
      const [expected, found] = [await build(TINY, {}, options), await build(STORE, {}, options)];
      // Entries that are there for their values alone are there without them too.
      const entries = { entries: 0, stored: 0 };
      expect({ ...contentOf(found), ...entries }).toEqual({ ...contentOf(expected), ...entries });
    },
  );

  it("tells the same of where it comes from", async () => {
    const [file, prepared] = [await source(TINY), await source(STORE)];
    const facts = async (from: ExpressionSource) => ({
      matrix: from.matrix.name,
      shape: from.matrix.shape,
      geneNames: from.geneNames,
      geneNameSource: from.geneNameSource,
      cells: from.cells,
      obs: from.obs,
      scale: from.scale,
      transform: from.transform,
      origin: await from.origin(),
      guess: await from.guessScale(),
    });
    expect(await facts(prepared)).toEqual(await facts(file));
    expect(prepared.geneNames[1]).toBe("gène β");
    expect(await prepared.digest()).not.toBe(await file.digest());
  });

  it("is a plain HDF5 file, which says what can be counted by hand", () => {
    const file = new File(STORE, "r");
    const value = (name: string) => (file.get(name) as Dataset).value as number[];
    // The genes' cells that are not 0, one gene after the other.
    const rows = TINY_COUNTS.flatMap((cell) => cell[0]).map((_, cell) => cell);
    const entries = [0, 1, 2, 3, 4].flatMap((gene) => rows.filter((cell) => TINY_COUNTS[cell][gene] !== 0));
    expect([...value("cell_ids")]).toEqual(entries);
    expect([...value("first")].map(Number)).toEqual([0, 4, 7, 11, 17, 19]);
    const total = (cell: number) => TINY_COUNTS[cell].reduce((sum, count) => sum + count, 0);
    const scaled = (cell: number, gene: number) =>
      Math.fround((TINY_COUNTS[cell][gene] / total(cell)) * 10000);
    const genes = [0, 1, 2, 3, 4].flatMap((gene) =>
      rows.filter((cell) => TINY_COUNTS[cell][gene] !== 0).map((cell) => scaled(cell, gene)),
    );
    expect([...value("values")]).toEqual(genes);
    expect(JSON.parse(value("made") as unknown as string)).toMatchObject({
      source: "tiny.h5ad",
      matrix: "X",
    });
    file.close();
  });

  it("can be prepared again, with fewer genes", async () => {
    const path = join(testFolder(), "again.cnnc.h5");
    await prepare(STORE, path, {}, { minCells: 4 });
    const again = await source(path);
    expect([again.minCells, again.rareGenes, again.geneNames]).toEqual([4, 2, ["g1", "g3", "g4"]]);
    expect(await again.origin()).toEqual(await (await source(TINY)).origin());
    expect((await again.build({ threads: 1 })).columns).toEqual(Uint32Array.of(0, 2, 3));
  });
});

describe("what a prepared store cannot do", () => {
  it.each([
    [{ layer: "csc" }, "--layer csc"],
    [{ raw: true }, "--raw"],
    [{ geneColumn: "gene_ids" }, "--gene-column gene_ids"],
    [{ obs: [parseCellFilter("batch=2")] }, "--obs 'batch=2'"],
    [{ scale: "linear" }, "--scale linear"],
    [{ transform: "none" }, "--transform none"],
  ] satisfies [SelectionOptions, string][])("choose otherwise: %j", async (options, text) => {
    const error = await errorOf(() => openExpression(STORE, options));
    expect(error.code).toBe("PREPARED_OTHERWISE");
    expect(error.message).toBe(
      `${STORE} cannot be read with ${text}: it was prepared from tiny.h5ad: X, all cells, genes named by var index, ` +
        "scale counts, transform log10.",
    );
    expect(error.remedy).toContain(`cnnc prepare tiny.h5ad ${text} -o `);
  });

  it("mind being told what it was prepared with", async () => {
    const path = join(testFolder(), "layer.cnnc.h5");
    const options = {
      layer: "csc",
      geneColumn: "gene_ids",
      obs: [parseCellFilter("batch=2,1"), parseCellFilter("cell_type!=C")],
      scale: "linear",
      transform: "none",
    } as const;
    await prepare(TINY, path, options);
    expect((await source(path, { ...options, obs: [...options.obs].reverse() })).geneNames[0]).toBe("id1");
    const usual = { scale: "counts", transform: "log10" } as const;
    expect((await source(path, { usual })).scale.name).toBe("linear");
  });

  it("give values that it does not have", async () => {
    const path = join(testFolder(), "bins.cnnc.h5");
    await prepare(TINY, path);
    const error = await errorOf(() => build(path, {}, { keepValues: true }));
    expect(error.code).toBe("VALUES_MISSING");
    expect(error.remedy).toContain("cnnc prepare tiny.h5ad --values");
    expect((await build(path, {}, { keepValues: "where-possible" })).hasValues).toBe(false);
    expect((await build(STORE, {}, { keepValues: "where-possible" })).hasValues).toBe(true);
  });

  it("have genes that are too rare", async () => {
    expect((await errorOf(() => build(STORE, {}, { minCells: 7 }))).code).toBe("NO_GENES_LEFT");
  });
});

describe("a damaged store", () => {
  const damagedCopy = () => {
    const path = join(testFolder(), "damaged.cnnc.h5");
    copyFileSync(STORE, path);
    return path;
  };

  it("is never taken for a sound one, wherever a bit fell over", async () => {
    const expected = contentOf(await build(STORE, {}, { keepValues: true }));
    const whole = readFileSync(STORE);
    const path = damagedCopy();
    const file = await open(path, "r+");
    onTestFinished(() => file.close());
    const arrays = (await readPlainHdf5(file))?.arrays;
    const codes = new Set<string>();
    for (const { name, at, bytes } of arrays?.values() ?? []) {
      for (const position of new Set([at, at + (bytes >> 1), at + bytes - 1])) {
        await writeAll(file, Uint8Array.of(whole[position] ^ 4), position);
        const error = await errorOf(() => build(path, {}, { keepValues: true }));
        expect(error.message, name).toMatch(/damaged\.cnnc\.h5 is damaged: /);
        codes.add(error.code);
        await writeAll(file, whole.subarray(position, position + 1), position);
      }
    }
    expect(codes).toEqual(new Set(["STORE_DAMAGED"]));
    expect(contentOf(await build(path, {}, { keepValues: true }))).toEqual(expected);
  });

  it("says which gene", async () => {
    const path = damagedCopy();
    const file = await open(path, "r+");
    const at = (await readPlainHdf5(file))?.arrays.get("cell_ids")?.at as number;
    await writeAll(file, Uint8Array.of(5), at + 4 * 5);
    await file.close();
    expect((await errorOf(() => build(path))).message).toMatch(/of gene gène β, its cells are not those/);
    // Nobody asks for that one.
    expect((await build(path, {}, { genes: [0, 2, 3, 4] })).geneNames).toHaveLength(4);
  });

  it.each([0.999, 0.5, 0.01])("that is cut off after %d of its length", async (share) => {
    const path = damagedCopy();
    truncateSync(path, Math.floor(share * statSync(path).size));
    const error = await errorOf(() => openExpression(path));
    expect([error.code, error.message]).toEqual(["FILE_TRUNCATED", expect.stringMatching(/is cut off/)]);
  });

  it("whose structure is damaged", async () => {
    const whole = readFileSync(STORE);
    const path = join(testFolder(), "damaged.cnnc.h5");
    for (const position of [9, 30, 40, whole.length - 3, whole.length - 200]) {
      const spoilt = Buffer.from(whole);
      spoilt[position] ^= 1;
      writeFileSync(path, spoilt);
      const error = await errorOf(() => openExpression(path));
      expect(error.message).toMatch(/damaged\.cnnc\.h5 (cannot be read|is )/);
    }
  });

  it("of a newer format", async () => {
    const path = damagedCopy();
    const newer = await import("../../dist/io/index.js");
    const file = await open(path, "r+");
    const arrays = (await readPlainHdf5(file))?.arrays.values() ?? [];
    await newer.writePlainHdf5(file, [...arrays], { format: "cnnc prepared store", format_version: 2 });
    await file.close();
    const error = await errorOf(() => openExpression(path));
    expect([error.code, error.remedy]).toEqual(["STORE_TOO_NEW", expect.stringMatching(/Update cnnc/)]);
  });

  it("with arrays of another form", async () => {
    for (const spoil of [
      (name: string) => name === "edges",
      (name: string) => name === "made",
      (name: string) => name === "cell_checks",
    ]) {
      const path = damagedCopy();
      const file = await open(path, "r+");
      const { arrays, attributes } = (await readPlainHdf5(file)) ?? {
        arrays: new Map(),
        attributes: new Map(),
      };
      const kept = [...arrays.values()].filter(({ name }) => !spoil(name));
      const { writePlainHdf5 } = await import("../../dist/io/index.js");
      await writePlainHdf5(file, kept, Object.fromEntries(attributes));
      await file.close();
      expect((await errorOf(() => openExpression(path))).code).toBe("STORE_DAMAGED");
    }
  });
});

describe("openPrepared", () => {
  it("leaves other files to others", async () => {
    for (const path of [TINY, FOLDER, join(FOLDER, "none"), fileURLToPath(import.meta.url)]) {
      expect(await openPrepared(path)).toBeUndefined();
    }
    expect((await errorOf(() => openExpression(join(FOLDER, "none.h5")))).code).toBe("FILE_NOT_FOUND");
    expect((await errorOf(() => openExpression(FOLDER))).code).toBe("NOT_A_FILE");
    expect((await errorOf(() => openExpressionFile(STORE))).code).toBe("NOT_H5AD");
  });
});

describe("writePrepared", () => {
  it("does not take a failure of reading for one of writing", async () => {
    const from = await source(TINY);
    const store = await from.build({ threads: 1 });
    const folder = testFolder();
    const write = (origin: ExpressionSource["origin"]) =>
      writePrepared(join(folder, "store.cnnc.h5"), { ...from, origin }, store);
    const broken = Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
    await expect(write(() => Promise.reject(broken))).rejects.toBe(broken);
    const gone = join(folder, "gone.h5ad");
    const origin = async () => ({ name: "gone.h5ad", sha256: await hashFile(gone) });
    const error = await errorOf(() => write(origin));
    expect([error.code, error.message]).toEqual([
      "FILE_UNREADABLE",
      expect.stringMatching(/gone\.h5ad cannot be read: ENOENT/),
    ]);
    expect(contents(folder)).toEqual([]);
  });

  it("leaves nothing when it is stopped", async () => {
    const from = await source(TINY);
    const store = await from.build({ threads: 1 });
    const folder = testFolder();
    const path = join(folder, "store.cnnc.h5");
    const stopped = { signal: AbortSignal.abort() };
    expect((await errorOf(() => writePrepared(path, from, store, stopped))).code).toBe("CANCELLED");
    const during = new AbortController();
    const options = { signal: during.signal, onProgress: () => during.abort() };
    expect((await errorOf(() => writePrepared(path, from, store, options))).code).toBe("CANCELLED");
    expect(contents(folder)).toEqual([]);
  });
});
