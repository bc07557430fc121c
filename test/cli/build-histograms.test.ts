import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contents, type Outcome, runCnnc, testFolder } from "../support/run-cnnc.js";
import { csr, TINY_COUNTS, writeTinyH5ad } from "../support/tiny-h5ad.js";

/** Data with two genes of one name (`dup`), and a pair file with everything that is worth a remark. */
async function remarkableFolder(): Promise<string> {
  const folder = testFolder();
  await writeTinyH5ad(join(folder, "data.h5ad"), (parts) => {
    parts.X = csr(TINY_COUNTS.map((row) => [...row, row[0], row[1]]));
    parts.genes = ["g1", "g2", "g3", "g4", "g5", "dup", "dup"];
    parts.var = {};
  });
  const pairs = [
    ["gene_a", "gene_b", "label"],
    ["g1", "g2", 1],
    ["g1", "g1", 1], // with itself
    ["g2", "g4", 0], // g4 is constant
    ["g1", "g2", 1], // again
    ["g1", "g5", 0], // g5 is expressed in 2 cells
    ["g1", "g9", 0], // no such gene
    ["g8", "g9", 0],
  ];
  writeFileSync(join(folder, "pairs.tsv"), pairs.map((row) => `${row.join("\t")}\n`).join(""));
  return folder;
}

const build = (folder: string, ...options: string[]): Promise<Outcome> =>
  runCnnc(["build-histograms", "data.h5ad", "--pairs", "pairs.tsv", "-o", "out.h5", ...options], folder);

const REMARKABLE = ["--skip-missing", "--min-cells", "3", "--scale", "linear"];

describe("what is no error but worth a remark", () => {
  it("is told in words", async () => {
    const folder = await remarkableFolder();
    const { code, stdout, stderr } = await build(folder, ...REMARKABLE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.replace(/in [\d.]+ s/, "in 0 s").split("\n")).toEqual([
      "out.h5: 3 histograms of 6 cells, in 0 s",
      "X read as linear: as asked",
      "Left out: 2 pairs of 2 genes that the data lacks",
      "Left out: 1 pair of a gene with itself",
      "Left out: 1 gene expressed in fewer than 3 cells, with 1 pair",
      "Listed more than once: 1 pair",
      "Constant in all cells: 1 gene",
      "Names that stand for several genes: 1 (none was asked for)",
      "",
    ]);
    expect(contents(folder)).toEqual(["data.h5ad", "out.h5", "pairs.tsv"]);
  });

  it("is told in JSON", async () => {
    const folder = await remarkableFolder();
    const { code, stdout } = await build(folder, ...REMARKABLE, "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      output: "out.h5",
      format: "hdf5",
      matrix: "X",
      cells: 6,
      genes: 3,
      scale: "linear",
      scaleReason: "as asked",
      transform: "log10",
      pairs: 3,
      missingGenes: ["g8", "g9"],
      pairsLeftOut: 2,
      selfPairsDropped: 1,
      duplicatePairs: 1,
      duplicateNames: 1,
      constantGenes: 1,
      rareGenes: 1,
      rarePairs: 1,
    });
  });

  it("gives every gene of one name its own pairs when all genes are wanted", async () => {
    const folder = await remarkableFolder();
    const { code, stdout } = await runCnnc(
      ["build-histograms", "data.h5ad", "--all-pairs", "-o", "out.h5"],
      folder,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^out\.h5: 21 histograms/);
    expect(stdout).toMatch(
      /^Names that stand for several genes: 1 \(each of these genes has its own pairs\)$/m,
    );
  });
});

describe("sound runs", () => {
  it("replaces an earlier output file only when it is complete", async () => {
    const folder = await remarkableFolder();
    writeFileSync(join(folder, "out.h5"), "an earlier one");
    expect((await build(folder)).code).toBe(2);
    expect(contents(folder)).toEqual(["data.h5ad", "out.h5", "pairs.tsv"]);
    expect((await build(folder, "--skip-missing")).code).toBe(0);
    expect(contents(folder)).toEqual(["data.h5ad", "out.h5", "pairs.tsv"]);
  });

  it("accepts negative values as they are", async () => {
    const folder = testFolder();
    await writeTinyH5ad(join(folder, "data.h5ad"), (parts) => {
      parts.X = csr(TINY_COUNTS.map((row) => row.map((value) => value - 2.5)));
    });
    writeFileSync(join(folder, "pairs.tsv"), "g1 g2\n");
    const { code, stdout } = await build(folder, "--scale", "linear", "--transform", "none");
    expect(code).toBe(0);
    expect(stdout).toMatch(/X read as linear: as asked/);
  });

  it("draws a pair", async () => {
    const folder = await remarkableFolder();
    for (const picture of ["pair.png", "pair.svg"]) {
      const { code, stderr } = await runCnnc(["show-pair", "data.h5ad", "g1", "g2", "-o", picture], folder);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    }
    expect(contents(folder)).toEqual(["data.h5ad", "pair.png", "pair.svg", "pairs.tsv"]);
  });

  it("inspects a file in words and in JSON", async () => {
    const folder = await remarkableFolder();
    const inWords = await runCnnc(["inspect", "data.h5ad"], folder);
    expect(inWords).toMatchObject({ code: 0, stderr: "" });
    expect(inWords.stdout).toMatch(/X: 6 cells x 7 genes, csr float32/);
    expect(inWords.stdout).toMatch(/cell_type: A \(3\), B \(2\), C \(1\)/);
    const inJson = await runCnnc(["inspect", "data.h5ad", "--json"], folder);
    expect(JSON.parse(inJson.stdout)).toMatchObject({ cells: 6, matrices: [{ name: "X", scale: "counts" }] });
  });
});

it("writes one set of npy files for each regulator, as CNNC's scripts expect", async () => {
  const folder = await remarkableFolder();
  writeFileSync(join(folder, "regulators.txt"), "g1\ng2\n");
  const { code } = await runCnnc(
    ["build-histograms", "data.h5ad", "--regulators", "regulators.txt", "--format", "npy", "-o", "out"],
    folder,
  );
  expect(code).toBe(0);
  expect(contents(join(folder, "out"))).toEqual([
    "Nxdata_tf0.npy",
    "Nxdata_tf1.npy",
    "cnnc.json",
    "zdata_tf0.npy",
    "zdata_tf1.npy",
  ]);
});
