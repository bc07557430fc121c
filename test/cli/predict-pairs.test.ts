import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { loadModel, loadTfjs, nativeEngineProblem } from "../../dist/model/index.js";
import { fillPredictionFolder } from "../support/prediction-folder.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";
import { removeAttribute, TINY_COUNTS } from "../support/tiny-h5ad.js";

const SAMPLE = fileURLToPath(new URL("../../data-samples/expression.h5ad", import.meta.url));
const GENES = ["g1", "g2", "g3", "g4", "g5"];
const ORDERED = GENES.flatMap((a) => GENES.filter((b) => b !== a).map((b): [string, string] => [a, b]));
const UNORDERED = ORDERED.filter(([a, b]) => a < b);

const FOLDER = testFolder();
beforeAll(() => fillPredictionFolder(FOLDER));

const predict = (...options: string[]) => runMain(["predict-pairs", ...options], FOLDER);
/** Exact, so that results can be compared. */
const EXACT = ["--precision", "f32"];

const ONE = ["data.h5ad", "--model", "one", ...EXACT];
const THREE = ["data.h5ad", "--model", "three", ...EXACT];

type Row = Record<string, string>;

function rowsOf(name: string): Row[] {
  const [header, ...lines] = readFileSync(join(FOLDER, name), "utf8").trimEnd().split("\n");
  const columns = header.split("\t");
  return lines.map((line) => Object.fromEntries(line.split("\t").map((cell, i) => [columns[i], cell])));
}

/**
 * Whole numbers look like counts, and here they are not. What is not installed looks to vitest's own loader as if it
 * were but did not load.
 */
const EXPECTED_REMARKS =
  /^(Warning: X of .* looks like counts|@tensorflow\/.* does not load: Could not resolve).*\n/gm;

/** Runs it, expects no complaint, and reads the table that it wrote. */
async function ranked(...options: string[]): Promise<Row[]> {
  const { code, stderr } = await predict(...options, "-o", "ranked.tsv");
  expect({ code, stderr: stderr.replaceAll(EXPECTED_REMARKS, "") }).toEqual({ code: 0, stderr: "" });
  return rowsOf("ranked.tsv");
}

async function jsonOf(...options: string[]): Promise<Record<string, unknown>> {
  const { code, stdout } = await predict(...options, "--json");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

/** The probabilities of pairs by TensorFlow.js, of images that are worked out plainly from the counts. */
async function expected(folder: string, pairs: [string, string][]): Promise<number[][]> {
  const { core } = await loadTfjs();
  const { model } = await loadModel(join(FOLDER, folder));
  const images = core.tensor4d(
    pairs.flatMap(([a, b]) => nepdf(GENES.indexOf(a), GENES.indexOf(b))),
    [pairs.length, 32, 32, 1],
  );
  return (model.predict(images) as ReturnType<typeof core.tensor2d>).array();
}

function nepdf(a: number, b: number): number[] {
  const counts = new Array(1024).fill(0);
  const [columns, rows] = [binsOf(a), binsOf(b)];
  columns.forEach((column, cell) => {
    counts[32 * rows[cell] + column]++;
  });
  return counts.map((count) => (Math.log10(count / 6 + 1e-4) + 4) / 4);
}

/** 32 bins from the least value to the largest; the middle one for a gene with one value. */
function binsOf(gene: number): number[] {
  const values = TINY_COUNTS.map((row) => Math.log10(row[gene] + 0.01));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return values.map((value) =>
    low === high ? 16 : Math.min(31, Math.floor((32 * (value - low)) / (high - low))),
  );
}

/** Pearson's correlation of average ranks. */
function spearman([a, b]: [string, string]): number {
  const [x, y] = [a, b].map((name) => {
    const values = TINY_COUNTS.map((row) => row[GENES.indexOf(name)]);
    const ranks = values.map(
      (value) => values.filter((v) => v < value).length + (values.filter((v) => v === value).length + 1) / 2,
    );
    return ranks.map((rank) => rank - 3.5);
  });
  const product = (p: number[], q: number[]) => p.reduce((sum, value, i) => sum + value * q[i], 0);
  const norm = Math.sqrt(product(x, x) * product(y, y));
  return norm === 0 ? 0 : product(x, y) / norm;
}

describe("predict-pairs with a model of interactions", () => {
  it.each(["native", "tfjs"])("ranks listed pairs, scored as worked out plainly, with %s", async (engine) => {
    if (engine === "native" && nativeEngineProblem() !== undefined) return;
    const rows = await ranked(...ONE, "--pairs", "pairs.tsv", "--engine", engine);
    expect(Object.keys(rows[0])).toEqual([
      "gene_a",
      "gene_b",
      "p_interaction",
      "spearman",
      "above_threshold",
    ]);
    expect(rows).toHaveLength(20);
    const pairs = rows.map((row): [string, string] => [row.gene_a, row.gene_b]);
    expect(pairs.map(String).sort()).toEqual(ORDERED.map(String).sort());
    const scores = rows.map((row) => Number(row.p_interaction));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(new Set(scores).size).toBeGreaterThan(15);
    const probabilities = await expected("one", pairs);
    rows.forEach((row, i) => {
      expect(Number(row.p_interaction)).toBeCloseTo(probabilities[i][0], 5);
      expect(Number(row.spearman)).toBeCloseTo(spearman(pairs[i]), 5);
      expect(row.above_threshold).toBe(String(Number(row.p_interaction) >= 0.5));
    });
  });

  it("scores pairs without an order as the mean of both", async () => {
    const rows = await ranked(...ONE, "--all-pairs");
    expect(rows).toHaveLength(10);
    const probabilities = await expected("one", [
      ...UNORDERED,
      ...UNORDERED.map(([a, b]): [string, string] => [b, a]),
    ]);
    UNORDERED.forEach(([a, b], i) => {
      const row = rows.find(({ gene_a, gene_b }) => gene_a === a && gene_b === b);
      expect(Number(row?.p_interaction)).toBeCloseTo((probabilities[i][0] + probabilities[10 + i][0]) / 2, 5);
    });
  });

  it("says in words what was done", async () => {
    const { stdout } = await predict(...ONE, "--pairs", "gone.tsv", "--skip-missing", "-o", "words.tsv");
    const [{ above_threshold }] = rowsOf("words.tsv");
    expect(
      stdout
        .replaceAll(/in [\d.]+ s/g, "in 0 s")
        .replace(/with .*: [\d,]+ pairs\/s/, "with it: 1 pairs/s")
        .split("\n"),
    ).toEqual([
      "words.tsv: 1 pair, by p_interaction, in 0 s",
      "Scored with it: 1 pairs/s",
      `Above the model's threshold of 0.500 (precision 0.75 on validation pairs): ${above_threshold === "true" ? "1 pair" : "0 pairs"}`,
      "X read as linear: as the model's training data",
      "Left out: 1 pair of 1 gene that the data lacks",
      "",
    ]);
  });

  it("says in JSON what was done", async () => {
    const summary = await jsonOf(
      ...ONE,
      "--pairs",
      "pairs.tsv",
      "--top",
      "3",
      "--engine",
      "tfjs",
      "-o",
      "r.csv",
    );
    const rows = await ranked(...ONE, "--pairs", "pairs.tsv");
    expect(summary).toMatchObject({
      output: "r.csv",
      format: "csv",
      engine: expect.stringMatching(/^tfjs/),
      precision: "f32",
      model: "one",
      task: "interaction",
      architecture: "mlp",
      threshold: { score: 0.5, precision: 0.75 },
      rankedBy: "p_interaction",
      pairs: 20,
      written: 3,
      aboveThreshold: rows.filter((row) => row.above_threshold === "true").length,
      scale: "linear",
      scaleReason: "as the model's training data",
      transform: "log10",
      cells: 6,
      warnings: [
        expect.stringMatching(/^X of data\.h5ad looks like counts .*read as linear.*--scale counts\.$/),
      ],
    });
    expect(summary.pairsPerSecond).toBeGreaterThan(0);
    expect(summary.seconds).toBeGreaterThan(0);
  });

  it("writes only the best with --top, and the same for any number of threads", async () => {
    const all = await ranked(...ONE, "--pairs", "pairs.tsv", "--threads", "1");
    expect(await ranked(...ONE, "--pairs", "pairs.tsv", "--threads", "3")).toEqual(all);
    expect(await ranked(...ONE, "--pairs", "pairs.tsv", "--top", "4")).toEqual(all.slice(0, 4));
  });

  it("takes bfloat16 by default where the processor has it", async () => {
    const { precision } = await jsonOf("data.h5ad", "--model", "one", "--all-pairs", "-o", "r.tsv");
    expect(precision).toBe(nativeEngineProblem("bf16") === undefined ? "bf16" : "f32");
  });

  it("runs a model that the native engine lacks in TensorFlow.js, with a notice", async () => {
    const { code, stderr, stdout } = await predict(
      "data.h5ad",
      "--model",
      "tanh",
      "--scale",
      "linear",
      "--all-pairs",
      "-o",
      "r.tsv",
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Scoring in TensorFlow\.js, which is slower: .*\.$/m);
    expect(stdout).toMatch(/^Scored with tfjs/m);
  });
});

describe("predict-pairs with a model of directions", () => {
  it("ranks regulators and targets by p_a_to_b", async () => {
    const rows = await ranked(...THREE, "--regulators", "two.txt", "--targets", "targets.txt");
    expect(rows).toHaveLength(4);
    const pairs = rows.map((row): [string, string] => [row.gene_a, row.gene_b]);
    const scores = rows.map((row) => Number(row.p_a_to_b));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const own = await expected("three", pairs);
    const swapped = await expected(
      "three",
      pairs.map(([a, b]) => [b, a]),
    );
    const label = (p: number[]) => ["none", "a->b", "b->a"][p.indexOf(Math.max(...p))];
    rows.forEach((row, i) => {
      expect(Number(row.p_interaction)).toBeCloseTo(1 - own[i][0], 5);
      expect(Number(row.p_a_to_b)).toBeCloseTo(own[i][1], 5);
      expect(Number(row.p_b_to_a)).toBeCloseTo(own[i][2], 5);
      expect(row.direction).toBe(label(own[i]));
      const [none, toSecond, toFirst] = swapped[i];
      expect(row.swap_agrees).toBe(String(label([none, toFirst, toSecond]) === row.direction));
    });
  });

  it("ranks other pairs by p_interaction, and any as asked", async () => {
    const scores = (rows: Row[], column: string) => rows.map((row) => Number(row[column]));
    const listed = await ranked(...THREE, "--pairs", "pairs.tsv");
    const byInteraction = scores(listed, "p_interaction");
    expect(byInteraction).toEqual([...byInteraction].sort((a, b) => b - a));
    const byDirection = scores(
      await ranked(...THREE, "--pairs", "pairs.tsv", "--rank-by", "p_a_to_b"),
      "p_a_to_b",
    );
    expect(byDirection).toEqual([...byDirection].sort((a, b) => b - a));
    const all = scores(
      await ranked(...THREE, "--regulators", "two.txt", "--rank-by", "p_interaction"),
      "p_interaction",
    );
    expect(all).toHaveLength(8);
    expect(all).toEqual([...all].sort((a, b) => b - a));
  });
});

describe("predict-pairs --method", () => {
  it("ranks by the strength of a correlation, without a model", async () => {
    const rows = await ranked("data.h5ad", "--method", "spearman", "--scale", "linear", "--all-pairs");
    const strengths = UNORDERED.map((pair) => Math.abs(spearman(pair))).sort((a, b) => b - a);
    expect(rows.map((row) => Number(row.abs_spearman))).toEqual(
      strengths.map((value) => expect.closeTo(value, 5)),
    );
    for (const row of rows) expect(Number(row.spearman)).toBeCloseTo(spearman([row.gene_a, row.gene_b]), 5);
  });

  it.each([
    { method: "pearson", columns: ["abs_pearson", "pearson", "spearman"] },
    { method: "mutual-information", columns: ["mutual_information", "spearman"] },
  ])("$method has its columns", async ({ method, columns }) => {
    const facts = await jsonOf("data.h5ad", "--method", method, "--all-pairs", "-o", "r.tsv");
    expect(facts).toMatchObject({ columns, engine: method, pairs: 10, written: 10, scale: "counts" });
    expect(facts).not.toHaveProperty("model");
  });
});

describe("predict-pairs --histograms", () => {
  it("scores a file of build-histograms as its pairs would be, without Spearman's correlation", async () => {
    await runMain(
      ["build-histograms", "data.h5ad", "--scale", "linear", "--pairs", "pairs.tsv", "-o", "h.h5"],
      FOLDER,
    );
    const direct = await ranked(...THREE, "--pairs", "pairs.tsv");
    const options = ["--histograms", "h.h5", "--model", "three", ...EXACT];
    expect(await ranked(...options)).toEqual(direct.map(({ spearman: _, ...row }) => row));
    const { stdout } = await predict(...options, "-o", "r.tsv");
    expect(stdout).toMatch(/no column spearman/);
  });

  it.each(["one", "three"])("takes pairs for unordered where the file says so: %s", async (model) => {
    const build = ["build-histograms", "data.h5ad", "--scale", "linear", "--all-pairs", "-o"];
    await runMain([...build, `${model}-all.h5`], FOLDER);
    const fromFile = (name: string) => ranked("--histograms", name, "--model", model, ...EXACT);
    const unordered = await ranked("data.h5ad", "--model", model, ...EXACT, "--all-pairs");
    const withoutSpearman = unordered.map(({ spearman: _, ...row }) => row);
    expect(await fromFile(`${model}-all.h5`)).toEqual(withoutSpearman);

    // As an older version wrote it.
    await runMain([...build, `${model}-old.h5`], FOLDER);
    await removeAttribute(join(FOLDER, `${model}-old.h5`), "ordered");
    const listed = UNORDERED.map((pair) => `${pair.join("\t")}\n`).join("");
    writeFileSync(join(FOLDER, "unordered.tsv"), `gene_a\tgene_b\n${listed}`);
    const ordered = await ranked("data.h5ad", "--model", model, ...EXACT, "--pairs", "unordered.tsv");
    const old = await fromFile(`${model}-old.h5`);
    expect(old).toEqual(ordered.map(({ spearman: _, ...row }) => row));
    expect(old).not.toEqual(withoutSpearman);
  });

  it("warns of histograms of another scale or transform", async () => {
    await runMain(
      ["build-histograms", "data.h5ad", "--transform", "log1p", "--all-pairs", "-o", "h2.h5"],
      FOLDER,
    );
    const { code, stderr } = await predict("--histograms", "h2.h5", "--model", "one", "-o", "r.tsv");
    expect(code).toBe(0);
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^Warning: The model was trained with scale linear, and here it is counts/),
      expect.stringMatching(/^Warning: The model was trained with transform log10, and here it is log1p/),
    ]);
  });
});

describe("options of the data", () => {
  it.each([
    { what: "a layer", options: ["--layer", "halves"], facts: { matrix: "layers/halves" } },
    { what: "raw", options: ["--raw"], facts: { matrix: "raw/X" } },
    { what: "some cells", options: ["--obs", "cell_type=A,B"], facts: { cells: 5 } },
    {
      what: "well expressed genes",
      options: ["--min-cells", "3"],
      facts: { genes: 4, rareGenes: 1, rarePairs: 4 },
    },
    { what: "another transform", options: ["--transform", "none"], facts: { transform: "none" } },
    {
      what: "the scale that the data have",
      options: ["--scale", "auto"],
      facts: { scale: "counts", scaleReason: expect.stringMatching(/whole/) },
    },
  ])("$what", async ({ options, facts }) => {
    expect(await jsonOf(...ONE, "--all-pairs", "-o", "r.tsv", ...options)).toMatchObject(facts);
  });

  it("names of another column", async () => {
    const [row] = await ranked(...ONE, "--pairs", "symbols.tsv", "--gene-column", "symbol");
    expect([row.gene_a, row.gene_b]).toEqual(["s1", "s2"]);
  });

  it("warns of a scale or transform that is not the model's", async () => {
    const { stderr } = await predict(
      ...ONE,
      "--all-pairs",
      "--scale",
      "counts",
      "--transform",
      "none",
      "-o",
      "r.tsv",
    );
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^Warning: .*scale linear, and here it is counts/),
      expect.stringMatching(/^Warning: .*transform log10, and here it is none/),
    ]);
  });
});

describe("predict-pairs --dry-run", () => {
  it("tells pairs, time and memory, and writes nothing", async () => {
    const before = contents(FOLDER);
    const { code, stdout } = await predict(...THREE, "--regulators", "two.txt", "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Dry run: 8 pairs with .*; nothing is written$/m);
    expect(stdout).toMatch(/^Expected time: .* at [\d,]+ pairs\/s \(measured on 8 pairs\)$/m);
    expect(stdout).toMatch(/^Expected memory: \d+ MB, of which the expression store is [\d.]+ kB$/m);
    expect(contents(FOLDER)).toEqual(before);
  });

  it("tells it in JSON, consistently", async () => {
    const facts = await jsonOf(SAMPLE, "--model", "one", "--scale", "linear", "--all-pairs", "--dry-run");
    expect(facts).toMatchObject({ dryRun: true, pairs: 19900, genes: 200, diskBytes: 0 });
    const { pairs, seconds, pairsPerSecond, storeBytes, memoryBytes } = facts as Record<string, number>;
    expect(seconds * pairsPerSecond).toBeCloseTo(pairs, 3);
    expect(storeBytes).toBeGreaterThan(1e6);
    // 3 columns of 4 bytes and both genes of each pair, beside the store and its ranks.
    expect(memoryBytes).toBeGreaterThan(storeBytes + 20 * pairs);
  });

  it("measures a method and a file of histograms, too", async () => {
    await runMain(["build-histograms", "data.h5ad", "--all-pairs", "-o", "h3.h5"], FOLDER);
    for (const options of [
      ["--histograms", "h3.h5", "--model", "one"],
      ["data.h5ad", "--method", "pearson", "--all-pairs"],
    ]) {
      expect(await jsonOf(...options, "--dry-run")).toMatchObject({ pairs: 10, samplePairs: 10 });
    }
  });
});

describe("formats", () => {
  const read = (name: string) => readFileSync(join(FOLDER, name), "utf8").trimEnd().split("\n");
  const number = String.raw`0\.\d+`;

  it.each([
    { output: "f.tsv", lines: 5, first: /^gene_a\tgene_b\tp_interaction\tp_a_to_b/ },
    { output: "f.csv", lines: 5, first: /^gene_a,gene_b,p_interaction,p_a_to_b/ },
    { output: "rankedEdges.csv", lines: 5, first: /^Gene1\tGene2\tEdgeWeight$/ },
    { output: "f.csv", format: "beeline", lines: 5, first: /^Gene1\tGene2\tEdgeWeight$/ },
    { output: "adjacencies.csv", format: "scenic", lines: 5, first: /^TF,target,importance$/ },
    { output: "f.sif", lines: 4, first: /^g\d\t(regulates|regulated-by|interacts)\tg\d$/ },
    {
      output: "f.jsonl",
      lines: 4,
      first: new RegExp(`^{"gene_a":"g\\d","gene_b":"g\\d","p_interaction":${number}`),
    },
    { output: "f.graphml", first: /^<\?xml/ },
  ])("$output $format", async ({ output, format, lines, first }) => {
    const options = format === undefined ? [] : ["--format", format];
    const { code } = await predict(
      ...THREE,
      "--regulators",
      "two.txt",
      "--targets",
      "targets.txt",
      "-o",
      output,
      ...options,
    );
    expect(code).toBe(0);
    const text = read(output);
    expect(text[0]).toMatch(first);
    if (lines !== undefined) expect(text).toHaveLength(lines);
    if (output === "f.graphml") {
      expect(text.join()).toMatch(/edgedefault="directed"/);
      expect(text.filter((line) => /<edge /.test(line))).toHaveLength(4);
    }
    const rows = await ranked(...THREE, "--regulators", "two.txt", "--targets", "targets.txt");
    if (/edge/i.test(text[0]))
      expect(text[1]).toBe(`${rows[0].gene_a}\t${rows[0].gene_b}\t${rows[0].p_a_to_b}`);
  });

  it("compresses a name in .gz, and knows pairs without an order", async () => {
    await predict(...ONE, "--all-pairs", "-o", "f.graphml.gz");
    const text = gunzipSync(readFileSync(join(FOLDER, "f.graphml.gz"))).toString();
    expect(text).toMatch(/edgedefault="undirected"/);
  });
});
