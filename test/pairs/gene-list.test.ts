import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readGeneList } from "../../dist/pairs/index.js";
import { errorOf, fileOf } from "./helpers.js";

describe("gene lists", () => {
  test.each([
    ["one gene on each line", "GATA1\nTAL1\nSPI1\n", undefined],
    ["a header word", "TF\nGATA1\nTAL1\nSPI1\n", ["TF"]],
    ["another header word", "# mouse\nGene_Symbol\nGATA1\nTAL1\nSPI1\n", ["Gene_Symbol"]],
    [
      "the first column of a table",
      "Regulator,family\nGATA1,GATA\nTAL1,bHLH\nSPI1,ETS\n",
      ["Regulator", "family"],
    ],
    ["a table without a header", "GATA1\tGATA\nTAL1\tbHLH\nSPI1\n", undefined],
    ["gzip", gzipSync("GATA1\nTAL1\nSPI1\n"), undefined],
    ["quotes and CRLF", '"GATA1"\r\n"TAL1"\r\n\r\n"SPI1"\r\n', undefined],
  ])("%s", async (_, content, header) => {
    const path = fileOf(content);
    expect(await readGeneList(path)).toEqual({
      path,
      genes: ["GATA1", "TAL1", "SPI1"],
      duplicates: 0,
      header,
    });
  });

  test("repeated names are listed once and counted", async () => {
    const list = await readGeneList(fileOf("B\nA\nB\nC\nA\nB\n"));
    expect(list.genes).toEqual(["B", "A", "C"]);
    expect(list.duplicates).toBe(3);
  });

  test.each([
    ["", "GENE_LIST_EMPTY", "lists no genes"],
    ["gene\n", "GENE_LIST_EMPTY", "lists no genes"],
    ["gene,family\nGATA1,GATA\n,bHLH\n", "GENE_LIST_MALFORMED", "line 3: no gene in the first column"],
    ["GATA1\nTAL\0\n", "GENE_LIST_MALFORMED", "line 2: this is not UTF-8 text"],
  ])("bad list %j", async (content, code, message) => {
    const error = await errorOf(() => readGeneList(fileOf(content)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });

  test("no such file", async () => {
    expect((await errorOf(() => readGeneList("no/such/list.txt"))).code).toBe("FILE_NOT_FOUND");
  });
});
