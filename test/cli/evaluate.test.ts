import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCnnc, testFolder } from "../support/run-cnnc.js";

function rankedFolder(): string {
  const folder = testFolder();
  writeFileSync(
    join(folder, "ranked.tsv"),
    "gene_a\tgene_b\tp\tother\nA\tx\t.9\t1\nA\ty\t.8\t2\nB\tx\t.7\t3\nC\tx\t.6\t4\n",
  );
  writeFileSync(join(folder, "truth.tsv"), "regulator\ttarget\nA\tx\nB\ty\n");
  return folder;
}

it("judges a ranking, in words and in JSON", async () => {
  const folder = rankedFolder();
  const inWords = await runCnnc(["evaluate", "ranked.tsv", "--truth", "truth.tsv"], folder);
  expect(inWords).toMatchObject({ code: 0, stderr: "" });
  expect(inWords.stdout.split("\n")).toEqual([
    "1 of 3 pairs are edges",
    "AUROC 1.000 (chance 0.5)",
    "AUPRC 1.000, 3.00 times chance; early precision 3.00 times chance",
    "Edges that are not ranked: 1",
    "Not judged: 1 pair of regulators without any known edge",
    "",
  ]);
  const json = await runCnnc(
    ["evaluate", "ranked.tsv", "--truth", "truth.tsv", "--score", "other", "--json"],
    folder,
  );
  expect(JSON.parse(json.stdout)).toMatchObject({ pairs: 3, edges: 1, auroc: 0, unknownRegulators: 1 });
});

it.each([
  [["--truth", "none.tsv"], "none.tsv"],
  [["--truth", "truth.tsv", "--score", "q"], "no score column q; beside genes it has p, other"],
  [["--truth", "ranked.tsv", "--score", "gene_a"], "no score column gene_a"],
])("refuses %j in one sentence", async (args, sentence) => {
  const { code, stdout, stderr } = await runCnnc(["evaluate", "ranked.tsv", ...args], rankedFolder());
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(sentence);
});
