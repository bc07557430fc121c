import { describe, expect, test } from "vitest";
import { compareResults } from "../../dist/evaluation/compare.js";
import type { BenchmarkResults } from "../../dist/evaluation/results.js";
import { madeMethod, madeResults, madeSplit } from "./made-results.js";

const BEFORE = [0.6, 0.7, 0.8, 0.5, 0.65, 0.75];
const AFTER = BEFORE.map((auroc) => auroc + 0.05);

const first = madeResults([
  madeSplit([madeMethod("compact", BEFORE), madeMethod("degree", [0.5, 0.6, 0.5, 0.4, 0.5, 0.5])]),
]);

const changed = (more: Partial<BenchmarkResults>): BenchmarkResults => ({ ...first, ...more });

describe("compareResults", () => {
  test("a run and itself", () => {
    const { warnings, notes, rows } = compareResults(first, first);
    expect(warnings).toEqual([]);
    expect(notes).toEqual([]);
    expect(rows.map(({ split, method }) => [split, method])).toEqual([
      ["target-disjoint", "compact"],
      ["target-disjoint", "degree"],
    ]);
    for (const { difference, ...row } of rows) {
      expect(difference).toEqual({ value: 0, low: 0, high: 0, resamples: 2000 });
      expect(row.first).toBe(row.second);
    }
  });

  test("the second less the first, regulator by regulator", () => {
    const second = changed({
      splits: [madeSplit([madeMethod("mlp", AFTER), madeMethod("compact", AFTER)])],
    });
    const { rows, notes, warnings } = compareResults(first, second);
    expect(warnings).toEqual([]);
    expect(rows.map(({ method }) => method)).toEqual(["compact", "degree", "mlp"]);
    expect(rows[0].difference?.value).toBeCloseTo(0.05, 12);
    expect(rows[0].difference?.low).toBeCloseTo(0.05, 12);
    expect(rows[0].first?.perRegulator.auroc.value).toBeCloseTo(4 / 6, 12);
    expect(rows[1]).not.toHaveProperty("second");
    expect(rows[2]).not.toHaveProperty("first");
    expect(rows[2]).not.toHaveProperty("difference");
    expect(notes).toEqual([
      "Only the first run has these methods on target-disjoint: degree.",
      "Only the second run has these methods on target-disjoint: mlp.",
    ]);
  });

  test.each<[string, Partial<BenchmarkResults>, string]>([
    ["task", { task: "causality" }, "The tasks differ: interaction and causality."],
    [
      "labels",
      { labels: { ...first.labels, path: "other.tsv", sha256: "cc" } },
      "The labels differ: pairs.tsv and other.tsv have other contents.",
    ],
    [
      "pairs",
      { labels: { ...first.labels, pairs: 1200 } },
      "The pairs differ: 300 and 1,200 of the same labels.",
    ],
    [
      "seed",
      { run: { ...first.run, seed: 2 } },
      "The folds of target-disjoint differ: they were dealt with the seeds 1 and 2.",
    ],
    [
      "number of folds",
      { splits: [{ ...first.splits[0], folds: first.splits[0].folds.slice(1) }] },
      "The folds of target-disjoint differ: there are 3 and 2.",
    ],
    [
      "pairs of a fold",
      {
        splits: [
          { ...first.splits[0], folds: first.splits[0].folds.map((fold, i) => ({ ...fold, test: 100 + i })) },
        ],
      },
      "The folds of target-disjoint differ: fold 2 has other training or test pairs.",
    ],
  ])("another %s: a warning, and no difference", (_, more, warning) => {
    const { warnings, rows } = compareResults(first, changed(more));
    expect(warnings).toEqual([warning]);
    expect(rows.every((row) => row.first && row.second && row.difference === undefined)).toBe(true);
  });

  test("other data are warned of, but regulators are the same", () => {
    const data = { ...first.data, path: "more.h5ad", sha256: "dd" };
    const { warnings, rows } = compareResults(first, changed({ data }));
    expect(warnings).toEqual(["The data differ: cells.h5ad and more.h5ad have other contents."]);
    expect(rows[0].difference?.value).toBe(0);
    const fewer = compareResults(first, changed({ data: { ...first.data, cells: 1200 } }));
    expect(fewer.warnings).toEqual(["The cells differ: 300 and 1,200 of the same file."]);
  });

  test("the seed does not matter for given folds", () => {
    const given = [{ ...first.splits[0], name: "fold", given: true }];
    const { warnings, notes } = compareResults(
      changed({ splits: given }),
      changed({ splits: given, run: { ...first.run, seed: 2 } }),
    );
    expect(warnings).toEqual([]);
    expect(notes).toEqual(["The seed differs: 1 and 2."]);
  });

  test("what else differs is noted", () => {
    const { warnings, notes, rows } = compareResults(
      first,
      changed({
        run: { ...first.run, versions: { ...first.run.versions, cnnc: "0.2.0" } },
        data: { ...first.data, transform: "log1p" },
        splits: [{ ...first.splits[0], name: "random-pairs", mode: "random-pairs" }],
      }),
    );
    expect(warnings).toEqual(["The runs have no split in common."]);
    expect(notes).toEqual([
      "Only the first run has these splits: target-disjoint.",
      "Only the second run has these splits: random-pairs.",
      "The transform differs: log10 and log1p.",
      "The version of cnnc differs: 0.1.0 and 0.2.0.",
    ]);
    expect(rows.map(({ split }) => split)).toEqual([
      "target-disjoint",
      "target-disjoint",
      "random-pairs",
      "random-pairs",
    ]);
  });
});
