import { describe, expect, test } from "vitest";
import { thinned, withinFoldRanks } from "../../dist/evaluation/curves.js";
import type { Curve } from "../../dist/evaluation/results.js";
import { randomNumbers } from "../../dist/random.js";

describe("withinFoldRanks", () => {
  test("by hand, with ties and infinities", () => {
    // Ascending: -Infinity 1, 2 three times 2 to 4, 5 is 5, Infinity 6.
    const scores = Float64Array.of(2, Number.NEGATIVE_INFINITY, 5, 2, Number.POSITIVE_INFINITY, 2);
    expect([...withinFoldRanks(scores)]).toEqual([3, 1, 5, 3, 6, 3].map((rank) => rank / 6));
    expect([...withinFoldRanks(new Float64Array(0))]).toEqual([]);
  });
});

/** ROC-like steps. */
function steps(count: number): Curve {
  const random = randomNumbers(7, "test");
  const x = [0];
  const y = [0];
  for (let i = 1; i <= count; i++) {
    const up = random.next() < (1 - i / count) ** 2;
    x.push(x[i - 1] + (up ? 0 : 1));
    y.push(y[i - 1] + (up ? 1 : 0));
  }
  const [width, height] = [x[count], y[count]];
  return { x: x.map((value) => value / width), y: y.map((value) => value / height) };
}

/** From a point to the nearest one on the lines between a curve's points. */
function distanceTo({ x, y }: Curve, atX: number, atY: number): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < x.length; i++) {
    const [width, height] = [x[i] - x[i - 1], y[i] - y[i - 1]];
    const along = ((atX - x[i - 1]) * width + (atY - y[i - 1]) * height) / (width ** 2 + height ** 2);
    const share = Math.min(1, Math.max(0, along));
    nearest = Math.min(nearest, Math.hypot(x[i - 1] + share * width - atX, y[i - 1] + share * height - atY));
  }
  return nearest;
}

describe("thinned", () => {
  test("200 points of 20,000 have the same ends, order and shape", () => {
    const all = steps(20_000);
    const few = thinned(all, 200);
    expect(few.x).toHaveLength(200);
    expect([few.x[0], few.y[0], few.x[199], few.y[199]]).toEqual([0, 0, 1, 1]);
    for (let i = 1; i < 200; i++) {
      expect(few.x[i]).toBeGreaterThanOrEqual(few.x[i - 1]);
      expect(few.y[i]).toBeGreaterThanOrEqual(few.y[i - 1]);
    }
    const sample = all.x.filter((_, i) => i % 37 === 0);
    const away = sample.map((x, i) => distanceTo(few, x, all.y[37 * i]));
    expect(Math.max(...away)).toBeLessThan(0.002);
  });

  test("keeps a lone peak", () => {
    const x = Array.from({ length: 1001 }, (_, i) => i / 1000);
    const peak = thinned({ x, y: x.map((_, i) => (i === 333 ? 1 : 0)) }, 50);
    expect(peak).toEqual({ x: [0, 0.332, 0.333, 0.334, 1], y: [0, 0, 1, 0, 0] });
  });

  test("leaves short curves alone", () => {
    const curve = { x: [0, 0.5, 1], y: [0, 0.5, 1] };
    expect(thinned(curve, 3)).toEqual(curve);
    expect(thinned({ x: [], y: [] }, 200)).toEqual({ x: [], y: [] });
  });
});
