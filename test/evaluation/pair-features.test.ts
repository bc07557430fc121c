import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { featureRows, PAIR_FEATURES, pairFeatures } from "../../dist/evaluation/pair-features.js";
import type { HistogramOptions } from "../../dist/histograms/index.js";
import { addon } from "../../dist/native/addon.js";
import { errorOf } from "../support/errors.js";
import { openSession } from "../support/sessions.js";

const fixture = (path: string) => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const DATA = fixture("oracle/expression.h5ad");
const GENES = 30;

const { genes }: { genes: number[][] } = JSON.parse(readFileSync(fixture("summary/expected.json"), "utf8"));
type Oracle = { [measure: string]: (number | null)[] } & { matrix: unknown; scale: unknown };
const oracles: Oracle[] = JSON.parse(readFileSync(fixture("association/oracle.json"), "utf8"));

describe("pairFeatures", () => {
  it.each([1, 3])("are what numpy and scipy say, on %i threads", async (threads) => {
    const { a, b } = everyPair();
    const { names, values } = await pairFeatures((await openCounts()).store, a, b, { threads });
    expect(names).toEqual(PAIR_FEATURES);
    expect(values).toHaveLength(a.length * 21);
    const oracle = oracles.find(({ matrix, scale }) => matrix === "X" && scale === "counts") as Oracle;
    for (let i = 0; i < a.length; i++) {
      const [pearson, spearman, information] = ["pearson", "spearman", "mutual-information"].map(
        (measure) => oracle[measure][i] ?? 0,
      );
      const both = [pearson, Math.abs(pearson), spearman, Math.abs(spearman), information];
      const expected = [...genes[a[i]], ...genes[b[i]], ...both];
      expected.forEach((number, feature) => {
        expect(Math.abs(values[i * 21 + feature] - number), `${a[i]} ${b[i]} ${names[feature]}`).toBeLessThan(
          3e-6,
        );
      });
    }
  });

  it("changes places of the genes in swapped rows", async () => {
    const { store } = await openCounts();
    const a = Uint32Array.of(3, 7, 11);
    const b = Uint32Array.of(8, 2, 11);
    const forth = await pairFeatures(store, a, b, { threads: 1 });
    const back = await pairFeatures(store, b, a, { threads: 1 });
    expect(featureRows(forth, Uint32Array.of(2, 0), true)).toEqual(featureRows(back, Uint32Array.of(2, 0)));
    expect(featureRows(forth, Uint32Array.of(0, 1, 2))).toEqual(forth.values);
  });

  it("names a gene with negative values, and what a store lacks", async () => {
    const [a, b] = [Uint32Array.of(0), Uint32Array.of(1)];
    const negative = await openCounts({ layer: "scaled", scale: "linear", transform: "none" });
    const error = await errorOf(() => pairFeatures(negative.store, a, b, { threads: 1 }));
    expect(error).toMatchObject({
      code: "NEGATIVE_VALUE",
      message: expect.stringMatching(/^Summary features: a negative value has no logarithm, in gene \S+\.$/),
      remedy: expect.stringContaining("raw counts"),
    });
    const without = await openCounts({ keepValues: false });
    expect(await errorOf(() => pairFeatures(without.store, a, b, { threads: 1 }))).toMatchObject({
      code: "VALUES_MISSING",
      remedy: "Build the store with keepValues.",
    });
    const { store } = await openCounts();
    const stopped = { threads: 1, signal: AbortSignal.abort() };
    expect(await errorOf(() => pairFeatures(store, a, b, stopped))).toMatchObject({ code: "CANCELLED" });
  });
});

describe("addon().geneFeatures", () => {
  it("refuses arguments of a wrong type or size", async () => {
    const { store } = await openCounts();
    const call = (genes: unknown, out: unknown) =>
      (addon().geneFeatures as (...args: unknown[]) => Promise<void>)(
        store.native,
        genes,
        out,
        1,
        new (addon().Job)(),
      );
    await expect(call(Uint32Array.of(29), new Float32Array(8))).resolves.toBeUndefined();
    await expect(call(Uint32Array.of(30), new Float32Array(8))).rejects.toMatchObject({ code: "BAD_PAIRS" });
    await expect(call(Uint32Array.of(0), new Float32Array(7))).rejects.toMatchObject({ code: "BAD_OUTPUT" });
    await expect((async () => call([0], new Float32Array(8)))()).rejects.toThrow(TypeError);
    await expect((async () => call(Uint32Array.of(0), new Float64Array(8)))()).rejects.toThrow(TypeError);
  });
});

function openCounts(options: HistogramOptions = {}) {
  return openSession(DATA, { kind: "all" }, { keepValues: true, scale: "counts", ...options });
}

/** All pairs i < j, those of the first gene first, as oracle.json has them. */
function everyPair(): { a: Uint32Array; b: Uint32Array } {
  const pairs = Array.from({ length: GENES }, (_, i) =>
    Array.from({ length: GENES - i - 1 }, (_, j) => [i, i + 1 + j]),
  ).flat();
  return { a: Uint32Array.from(pairs, ([a]) => a), b: Uint32Array.from(pairs, ([, b]) => b) };
}
