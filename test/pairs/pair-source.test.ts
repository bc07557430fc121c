import { describe, expect, test } from "vitest";
import { allPairsSource, listSource, type PairSource, productSource } from "../../dist/pairs/index.js";

type Pair = [number, number];

function collect(source: PairSource, size: number, from?: number, to?: number): Pair[] {
  const pairs: Pair[] = [];
  let next = from ?? 0;
  for (const { first, a, b } of source.batches(size, from, to)) {
    expect(first).toBe(next);
    expect(b).toHaveLength(a.length);
    expect(a.length).toBeGreaterThan(0);
    expect(a.length).toBeLessThanOrEqual(size);
    next += a.length;
    for (let i = 0; i < a.length; i++) pairs.push([a[i], b[i]]);
  }
  expect(next).toBe(to ?? source.count);
  return pairs;
}

/** Small deterministic generator (Lehmer), so that a failure can be repeated. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

function naiveProduct(regulators: Uint32Array, targets: Uint32Array): Pair[] {
  const pairs: Pair[] = [];
  for (const r of regulators) for (const t of targets) if (r !== t) pairs.push([r, t]);
  return pairs;
}

function naiveAllPairs(genes: number): Pair[] {
  const pairs: Pair[] = [];
  for (let i = 0; i < genes; i++) for (let j = i + 1; j < genes; j++) pairs.push([i, j]);
  return pairs;
}

/** A source must give the naive list, whole and in any part, in batches of any size, again and again. */
function expectSameAs(source: PairSource, naive: Pair[], random: (below: number) => number): void {
  expect(source.count).toBe(naive.length);
  for (const size of [1, 3, naive.length + 1]) expect(collect(source, size)).toEqual(naive);
  for (let trial = 0; trial < 10; trial++) {
    const from = random(naive.length + 1);
    const to = from + random(naive.length + 1 - from);
    expect(collect(source, 1 + random(20), from, to)).toEqual(naive.slice(from, to));
  }
}

describe("sources against a naive list", () => {
  test.each([0, 1, 2, 3, 4, 7, 30])("all pairs of %i genes", (genes) => {
    expectSameAs(allPairsSource(genes), naiveAllPairs(genes), randomNumbers(genes + 1));
  });

  test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("a random product (seed %i)", (seed) => {
    const random = randomNumbers(seed);
    // Few genes, so that regulators are often targets, rows can be empty, and names repeat.
    const draw = (length: number) => Uint32Array.from({ length }, () => random(8));
    const [regulators, targets] = [draw(random(8)), draw(random(12))];
    expectSameAs(productSource(regulators, targets), naiveProduct(regulators, targets), random);
  });

  test.each([0, 1, 50])("a list of %i pairs", (length) => {
    const random = randomNumbers(length + 7);
    const naive = Array.from({ length }, (): Pair => [random(4), random(4)]);
    const source = listSource(
      Uint32Array.from(naive, ([a]) => a),
      Uint32Array.from(naive, ([, b]) => b),
    );
    expectSameAs(source, naive, random);
  });
});

describe("large sources", () => {
  /** The pair at position k by its definition, in exact integers. */
  function pairAt(k: bigint, genes: bigint): [bigint, bigint] {
    const start = (i: bigint) => (i * (2n * genes - i - 1n)) / 2n;
    let low = 0n;
    let high = genes - 2n;
    while (low < high) {
      const middle = (low + high + 1n) / 2n;
      if (start(middle) <= k) low = middle;
      else high = middle - 1n;
    }
    return [low, low + 1n + (k - start(low))];
  }

  test("20,000 genes are 199,990,000 pairs, each once and in order", () => {
    const source = allPairsSource(20_000);
    expect(source.count).toBe(199_990_000);
    let i = 0;
    let j = 1;
    let wrong = 0;
    for (const { a, b } of source.batches(65_521)) {
      for (let k = 0; k < a.length; k++) {
        if (a[k] !== i || b[k] !== j) wrong++;
        if (++j === 20_000) j = ++i + 1;
      }
    }
    expect(wrong).toBe(0);
    expect([i, j]).toEqual([19_999, 20_000]);
  });

  test.each([20_000, 1_000_003, 2 ** 26])("exact around the starts of the rows of %i genes", (genes) => {
    const source = allPairsSource(genes);
    expect(BigInt(source.count)).toBe((BigInt(genes) * BigInt(genes - 1)) / 2n);
    const random = randomNumbers(genes);
    const rows = [
      1,
      2,
      genes >> 1,
      genes - 3,
      genes - 2,
      ...Array.from({ length: 200 }, () => random(genes - 1)),
    ];
    for (const row of rows) {
      const start = Number((BigInt(row) * (2n * BigInt(genes) - BigInt(row) - 1n)) / 2n);
      for (const position of [start - 1, start, start + 1]) {
        if (position < 0 || position >= source.count) continue;
        const [[i, j]] = collect(source, 1, position, position + 1);
        expect([BigInt(i), BigInt(j)]).toEqual(pairAt(BigInt(position), BigInt(genes)));
      }
    }
    expect(collect(source, 1, source.count - 1)).toEqual([[genes - 2, genes - 1]]);
  });

  test("a product of more than 2^32 pairs, entered at its end", () => {
    const genes = Uint32Array.from({ length: 70_000 }, (_, i) => i);
    const source = productSource(genes, genes);
    expect(source.count).toBe(70_000 * 69_999);
    expect(collect(source, 2, source.count - 3)).toEqual([
      [69_999, 69_996],
      [69_999, 69_997],
      [69_999, 69_998],
    ]);
  });
});

test("a batch owns its arrays", () => {
  const a = Uint32Array.of(1, 2);
  const source = listSource(a, Uint32Array.of(3, 4));
  for (const batch of source.batches(2)) batch.a.fill(9);
  expect(a).toEqual(Uint32Array.of(1, 2));
  expect(collect(source, 2)).toEqual([
    [1, 3],
    [2, 4],
  ]);
});

test("impossible requests are refused at once", () => {
  const source = allPairsSource(4);
  for (const size of [0, -1, 1.5, Number.NaN]) expect(() => source.batches(size)).toThrow(RangeError);
  for (const [from, to] of [
    [-1, 2],
    [3, 2],
    [0, 7],
    [0.5, 2],
  ]) {
    expect(() => source.batches(1, from, to)).toThrow(RangeError);
  }
  expect(() => listSource(new Uint32Array(2), new Uint32Array(3))).toThrow(RangeError);
  for (const genes of [-1, 1.5, 2 ** 26 + 1]) expect(() => allPairsSource(genes)).toThrow(RangeError);
});
