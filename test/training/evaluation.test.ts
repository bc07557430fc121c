import { describe, expect, it } from "vitest";
import { pairMetrics, suggestedThreshold } from "../../dist/training/evaluation.js";

describe("pairMetrics", () => {
  /** Regulator 0 has 5 + 5 pairs, ranked without a fault; regulator 1 has 2 + 2, ranked the wrong way. */
  const pairs = {
    a: Uint32Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1),
    b: Uint32Array.from({ length: 15 }, (_, i) => 100 + i),
    labels: Uint8Array.of(1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0),
  };
  const rows = Uint32Array.from({ length: 14 }, (_, i) => i + 1);
  const scores = Float32Array.of(
    0.9,
    0.88,
    0.86,
    0.84,
    0.82,
    0.2,
    0.18,
    0.16,
    0.14,
    0.12,
    0.1,
    0.08,
    0.96,
    0.95,
  );

  it("judges the pairs asked about, together and by regulator", () => {
    const metrics = pairMetrics(pairs, rows, scores, "interaction");
    expect(metrics).toMatchObject({ pairs: 14, positives: 7, aurocPerRegulator: 1, regulators: 1 });
    // Of 7 x 7 comparisons: 5 positives beat the 5 low negatives, no other comparison is won.
    expect(metrics.auroc).toBeCloseTo(25 / 49, 12);
    expect(metrics).not.toHaveProperty("directionAuroc");
  });

  it("finds a pair's regulator by its direction, and scores both directions as interaction", () => {
    // (b, a) of class 2 is the same as (a, b) of class 1.
    const turned = {
      a: pairs.a.map((gene, i) => (pairs.labels[i] === 1 ? pairs.b[i] : gene)),
      b: pairs.b.map((gene, i) => (pairs.labels[i] === 1 ? pairs.a[i] : gene)),
      labels: pairs.labels.map((label) => 2 * label),
    };
    const probabilities = Float32Array.from(
      [...scores].flatMap((score) => [1 - score, score / 4, (3 * score) / 4]),
    );
    const metrics = pairMetrics(turned, rows, probabilities, "causality");
    expect(metrics).toMatchObject({ positives: 7, aurocPerRegulator: 1, regulators: 1 });
    expect(metrics.auroc).toBeCloseTo(25 / 49, 12);
    // All have one direction: there is none to tell apart.
    expect(metrics).not.toHaveProperty("directionAuroc");
  });
});

describe("suggestedThreshold", () => {
  const labels = Uint8Array.from({ length: 40 }, (_, i) => (i < 20 ? 1 : 0));
  const rows = Uint32Array.from(labels.keys());

  it("has the most pairs at a precision halfway between guessing and 1", () => {
    // 20 positives on top; 10 of the negatives follow together.
    const scores = Float32Array.from(rows, (row) =>
      row < 15 ? 1 - row / 100 : row < 20 ? 0.5 : row < 30 ? 0.4 : 0.1,
    );
    const chosen = suggestedThreshold(labels, rows, scores, "interaction");
    // At .5: 20 positives of 20; at .4: 20 of 30, less than .75.
    expect(chosen).toEqual({ score: 0.5, precision: 1 });
  });

  it("is the best there is where that precision is not reached", () => {
    const scores = Float32Array.from(rows, (row) => (row % 2 === 0 ? 0.9 : 0.1));
    expect(suggestedThreshold(labels, rows, scores, "interaction")?.precision).toBeCloseTo(0.5, 12);
  });

  it("does not exist without pairs", () => {
    expect(
      suggestedThreshold(labels, new Uint32Array(0), new Float32Array(0), "interaction"),
    ).toBeUndefined();
  });
});
