import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { auprc, auroc, probabilityMetrics, spearman } from "../../dist/metrics/index.js";

interface Expected {
  versions: string;
  ranked: {
    name: string;
    scores: number[];
    labels: number[];
    others: number[];
    auroc: number | null;
    average_precision: number | null;
    spearman: number | null;
  }[];
  probabilities: { outputs: number[]; labels: number[]; log_loss: number; brier: number }[];
}

const fixture = new URL("../fixtures/metrics/expected.json", import.meta.url);
const { versions, ranked, probabilities }: Expected = JSON.parse(readFileSync(fixture, "utf8"));

/** `null` stands for NaN in the fixture. */
function expectSame(found: number, expected: number | null): void {
  if (expected === null) expect(found).toBeNaN();
  else expect(Math.abs(found - expected)).toBeLessThan(1e-12);
}

describe(`equal to ${versions}`, () => {
  test.each(ranked)("$name", (one) => {
    const scores = Float64Array.from(one.scores);
    const labels = Uint8Array.from(one.labels);
    expectSame(auroc(scores, labels), one.auroc);
    expectSame(auprc(scores, labels), one.average_precision);
    expectSame(spearman(scores, Float64Array.from(one.others)), one.spearman);
  });

  test.each(probabilities)("probabilities", ({ outputs, labels, log_loss, brier }) => {
    const found = probabilityMetrics(Float64Array.from(outputs), Uint8Array.from(labels));
    expectSame(found.logLoss, log_loss);
    expectSame(found.brier, brier);
  });
});
