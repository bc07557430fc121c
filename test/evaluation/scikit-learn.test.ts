import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { measureMethod } from "../../dist/evaluation/measure.js";
import type { Curve, MethodResult, PooledMetrics } from "../../dist/evaluation/results.js";

type Area = Pick<MethodResult["perRegulator"], "values" | "medianAuroc" | "regulators" | "skipped">;

interface Case {
  name: string;
  pairs: { a: number[]; b: number[]; labels: number[] };
  folds: { test: number[]; interaction: number[]; probabilities: number[]; swapped?: number[] }[];
  pooled: Omit<PooledMetrics, "aurocs"> & { aurocs: (number | null)[] };
  perRegulator: Area & { auroc: number; auprc: number };
  curves: { roc: Curve; precisionRecall: Curve; rocArea: number; averagePrecision: number };
  calibration: { observed: number[]; predicted: number[]; brier: number };
  causality?: { classAurocs: number[]; directionAuroc: number; swapConsistency: number };
}

const fixture = new URL("../fixtures/evaluation/expected.json", import.meta.url);
const { versions, cases }: { versions: string; cases: Case[] } = JSON.parse(readFileSync(fixture, "utf8"));

/** Numbers within 1e-12, NaN where null is expected. */
function expectNumbers(found: readonly number[], expected: readonly (number | null)[]): void {
  expect(found).toHaveLength(expected.length);
  found.forEach((value, i) => {
    const wanted = expected[i];
    if (wanted === null) expect(value).toBeNaN();
    else expect(Math.abs(value - wanted)).toBeLessThan(1e-12);
  });
}

/** All points if there are at most 200, else a choice of so many of them, in their order and with the same ends. */
function expectCurve(found: Curve, expected: Curve): void {
  if (expected.x.length <= 200) {
    expectNumbers(found.x, expected.x);
    expectNumbers(found.y, expected.y);
    return;
  }
  expect(found.x.length).toBeLessThanOrEqual(200);
  const chosen = found.x.map((x, i) =>
    expected.x.findIndex((_, j) => Math.hypot(expected.x[j] - x, expected.y[j] - found.y[i]) < 1e-12),
  );
  expect(chosen[0]).toBe(0);
  expect(chosen.at(-1)).toBe(expected.x.length - 1);
  for (let i = 1; i < chosen.length; i++) expect(chosen[i]).toBeGreaterThan(chosen[i - 1]);
}

const trapezoids = ({ x, y }: Curve) =>
  x.slice(1).reduce((area, right, i) => area + ((right - x[i]) * (y[i] + y[i + 1])) / 2, 0);

describe.each(cases)(`equal to ${versions}: $name`, (expected) => {
  const found = measureMethod(
    { name: "m", label: "made up", group: "network", learns: true, seconds: 1 },
    expected.folds.map(({ test, interaction, probabilities, swapped }, fold) => ({
      name: `f${fold}`,
      test: Uint32Array.from(test),
      scores: {
        interaction: Float64Array.from(interaction),
        probabilities: Float64Array.from(probabilities),
        ...(swapped && { swapped: Float64Array.from(swapped) }),
      },
    })),
    {
      task: expected.causality ? "causality" : "interaction",
      pairs: {
        a: Uint32Array.from(expected.pairs.a),
        b: Uint32Array.from(expected.pairs.b),
        labels: Uint8Array.from(expected.pairs.labels),
      },
      geneNames: Array.from({ length: 60 }, (_, gene) => `g${gene}`),
      seed: 1,
    },
  );

  test("pooled, with a fold of one class", () => {
    const { aurocs, ...means } = expected.pooled;
    expect(aurocs).toContain(null);
    expectNumbers(found.pooled.aurocs, aurocs);
    expect(Object.keys(found.pooled).sort()).toEqual(Object.keys(expected.pooled).sort());
    for (const name of Object.keys(means) as (keyof typeof means)[]) {
      expectNumbers([found.pooled[name]], [means[name]]);
    }
  });

  test("per regulator", () => {
    const { values, auroc, auprc, medianAuroc, regulators, skipped } = expected.perRegulator;
    expect(values.length).toBeGreaterThan(5);
    const facts = (value: Area["values"][number]) => [
      value.regulator,
      value.fold,
      value.positives,
      value.pairs,
    ];
    expect(found.perRegulator.values.map(facts)).toEqual(values.map(facts));
    expectNumbers(
      found.perRegulator.values.flatMap((value) => [value.auroc, value.auprc]),
      values.flatMap((value) => [value.auroc, value.auprc]),
    );
    expectNumbers(
      [found.perRegulator.auroc.value, found.perRegulator.auprc.value, found.perRegulator.medianAuroc],
      [auroc, auprc, medianAuroc],
    );
    expect([found.perRegulator.regulators, found.perRegulator.skipped]).toEqual([regulators, skipped]);
  });

  test("curves of within-fold ranks", () => {
    const { roc, precisionRecall, rocArea } = expected.curves;
    expectCurve(found.curves.roc, roc);
    expectCurve(found.curves.precisionRecall, {
      x: [0, ...precisionRecall.x],
      y: [precisionRecall.y[0], ...precisionRecall.y],
    });
    expect(Math.abs(trapezoids(found.curves.roc) - rocArea)).toBeLessThan(5e-4);
  });

  test("calibration", () => {
    const { observed, predicted, brier } = expected.calibration;
    const bins = found.calibration?.bins ?? [];
    expectNumbers(
      bins.map((bin) => bin.observed),
      observed,
    );
    expectNumbers(
      bins.map((bin) => bin.predicted),
      predicted,
    );
    expectNumbers([found.calibration?.brier ?? 0], [brier]);
    expect(bins.every(({ pairs }) => pairs === 38)).toBe(true);
  });

  test("causality", () => {
    expect(found.causality === undefined).toBe(expected.causality === undefined);
    if (!found.causality || !expected.causality) return;
    expectNumbers(found.causality.classAurocs, expected.causality.classAurocs);
    expectNumbers(
      [found.causality.directionAuroc, found.causality.swapConsistency],
      [expected.causality.directionAuroc, expected.causality.swapConsistency],
    );
  });
});
