import { describe, expect, test } from "vitest";
import {
  precisionAtThreshold,
  probabilityMetrics,
  spearman,
  thresholdForPrecision,
} from "../../dist/metrics/index.js";
import { errorOf } from "../support/errors.js";
import { randomPairs } from "./random-pairs.js";

describe("precision at a threshold", () => {
  const scores = Float32Array.of(0.9, 0.5, 0.5, 0.2, 0.1);
  const labels = Uint8Array.of(1, 0, 1, 0, 1);

  test("by hand; the threshold itself is marked", () => {
    expect(precisionAtThreshold(scores, labels, 0.5)).toEqual({
      threshold: 0.5,
      precision: 2 / 3,
      recall: 2 / 3,
      marked: 3,
      found: 2,
    });
    expect(precisionAtThreshold(scores, labels, 0.91)).toMatchObject({
      precision: Number.NaN,
      recall: 0,
      marked: 0,
    });
    expect(precisionAtThreshold(scores, new Uint8Array(5), 0)).toMatchObject({
      precision: 0,
      recall: Number.NaN,
    });
  });
});

describe("the threshold for a precision", () => {
  /** Tries every score. */
  function naive(scores: Float64Array, labels: Uint8Array, wanted: number, minMarked: number) {
    const all = [...new Set(scores)].map((threshold) => precisionAtThreshold(scores, labels, threshold));
    const considered = all.filter(({ marked }) => marked >= minMarked);
    const good = considered.filter(({ precision }) => precision >= wanted);
    const byPrecision = [...considered].sort(
      (x, y) => y.precision - x.precision || x.threshold - y.threshold,
    );
    const byRecall = [...good].sort((x, y) => x.threshold - y.threshold);
    return good.length > 0 ? { ...byRecall[0], reached: true } : { ...byPrecision[0], reached: false };
  }

  test.each([0.2, 0.4, 0.6, 0.8, 0.99])("%d: like trying every score", (wanted) => {
    for (const seed of [1, 2, 3, 4]) {
      const { scores, labels } = randomPairs({ n: 300, levels: 80, share: 0.25, seed });
      for (const minMarked of [1, 10, 50]) {
        const found = thresholdForPrecision(scores, labels, { precision: wanted, minMarked });
        expect(found).toEqual(naive(scores, labels, wanted, minMarked));
      }
    }
  });

  test("does not trust a few lucky pairs", () => {
    const scores = Float32Array.from({ length: 40 }, (_, i) => 40 - i);
    const labels = Uint8Array.from({ length: 40 }, (_, i) => (i < 3 || i % 4 === 0 ? 1 : 0));
    // The best three are all positive, of the best ten only five are: 0, 1, 2, 4 and 8.
    const chosen = thresholdForPrecision(scores, labels, { precision: 0.9 });
    expect(chosen).toMatchObject({ reached: false, precision: 0.5, marked: 10, threshold: 31 });
    expect(thresholdForPrecision(scores, labels, { precision: 0.9, minMarked: 1 })).toMatchObject({
      reached: true,
      precision: 1,
      marked: 3,
    });
  });

  test("of few pairs, of none, of NaN", async () => {
    const few = thresholdForPrecision(Float32Array.of(1, 2), Uint8Array.of(0, 1), { precision: 0.9 });
    expect(few).toMatchObject({ marked: 2, precision: 0.5, reached: false });
    expect(thresholdForPrecision(new Float32Array(), new Uint8Array(), { precision: 0.9 })).toBeUndefined();
    const error = await errorOf(() =>
      thresholdForPrecision(Float32Array.of(Number.NaN), Uint8Array.of(1), { precision: 0.5 }),
    );
    expect(error.code).toBe("SCORE_NOT_A_NUMBER");
  });
});

describe("Spearman's correlation", () => {
  test("by hand", () => {
    // Without ties: 1 - 6 (sum of squared differences) / (n^3 - n) = 1 - 6 * 4 / 60.
    expect(spearman(Float64Array.of(1, 2, 3, 4), Float64Array.of(20, 10, 400, 300))).toBeCloseTo(0.6, 15);
    expect(spearman(Float64Array.of(1, 2, 3), Float64Array.of(-1, -20, -300))).toBe(-1);
    // Ranks 1 2.5 2.5 4 and 1 2 3 4: 4.5 / sqrt(4.5 * 5).
    expect(spearman(Float32Array.of(1, 2, 2, 3), Float32Array.of(1, 2, 3, 4))).toBeCloseTo(
      4.5 / Math.sqrt(22.5),
      15,
    );
  });

  test("is Pearson's of mean ranks, counted naively", () => {
    const { scores } = randomPairs({ n: 200, levels: 20, share: 0.5, seed: 1 });
    const { scores: others } = randomPairs({ n: 200, levels: 9, share: 0.5, seed: 2 });
    const mixed = others.map((other, i) => other + Math.floor(scores[i] / 7));
    const ranks = (list: Float64Array) =>
      [...list].map((x) => list.filter((y) => y < x).length + (list.filter((y) => y === x).length + 1) / 2);
    const [a, b] = [ranks(scores), ranks(mixed)];
    const mean = 100.5;
    const dot = (x: number[], y: number[]) =>
      x.reduce((sum, value, i) => sum + (value - mean) * (y[i] - mean), 0);
    const expected = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    expect(spearman(scores, mixed)).toBeCloseTo(expected, 13);
  });

  test("of constant or too few scores is not a number", () => {
    expect(spearman(Float32Array.of(1, 1, 1), Float32Array.of(1, 2, 3))).toBeNaN();
    expect(spearman(Float32Array.of(1), Float32Array.of(1))).toBeNaN();
    expect(() => spearman(Float32Array.of(1, 2), Float32Array.of(1))).toThrow("2 scores for 1 pairs");
  });
});

describe("probabilities", () => {
  test("of one output, by hand", () => {
    const { accuracy, logLoss, brier } = probabilityMetrics(
      Float64Array.of(0.9, 0.2, 0.4, 0.5),
      Uint8Array.of(1, 0, 1, 1),
    );
    expect(accuracy).toBe(0.75);
    expect(logLoss).toBeCloseTo(-(Math.log(0.9) + Math.log(0.8) + Math.log(0.4) + Math.log(0.5)) / 4, 14);
    expect(brier).toBeCloseTo((0.01 + 0.04 + 0.36 + 0.25) / 4, 14);
  });

  test("of three outputs, by hand", () => {
    const probabilities = Float64Array.of(0.7, 0.2, 0.1, 0.1, 0.3, 0.6, 0.5, 0.4, 0.1);
    const { accuracy, logLoss, brier } = probabilityMetrics(probabilities, Uint8Array.of(0, 2, 1));
    expect(accuracy).toBeCloseTo(2 / 3, 15);
    expect(logLoss).toBeCloseTo(-(Math.log(0.7) + Math.log(0.6) + Math.log(0.4)) / 3, 14);
    expect(brier).toBeCloseTo((0.09 + 0.04 + 0.01 + (0.01 + 0.09 + 0.16) + (0.25 + 0.36 + 0.01)) / 3, 14);
  });

  test("certain and wrong costs no more than -ln(1e-7)", () => {
    expect(probabilityMetrics(Float32Array.of(1, 0), Uint8Array.of(0, 1)).logLoss).toBeCloseTo(
      -Math.log(1e-7),
      12,
    );
    expect(probabilityMetrics(Float32Array.of(1), Uint8Array.of(1)).logLoss).toBeCloseTo(1e-7, 12);
  });

  test("of a diverged network are not a number", () => {
    const { accuracy, logLoss } = probabilityMetrics(
      Float32Array.of(Number.NaN, Number.NaN, Number.NaN),
      Uint8Array.of(1),
    );
    expect([accuracy, logLoss]).toEqual([0, Number.NaN]);
    expect(probabilityMetrics(new Float32Array(), new Uint8Array()).accuracy).toBeNaN();
  });

  test("must fit the samples", () => {
    expect(() => probabilityMetrics(new Float32Array(5), new Uint8Array(2))).toThrow(
      "5 probabilities of 2 samples",
    );
    expect(() => probabilityMetrics(new Float32Array(4), Uint8Array.of(0, 2))).toThrow(
      "class 2 of 2 outputs",
    );
  });
});
