import { describe, expect, it } from "vitest";
import { measureRate, sampleOf } from "../../dist/cli/prediction/sample.js";
import { allPairsSource } from "../../dist/pairs/index.js";

const lengthsOf = (count: number, largest: number) => {
  const source = allPairsSource(1000);
  const part = { ...source, count };
  return Array.from(sampleOf(part, largest).batches(1), ({ a }) => a.length);
};

describe("a sample of pairs", () => {
  it.each([
    { what: "many pairs", count: 400_000, largest: 2000, lengths: [256, 512, 1024, 2000] },
    { what: "an engine that likes few", count: 400_000, largest: 32, lengths: [32, 32] },
    { what: "fewer pairs than a batch", count: 300, largest: 2000, lengths: [256, 300] },
    { what: "one pair", count: 1, largest: 2000, lengths: [1, 1] },
  ])("of $what: twice as long runs, up to what is there", ({ count, largest, lengths }) => {
    expect(lengthsOf(count, largest)).toEqual(lengths);
  });

  it("comes from the beginning, the end and between, and holds pairs of the source", () => {
    const source = allPairsSource(1000);
    const runs = Array.from(sampleOf(source, 1024).batches(1));
    expect(runs.map(({ first }) => first)).toEqual([0, Math.floor((499_500 - 512) / 2), 499_500 - 1024]);
    for (const { first, a, b } of runs) {
      const [expected] = source.batches(a.length, first, first + a.length);
      expect({ a, b }).toEqual({ a: expected.a, b: expected.b });
    }
    expect(sampleOf(source, 1024).count).toBe(256 + 512 + 1024);
  });

  it("gives the rate of its last batch", async () => {
    async function* batches() {
      for (const [pairs, milliseconds] of [
        [1, 150],
        [40, 100],
      ]) {
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
        yield { a: new Uint32Array(pairs), b: new Uint32Array(pairs), scores: [] };
      }
    }
    const { pairs, pairsPerSecond } = await measureRate(batches());
    expect(pairs).toBe(40);
    expect(pairsPerSecond).toBeGreaterThan(100);
    expect(pairsPerSecond).toBeLessThan(410);
  });
});
