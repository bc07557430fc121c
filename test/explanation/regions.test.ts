import { describe, expect, it } from "vitest";
import { strongestRegions } from "../../dist/explanation/regions.js";
import { randomNumbers } from "../../dist/random.js";

const WHOLE = { separateA: false, separateB: false };

/** Attributions of some rectangles, [first a, last a, first b, last b, value of each bin]. */
function attributionOf(...blocks: [number, number, number, number, number][]): Float64Array {
  const values = new Float64Array(1024);
  for (const [a0, a1, b0, b1, value] of blocks) {
    for (let row = b0; row <= b1; row++) values.fill(value, 32 * row + a0, 32 * row + a1 + 1);
  }
  return values;
}

describe("strongestRegions", () => {
  it("finds rectangles of either sign, strongest first", () => {
    const regions = strongestRegions(
      attributionOf([2, 4, 20, 21, 1], [10, 12, 5, 9, -1], [30, 31, 30, 31, 0.9]),
      WHOLE,
    );
    expect(regions.map(({ binsA, binsB }) => [binsA, binsB])).toEqual([
      [
        [10, 12],
        [5, 9],
      ],
      [
        [2, 4],
        [20, 21],
      ],
      [
        [30, 31],
        [30, 31],
      ],
    ]);
    expect(regions.map(({ attribution }) => Number(attribution.toFixed(9)))).toEqual([-15, 6, 3.6]);
  });

  it("keeps the bins of undetected cells apart", () => {
    const edge = attributionOf([0, 5, 0, 3, 1]);
    expect(strongestRegions(edge, WHOLE).map(({ binsA, binsB }) => [binsA, binsB])).toEqual([
      [
        [0, 5],
        [0, 3],
      ],
    ]);
    const apart = strongestRegions(edge, { separateA: true, separateB: true });
    expect(apart.map(({ binsA, binsB }) => [binsA, binsB])).toEqual([
      [
        [1, 5],
        [1, 3],
      ],
      [
        [1, 5],
        [0, 0],
      ],
      [
        [0, 0],
        [1, 3],
      ],
    ]);
    const [first] = strongestRegions(edge, { separateA: true, separateB: false });
    expect([first.binsA, first.binsB]).toEqual([
      [1, 5],
      [0, 3],
    ]);
  });

  it("never tells a bin twice, and no more regions than asked for", () => {
    const random = randomNumbers(1, "regions");
    const attribution = Float64Array.from({ length: 1024 }, () => random.next() ** 3 - 0.25);
    const regions = strongestRegions(attribution, { ...WHOLE, most: 3 });
    expect(regions.length).toBeLessThanOrEqual(3);
    const seen = new Set<number>();
    for (const { binsA, binsB } of regions) {
      for (let row = binsB[0]; row <= binsB[1]; row++) {
        for (let column = binsA[0]; column <= binsA[1]; column++) {
          expect(seen.has(32 * row + column)).toBe(false);
          seen.add(32 * row + column);
        }
      }
    }
    expect(strongestRegions(new Float64Array(1024), WHOLE)).toEqual([]);
  });

  it("begins with the best rectangle of all", () => {
    const random = randomNumbers(2, "regions");
    const attribution = Float64Array.from({ length: 1024 }, () => (random.next() - 0.5) ** 3);
    const cost = attribution.reduce((total, value) => total + Math.abs(value), 0) / 1024;
    // Sums of all rectangles from the upper left corner, then of any by four of these.
    const corner = (sign: number) => {
      const sums = new Float64Array(33 * 33);
      for (let row = 0; row < 32; row++) {
        for (let column = 0; column < 32; column++) {
          const i = 33 * (row + 1) + column + 1;
          sums[i] = sign * attribution[32 * row + column] - cost + sums[i - 1] + sums[i - 33] - sums[i - 34];
        }
      }
      return sums;
    };
    let best = 0;
    for (const sums of [corner(1), corner(-1)]) {
      for (let top = 0; top < 32; top++) {
        for (let bottom = top + 1; bottom <= 32; bottom++) {
          for (let left = 0; left < 32; left++) {
            for (let right = left + 1; right <= 32; right++) {
              const gain =
                sums[33 * bottom + right] -
                sums[33 * top + right] -
                sums[33 * bottom + left] +
                sums[33 * top + left];
              best = Math.max(best, gain);
            }
          }
        }
      }
    }
    const [{ binsA, binsB, attribution: sum }] = strongestRegions(attribution, { ...WHOLE, most: 1 });
    const area = (binsA[1] - binsA[0] + 1) * (binsB[1] - binsB[0] + 1);
    expect(Math.abs(sum) - cost * area).toBeCloseTo(best, 12);
  });
});
