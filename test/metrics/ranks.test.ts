import { describe, expect, test } from "vitest";
import {
  auprc,
  auprcRatio,
  auroc,
  earlyPrecision,
  type Metric,
  perRegulator,
} from "../../dist/metrics/index.js";
import { errorOf } from "../support/errors.js";
import { randomPairs } from "./random-pairs.js";

/** Every positive against every negative. */
function naiveAuroc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let wins = 0;
  let contests = 0;
  for (let i = 0; i < scores.length; i++) {
    for (let j = 0; j < scores.length; j++) {
      if (labels[i] === 0 || labels[j] !== 0) continue;
      contests++;
      wins += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
    }
  }
  return wins / contests;
}

/** Sum over thresholds of (R_n - R_{n-1}) P_n, each counted anew over all pairs. */
function naiveAuprc(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const rows = Array.from(scores, (score, i) => ({ score, positive: labels[i] !== 0 }));
  const positives = rows.filter(({ positive }) => positive).length;
  let area = 0;
  let recallBefore = 0;
  for (const threshold of [...new Set(rows.map(({ score }) => score))].sort((a, b) => b - a)) {
    const marked = rows.filter(({ score }) => score >= threshold);
    const found = marked.filter(({ positive }) => positive).length;
    area += (found / positives - recallBefore) * (found / marked.length);
    recallBefore = found / positives;
  }
  return area;
}

const cases = [
  { n: 2, levels: 2, share: 0.5 },
  { n: 50, levels: 1, share: 0.3 },
  { n: 300, levels: 5, share: 0.1 },
  { n: 300, levels: 1e9, share: 0.5 },
  { n: 500, levels: 60, share: 0.9 },
].flatMap((one) => [1, 2, 3].map((seed) => ({ ...one, seed })));

describe("AUROC", () => {
  test("by hand", () => {
    // Positives .8 and .35 against negatives .4 and .1: 3 of 4 contests won.
    expect(auroc(Float64Array.of(0.1, 0.4, 0.35, 0.8), Uint8Array.of(0, 0, 1, 1))).toBe(0.75);
    // One win, one tie, one loss, and one win.
    expect(auroc(Float32Array.of(0.5, 0.5, 0.2, 0.1), Uint8Array.of(1, 0, 1, 0))).toBe(2.5 / 4);
    expect(auroc(Float32Array.of(3, 2, 1), Uint8Array.of(1, 1, 0))).toBe(1);
    expect(auroc(Float32Array.of(1, 2, 3), Uint8Array.of(1, 1, 0))).toBe(0);
    expect(auroc(new Float32Array(9), Uint8Array.of(1, 0, 0, 0, 1, 0, 1, 1, 1))).toBe(0.5);
  });

  test.each(cases)("every contest counted, %o", (options) => {
    const { scores, labels } = randomPairs(options);
    expect(auroc(scores, labels)).toBeCloseTo(naiveAuroc(scores, labels), 14);
  });

  test("turns round with the scores, and keeps with any growing function of them", () => {
    const { scores, labels } = randomPairs({ n: 400, levels: 30, share: 0.2, seed: 9 });
    expect(
      auroc(
        scores.map((x) => -x),
        labels,
      ),
    ).toBeCloseTo(1 - auroc(scores, labels), 14);
    expect(
      auroc(
        scores.map((x) => x ** 3 - 7),
        labels,
      ),
    ).toBe(auroc(scores, labels));
  });

  test("of one class, or of nothing, is not a number", () => {
    expect(auroc(Float32Array.of(1, 2), Uint8Array.of(1, 1))).toBeNaN();
    expect(auroc(Float32Array.of(1, 2), Uint8Array.of(0, 0))).toBeNaN();
    expect(auroc(new Float32Array(), new Uint8Array())).toBeNaN();
  });

  test("infinite scores have their rank; classes other than 0 are positive", () => {
    const scores = Float64Array.of(
      Number.POSITIVE_INFINITY,
      0,
      Number.NEGATIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    );
    expect(auroc(scores, Uint8Array.of(2, 0, 0, 1))).toBe(1);
  });

  test("is exact for 200,000 pairs", () => {
    const n = 200_000;
    const scores = Float32Array.from({ length: n }, (_, i) => i);
    const labels = Uint8Array.from({ length: n }, (_, i) => i % 2);
    // The k-th of n/2 positives is above k of the negatives, k = 1 to n/2.
    const half = n / 2;
    expect(auroc(scores, labels)).toBe((half * (half + 1)) / 2 / half ** 2);
  });
});

describe("AUPRC", () => {
  test("by hand", () => {
    // Precision 1 at recall 1/2 and 2/3 at recall 1: scikit-learn's own example, 0.83.
    expect(auprc(Float64Array.of(0.1, 0.4, 0.35, 0.8), Uint8Array.of(0, 0, 1, 1))).toBeCloseTo(5 / 6, 15);
    // All tied: the share of positives.
    expect(auprc(new Float32Array(8), Uint8Array.of(1, 0, 0, 0, 0, 0, 1, 0))).toBe(0.25);
    // A tie of one positive and one negative, then a positive: 1/2 * 1/2 + 1/2 * 2/3.
    expect(auprc(Float64Array.of(2, 2, 1), Uint8Array.of(1, 0, 1))).toBeCloseTo(7 / 12, 15);
  });

  test.each(cases)("every threshold counted, %o", (options) => {
    const { scores, labels } = randomPairs(options);
    expect(auprc(scores, labels)).toBeCloseTo(naiveAuprc(scores, labels), 13);
    const share = labels.filter((label) => label !== 0).length / labels.length;
    expect(auprcRatio(scores, labels)).toBeCloseTo(naiveAuprc(scores, labels) / share, 11);
  });

  test("of one class is as in scikit-learn; of nothing, not a number", () => {
    expect(auprc(Float32Array.of(1, 2), Uint8Array.of(1, 1))).toBe(1);
    expect(auprc(Float32Array.of(1, 2), Uint8Array.of(0, 0))).toBe(0);
    expect(auprcRatio(Float32Array.of(1, 2), Uint8Array.of(0, 0))).toBeNaN();
    expect(auprc(new Float32Array(), new Uint8Array())).toBeNaN();
  });
});

describe("early precision, as BEELINE has it", () => {
  /** Its rule over sorted rows: a threshold from row k and from the smallest weight above 0. */
  function naive(scores: number[], labels: number[], trueEdges: number, possibleEdges: number) {
    const rows = scores
      .map((score, i) => ({ weight: Number(Math.abs(score).toFixed(6)), isTrue: labels[i] !== 0 }))
      .sort((one, other) => other.weight - one.weight);
    const k = Math.min(rows.length, trueEdges);
    const smallest = Math.min(...rows.map(({ weight }) => weight).filter((weight) => weight > 0));
    const top = rows.filter(({ weight }) => weight >= Math.max(smallest, rows[k - 1].weight));
    const precision = top.length === 0 ? 0 : top.filter(({ isTrue }) => isTrue).length / top.length;
    return { precision, ratio: precision / (trueEdges / possibleEdges), top: top.length };
  }

  test("by hand, with ties at rank k", () => {
    // k = 2: the second score is .8, which three edges share, so 4 are top; 2 of them are true.
    const scores = Float64Array.of(0.9, 0.8, -0.8, 0.8, 0.1, 0, 0, 0);
    const labels = Uint8Array.of(1, 0, 1, 0, 0, 0, 0, 0);
    expect(earlyPrecision(scores, labels)).toEqual({ precision: 0.5, ratio: 2, density: 0.25, top: 4 });
    // In a network of 20 possible edges with 4 true ones: all 4 best have a rank of 4 or better.
    expect(earlyPrecision(scores, labels, { trueEdges: 4, possibleEdges: 20 })).toEqual({
      precision: 0.5,
      ratio: 2.5,
      density: 0.2,
      top: 4,
    });
  });

  test("edges of weight 0 are never top edges", () => {
    const labels = Uint8Array.of(1, 1, 1, 0);
    expect(earlyPrecision(Float64Array.of(0.2, 0, 0, 0.1), labels)).toMatchObject({ precision: 0.5, top: 2 });
    expect(earlyPrecision(Float64Array.of(4e-7, 0, 0, 0), labels)).toMatchObject({
      precision: 0,
      ratio: 0,
      top: 0,
    });
  });

  test("weights are rounded to 6 decimals, half to even", () => {
    const labels = Uint8Array.of(1, 0, 0);
    expect(earlyPrecision(Float64Array.of(0.5000001, 0.4999999, 0.1), labels).top).toBe(2);
    // 5e-7 is nearest to 0 and to 1e-6, and goes to the even one, 0.
    expect(earlyPrecision(Float64Array.of(5e-7, 0, 0), labels).top).toBe(0);
  });

  test.each(cases.filter(({ n }) => n > 2))("like the rule, %o", (options) => {
    const { scores, labels } = randomPairs(options);
    const shifted = scores.map((score) => score / options.levels - 0.3);
    const trueEdges = labels.filter((label) => label !== 0).length;
    for (const [edges, possible] of [
      [trueEdges, scores.length],
      [2 * options.n, 9 * options.n],
    ]) {
      const expected = naive([...shifted], [...labels], edges, possible);
      const found = earlyPrecision(shifted, labels, { trueEdges: edges, possibleEdges: possible });
      expect(found.top).toBe(expected.top);
      expect(found.precision).toBeCloseTo(expected.precision, 14);
      expect(found.ratio).toBeCloseTo(expected.ratio, 12);
    }
  });
});

describe("per regulator", () => {
  test("each one's own metric, where it has enough pairs of both kinds", () => {
    const { scores, labels } = randomPairs({ n: 600, levels: 40, share: 0.3, seed: 4 });
    const regulators = Uint32Array.from({ length: 600 }, (_, i) => (i < 570 ? [70, 5, 900][i % 3] : 8));
    labels.fill(0, 570, 600);
    const expected = [70, 5, 900].map((regulator) => {
      const mine = [...regulators.keys()].filter((i) => regulators[i] === regulator);
      return naiveAuroc(
        mine.map((i) => scores[i]),
        mine.map((i) => labels[i]),
      );
    });
    const found = perRegulator(auroc, scores, labels, regulators);
    expect([...found.regulators]).toEqual([5, 70, 900]);
    expect([...found.values]).toEqual(
      [expected[1], expected[0], expected[2]].map((value) => expect.closeTo(value, 14)),
    );
    expect([...found.pairs]).toEqual([190, 190, 190]);
    expect([...found.positives]).toEqual(
      [5, 70, 900].map(
        (regulator) => labels.filter((label, i) => label !== 0 && regulators[i] === regulator).length,
      ),
    );
    expect(found.skipped).toBe(1);
    expect(found.mean).toBeCloseTo((expected[0] + expected[1] + expected[2]) / 3, 14);
    expect(found.median).toBeCloseTo([...expected].sort()[1], 14);
  });

  test("the limits are inclusive; the median of two is their mean", () => {
    const labels = Uint8Array.of(1, 1, 0, 0, 1, 1, 0, 0, 0);
    const regulators = Uint32Array.of(1, 1, 1, 1, 2, 2, 2, 2, 3);
    const scores = Float32Array.of(4, 3, 2, 1, 4, 1, 3, 2, 0);
    const limits = { minPositives: 2, minNegatives: 2 };
    expect(perRegulator(auroc, scores, labels, regulators, limits)).toMatchObject({
      mean: 0.75,
      median: 0.75,
      skipped: 1,
    });
    const none = perRegulator(auroc, scores, labels, regulators, { minPositives: 3, minNegatives: 0 });
    expect([none.mean, none.median, none.values.length, none.skipped]).toEqual([
      Number.NaN,
      Number.NaN,
      0,
      3,
    ]);
  });
});

describe("bad input", () => {
  const metrics: [string, Metric][] = [
    ["auroc", auroc],
    ["auprc", auprc],
    ["early precision", (scores, labels) => earlyPrecision(scores, labels).ratio],
  ];
  test.each(metrics)("%s of a score that is not a number", async (_, metric) => {
    const error = await errorOf(() => metric(Float32Array.of(0.5, Number.NaN, 0.1), Uint8Array.of(1, 0, 1)));
    expect(error.code).toBe("SCORE_NOT_A_NUMBER");
    expect(error.message).toContain("pair 2 of 3");
  });

  test.each(metrics)("%s of more labels than scores", (_, metric) => {
    expect(() => metric(Float32Array.of(0.5), Uint8Array.of(1, 0))).toThrow("1 scores for 2 pairs");
  });
});
