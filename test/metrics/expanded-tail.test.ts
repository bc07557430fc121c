import { describe, expect, it } from "vitest";
import { expandedTail } from "../../dist/metrics/expanded-tail.js";
import { bootstrapMean } from "../../dist/metrics/index.js";
import { randomNumbers } from "../../dist/random.js";

describe("expandedTail", () => {
  // scipy: norm.sf(sqrt(n / (n - 1)) * t.ppf(0.975, n - 1))
  it.each([
    [3, 6.834137e-8],
    [6, 0.0024318032],
    [7, 0.0041091529],
    [10, 0.00855064],
    [20, 0.0158808295],
    [31, 0.0189455275],
    [100, 0.0230643672],
    [5000, 0.0249605848],
  ])("is that of Student's t for %i items", (items, expected) => {
    expect(Math.abs(expandedTail(0.95, items) - expected)).toBeLessThan(2e-7);
  });

  it("cuts nothing off a single item", () => {
    expect(expandedTail(0.95, 1)).toBe(0);
    expect(expandedTail(0.95, 0)).toBe(0);
  });

  it("makes intervals of means miss about one time in twenty, with 8 items, too", () => {
    const random = randomNumbers(7, "test");
    const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
    let missed = 0;
    for (let trial = 0; trial < 2000; trial++) {
      const { low, high } = bootstrapMean(Array.from({ length: 8 }, normal), { seed: trial, resamples: 500 });
      if (low > 0 || high < 0) missed++;
    }
    // Plain percentiles miss in 10 %; the standard error of the share is 0.5 %.
    expect(missed / 2000).toBeLessThan(0.075);
    expect(missed / 2000).toBeGreaterThan(0.035);
  });
});
