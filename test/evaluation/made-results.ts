import { differencesAgainst } from "../../dist/evaluation/regulators.js";
import type { BenchmarkResults, MethodResult, SplitResult } from "../../dist/evaluation/results.js";
import { bootstrapMean } from "../../dist/metrics/index.js";

/** A result whose per-regulator AUROCs, one regulator each, are those given. */
export function madeMethod(
  name: string,
  aurocs: readonly number[],
  more: Partial<MethodResult> = {},
): MethodResult {
  const values = aurocs.map((auroc, i) => ({
    regulator: `R${i}`,
    fold: String(1 + (i % 3)),
    positives: 6,
    pairs: 20,
    auroc,
    auprc: auroc / 2,
  }));
  const interval = bootstrapMean(aurocs, { seed: 1 });
  return {
    name,
    label: `label of ${name}`,
    group: "network",
    learns: true,
    seconds: 1.5,
    unscored: 0,
    pooled: {
      auroc: aurocs.length === 0 ? Number.NaN : aurocs[0],
      auprc: 0.4,
      auprcRatio: 1.6,
      earlyPrecision: 0.5,
      earlyPrecisionRatio: 2,
      earlyPrecisionRatioAllEdges: 3,
      aurocs: [0.7, Number.NaN, 0.8],
    },
    perRegulator: {
      auroc: interval,
      auprc: interval,
      medianAuroc: interval.value,
      regulators: values.length,
      skipped: 2,
      values,
    },
    differences: [],
    curves: { roc: { x: [0, 1], y: [0, 1] }, precisionRecall: { x: [0, 1], y: [1, 0.2] } },
    ...more,
  };
}

const overlap = (inTest: number, shared: number) => ({
  inTest,
  shared,
  share: inTest === 0 ? 0 : shared / inTest,
});

/** Three folds of a split by targets, with differences against degree. */
export function madeSplit(methods: readonly MethodResult[], more: Partial<SplitResult> = {}): SplitResult {
  const degree = methods.find(({ name }) => name === "degree");
  return {
    name: "target-disjoint",
    mode: "target-disjoint",
    given: false,
    folds: ["1", "2", "3"].map((name) => ({
      name,
      training: 200,
      test: 100,
      testPositives: 30,
      testSha256: "0".repeat(64),
      mirrorsDropped: 5,
      leftOut: 0,
      leakage: {
        regulators: overlap(10, 10),
        targets: overlap(50, 0),
        genes: overlap(60, 10),
        pairs: overlap(100, 0),
        mirrors: overlap(100, 0),
      },
    })),
    statement: "Whole targets are held out.",
    methods: methods.map((method) =>
      degree && method !== degree
        ? { ...method, differences: differencesAgainst(method, [degree], 3) }
        : method,
    ),
    ...more,
  };
}

export function madeResults(
  splits: readonly SplitResult[],
  more: Partial<BenchmarkResults> = {},
): BenchmarkResults {
  return {
    format: "cnnc benchmark",
    formatVersion: 1,
    run: {
      command: ["cnnc", "benchmark", "cells.h5ad"],
      finished: "2026-01-01T00:00:00Z",
      seconds: 60,
      seed: 1,
      threads: 2,
      processor: "a processor",
      precision: "f32",
      versions: { cnnc: "0.1.0", node: "22.0.0" },
      notices: ["One was left out."],
    },
    data: { path: "cells.h5ad", sha256: "aa", cells: 300, genes: 80, scale: "counts", transform: "log10" },
    labels: {
      path: "pairs.tsv",
      sha256: "bb",
      pairs: 300,
      classCounts: [210, 90],
      regulators: 10,
      targets: 50,
      leftOut: [],
    },
    task: "interaction",
    splits,
    ...more,
  };
}
