import { expect, test } from "vitest";
import { pairMap } from "../../dist/pairs/pair-map.js";
import { randomNumbers } from "../../dist/random.js";

test.each([1, 60, 3000])("a table filled to its %d pairs is like a Map", (capacity) => {
  const random = randomNumbers(capacity);
  const pairs = pairMap(capacity);
  const map = new Map<string, number>();
  const large = 2 ** 32 - 2;
  while (map.size < capacity) {
    const a = random.next() < 0.1 ? large - random.below(5) : random.below(80);
    const b = random.next() < 0.1 ? large - random.below(5) : random.below(80);
    const known = map.get(`${a} ${b}`) ?? -1;
    expect(pairs.find(a, b)).toBe(known);
    expect(pairs.put(a, b, map.size)).toBe(known);
    if (known === -1) map.set(`${a} ${b}`, map.size);
  }
  for (const [key, value] of map) {
    const [a, b] = key.split(" ").map(Number);
    expect(pairs.find(a, b)).toBe(value);
  }
  expect(pairs.find(1000, 1000)).toBe(-1);
  expect(() => pairs.put(1000, 1000, 0)).toThrow(`more than ${capacity} pairs`);
});

test("an empty table", () => {
  expect(pairMap(0).find(0, 0)).toBe(-1);
});
