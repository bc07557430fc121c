import { describe, expect, test } from "vitest";
import { leakageStatement } from "../../dist/evaluation/statement.js";

type Counts = Record<"regulators" | "targets" | "genes" | "pairs" | "mirrors", readonly [number, number]>;

const foldOf = (counts: Counts, mirrorsDropped = 0, leftOut = 0) => {
  const overlap = ([inTest, shared]: readonly [number, number]) => ({
    inTest,
    shared,
    share: shared / inTest,
  });
  return {
    leakage: {
      regulators: overlap(counts.regulators),
      targets: overlap(counts.targets),
      genes: overlap(counts.genes),
      pairs: overlap(counts.pairs),
      mirrors: overlap(counts.mirrors),
    },
    mirrorsDropped,
    leftOut,
  };
};

describe("leakageStatement", () => {
  test("target-disjoint", () => {
    const counts: Counts = {
      regulators: [10, 10],
      targets: [50, 0],
      genes: [60, 13],
      pairs: [200, 0],
      mirrors: [200, 0],
    };
    // 26 of 120 genes are 22 %.
    expect(leakageStatement([foldOf(counts, 700), foldOf(counts, 600)], "target-disjoint")).toBe(
      "Whole targets are held out: of the regulators in test pairs all also regulate in training pairs, of the targets " +
        "none are targets there, and of all genes 22 % occur there in either role. No test pair and no mirror (b, a) of " +
        "one is in training; over all folds, 1,300 mirrors were dropped from training for that.",
    );
  });

  test("folds weigh by what is in them, and few are neither none nor all", () => {
    const one: Counts = {
      regulators: [900, 899],
      targets: [900, 1],
      genes: [3, 1],
      pairs: [1200, 7],
      mirrors: [1200, 0],
    };
    const other: Counts = {
      ...one,
      regulators: [100, 100],
      targets: [100, 0],
      genes: [1, 1],
      pairs: [800, 0],
    };
    const text = leakageStatement([foldOf(one, 1, 20), foldOf(other, 0, 15)], "both-disjoint");
    expect(text).toContain("regulators in test pairs more than 99 % also");
    expect(text).toContain("of the targets less than 1 % are");
    expect(text).toContain("of all genes 50 % occur");
    expect(text).toContain("7 of 2,000 test pairs and the mirrors (b, a) of 0 are in training");
    expect(text).toContain(
      "1 mirror was dropped from training for that, and 35 pairs that share a gene with test pairs.",
    );
  });

  test.each([
    ["random-pairs", "Single pairs are held out:"],
    ["regulator-disjoint", "Whole regulators are held out:"],
    ["both-disjoint", "Whole regulators and whole targets are held out:"],
  ] as const)("%s", (mode, start) => {
    const all: Counts = {
      regulators: [1, 1],
      targets: [1, 1],
      genes: [2, 2],
      pairs: [1, 0],
      mirrors: [1, 0],
    };
    expect(leakageStatement([foldOf(all)], mode).startsWith(start)).toBe(true);
  });
});
