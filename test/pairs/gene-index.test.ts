import { describe, expect, test } from "vitest";
import { type GeneNames, indexGenes, missingGenesError } from "../../dist/pairs/index.js";
import { errorOf } from "./helpers.js";

const data = (names: string[], alternatives?: GeneNames["alternatives"]): GeneNames => ({
  names,
  ...(alternatives && { alternatives }),
  source: "cells.h5ad",
  column: "var index",
});

describe("finding genes", () => {
  test("by exact name", () => {
    const index = indexGenes(data(["Gata1", "Tal1", "constructor"]));
    expect(["Gata1", "Tal1", "constructor", "GATA1", "toString"].map((name) => index.find(name))).toEqual([
      0,
      1,
      2,
      undefined,
      undefined,
    ]);
    expect(index.duplicates).toBe(0);
  });

  test("duplicate names are only counted until one is asked for", async () => {
    const ids = { column: "gene_ids", names: ["E1", "E2", "E3", "E4", "E5", "E6"] };
    const kind = { column: "feature_types", names: Array(6).fill("Gene Expression") };
    const index = indexGenes(data(["A", "B", "A", "C", "B", "A"], [kind, ids]));
    expect(index.duplicates).toBe(2);
    expect(index.find("C")).toBe(3);
    const error = await errorOf(() => index.find("A"));
    expect(error.code).toBe("GENE_AMBIGUOUS");
    expect(error.message).toContain(
      "Gene A stands for 3 columns of cells.h5ad (var index; positions 0, 2, 5",
    );
    expect(error.remedy).toContain("--gene-column gene_ids.");
    expect(error.remedy).not.toContain("feature_types");
  });

  test("a duplicate that no other column tells apart", async () => {
    const error = await errorOf(() => indexGenes(data(["A", "A"])).find("A"));
    expect(error.remedy).toContain("var_names_make_unique");
  });
});

describe("the cause of missing genes", () => {
  const ensembl = (n: number) => `ENSMUSG${String(n).padStart(11, "0")}`;
  const ids = [ensembl(1), ensembl(2), ensembl(3)];

  test.each([
    {
      name: "case",
      missing: ["GATA1", "TAL1", "XYZ"],
      genes: data(["Gata1", "Tal1", "Spi1"]),
      message:
        "GATA1, TAL1, XYZ; 2 of them are there apart from upper and lower case (GATA1 is Gata1 there).",
      remedy: "Write the names as the data does",
    },
    {
      name: "another var column",
      missing: ids,
      genes: data(["Gata1", "Tal1", "Spi1"], [{ column: "gene_ids", names: ids }]),
      message: "; all of them are in its var column gene_ids.",
      remedy: "Use --gene-column gene_ids",
    },
    {
      name: "the column that has the most",
      missing: ids,
      genes: data(
        ["Gata1", "Tal1", "Spi1"],
        [
          { column: "old_ids", names: [ids[0], "", ""] },
          { column: "gene_ids", names: [ids[0], ids[1], ""] },
        ],
      ),
      message: "; 2 of them are in its var column gene_ids.",
      remedy: "Use --gene-column gene_ids",
    },
    {
      name: "version suffix in the data",
      missing: ids,
      genes: data(ids.map((id) => `${id}.4`)),
      message: `; all of them are there apart from the version suffix (${ids[0]} is ${ids[0]}.4 there).`,
      remedy: "Write the names as the data does",
    },
    {
      name: "version suffix in the list",
      missing: [`${ids[1]}.12`],
      genes: data(ids),
      message: `; all of them are there apart from the version suffix (${ids[1]}.12 is ${ids[1]} there).`,
      remedy: "Write the names as the data does",
    },
    {
      name: "Ensembl ids looked up among symbols",
      missing: ["ENSG00000102145.15", "ENSG00000162367"],
      genes: data(["GATA1", "TAL1"]),
      message: "; they are Ensembl ids, the names of the data are not.",
      remedy: "--gene-column",
    },
    {
      name: "symbols looked up among Ensembl ids",
      missing: ["Gata1"],
      genes: data(ids),
      message: "; they are not Ensembl ids, the names of the data are.",
      remedy: "--gene-column",
    },
    {
      name: "nothing that can be told",
      missing: ["XYZ"],
      genes: data(["GATA1", "TAL1"]),
      message: "(var index): XYZ.",
      remedy: "of one species",
    },
  ])("$name", ({ missing, genes, message, remedy }) => {
    const error = missingGenesError(missing, 10, genes);
    expect(error.code).toBe("GENES_NOT_FOUND");
    expect(error.message).toContain(`${missing.length} of 10 genes are not in cells.h5ad`);
    expect(error.message).toContain(message);
    expect(error.remedy).toContain(remedy);
    expect(error.remedy).toContain("--skip-missing");
  });

  test("only the first five are named", () => {
    const { message } = missingGenesError(["m1", "m2", "m3", "m4", "m5", "m6", "m7"], 9, data(["A"]));
    expect(message).toContain("m1, m2, m3, m4, m5 and 2 more");
    expect(message).not.toContain("m6");
  });
});
