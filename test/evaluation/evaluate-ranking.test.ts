import { describe, expect, it } from "vitest";
import { evaluateRanking } from "../../dist/evaluation/index.js";
import type { PairFile } from "../../dist/pairs/index.js";
import { errorOf } from "../support/errors.js";

function fileOf(rows: [string, string, ...string[]][], labels?: number[]): PairFile {
  const extra = new Map<string, string[]>();
  rows[0].slice(2).forEach((_, column) => {
    extra.set(
      `score${column}`,
      rows.map((row) => row[column + 2]),
    );
  });
  return {
    path: "file.tsv",
    a: rows.map(([a]) => a),
    b: rows.map(([, b]) => b),
    ...(labels && { labels: Int32Array.from(labels) }),
    extra,
    lines: Uint32Array.from(rows.keys(), (row) => row + 2),
    header: undefined,
  };
}

const RANKED = fileOf([
  ["A", "x", ".9", "1"],
  ["A", "y", ".8", "2"],
  ["A", "z", ".7", "3"],
  ["B", "x", ".6", "4"],
  ["B", "y", ".5", "5"],
  ["C", "x", ".4", "6"],
]);
/** Edges A-x, B-x and B-q; C is no known regulator. */
const TRUTH = fileOf([
  ["A", "x"],
  ["B", "x"],
  ["B", "q"],
  ["B", "q"],
]);

describe("evaluateRanking", () => {
  it("judges pairs of known regulators", () => {
    // Scores .9 .8 .7 .6 .5, edges 1 0 0 1 0: of 6 (edge, other) pairs 3 + 1 are in order.
    expect(evaluateRanking(RANKED, TRUTH)).toMatchObject({
      pairs: 5,
      edges: 2,
      unknownRegulators: 1,
      edgesNotRanked: 1,
      auroc: 4 / 6,
      auprc: 0.5 * 1 + 0.5 * (2 / 4),
      earlyPrecisionRatio: 1 / 2 / (2 / 5),
      regulators: 0,
    });
  });

  it("takes the column that is asked for, and labels of the truth", () => {
    expect(evaluateRanking(RANKED, TRUTH, "score1").auroc).toBe(2 / 6);
    const labelled = fileOf(
      [
        ["A", "x"],
        ["A", "y"],
        ["B", "x"],
      ],
      [0, 1, 0],
    );
    // B has no edge left, so only A is judged: scores .9 .8 .7, the edge in the middle.
    expect(evaluateRanking(RANKED, labelled)).toMatchObject({ pairs: 3, edges: 1, auroc: 0.5 });
  });

  it("reads an edge of label 2 from the second gene to the first", () => {
    const triples = fileOf(
      [
        ["A", "y"],
        ["y", "A"],
        ["x", "B"],
        ["A", "z"],
      ],
      [1, 2, 2, 0],
    );
    // A-y and B-x, the former listed twice: scores .9 .8 .7 .6 .5, edges 0 1 0 1 0.
    expect(evaluateRanking(RANKED, triples)).toMatchObject({
      pairs: 5,
      edges: 2,
      edgesNotRanked: 0,
      auroc: 3 / 6,
    });
  });

  it.each([
    ["COLUMN_NOT_FOUND", RANKED, TRUTH, "score7"],
    ["COLUMN_NOT_FOUND", TRUTH, TRUTH, undefined],
    ["SCORE_NOT_A_NUMBER", fileOf([["A", "x", "high"]]), TRUTH, undefined],
    ["NOTHING_TO_JUDGE", RANKED, fileOf([["D", "x"]]), undefined],
    ["NOTHING_TO_JUDGE", fileOf([["A", "x", "1"]]), TRUTH, undefined],
  ])("refuses what cannot be judged: %s", async (code, ranked, truth, column) => {
    expect((await errorOf(async () => evaluateRanking(ranked, truth, column))).code).toBe(code);
  });
});
