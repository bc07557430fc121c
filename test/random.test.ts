import { describe, expect, test } from "vitest";
import { randomNumbers } from "../dist/random.js";

/** sfc32 in 32-bit BigInts, as its author states it, from a state of four words. */
function sfc32(a: bigint, b: bigint, c: bigint, counter: bigint): () => bigint {
  const word = (value: bigint) => BigInt.asUintN(32, value);
  return () => {
    const result = word(a + b + counter);
    counter = word(counter + 1n);
    a = b ^ (b >> 9n);
    b = word(c + (c << 3n));
    c = word(word((c << 21n) | (c >> 11n)) + result);
    return result;
  };
}

describe("random numbers", () => {
  test.each([0, 1, 0xffffffff, 2 ** 40 + 12345, Number.MAX_SAFE_INTEGER])("are sfc32, seed %d", (seed) => {
    // FNV-1a of the empty text is its offset basis.
    const words = sfc32(BigInt.asUintN(32, BigInt(seed)), BigInt(seed) >> 32n, 0x811c9dc5n, 1n);
    for (let i = 0; i < 15; i++) words();
    const random = randomNumbers(seed);
    for (let i = 0; i < 50; i++) {
      const expected = Number(((words() >> 5n) << 26n) | (words() >> 6n)) / 2 ** 53;
      expect(random.next()).toBe(expected);
    }
  });

  test("depend on seed and name", () => {
    const first = (seed: number, stream?: string) => randomNumbers(seed, stream).next();
    expect(first(1, "folds")).toBe(first(1, "folds"));
    const starts = [first(1), first(2), first(1 + 2 ** 32), first(1, "folds"), first(1, "sdlof")];
    expect(new Set(starts).size).toBe(starts.length);
  });

  test("are uniform: chi-squared of 100,000 in 20 classes, and of the first numbers of 20,000 seeds", () => {
    const chiSquared = (draws: number[]) => {
      const counts = new Array(20).fill(0);
      for (const value of draws) counts[Math.floor(value * 20)]++;
      const expected = draws.length / 20;
      return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    };
    const random = randomNumbers(7);
    // 43.8 is the 0.1 % point of 19 degrees of freedom.
    expect(chiSquared(Array.from({ length: 100_000 }, () => random.next()))).toBeLessThan(43.8);
    expect(chiSquared(Array.from({ length: 20_000 }, (_, seed) => randomNumbers(seed).next()))).toBeLessThan(
      43.8,
    );
  });

  test("a shuffle keeps the items, and every order of three is as frequent", () => {
    const random = randomNumbers(3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const items = Uint32Array.of(4, 5, 6);
      random.shuffle(items);
      counts.set(items.join(), (counts.get(items.join()) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(["4,5,6", "4,6,5", "5,4,6", "5,6,4", "6,4,5", "6,5,4"]);
    // Standard deviation of each count: 28.9.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  test("a shuffle of the first places draws them from all items", () => {
    const items = Uint32Array.from({ length: 100 }, (_, i) => i);
    randomNumbers(5).shuffle(items, 3);
    expect([...items].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(Math.max(...items.subarray(0, 3))).toBeGreaterThan(2);
  });

  test.each([-1, 0.5, Number.NaN, 2 ** 53])("the seed %d is none", (seed) => {
    expect(() => randomNumbers(seed)).toThrow(RangeError);
  });
});
