import { describe, expect, test } from "vitest";
import { auroc } from "../../dist/metrics/index.js";
import {
  drawNegatives,
  NEGATIVE_MODES,
  type NegativeMode,
  type Negatives,
  withNegatives,
} from "../../dist/pairs/index.js";
import { randomNumbers } from "../../dist/random.js";
import { errorOf } from "./helpers.js";

/** Gene columns 0 to 199; 12 regulators, 7 to 29 positives each, targets of very different popularity. */
function positives() {
  const random = randomNumbers(21);
  const a: number[] = [];
  const b: number[] = [];
  for (let regulator = 0; regulator < 12; regulator++) {
    const targets = new Set<number>();
    while (targets.size < 7 + 2 * regulator) targets.add(Math.floor(120 * random.next() ** 2));
    targets.delete(regulator);
    for (const target of targets) {
      a.push(regulator);
      b.push(target);
    }
  }
  return { a: Uint32Array.from(a), b: Uint32Array.from(b) };
}

const known = positives();
const targets = Uint32Array.from({ length: 200 }, (_, i) => i);
const keysOf = ({ a, b }: { a: Uint32Array; b: Uint32Array }) => [...a].map((first, i) => `${first}>${b[i]}`);
const countOf = (genes: Uint32Array, gene: number) => genes.filter((other) => other === gene).length;
const draw = (mode: NegativeMode, ratio: number, seed = 1) =>
  drawNegatives(known, { mode, ratio, seed, targets });

describe.each(NEGATIVE_MODES)("%s", (mode) => {
  test.each([0.5, 1, 3])("ratio %d: new pairs of two candidates, each once", (ratio) => {
    const negatives = draw(mode, ratio);
    const keys = keysOf(negatives);
    expect(new Set(keys).size).toBe(keys.length);
    const listed = new Set(keysOf(known));
    expect(keys.filter((key) => listed.has(key))).toEqual([]);
    expect(negatives.a.every((a, i) => a < 12 && negatives.b[i] < 200 && a !== negatives.b[i])).toBe(true);
    expect(negatives.report.drawn).toBe(keys.length);
    expect(negatives.report.asked).toBe(keys.length);
    expect(negatives.report.short).toEqual([]);
    if (mode === "random") expect(keys).toHaveLength(Math.round(ratio * known.a.length));
    else {
      for (let regulator = 0; regulator < 12; regulator++) {
        expect(countOf(negatives.a, regulator)).toBe(Math.round(ratio * countOf(known.a, regulator)));
      }
    }
  });

  test("the seed decides", () => {
    expect(draw(mode, 1, 5)).toEqual(draw(mode, 1, 5));
    expect(keysOf(draw(mode, 1, 5))).not.toEqual(keysOf(draw(mode, 1, 6)));
  });

  test("undirected: no mirrors of positives", () => {
    // All of 0 to 9 act on the next five, round a circle.
    const circle = {
      a: Uint32Array.from({ length: 50 }, (_, i) => i % 10),
      b: Uint32Array.from({ length: 50 }, (_, i) => ((i % 10) + 1 + Math.floor(i / 10)) % 10),
    };
    const ten = targets.subarray(0, 10);
    const mirrors = new Set(keysOf({ a: circle.b, b: circle.a }));
    const directed = drawNegatives(circle, { mode, ratio: 0.5, seed: 1, targets: ten });
    // Only 0>6 to 0>9 are unlisted, and all of them are mirrors.
    expect(keysOf(directed).every((key) => mirrors.has(key))).toBe(true);
    const options = { mode, ratio: 0.5, seed: 1, targets: targets.subarray(0, 12), undirected: true };
    const undirected = drawNegatives(circle, options);
    expect(keysOf(undirected).every((key) => /^\d>1[01]$/.test(key))).toBe(true);
    expect(undirected.report.drawn).toBe(20);
    expect(undirected.report.asked).toBe(mode === "random" ? 25 : 30);
  });

  test("none to draw", async () => {
    const all = { a: Uint32Array.of(0, 0), b: Uint32Array.of(1, 2) };
    const error = await errorOf(() =>
      drawNegatives(all, { mode, ratio: 1, seed: 1, targets: Uint32Array.of(0, 1, 2) }),
    );
    expect(error.code).toBe("NO_NEGATIVES");
    expect(error.message).toContain("2 positives among 3 candidate targets");
    expect(() => drawNegatives(all, { mode, ratio: 0, seed: 1, targets })).toThrow(RangeError);
  });
});

test("per-regulator: all candidates are equally likely", () => {
  const one = { a: Uint32Array.of(3, 3), b: Uint32Array.of(0, 1) };
  const counts = new Array(8).fill(0);
  for (let seed = 0; seed < 3000; seed++) {
    const { b } = drawNegatives(one, {
      mode: "per-regulator",
      ratio: 1,
      seed,
      targets: targets.subarray(0, 8),
    });
    for (const target of b) counts[target]++;
  }
  expect([counts[0], counts[1], counts[3]]).toEqual([0, 0, 0]);
  // 6000 draws of 5 candidates; standard deviation of each count: 27.
  for (const target of [2, 4, 5, 6, 7]) expect(Math.abs(counts[target] - 1200)).toBeLessThan(120);
});

test("random: all pairs of regulators and candidates are equally likely, also those of other regulators", () => {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 2000; seed++) {
    const negatives = drawNegatives(
      { a: Uint32Array.of(0), b: Uint32Array.of(1) },
      {
        mode: "random",
        ratio: 2,
        seed,
        targets: Uint32Array.of(0, 1, 2),
        regulators: Uint32Array.of(0, 1, 5),
      },
    );
    for (const key of keysOf(negatives)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual(["0>2", "1>0", "1>2", "5>0", "5>1", "5>2"]);
  for (const count of counts.values()) expect(Math.abs(count - 4000 / 6)).toBeLessThan(90);
});

test("a regulator without enough candidates gets all it can have, and is reported", () => {
  const two = { a: Uint32Array.of(0, 0, 0, 4), b: Uint32Array.of(1, 2, 3, 1) };
  for (const mode of ["per-regulator", "degree-matched"] as const) {
    const { report, ...pairs } = drawNegatives(two, {
      mode,
      ratio: 1,
      seed: 1,
      targets: targets.subarray(0, 5),
    });
    expect(keysOf(pairs)).toContain("0>4");
    expect(keysOf(pairs)).toHaveLength(2);
    expect(report).toMatchObject({ asked: 4, drawn: 2, short: [{ regulator: 0, asked: 3, drawn: 1 }] });
  }
});

describe("what a target's degree tells", () => {
  /** AUROC of how often each pair's target is among the positives. */
  function byDegree(negatives: Negatives): number {
    const { b, labels } = withNegatives(known, negatives);
    return auroc(
      Float64Array.from(b, (target) => countOf(known.b, target)),
      labels,
    );
  }

  function naiveDistance({ b }: Negatives): number {
    let sum = 0;
    for (const target of targets) {
      sum += Math.abs(countOf(known.b, target) / known.b.length - countOf(b, target) / b.length);
    }
    return sum / 2;
  }

  test("nearly everything per regulator, hardly anything when degrees are matched", () => {
    const perRegulator = draw("per-regulator", 1);
    expect(byDegree(perRegulator)).toBeGreaterThan(0.75);
    const matched = draw("degree-matched", 1);
    expect(byDegree(matched)).toBeLessThan(0.6);
    for (const negatives of [perRegulator, matched]) {
      expect(negatives.report.targetDistance).toBeCloseTo(naiveDistance(negatives), 12);
    }
    expect(matched.report.targetDistance).toBeLessThan(0.25);
    expect(perRegulator.report.targetDistance).toBeGreaterThan(0.5);
  });

  test("nothing, where every target can have as many negatives as positives", () => {
    // Regulators 0 to 9, targets 10 to 29, of which target 10 + t has 1 to 5 positives.
    const a: number[] = [];
    const b: number[] = [];
    for (let t = 0; t < 20; t++) {
      for (let k = 0; k <= t % 5; k++) {
        a.push((t + 3 * k) % 10);
        b.push(10 + t);
      }
    }
    const half = { a: Uint32Array.from(a), b: Uint32Array.from(b) };
    for (const seed of [1, 2, 3, 4, 5]) {
      const { report, b: drawn } = drawNegatives(half, { mode: "degree-matched", ratio: 1, seed, targets });
      expect(report).toEqual({ asked: 60, drawn: 60, short: [], targetDistance: 0 });
      for (let t = 10; t < 30; t++) expect(countOf(drawn, t)).toBe(countOf(half.b, t));
    }
  });
});

test("positives and negatives together", () => {
  const some = withNegatives(
    { a: Uint32Array.of(1, 2), b: Uint32Array.of(3, 4) },
    { a: Uint32Array.of(5), b: Uint32Array.of(6) },
  );
  expect(some).toEqual({
    a: Uint32Array.of(1, 2, 5),
    b: Uint32Array.of(3, 4, 6),
    labels: Uint8Array.of(1, 1, 0),
  });
});
