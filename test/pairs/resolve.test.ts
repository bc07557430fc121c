import { describe, expect, test } from "vitest";
import {
  indexGenes,
  type PairFile,
  type ResolvedPairs,
  resolvePairList,
  resolveProduct,
} from "../../dist/pairs/index.js";
import { errorOf } from "./helpers.js";

const strict = { skipMissing: false };
const lenient = { skipMissing: true };
const genes = indexGenes({
  names: ["A", "B", "C", "D", "twin", "twin"],
  source: "cells.h5ad",
  column: "var index",
});

function listed(pairs: string[], labels?: number[]): PairFile {
  return {
    path: "pairs.tsv",
    a: pairs.map((pair) => pair.split(">")[0]),
    b: pairs.map((pair) => pair.split(">")[1]),
    ...(labels && { labels: Int32Array.from(labels) }),
    extra: new Map(),
    lines: Uint32Array.from(pairs, (_, i) => i + 1),
    header: undefined,
  };
}

function columnsOf({ source }: ResolvedPairs): string[] {
  return [...source.batches(3)].flatMap(({ a, b }) => [...a].map((first, i) => `${first}>${b[i]}`));
}

describe("listed pairs", () => {
  test("keep their order, direction and labels; duplicates are kept and counted", () => {
    const resolved = resolvePairList(
      listed(["B>A", "A>B", "B>C", "B>A", "B>A"], [2, 1, 0, 2, 1]),
      genes,
      strict,
    );
    expect(columnsOf(resolved)).toEqual(["1>0", "0>1", "1>2", "1>0", "1>0"]);
    expect(resolved.source.count).toBe(5);
    expect(resolved.labels).toEqual(Int32Array.of(2, 1, 0, 2, 1));
    expect(resolved.rows).toEqual(Uint32Array.of(0, 1, 2, 3, 4));
    expect(resolved.report).toEqual({
      pairs: 5,
      missingGenes: [],
      pairsLeftOut: 0,
      selfPairsDropped: 0,
      duplicatePairs: 2,
    });
  });

  test("self-pairs are dropped where there are labels, and kept where there are none", () => {
    const pairs = ["A>A", "A>B", "C>C", "B>D"];
    const labelled = resolvePairList(listed(pairs, [1, 0, 1, 2]), genes, strict);
    expect(columnsOf(labelled)).toEqual(["0>1", "1>3"]);
    expect(labelled.labels).toEqual(Int32Array.of(0, 2));
    expect(labelled.rows).toEqual(Uint32Array.of(1, 3));
    expect(labelled.report.selfPairsDropped).toBe(2);

    const bare = resolvePairList(listed(pairs), genes, strict);
    expect(columnsOf(bare)).toEqual(["0>0", "0>1", "2>2", "1>3"]);
    expect(bare.labels).toBeUndefined();
    expect(bare.report.selfPairsDropped).toBe(0);
  });

  const withMissing = listed(["A>B", "X>B", "C>Y", "X>Y", "X>X", "C>D"], [1, 1, 0, 0, 0, 2]);

  test("missing genes are an error", async () => {
    const error = await errorOf(() => resolvePairList(withMissing, genes, strict));
    expect(error.code).toBe("GENES_NOT_FOUND");
    expect(error.message).toContain("2 of 6 genes are not in cells.h5ad (var index): X, Y");
  });

  test("or, if that is asked for, their pairs are left out and counted", () => {
    const resolved = resolvePairList(withMissing, genes, lenient);
    expect(columnsOf(resolved)).toEqual(["0>1", "2>3"]);
    expect(resolved.labels).toEqual(Int32Array.of(1, 2));
    expect(resolved.rows).toEqual(Uint32Array.of(0, 5));
    expect(resolved.report).toEqual({
      pairs: 2,
      missingGenes: ["X", "Y"],
      pairsLeftOut: 4,
      selfPairsDropped: 0,
      duplicatePairs: 0,
    });
  });

  test("a duplicate name that a pair asks for is an error, missing genes skipped or not", async () => {
    const error = await errorOf(() => resolvePairList(listed(["A>twin"]), genes, lenient));
    expect(error.code).toBe("GENE_AMBIGUOUS");
  });

  test("no pair left", async () => {
    const error = await errorOf(() =>
      resolvePairList(listed(["A>X", "Y>X", "B>B"], [0, 1, 1]), genes, lenient),
    );
    expect(error.code).toBe("NO_PAIRS_LEFT");
    expect(error.message).toContain("pairs.tsv");
    expect(error.message).toContain("2 had genes that the data lacks, and 1 paired a gene with itself");
  });
});

describe("regulators and targets", () => {
  test("all ordered pairs, without self-pairs", () => {
    const resolved = resolveProduct(["B", "A"], ["A", "C", "B"], genes, strict);
    expect(columnsOf(resolved)).toEqual(["1>0", "1>2", "0>2", "0>1"]);
    expect(resolved.rows).toBeUndefined();
    expect(resolved.labels).toBeUndefined();
    expect(resolved.report).toEqual({
      pairs: 4,
      missingGenes: [],
      pairsLeftOut: 0,
      selfPairsDropped: 2,
      duplicatePairs: 0,
    });
  });

  test("without targets, every gene column of the data, whatever its name", () => {
    const resolved = resolveProduct(["C"], undefined, genes, strict);
    expect(columnsOf(resolved)).toEqual(["2>0", "2>1", "2>3", "2>4", "2>5"]);
    expect(resolved.report.selfPairsDropped).toBe(1);
    expect(resolved.report.pairsLeftOut).toBe(0);
  });

  test("a gene listed twice counts once", () => {
    expect(columnsOf(resolveProduct(["A", "A"], ["B", "C", "B"], genes, strict))).toEqual(["0>1", "0>2"]);
  });

  /** Counted pair by pair. */
  function naiveLeftOut(regulators: string[], targets: string[]): number {
    const known = (name: string) => ["A", "B", "C", "D"].includes(name);
    return regulators.flatMap((r) => targets.filter((t) => r !== t && !(known(r) && known(t)))).length;
  }

  test.each([
    [
      ["A", "X"],
      ["B", "X", "Y"],
    ],
    [
      ["X", "A", "B"],
      ["A", "B", "C"],
    ],
    [
      ["A", "B"],
      ["X", "A", "Z"],
    ],
  ])("missing genes: %j with %j", async (regulators, targets) => {
    const missing = [...new Set([...regulators, ...targets])].filter((name) => "XYZ".includes(name));
    const { report, source } = resolveProduct(regulators, targets, genes, lenient);
    expect(report.missingGenes).toEqual(missing);
    expect(report.pairsLeftOut).toBe(naiveLeftOut(regulators, targets));
    expect(report.pairs).toBe(source.count);
    const error = await errorOf(() => resolveProduct(regulators, targets, genes, strict));
    expect(error.code).toBe("GENES_NOT_FOUND");
  });

  test("a missing regulator leaves out its pair with every gene of the data", () => {
    expect(resolveProduct(["A", "X"], undefined, genes, lenient).report.pairsLeftOut).toBe(6);
  });

  test("ambiguous names, and no pair left", async () => {
    expect((await errorOf(() => resolveProduct(["twin"], undefined, genes, lenient))).code).toBe(
      "GENE_AMBIGUOUS",
    );
    expect((await errorOf(() => resolveProduct(["A"], ["A"], genes, strict))).code).toBe("NO_PAIRS_LEFT");
    expect((await errorOf(() => resolveProduct(["X"], ["A"], genes, lenient))).code).toBe("NO_PAIRS_LEFT");
  });
});
