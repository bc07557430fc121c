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

/** Bands of 8 first genes, column by column within a band. */
function bands(rows: number): number[][] {
  const all = Array.from({ length: rows }, (_, row) => row);
  return Array.from({ length: Math.ceil(rows / 8) }, (_, band) => all.slice(8 * band, 8 * band + 8));
}

function naiveProduct(regulators: Uint32Array, targets: Uint32Array): Pair[] {
  const pairs: Pair[] = [];
  for (const band of bands(regulators.length)) {
    for (const t of targets) for (const r of band) if (regulators[r] !== t) pairs.push([regulators[r], t]);
  }
  return pairs;
}

function naiveAllPairs(genes: number): Pair[] {
  const pairs: Pair[] = [];
  for (const band of bands(genes)) {
    for (let j = 0; j < genes; j++) for (const i of band) if (i < j) pairs.push([i, j]);
  }
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
  test.each([0, 1, 2, 3, 4, 7, 8, 9, 10, 16, 17, 30])("all pairs of %i genes", (genes) => {
    expectSameAs(allPairsSource(genes), naiveAllPairs(genes), randomNumbers(genes + 1));
  });

  test("one first gene after the other", () => {
    const byGene = ([a, b]: Pair, [c, d]: Pair) => a - c || b - d;
    const order = { byFirstGene: true };
    const random = randomNumbers(5);
    expectSameAs(allPairsSource(21, order), naiveAllPairs(21).sort(byGene), random);
    const genes = Uint32Array.from({ length: 19 }, (_, i) => i);
    const targets = genes.subarray(0, 11);
    expectSameAs(productSource(genes, targets, order), naiveProduct(genes, targets).sort(byGene), random);
  });

  test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))("a random product (seed %i)", (seed) => {
    const random = randomNumbers(seed);
    // Few genes, so that regulators are often targets, rows can be empty, and names repeat.
    const draw = (length: number) => Uint32Array.from({ length }, () => random(8));
    const [regulators, targets] = [draw(random(30)), draw(random(12))];
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
  /** Position of the pair i < j by the definition of the order, in exact integers. */
  function positionOf(i: bigint, j: bigint, genes: bigint): bigint {
    const bandStart = i - (i % 8n);
    let position = (bandStart * (2n * genes - bandStart - 1n)) / 2n;
    const columns = j - bandStart;
    position += columns <= 8n ? (columns * (columns - 1n)) / 2n : 28n + 8n * (columns - 8n);
    return position + i - bandStart;
  }

  test("20,000 genes are 199,990,000 pairs, each once and in order", () => {
    const source = allPairsSource(20_000);
    expect(source.count).toBe(199_990_000);
    let [band, i, j] = [0, 0, 1];
    let wrong = 0;
    for (const { a, b } of source.batches(65_521)) {
      for (let k = 0; k < a.length; k++) {
        if (a[k] !== i || b[k] !== j) wrong++;
        if (++i < j && i < band + 8) continue;
        i = band;
        if (++j < 20_000) continue;
        band += 8;
        i = band;
        j = band + 1;
      }
    }
    expect(wrong).toBe(0);
    expect([i, j]).toEqual([20_000, 20_001]);
  });

  test.each([20_000, 1_000_003, 2 ** 26])("exact at any pair of %i genes", (genes) => {
    const source = allPairsSource(genes);
    expect(BigInt(source.count)).toBe((BigInt(genes) * BigInt(genes - 1)) / 2n);
    const random = randomNumbers(genes);
    const rows = [0, 1, 7, 8, 9, genes >> 1, ...Array.from({ length: 200 }, () => random(genes - 20))];
    for (const i of [...rows, ...Array.from({ length: 19 }, (_, k) => genes - 20 + k)]) {
      for (const j of [i + 1, i + 2, i + 9, i + 1 + random(genes - i - 1), genes - 1]) {
        if (j >= genes) continue;
        const position = Number(positionOf(BigInt(i), BigInt(j), BigInt(genes)));
        expect(collect(source, 1, position, position + 1)).toEqual([[i, j]]);
      }
    }
    expect(collect(source, 1, source.count - 1)).toEqual([[genes - 2, genes - 1]]);
  });

  test("a product of more than 2^32 pairs, entered at its end", () => {
    const genes = Uint32Array.from({ length: 70_000 }, (_, i) => i);
    const source = productSource(genes, genes);
    expect(source.count).toBe(70_000 * 69_999);
    expect(collect(source, 2, source.count - 3)).toEqual([
      [69_996, 69_999],
      [69_997, 69_999],
      [69_998, 69_999],
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
