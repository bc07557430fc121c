import { describe, expect, test } from "vitest";
import { type MeasureContext, measureMethod } from "../../dist/evaluation/measure.js";
import type { FoldScores } from "../../dist/evaluation/method.js";
import { randomNumbers } from "../../dist/random.js";
import { errorOf } from "../support/errors.js";

const METHOD = { name: "m", label: "made up", group: "network", learns: true, seconds: 2.5 } as const;

const geneNames = Array.from({ length: 100 }, (_, gene) => `G${gene}`);

const contextOf = (
  rows: readonly (readonly [a: number, b: number, label: number])[],
  task: MeasureContext["task"] = "interaction",
): MeasureContext => ({
  task,
  pairs: {
    a: Uint32Array.from(rows, ([a]) => a),
    b: Uint32Array.from(rows, ([, b]) => b),
    labels: Uint8Array.from(rows, ([, , label]) => label),
  },
  geneNames,
  seed: 1,
});

/** One fold that tests all rows in their order. */
function measureAll(context: MeasureContext, scores: readonly number[], more: Partial<FoldScores> = {}) {
  const test = Uint32Array.from(context.pairs.a.keys());
  return measureMethod(
    METHOD,
    [{ name: "1", test, scores: { interaction: Float64Array.from(scores), ...more } }],
    context,
  );
}

/** Six regulators with 20 targets each, of which the first `positives` are true; in two folds by the target. */
function grid(positives = 8) {
  const context = contextOf(
    Array.from({ length: 120 }, (_, i) => [Math.floor(i / 20), 10 + (i % 20), i % 20 < positives ? 1 : 0]),
  );
  const rows = Uint32Array.from({ length: 120 }, (_, i) => i);
  return { context, folds: [0, 1].map((fold) => rows.filter((row) => row % 2 === fold)) };
}

describe("early precision", () => {
  // Regulators 0 and 1, genes 0 to 5: 2 x 5 edges could exist. Of the 6 that are asked about, 2 are true.
  const context = contextOf([
    [0, 2, 1],
    [0, 3, 0],
    [0, 4, 1],
    [1, 2, 0],
    [1, 3, 0],
    [1, 5, 0],
  ]);

  test("by hand, with ties at rank k", () => {
    // k = 2: rank 2 has the score .8, which three edges have; so 4 are top ones, 2 of them true.
    const { pooled } = measureAll(context, [0.9, 0.8, 0.8, 0.8, 0.1, 0]);
    expect(pooled.earlyPrecision).toBe(0.5);
    expect(pooled.earlyPrecisionRatio).toBeCloseTo(0.5 / (2 / 6), 14);
    // Genes 0, 1, 2, 3, 4 and 5; each of 2 regulators could act on 5 of them.
    expect(pooled.earlyPrecisionRatioAllEdges).toBeCloseTo(0.5 / (2 / 10), 14);
  });

  test("edges of weight 0 are never top ones", () => {
    expect(measureAll(context, [0.9, 0, 0, 0, 0, 0]).pooled.earlyPrecision).toBe(1);
  });

  test("signed scores count by rank, not by absolute value", () => {
    // Log-odds: the best two are 2 and -1, both true; by absolute value -9 and -8 would be.
    expect(measureAll(context, [2, -8, -1, -9, -3, -3]).pooled.earlyPrecision).toBe(1);
    // All the same: all tie at rank k.
    expect(measureAll(context, [-1, -1, -1, -1, -1, -1]).pooled.earlyPrecision).toBeCloseTo(2 / 6, 14);
  });

  test("pairs that a method does not know are never top ones", () => {
    const unscored = Uint32Array.of(1, 2, 3, 4, 5);
    const { pooled, unscored: count } = measureAll(context, [2, -5, -5, -5, -5, -5], { unscored });
    expect(pooled.earlyPrecision).toBe(1);
    expect(count).toBe(5);
    expect(measureAll(context, [0.7, -1, -1, -1, -1, -1], { unscored }).pooled.earlyPrecision).toBe(1);
  });

  test("an edge that is listed in both orders counts once", () => {
    // Regulators 0 and (of the pair without edge) 3, genes 0 to 3: 2 x 3 edges could exist, 1 -> 0 is none of them.
    const both = contextOf(
      [
        [0, 1, 1],
        [1, 0, 2],
        [0, 2, 0],
        [3, 2, 0],
      ],
      "causality",
    );
    const { pooled } = measureAll(both, [0.9, 0.9, 0.1, 0.1]);
    expect(pooled.earlyPrecision).toBe(1);
    expect(pooled.earlyPrecisionRatio).toBeCloseTo(1 / (1 / 3), 14);
    expect(pooled.earlyPrecisionRatioAllEdges).toBeCloseTo(1 / (1 / 6), 14);
  });
});

test("perfect scores give 1 everywhere, upside down 0, constant ones a half", () => {
  const { context, folds } = grid(10);
  const { labels } = context.pairs;
  // The second fold's scores are all higher, which must not matter.
  const measured = (scoreOf: (row: number) => number) =>
    measureMethod(
      METHOD,
      folds.map((test, f) => ({
        name: String(f),
        test,
        scores: { interaction: Float64Array.from(test, (row) => scoreOf(row) + f) },
      })),
      context,
    );
  const perfect = measured((row) => labels[row]);
  expect(perfect.pooled).toMatchObject({
    auroc: 1,
    auprc: 1,
    auprcRatio: 2,
    earlyPrecision: 1,
    aurocs: [1, 1],
  });
  const one = { value: 1, low: 1, high: 1, resamples: 2000 };
  expect(perfect.perRegulator).toMatchObject({
    auroc: one,
    auprc: one,
    medianAuroc: 1,
    regulators: 6,
    skipped: 0,
  });
  expect(perfect.curves.roc).toEqual({ x: [0, 0, 1], y: [0, 1, 1] });
  expect(perfect.curves.precisionRecall).toEqual({ x: [0, 1, 1], y: [1, 1, 0.5] });

  const wrong = measured((row) => 1 - labels[row]);
  expect(wrong.pooled.auroc).toBe(0);
  expect(wrong.perRegulator.auroc).toMatchObject({ value: 0, low: 0, high: 0 });
  expect(measured(() => 0.5).perRegulator.auroc).toMatchObject({ value: 0.5, low: 0.5, high: 0.5 });
  expect(measured(() => 0.5).curves.roc).toEqual({ x: [0, 1], y: [0, 1] });
});

test("a regulator with 4 positive pairs in a fold is not judged", () => {
  const { context, folds } = grid(8);
  const scores = folds.map((test, f) => ({
    name: String(f),
    test,
    scores: { interaction: new Float64Array(60) },
  }));
  expect(measureMethod(METHOD, scores, context).perRegulator).toMatchObject({
    regulators: 0,
    skipped: 6,
    values: [],
  });
});

test("the interval draws whole regulators", () => {
  const { context, folds } = grid(10);
  const random = randomNumbers(8, "test");
  const result = measureMethod(
    METHOD,
    folds.map((test, f) => ({
      name: String(f),
      test,
      scores: { interaction: Float64Array.from(test, () => random.next()) },
    })),
    context,
  );
  const { values, auroc } = result.perRegulator;
  expect(values).toHaveLength(12);
  const draws = randomNumbers(1, "bootstrap");
  const means = Array.from({ length: 2000 }, () => {
    const drawn = Array.from({ length: 6 }, () => `G${draws.below(6)}`);
    const all = drawn.flatMap((name) => values.filter(({ regulator }) => regulator === name));
    return all.reduce((sum, value) => sum + value.auroc, 0) / all.length;
  }).sort((one, other) => one - other);
  // The tail of 6 items is .0024318: of 2000 values at 4.8612, and at 1994.1388.
  expect(auroc.low).toBeCloseTo(0.1388 * means[4] + 0.8612 * means[5], 5);
  expect(auroc.high).toBeCloseTo(0.8612 * means[1994] + 0.1388 * means[1995], 5);
});

test("without a fold of both kinds nothing is judged, and nothing is made up", () => {
  const { context } = grid(20);
  const { pooled, perRegulator, curves, calibration } = measureAll(context, new Array(120).fill(0.5), {
    probabilities: new Float64Array(120).fill(0.5),
  });
  expect(pooled.auroc).toBeNaN();
  expect(pooled.auprc).toBeNaN();
  expect(pooled.earlyPrecisionRatio).toBeNaN();
  expect(pooled.aurocs).toEqual([Number.NaN]);
  expect(perRegulator).toMatchObject({ regulators: 0, skipped: 6, medianAuroc: Number.NaN });
  expect(perRegulator.auroc).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN, resamples: 0 });
  expect(curves).toEqual({ roc: { x: [], y: [] }, precisionRecall: { x: [], y: [] } });
  // Probabilities can be judged: (1 - 0.5)^2.
  expect(calibration).toEqual({ bins: [{ predicted: 0.5, observed: 1, pairs: 120 }], brier: 0.25 });
});

describe("calibration", () => {
  test("equal probabilities stay together", () => {
    // 100 pairs: 40 of .1 with 4 true ones, 35 of .5 with 20, and 25 of .9 with all.
    const context = contextOf(
      Array.from({ length: 100 }, (_, i) => {
        const isTrue = i < 40 ? i < 4 : i < 75 ? i < 60 : true;
        return [i % 5, 10 + i / 5, isTrue ? 1 : 0] as const;
      }),
    );
    const probabilities = Float64Array.from({ length: 100 }, (_, i) => (i < 40 ? 0.1 : i < 75 ? 0.5 : 0.9));
    const { calibration } = measureAll(context, [...probabilities], { probabilities });
    expect(calibration?.bins).toEqual([
      { predicted: expect.closeTo(0.1, 14), observed: 0.1, pairs: 40 },
      { predicted: 0.5, observed: 20 / 35, pairs: 35 },
      { predicted: expect.closeTo(0.9, 14), observed: 1, pairs: 25 },
    ]);
  });

  test("only of probabilities", () => {
    const { context } = grid();
    const result = measureAll(context, new Array(120).fill(3));
    expect("calibration" in result).toBe(false);
    expect("causality" in result).toBe(false);
    expect("losses" in result).toBe(false);
  });
});

describe("causality", () => {
  const context = contextOf(
    [
      [0, 1, 1],
      [2, 3, 2],
      [4, 5, 1],
      [6, 7, 0],
    ],
    "causality",
  );
  const thirds = new Float64Array(12).fill(1 / 3);

  test("a pair of class 2 has its regulator in b, and is positive", () => {
    const rows = Array.from({ length: 12 }, (_, i) =>
      i < 5 ? ([20 + i, 3, 2] as const) : ([3, 20 + i, 0] as const),
    );
    const scores = rows.map((_, i) => (i < 5 ? 0.9 - i / 10 : i / 100));
    const { perRegulator } = measureAll(contextOf(rows, "causality"), scores);
    expect(perRegulator.values).toEqual([
      { regulator: "G3", fold: "1", positives: 5, pairs: 12, auroc: 1, auprc: 1 },
    ]);
  });

  test("direction: the method's own, else of probabilities, else unknown", () => {
    const direction = Float64Array.of(1, -1, 0, 9);
    // Forward pairs 1 and 0 against the backward one -1: both above.
    expect(measureAll(context, [1, 1, 1, 0], { direction }).causality?.directionAuroc).toBe(1);
    const { causality } = measureAll(context, [1, 1, 1, 0], { probabilities: thirds });
    expect(causality).toEqual({
      classAurocs: [0.5, 0.5, 0.5],
      directionAuroc: 0.5,
      swapConsistency: Number.NaN,
    });
    expect(measureAll(context, [1, 1, 1, 0]).causality).toEqual({
      classAurocs: [Number.NaN, Number.NaN, Number.NaN],
      directionAuroc: Number.NaN,
      swapConsistency: Number.NaN,
    });
  });

  test("swap consistency by hand", () => {
    // a->b, none, b->a, tied directions; swapped they say b->a, b->a, b->a, tied directions.
    const probabilities = Float64Array.of(0.1, 0.7, 0.2, 0.8, 0.1, 0.1, 0, 0, 1, 0.2, 0.4, 0.4);
    const swapped = Float64Array.of(0.1, 0.3, 0.6, 0.2, 0.1, 0.7, 0, 0.1, 0.9, 0.2, 0.4, 0.4);
    const { causality } = measureAll(context, [0.9, 0.2, 1, 0.8], { probabilities, swapped });
    expect(causality?.swapConsistency).toBe(2 / 4);
  });
});

test("facts of the method and losses are passed on", () => {
  const { context, folds } = grid();
  const result = measureMethod(
    METHOD,
    folds.map((test, f) => ({
      name: String(f),
      test,
      scores: { interaction: new Float64Array(60), ...(f === 0 && { losses: [0.7, 0.5] }) },
    })),
    context,
  );
  expect(result).toMatchObject({ ...METHOD, unscored: 0, losses: [[0.7, 0.5], []] });
});

describe("bad input", () => {
  const { context } = grid();
  const zeros = new Array<number>(120).fill(0);

  test.each([
    ["score", zeros.with(21, Number.NaN), {}],
    ["direction", zeros, { direction: Float64Array.from(zeros.with(21, Number.NaN)) }],
    ["probability", zeros, { probabilities: new Float64Array(360).fill(Number.NaN, 64, 65) }],
  ])("a %s that is not a number", async (_, scores, more) => {
    const error = await errorOf(() => measureAll(context, scores, more));
    expect(error.code).toBe("SCORE_NOT_A_NUMBER");
    expect(error.message).toBe("m, fold 1: the score of G1 G11 is not a finite number.");
    expect(error.remedy).toContain("--methods");
  });

  test("arrays of another length", () => {
    expect(() => measureAll(context, [1, 2])).toThrow("2 numbers (interaction) of m for 120 pairs");
    expect(() => measureAll(context, zeros, { swapped: new Float64Array(120) })).toThrow(RangeError);
  });
});
