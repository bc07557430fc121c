import { describe, expect, test } from "vitest";
import {
  chooseTask,
  classWeights,
  indexGenes,
  type LabelOptions,
  prepareLabels,
  preparePositives,
  readPairFile,
  resolvePairList,
} from "../../dist/pairs/index.js";
import { errorOf, fileOf } from "./helpers.js";

const names = Array.from({ length: 40 }, (_, i) => `g${i}`);
const genes = indexGenes({ names, source: "cells.h5ad", column: "var index" });

/** Pairs of distinct genes with labels 0 and 1, enough of them to learn from. */
const filler = Array.from({ length: 20 }, (_, i) => `g${i} g${i + 20} ${i % 2}`);

async function listed(rows: string[]) {
  const file = await readPairFile(fileOf(`${rows.join("\n")}\n`));
  return { file, resolved: resolvePairList(file, genes, { skipMissing: true }) };
}

async function prepare(rows: string[], options?: LabelOptions) {
  const { file, resolved } = await listed(rows);
  const { task, pairs, report } = prepareLabels(resolved, file, options);
  const written = [...pairs.labels].map((label, i) => `${names[pairs.a[i]]} ${names[pairs.b[i]]} ${label}`);
  return { task, written, rows: [...pairs.rows], report };
}

describe("the task", () => {
  test("follows from the labels, or is asked for", () => {
    expect(chooseTask([0, 1, 1, 0])).toBe("interaction");
    expect(chooseTask([0, 1, 2])).toBe("causality");
    expect(chooseTask([0, 1, 2], "interaction")).toBe("interaction");
    expect(chooseTask([0, 1], "causality")).toBe("causality");
  });

  test("of labels other than 0, 1 and 2 is none", async () => {
    const { file, resolved } = await listed(["gene_a gene_b label", "g1 g2 1", "missing g2 0", "g2 g3 -1"]);
    const error = await errorOf(() => prepareLabels(resolved, file));
    expect(error.code).toBe("LABEL_INVALID");
    expect(error.message).toBe(`${file.path}, line 4 (g2 g3): the label -1 is none of 0, 1 and 2.`);
    expect((await errorOf(() => chooseTask([0, 3], "causality"))).message).toMatch(/^pair 2: the label 3/);
  });
});

describe("labels", () => {
  test("keep order, rows and classes; repeated rows are merged", async () => {
    const prepared = await prepare([...filler, "g3 g23 1", "missing g1 0", "g5 g1 0", "g5 g1 0", "g5 g5 1"]);
    expect(prepared.task).toBe("interaction");
    expect(prepared.written).toEqual([...filler, "g5 g1 0"]);
    expect(prepared.rows).toEqual([...filler.keys(), 22]);
    expect(prepared.report).toEqual({
      classCounts: [11, 10],
      duplicatesMerged: 2,
      reversed: 0,
      contradictionsLeftOut: 0,
    });
  });

  /** CNNC's layout: each edge, its mirror, and a pair without an edge. */
  const triples = Array.from({ length: 10 }, (_, i) => [
    `g${i} g${i + 10} 1`,
    `g${i + 10} g${i} 2`,
    `g${i} g${i + 20} 0`,
  ]).flat();

  test("in triples are three classes", async () => {
    const { task, written, report } = await prepare(triples);
    expect(task).toBe("causality");
    expect(written).toEqual(triples);
    expect(report.classCounts).toEqual([10, 10, 10]);
  });

  test("in triples give each edge once to the task interaction", async () => {
    const { task, written, report } = await prepare(triples, { task: "interaction" });
    expect(task).toBe("interaction");
    expect(written).toEqual(triples.filter((row) => !row.endsWith(" 2")));
    expect(report).toEqual({
      classCounts: [10, 10],
      duplicatesMerged: 10,
      reversed: 10,
      contradictionsLeftOut: 0,
    });
  });

  test("an edge listed only from its target is turned round for the task interaction", async () => {
    const { written } = await prepare([...filler, "g30 g31 2"], { task: "interaction" });
    expect(written.at(-1)).toBe("g31 g30 1");
  });
});

describe("contradictions", () => {
  test.each([
    [
      "two labels",
      ["g30 g31 1", "g30 g31 0"],
      undefined,
      1,
      "g30 g31 has the label 1 on line 21, but g30 g31 has the label 0 on line 22",
    ],
    [
      "three rows",
      ["g30 g31 1", "g30 g31 0", "g30 g31 1", "g32 g31 0", "g32 g31 1"],
      undefined,
      2,
      "line 21",
    ],
    [
      "both act on each other",
      ["g30 g31 1", "g31 g30 1"],
      "causality",
      2,
      "g30 g31 has the label 1 on line 21, but g31 g30 has the label 1 on line 22",
    ],
    [
      "mirror of an edge is none",
      ["g30 g31 2", "g31 g30 0"],
      "causality",
      2,
      "g30 g31 has the label 2 on line 21, but g31 g30 has the label 0 on line 22",
    ],
    ["two labels and a mirror", ["g30 g31 1", "g30 g31 0", "g31 g30 2"], "causality", 2, "line 22"],
    [
      "turned round",
      ["g30 g31 2", "g31 g30 0"],
      "interaction",
      1,
      "g30 g31 has the label 2 on line 21, but g31 g30 has the label 0 on line 22",
    ],
  ] as const)("%s", async (_, rows, task, count, message) => {
    const { file, resolved } = await listed([...filler, ...rows]);
    const error = await errorOf(() => prepareLabels(resolved, file, task && { task }));
    expect(error.code).toBe("LABELS_CONTRADICT");
    expect(error.message).toContain(
      `${file.path} contradicts itself about ${count} ${count === 1 ? "pair" : "pairs"}: `,
    );
    expect(error.message).toContain(message);

    const skipped = await prepare([...filler, ...rows], { ...(task && { task }), skipContradictions: true });
    expect(skipped.written).toEqual(filler);
    expect(skipped.report.contradictionsLeftOut).toBe(count);
  });

  test("are none in a directed list: both directions, or one of them alone", async () => {
    const rows = ["g30 g31 1", "g31 g30 1", "g32 g33 1", "g33 g32 0"];
    expect((await prepare([...filler, ...rows])).written).toEqual([...filler, ...rows]);
  });

  test("are none where mirrors agree", async () => {
    const rows = ["g30 g31 1", "g31 g30 2", "g32 g33 0", "g33 g32 0"];
    expect((await prepare([...filler, ...rows])).written).toEqual([...filler, ...rows]);
  });
});

describe("too little to learn from", () => {
  test.each([
    ["19 pairs", filler.slice(1), {}, "TOO_FEW_LABELS", "Only 19 labelled pairs"],
    ["19 different pairs", [...filler.slice(1), filler[1]], {}, "TOO_FEW_LABELS", "Only 19 labelled pairs"],
    [
      "positives alone",
      filler.map((row) => row.replace(/0$/, "1")),
      {},
      "LABELS_ONE_CLASS",
      "have the label 1",
    ],
    [
      "negatives alone",
      filler.map((row) => row.replace(/1$/, "0")),
      {},
      "LABELS_ONE_CLASS",
      "have the label 0",
    ],
    ["no labels", filler.map((row) => row.slice(0, -2)), {}, "LABELS_MISSING", "has no labels"],
  ])("%s", async (_, rows, options, code, message) => {
    const { file, resolved } = await listed(rows);
    const error = await errorOf(() => prepareLabels(resolved, file, options));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).toContain(file.path);
    expect(error.remedy).not.toBe("");
  });
});

describe("positives", () => {
  test("are all pairs of a file without labels", async () => {
    const rows = Array.from({ length: 10 }, (_, i) => `g${i} g${i + 1}`);
    const { file, resolved } = await listed([...rows, "g2 g2", "g3 g4", "missing g4"]);
    const { a, b, rows: lines, report } = preparePositives(resolved, file);
    expect([...a]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...b]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect([...lines]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(report).toEqual({
      duplicatesMerged: 1,
      selfPairsDropped: 1,
      reversed: 0,
      negativesLeftOut: 0,
      contradictionsLeftOut: 0,
    });
  });

  test("are those of label 1, and of label 2 turned round, if there are labels", async () => {
    const { file, resolved } = await listed([...filler, "g1 g21 1", "g30 g31 2", "g4 g4 1"]);
    const { a, b, report } = preparePositives(resolved, file);
    expect([...a]).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 31]);
    expect([...b]).toEqual([21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 30]);
    expect(report).toEqual({
      duplicatesMerged: 1,
      selfPairsDropped: 1,
      reversed: 1,
      negativesLeftOut: 10,
      contradictionsLeftOut: 0,
    });
  });

  test("of two genes that act on each other are a contradiction in causality", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => `g${i} g${i + 1}`);
    const { file, resolved } = await listed([...rows, "g3 g2", "g30 g31"]);
    expect(preparePositives(resolved, file).a).toHaveLength(14);
    const error = await errorOf(() => preparePositives(resolved, file, { task: "causality" }));
    expect(error.code).toBe("LABELS_CONTRADICT");
    expect(error.message).toContain(
      "contradicts itself about 2 pairs: g2 g3 is listed on line 3, but g3 g2 is listed on line 13.",
    );
    const kept = preparePositives(resolved, file, { task: "causality", skipContradictions: true });
    expect([...kept.a]).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 30]);
    expect(kept.report.contradictionsLeftOut).toBe(2);
  });

  test("must be ten at least, with labels that are labels", async () => {
    const few = await listed(filler.slice(1));
    expect(preparePositives(few.resolved, few.file).a).toHaveLength(10);
    const fewer = await listed(filler.slice(2));
    const error = await errorOf(() => preparePositives(fewer.resolved, fewer.file));
    expect(error.code).toBe("TOO_FEW_LABELS");
    expect(error.message).toContain("Only 9 interactions");
    const wrong = await listed(["gene_a gene_b label", ...filler, "g1 g2 7"]);
    expect((await errorOf(() => preparePositives(wrong.resolved, wrong.file))).code).toBe("LABEL_INVALID");
  });
});

test("class weights are inverse to frequency, with mean 1 over the samples", () => {
  // 8 samples of 2 classes: 8 / (2 * 6) and 8 / (2 * 2).
  expect([...classWeights(Uint8Array.of(0, 0, 0, 1, 0, 0, 1, 0), 2)]).toEqual([2 / 3, 2]);
  expect([...classWeights(Uint8Array.of(0, 1, 1, 2), 3)]).toEqual([4 / 3, 2 / 3, 4 / 3]);
  expect([...classWeights(Uint8Array.of(0, 1, 1), 3)]).toEqual([1.5, 0.75, 0]);
});
