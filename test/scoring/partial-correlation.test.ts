import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { HistogramOptions } from "../../dist/histograms/index.js";
import { addon } from "../../dist/native/addon.js";
import { partialCorrelations } from "../../dist/scoring/index.js";
import { errorOf } from "../support/errors.js";
import { openSession } from "../support/sessions.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const EXPECTED = fileURLToPath(new URL("../fixtures/association/partial.json", import.meta.url));
const GENES = 30;

/** One case of partial.json; see make_partial.py. Scores are those of all pairs i < j in order. */
interface Case {
  readonly scale: "counts" | "linear";
  /** Cell type and batch; null for all cells. */
  readonly only: readonly [string, number] | null;
  readonly cells: number;
  readonly lambda: number;
  readonly scores: readonly number[];
}

const cases: Case[] = JSON.parse(readFileSync(EXPECTED, "utf8"));
const all = Uint32Array.from({ length: GENES }, (_, gene) => gene);
const rows = Array.from(all, (i) => Array.from(all.subarray(i + 1), (j) => [i, j])).flat();
const a = Uint32Array.from(rows, ([i]) => i);
const b = Uint32Array.from(rows, ([, j]) => j);

afterEach(() => vi.restoreAllMocks());

describe("partialCorrelations", () => {
  it.each(cases)("in $cells cells read as $scale, lambda $lambda, as the formulas have it", async (one) => {
    const { store } = await open({ scale: one.scale, ...(one.only && { obs: cellsOf(one.only) }) });
    expect(store.cells).toBe(one.cells);
    const { scores, lambda } = await partialCorrelations(store, all, a, b, { threads: 2 });
    expect(lambda).toBeCloseTo(one.lambda, 5);
    expect(scores).toHaveLength(435);
    const differences = one.scores.map((score, pair) => Math.abs(score - scores[pair]));
    expect(Math.max(...differences)).toBeLessThan(2e-6);
  });

  it("was compared with all and some shrinking, and with more genes than cells", () => {
    expect(cases.map(({ lambda }) => lambda < 1)).toEqual([false, true, true]);
    expect(cases.some(({ cells }) => cells < GENES)).toBe(true);
    expect(Math.max(...cases[2].scores.map(Math.abs))).toBeGreaterThan(0.02);
  });

  it("has the same bits for any threads, order of the genes and of a pair, and counts each gene once", async () => {
    const { store } = await open({ scale: "linear" });
    const expected = await partialCorrelations(store, all, a, b, { threads: 1 });
    const genes = Uint32Array.from([...all, 3, 4]).reverse();
    expect(await partialCorrelations(store, genes, b, a, { threads: 3 })).toEqual(expected);
  });

  it("conditions on the genes that are named, and tells how far it is", async () => {
    const { store } = await open({ scale: "linear" });
    const seen: unknown[] = [];
    const some = all.subarray(8, 28);
    const options = { threads: 1, onProgress: (progress: unknown) => seen.push(progress) };
    const few = await partialCorrelations(store, some, Uint32Array.of(9), Uint32Array.of(10), options);
    const many = await partialCorrelations(store, all, Uint32Array.of(9), Uint32Array.of(10), { threads: 1 });
    expect(few.scores[0]).not.toBe(many.scores[0]);
    expect(seen.at(-1)).toEqual({
      phase: "Computing partial correlations",
      done: 20,
      total: 20,
      unit: "genes",
    });
  });

  it("refuses what memory can never hold before it begins", async () => {
    const { store } = await open({});
    const options = { threads: 1, availableMemory: 8 * 29 * 29 + 100 };
    const error = await errorOf(() => partialCorrelations(store, all, a, b, options));
    expect(error).toMatchObject({ code: "OUT_OF_MEMORY", remedy: expect.stringContaining("fewer genes") });
    expect(error.message).toContain("30 x 30 genes; 29 genes would fit");
    await expect(
      partialCorrelations(store, all, a, b, { ...options, availableMemory: 8 * 30 * 30 }),
    ).resolves.toHaveProperty("lambda");
  });

  it("reports pairs outside the genes, missing values, negative ones with their gene, and too few cells", async () => {
    const { store } = await open({});
    const outside = await errorOf(() =>
      partialCorrelations(store, Uint32Array.of(1, 2), Uint32Array.of(1), Uint32Array.of(5), { threads: 1 }),
    );
    expect(outside.code).toBe("BAD_PAIRS");
    expect(outside.message).toContain(`in gene ${store.geneNames[5]}.`);

    const bare = (await open({ keepValues: false })).store;
    const missing = await errorOf(() => partialCorrelations(bare, all, a, b, { threads: 1 }));
    expect(missing).toMatchObject({ code: "VALUES_MISSING", remedy: "Build the store with keepValues." });

    const scaled = (await open({ layer: "scaled", scale: "linear", transform: "none" })).store;
    const negative = await errorOf(() => partialCorrelations(scaled, all, a, b, { threads: 1 }));
    expect(negative.code).toBe("NEGATIVE_VALUE");
    expect(negative.message).toMatch(/^Partial correlation: .* in gene \w+\.$/);
    expect(negative.remedy).toContain("spearman");
  });

  it("stops when it is aborted", async () => {
    const { store } = await open({});
    const signal = AbortSignal.abort();
    const error = await errorOf(() => partialCorrelations(store, all, a, b, { threads: 1, signal }));
    expect(error.code).toBe("CANCELLED");
    // In the moment before the native code begins.
    const controller = new AbortController();
    const native = addon().partialCorrelations;
    vi.spyOn(addon(), "partialCorrelations").mockImplementation((...args) => {
      controller.abort();
      return native(...args);
    });
    const stopped = await errorOf(() =>
      partialCorrelations(store, all, a, b, { threads: 1, signal: controller.signal }),
    );
    expect(stopped.code).toBe("CANCELLED");
  });
});

describe("addon().partialCorrelations", () => {
  it("refuses arguments of a wrong type or size", async () => {
    const { store } = await open({});
    const one = Uint32Array.of(1);
    const call = (change: { genes?: unknown; a?: unknown; out?: unknown; store?: unknown }) => {
      const args = { store: store.native, genes: all, a: one, out: new Float32Array(1), ...change };
      return (addon().partialCorrelations as (...args: unknown[]) => Promise<number>)(
        args.store,
        args.genes,
        args.a,
        one,
        args.out,
        1,
        new (addon().Job)(),
      );
    };
    await expect(call({})).resolves.toBeGreaterThan(0);
    for (const change of [{ genes: [1] }, { a: [1] }, { out: new Float64Array(1) }, { store: {} }]) {
      await expect((async () => call(change))()).rejects.toThrow(TypeError);
    }
    await expect(call({ genes: Uint32Array.of(30) })).rejects.toMatchObject({ code: "BAD_PAIRS" });
    await expect(call({ out: new Float32Array(2) })).rejects.toMatchObject({ code: "BAD_OUTPUT" });
  });
});

/** All genes of the sample, with values, unless told otherwise. */
const open = (options: HistogramOptions) =>
  openSession(DATA, { kind: "all" }, { keepValues: true, scale: "counts", ...options });

const cellsOf = ([type, batch]: readonly [string, number]) => [
  { column: "cell_type", levels: [type], exclude: false },
  { column: "batch", levels: [String(batch)], exclude: false },
];
