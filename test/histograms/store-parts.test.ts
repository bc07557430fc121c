import { describe, expect, it } from "vitest";
import type { ExpressionStore } from "../../dist/expression/index.js";
import { storeParts } from "../../dist/histograms/store-parts.js";
import { allPairsSource, listSource, type PairSource, productSource } from "../../dist/pairs/index.js";

const GENES = 60;
/** Between 1 and 20, the same in every run. */
const SIZES = Float64Array.from({ length: GENES }, (_, gene) => 1 + ((gene * 37) % 20));

/** A store that knows its genes and whether it was freed. */
interface Loaded {
  readonly genes: Uint32Array;
  freed: boolean;
}

async function partsOf(source: PairSource, budget: number, range = { from: 0, to: source.count }, done = 0) {
  const whole = listed(source);
  const positions: number[] = [];
  const loaded: Loaded[] = [];
  const pairs: string[] = [];
  const load = async (genes: Uint32Array) => {
    expect(loaded.every(({ freed }) => freed)).toBe(true);
    const store: Loaded = { genes, freed: false };
    loaded.push(store);
    const release = () => {
      store.freed = true;
    };
    return { native: { release } } as unknown as ExpressionStore;
  };
  for await (const part of storeParts(source, range, { sizes: SIZES, budget, load }, done)) {
    const genes = part.genes as Uint32Array;
    expect(genes).toEqual(loaded.at(-1)?.genes);
    expect([...genes]).toEqual([...new Set(genes)].sort((one, other) => one - other));
    expect(genes.reduce((sum, gene) => sum + SIZES[gene], 0)).toBeLessThanOrEqual(budget);
    let count = 0;
    for (const { first, a, b } of part.source.batches(7)) {
      expect(first).toBe(count);
      count += a.length;
      a.forEach((gene, i) => {
        pairs.push(`${genes[gene]} ${genes[b[i]]}`);
      });
    }
    expect(count).toBe(part.source.count);
    for (const { from, to } of part.positions()) {
      expect([part.stretch.from <= from, from < to, to <= part.stretch.to]).toEqual([true, true, true]);
      for (let at = from; at < to; at++) positions.push(at);
    }
  }
  expect(loaded.every(({ freed }) => freed)).toBe(true);
  expect(positions.map((at) => whole[at])).toEqual(pairs);
  return { pairs, stores: loaded.length };
}

function listed(source: PairSource, from = 0, to = source.count): string[] {
  const pairs: string[] = [];
  for (const { a, b } of source.batches(100, from, to))
    a.forEach((gene, i) => void pairs.push(`${gene} ${b[i]}`));
  return pairs;
}

const regulators = Uint32Array.from({ length: 11 }, (_, i) => 5 * i);
const targets = Uint32Array.from({ length: 50 }, (_, i) => i);
const SOURCES: [string, PairSource][] = [
  ["all pairs", allPairsSource(GENES)],
  ["a product", productSource(regulators, targets)],
  [
    "a list, with pairs twice and both ways round",
    listSource(Uint32Array.of(3, 50, 3, 9, 3, 50), Uint32Array.of(9, 2, 9, 3, 59, 49)),
  ],
];

describe("storeParts", () => {
  it.each(SOURCES)("answers for every pair once, within any budget: %s", async (_, source) => {
    const expected = listed(source).sort();
    const stores: number[] = [];
    for (const budget of [40, 90, 300, 1e6]) {
      const found = await partsOf(source, budget);
      expect(found.pairs.sort()).toEqual(expected);
      stores.push(found.stores);
    }
    expect(stores.at(-1)).toBe(1);
    expect([...stores].sort((one, other) => other - one)).toEqual(stores);
    expect(stores[0]).toBeGreaterThan(2);
  });

  it.each(SOURCES)("answers for a range: %s", async (_, source) => {
    for (const [from, to] of [
      [0, 1],
      [1, source.count],
      [Math.floor(source.count / 3), Math.floor((2 * source.count) / 3)],
    ]) {
      const { pairs } = await partsOf(source, 60, { from, to });
      expect(pairs.sort()).toEqual(listed(source, from, to).sort());
    }
  });

  it.each(SOURCES)("goes on after any of its pairs: %s", async (_, source) => {
    const range = { from: 1, to: source.count };
    const all = await partsOf(source, 60, range);
    for (const done of [1, Math.floor(source.count / 2), source.count - 2, source.count - 1]) {
      const { pairs, stores } = await partsOf(source, 60, range, done);
      expect(pairs).toEqual(all.pairs.slice(done));
      expect(stores).toBeLessThanOrEqual(all.stores);
    }
    expect((await partsOf(source, 60, range, source.count - 1)).stores).toBe(0);
  });

  it("does not read much more often than it must", async () => {
    const sizes = new Float64Array(400).fill(10);
    const budget = 1000;
    let read = 0;
    const load = async (genes: Uint32Array) => {
      read += 10 * genes.length;
      return { native: { release() {} } } as unknown as ExpressionStore;
    };
    const source = allPairsSource(400);
    const parts = storeParts(source, { from: 0, to: source.count }, { sizes, budget, load });
    let stores = 0;
    for await (const _ of parts) stores++;
    // Eight stretches of 50 genes, whose second genes are 50 at a time of those that follow.
    expect(stores).toBeLessThan((8 * 9) / 2 + 8);
    expect(read).toBeLessThan(1.05 * ((2 * 4000 ** 2) / budget));
  });

  it("gives pairs from any position", async () => {
    const load = async () => ({ native: { release() {} } }) as unknown as ExpressionStore;
    const range = { from: 0, to: 1770 };
    for await (const { source } of storeParts(allPairsSource(GENES), range, {
      sizes: SIZES,
      budget: 200,
      load,
    })) {
      const all = listed(source);
      for (const [from, to] of [
        [0, 0],
        [3, Math.min(17, source.count)],
        [source.count - 1, source.count],
      ]) {
        expect(listed(source, from, to)).toEqual(all.slice(from, to));
      }
    }
  });
});
