import { describe, expect, it } from "vitest";
import {
  allPairsSource,
  listSource,
  type PairSource,
  parseShard,
  productSource,
  type RunFacts,
  shardRange,
  sliceOf,
  wholeSet,
} from "../../dist/pairs/index.js";
import { errorOf } from "../support/errors.js";

describe("parseShard", () => {
  it("reads which part of how many", () => {
    expect(parseShard("2/8")).toEqual({ index: 2, of: 8 });
    expect(parseShard("1/1")).toEqual({ index: 1, of: 1 });
  });

  it.each(["0/8", "9/8", "2", "2/", "/8", "-1/8", "1.5/8", "a/b", "1/8/9", "1/100001", " 1/8", "1/0"])(
    "refuses %s",
    async (text) => {
      const error = await errorOf(() => parseShard(text));
      expect(error.code).toBe("BAD_USAGE");
      expect(error.message).toContain(`--shard ${text} `);
    },
  );
});

describe("shardRange", () => {
  const counts = [0, 1, 5, 20, 63, 64, 1000, 19_900, 2 ** 20 + 1, 199_990_000, 2 ** 50 + 12_345];

  it.each([1, 2, 7, 64, 1000])("cuts any number of pairs into %i parts without gaps", (of) => {
    for (const count of counts) {
      let position = 0;
      for (let index = 1; index <= of; index++) {
        const { from, to } = shardRange(count, { index, of });
        expect(from).toBe(position);
        expect(to).toBeGreaterThanOrEqual(from);
        position = to;
      }
      expect(position).toBe(count);
    }
  });

  it.each([2, 7, 64])("cuts %i parts that differ by 3 % at most, where there are 32 pairs for each", (of) => {
    for (const count of counts.filter((count) => count >= 32 * of)) {
      for (let index = 1; index <= of; index++) {
        const { from, to } = shardRange(count, { index, of });
        expect(Math.abs(to - from - count / of) / (count / of)).toBeLessThanOrEqual(1 / 32 + 1e-9);
      }
    }
  });

  it("cuts large sources where the largest batches end", () => {
    for (let index = 1; index < 64; index++)
      expect(shardRange(199_990_000, { index, of: 64 }).to % 65_536).toBe(0);
  });
});

const pairsOf = (source: PairSource) =>
  Array.from(source.batches(64)).flatMap(({ a, b }) => Array.from(a, (gene, i) => [gene, b[i]]));

describe("sliceOf", () => {
  const list = listSource(
    Uint32Array.from({ length: 300 }, (_, i) => i % 7),
    new Uint32Array(300).fill(9),
  );
  const genes = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);

  it.each([
    ["a list", list],
    ["a product", productSource(genes(19), genes(23))],
    ["all pairs", allPairsSource(41)],
  ])("is a part of %s, with positions of its own", (_, source) => {
    const all = pairsOf(source);
    for (const [from, to] of [
      [0, 0],
      [0, 5],
      [17, 200],
      [200, source.count],
    ]) {
      const slice = sliceOf(source, { from, to });
      expect(slice.count).toBe(to - from);
      expect(pairsOf(slice)).toEqual(all.slice(from, to));
      expect(Array.from(slice.batches(50), ({ first }) => first)).toEqual(
        Array.from({ length: Math.ceil((to - from) / 50) }, (_, i) => 50 * i),
      );
    }
    const slice = sliceOf(source, { from: 17, to: 200 });
    const [batch] = slice.batches(1000, 3, 9);
    expect(Array.from(batch.a, (a, i) => [a, batch.b[i]])).toEqual(all.slice(20, 26));
    expect(() => [...slice.batches(10, 0, 184)]).toThrow(RangeError);
  });

  it("starts in the middle of 200 million pairs at once", () => {
    const source = allPairsSource(20_000);
    const started = performance.now();
    for (let index = 1; index <= 64; index++) {
      const [{ a, b }] = sliceOf(source, shardRange(source.count, { index, of: 64 })).batches(8);
      expect(a[0]).toBeLessThan(b[0]);
    }
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("wholeSet", () => {
  const HASH = "0123456789abcdef".repeat(4);
  const run: RunFacts = { data: HASH, precision: "bf16", "instruction set": "avx512_core_bf16" };
  const file = (path: string, index: number, of = 3, facts: RunFacts = run) => ({
    path,
    shard: { index, of },
    run: facts,
  });

  it("puts shards in order", () => {
    const files = [file("c", 3), file("a", 1), file("b", 2)];
    expect(wholeSet(files).map(({ path }) => path)).toEqual(["a", "b", "c"]);
  });

  const otherData = { ...run, data: HASH.replace("0", "1") };
  it.each([
    ["one that is missing", [file("a", 1), file("c", 3)], /^Of 3 shards, 2 is missing\.$/, /--shard 2\/3/],
    [
      "some that are missing",
      [file("a", 2, 9), file("b", 6, 9)],
      /^Of 9 shards, 1, 3-5 and 7-9 are missing\.$/,
      /1\/9/,
    ],
    [
      "one that is there twice",
      [file("a", 1), file("b", 1), file("c", 2)],
      /^a and b are both shard 1 of 3\.$/,
      /once/,
    ],
    ["other data", [file("a", 1), file("b", 2, 3, otherData)], /^b and a are .*: other data\.$/, /one run/],
    [
      "other precision",
      [file("a", 1), file("b", 2, 3, { ...run, precision: "f32" })],
      /^b and a are shards of different runs: precision f32 and bf16\.$/,
      /processors of one kind.*--precision f32 and ONEDNN_MAX_CPU_ISA/,
    ],
    ["other counts", [file("a", 1), file("b", 2, 4)], /: of 3 shards and of 4\.$/, /one run/],
    [
      "facts that one lacks",
      [file("a", 1), file("b", 2, 3, { ...run, method: "pearson" })],
      /: method pearson and none\.$/,
      /one run/,
    ],
  ])("refuses %s", async (_, files, says, remedy) => {
    const error = await errorOf(() => wholeSet(files));
    expect(error.message).toMatch(says);
    expect(error.remedy).toMatch(remedy);
  });
});
