import { describe, expect, it } from "vitest";
import type { ExpressionStore } from "../../dist/expression/index.js";
import { listSource, sliceOf } from "../../dist/pairs/index.js";
import { inSlabs, pairsTogether } from "../../dist/scoring/slabs.js";
import { errorOf } from "../support/errors.js";

const COUNT = 100;
const SOURCE = listSource(
  Uint32Array.from({ length: COUNT }, (_, i) => i),
  Uint32Array.from({ length: COUNT }, (_, i) => (7 * i) % COUNT),
);
const { signal } = new AbortController();

/** Scores all batches of a source, and tells how many pairs each call was for. */
async function scored(source: typeof SOURCE, batchSize: number, size: number) {
  const calls: number[] = [];
  const score = inSlabs(source, size, async (a, b) => {
    calls.push(a.length);
    return Float32Array.from(a, (gene, i) => gene + b[i] / 128);
  });
  const scores: number[] = [];
  for (const batch of source.batches(batchSize)) scores.push(...(await score(batch, signal)));
  return { calls, scores };
}

describe("inSlabs", () => {
  const expected = Array.from({ length: COUNT }, (_, i) => i + ((7 * i) % COUNT) / 128);

  it.each([
    ["slabs of whole batches", 10, 40, [40, 40, 20]],
    ["batches across the ends of slabs, which begin anew", 30, 50, [50, 40]],
    ["one slab of all", 7, 1000, [100]],
    ["batches by themselves", 30, 1, [30, 30, 30, 10]],
  ])("gives every pair its score: %s", async (_, batchSize, size, calls) => {
    const found = await scored(SOURCE, batchSize, size);
    expect(found.scores).toEqual(expected);
    if (batchSize !== 30 || size !== 50) expect(found.calls).toEqual(calls);
  });

  it("does so of some pairs of a source", async () => {
    const { scores, calls } = await scored(sliceOf(SOURCE, { from: 15, to: 80 }), 10, 40);
    expect(scores).toEqual(expected.slice(15, 80));
    expect(calls).toEqual([40, 25]);
  });

  it("stops when it is told to, also where the score is there already", async () => {
    const score = inSlabs(SOURCE, COUNT, async (a) => new Float32Array(a.length));
    const [first, second] = SOURCE.batches(10);
    await score(first, signal);
    expect((await errorOf(() => score(second, AbortSignal.abort()))).code).toBe("CANCELLED");
  });
});

it("pairsTogether takes a million pairs of usual genes, and fewer of genes in millions of cells", () => {
  const pairs = (entries: number, genes: number) =>
    pairsTogether({ native: { entries, genes } } as unknown as ExpressionStore);
  expect(pairs(1e9, 20_000)).toBe(2 ** 20);
  expect(pairs(0, 0)).toBe(2 ** 20);
  expect(pairs(2 ** 19 * 1000, 1000)).toBe(2 ** 17);
  expect(pairs(2 ** 31, 1)).toBe(2 ** 16);
});
