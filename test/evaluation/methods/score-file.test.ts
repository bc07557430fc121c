import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { FoldTask } from "../../../dist/evaluation/index.js";
import { scoreFileMethod } from "../../../dist/evaluation/methods/score-file.js";
import { readPairFile } from "../../../dist/pairs/index.js";
import { errorOf } from "../../support/errors.js";
import { testFolder } from "../../support/run-cnnc.js";

const NAMES = ["TF1", "TF2", "G1", "G2"];
const FOLD: FoldTask = {
  task: "interaction",
  pairs: {
    a: Uint32Array.of(0, 0, 1, 1),
    b: Uint32Array.of(2, 3, 2, 3),
    labels: Uint8Array.of(1, 0, 1, 0),
  },
  training: Uint32Array.of(0),
  test: Uint32Array.of(3, 1, 2),
  seed: 1,
};

async function methodOf(...lines: string[]) {
  const path = join(testFolder(), "scores.tsv");
  writeFileSync(path, `${lines.map((line) => line.replaceAll(" ", "\t")).join("\n")}\n`);
  return scoreFileMethod(await readPairFile(path), NAMES);
}

describe("scoreFileMethod", () => {
  it("takes the first column after the genes", async () => {
    const method = await methodOf("TF target importance rank", "TF1 G2 0.25 2", "TF2 G1 8 1", "TF2 G2 0.5 3");
    const { interaction, unscored } = await method.score(FOLD, { folder: "" });
    expect([...interaction]).toEqual([0.5, 0.25, 8]);
    expect(unscored).toEqual(new Uint32Array(0));
  });

  it("takes p_interaction, and directions for causality, of what predict-pairs writes", async () => {
    const method = await methodOf(
      "gene_a gene_b rank p_interaction p_a_to_b p_b_to_a",
      "TF1 G2 1 0.75 0.5 0.25",
      "TF2 G1 2 0.5 0 0.5",
      "TF2 G2 3 0.25 0.25 0",
    );
    const { interaction, direction } = await method.score({ ...FOLD, task: "causality" }, { folder: "" });
    expect([...interaction]).toEqual([0.25, 0.75, 0.5]);
    expect([...(direction ?? [])]).toEqual([0.25, 0.25, -0.5]);
  });

  it("asks about both orders for causality, as either gene may act", async () => {
    // Row 1, TF1 G2, is class 2 here: a tool that is right lists G2 TF1.
    const method = await methodOf("TF target weight", "G2 TF1 3", "TF1 G2 1", "TF2 G1 4", "G2 TF2 2");
    const { interaction, direction, unscored } = await method.score(
      { ...FOLD, task: "causality" },
      { folder: "" },
    );
    expect([...interaction]).toEqual([2, 3, 4]);
    expect([...(direction ?? [])]).toEqual([-2, -2, 4]);
    expect(unscored).toEqual(new Uint32Array(0));
  });

  it("tells no direction for causality where the file has each pair as it is asked", async () => {
    const method = await methodOf("a b weight", "TF1 G2 1", "TF2 G1 4", "TF2 G2 2");
    const scores = await method.score({ ...FOLD, task: "causality" }, { folder: "" });
    expect([...scores.interaction]).toEqual([2, 1, 4]);
    expect(scores).not.toHaveProperty("direction");
  });

  it("gives pairs that the file lacks the lowest score, and names them", async () => {
    const notices: string[] = [];
    const method = await methodOf("TF target weight", "TF1 G2 -3", "TF1 G1 1");
    const { interaction, unscored } = await method.score(FOLD, {
      folder: "",
      onNotice: (line) => notices.push(line),
    });
    expect([...interaction]).toEqual([-4, -3, -4]);
    expect([...(unscored ?? [])]).toEqual([3, 2]);
    expect(notices).toEqual([expect.stringMatching(/no score for 2 of 3 test pairs \(TF2 G2, TF2 G1\)/)]);
  });

  it("does not take the swapped pair for the pair", async () => {
    const method = await methodOf("TF target weight", "TF1 G2 1", "G2 TF2 5");
    const { interaction } = await method.score(FOLD, { folder: "" });
    expect([...interaction]).toEqual([0, 1, 0]);
  });

  it.each([
    ["a score that is no number", ["TF target weight", "TF1 G1 nan"], "SCORE_NOT_A_NUMBER", /line 2/],
    ["no score at all", ["TF target", "TF1 G1"], "COLUMN_NOT_FOUND", /no score column/],
    ["two scores of one pair", ["TF target weight", "TF1 G1 1", "TF1 G1 2"], "SCORES_CONTRADICT", /line 3/],
  ])("refuses %s", async (_, lines, code, says) => {
    const error = await errorOf(() => methodOf(...lines));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
  });

  it("refuses scores of other genes", async () => {
    const method = await methodOf("TF target weight", "Tf1 g1 1");
    const error = await errorOf(() => method.score(FOLD, { folder: "" }));
    expect(error.code).toBe("SCORES_FOREIGN");
    expect(error.message).toContain("TF2 G2");
  });
});
