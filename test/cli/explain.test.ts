import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { expectOneSentence } from "../support/one-sentence.js";
import { fillPredictionFolder } from "../support/prediction-folder.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";

const DATA = fileURLToPath(new URL("../../data-samples", import.meta.url));
const SAMPLE = join(DATA, "expression.h5ad");
const FOLDER = testFolder();
/** Trained on the sample data for a moment. */
const TRAINED = join(FOLDER, "trained");

beforeAll(async () => {
  await fillPredictionFolder(FOLDER);
  const training = ["--labels", join(DATA, "pairs.tsv"), "--architecture", "mlp", "--epochs", "2"];
  const { code, stderr } = await runMain(["train", SAMPLE, ...training, "-o", "trained"], FOLDER);
  expect(code, stderr).toBe(0);
});

const explain = (...args: string[]) => runMain(["explain", ...args], FOLDER);
const small = (...options: string[]) => explain("data.h5ad", "g1", "g2", "--model", "one", ...options);

describe("cnnc explain", () => {
  it("tells in words and draws", async () => {
    const { code, stdout, stderr } = await explain(
      SAMPLE,
      "TF01",
      "TF17",
      "--model",
      TRAINED,
      "-o",
      "why.png",
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(
      /^TF01 and TF17 in 2,000 cells: p\(interaction\) 0\.\d{3}, 0\.\d{3} if they were independent$/m,
    );
    const [, from, to] =
      /^What moves the log-odds of an interaction from (-?[\d.]+), if the genes were independent, to (-?[\d.]+):$/m.exec(
        stdout,
      ) ?? [];
    const parts = [...stdout.matchAll(/^ +([+-][\d.]+) {2}/gm)].map(([, part]) => Number(part));
    expect(parts.length).toBeGreaterThan(1);
    // Each is rounded to two digits.
    const total = parts.reduce((sum, part) => sum + part, 0);
    expect(Math.abs(total - (Number(to) - Number(from)))).toBeLessThan(0.005 * (parts.length + 2));
    expect(stdout).toMatch(
      /\+?[\d.]+ {2}TF01 .*(detected|\(.* to .*\)) and TF17 .*: [\d,]+ cells?, [\d.,]+ if independent/,
    );
    expect(stdout).toMatch(/^Complete: the attributions sum to this change within/m);
    expect(stdout).toMatch(/rank correlation -?[01]\.\d\d$/m);
    expect(stdout).toMatch(
      /^Ranges in log10\(CP10K \+ 0\.01\); X read as counts: as the model's training data$/m,
    );
    expect(Array.from(readFileSync(join(FOLDER, "why.png")).subarray(0, 4))).toEqual([137, 80, 78, 71]);
  });

  it("prints all numbers as JSON", async () => {
    const { code, stdout, stderr } = await small("--json", "-o", "why.svg");
    expect(code, stderr).toBe(0);
    const told = JSON.parse(stdout);
    expect(told).toMatchObject({
      picture: "why.svg",
      data: "data.h5ad",
      model: "one",
      geneA: "g1",
      geneB: "g2",
      cells: 6,
      task: "interaction",
      output: "interaction",
      scale: "linear",
      transform: "log10",
      // The model was made up, and its training data with it.
      warnings: [expect.stringContaining("looks like counts")],
    });
    const square = (rows: number[][]) => rows.map((row) => row.length);
    expect(square(told.attribution)).toEqual(new Array(32).fill(32));
    expect(square(told.counts)).toEqual(new Array(32).fill(32));
    expect(square(told.occlusion.changes)).toEqual(new Array(8).fill(8));
    expect([told.edgesA.length, told.edgesB.length]).toEqual([33, 33]);
    expect(told.counts.flat().reduce((sum: number, count: number) => sum + count)).toBe(6);
    const logOdds = ([p]: number[]) => Math.log(p / (1 - p));
    expect(told.score).toBeCloseTo(logOdds(told.probabilities), 5);
    expect(told.baselineScore).toBeCloseTo(logOdds(told.baselineProbabilities), 5);
    const sum = told.attribution.flat().reduce((total: number, value: number) => total + value);
    expect(Math.abs(sum - (told.score - told.baselineScore))).toBeLessThan(0.01);
    expect(readFileSync(join(FOLDER, "why.svg"), "utf8")).toMatch(/^<svg .*<\/svg>\s*$/s);
  });

  it("gives the probability of predict-pairs", async () => {
    const predicted = await runMain(
      [
        "predict-pairs",
        "data.h5ad",
        "--model",
        "one",
        "--pairs",
        "pairs.tsv",
        "--precision",
        "f32",
        "-o",
        "all.tsv",
      ],
      FOLDER,
    );
    expect(predicted.code, predicted.stderr).toBe(0);
    const line = readFileSync(join(FOLDER, "all.tsv"), "utf8")
      .split("\n")
      .find((row) => row.startsWith("g1\tg2\t"));
    const { stdout } = await small("--json");
    expect(JSON.parse(stdout).probabilities[0]).toBeCloseTo(Number(line?.split("\t")[2]), 5);
  });

  it("explains the direction or the interaction", async () => {
    const asked = async (...options: string[]) => {
      const { code, stdout, stderr } = await explain("data.h5ad", "g1", "g2", "--model", "three", ...options);
      expect(code, stderr).toBe(0);
      return stdout;
    };
    expect(await asked("--score", "direction")).toContain("log-odds of g1 -> g2 over the reverse");
    expect(await asked("--score", "interaction")).toContain("log-odds of an interaction");
    expect(await asked()).toMatch(/p\(none\) .*p\(a->b\) .*p\(b->a\) /);
  });

  it("chooses engine, threads, matrix, cells and names, and warns of other values", async () => {
    const tfjs = await explain("data.h5ad", "g1", "g2", "--model", "one", "--engine", "tfjs", "--json");
    const native = await small("--threads", "1", "--json");
    expect(JSON.parse(tfjs.stdout).engine).toContain("tfjs");
    expect(JSON.parse(tfjs.stdout).score).toBeCloseTo(JSON.parse(native.stdout).score, 4);
    expect(JSON.parse((await small("--layer", "halves", "--json")).stdout).matrix).toBe("layers/halves");
    expect(JSON.parse((await small("--raw", "--json")).stdout).matrix).toBe("raw/X");
    expect(JSON.parse((await small("--obs", "cell_type=A", "--json")).stdout).cells).toBe(3);
    const symbols = await explain(
      "data.h5ad",
      "s1",
      "s2",
      "--model",
      "one",
      "--gene-column",
      "symbol",
      "--json",
    );
    expect(JSON.parse(symbols.stdout).geneA).toBe("s1");
    const other = await small("--scale", "counts", "--transform", "log1p", "--json");
    expect(other.stderr).toMatch(/Warning: The model was trained with scale linear, and here it is counts/);
    expect(JSON.parse(other.stdout).warnings).toHaveLength(2);
  });

  it("runs a model that the native engine lacks in TensorFlow.js, with a notice", async () => {
    const { code, stdout, stderr } = await explain("data.h5ad", "g1", "g2", "--model", "tanh");
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/Explaining in TensorFlow\.js, which is slower: .*tanh/);
    expect(stdout).toMatch(/^g1 and g2 in 6 cells/);
  });
});

describe("mistakes", () => {
  const usual = ["data.h5ad", "g1", "g2"];
  it.each([
    { what: "no model", args: usual, says: /--model is missing/, remedy: /--help/ },
    {
      what: "no second gene",
      args: ["data.h5ad", "g1", "--model", "one"],
      says: /incomplete/,
      remedy: /--help/,
    },
    {
      what: "a gene that is not there",
      args: ["data.h5ad", "g1", "G2", "--model", "one"],
      says: /not in data\.h5ad.*G2/,
      remedy: /^(?!.*leave out)/s,
    },
    {
      what: "one gene twice",
      args: ["data.h5ad", "g1", "g1", "--model", "one"],
      says: /gene g1 is given twice/,
      remedy: /two different/,
    },
    {
      what: "no such model",
      args: [...usual, "--model", "none"],
      says: /no folder none/,
      remedy: /cnnc train/,
    },
    {
      what: "a folder without a model",
      args: [...usual, "--model", "empty"],
      says: /no model/,
      remedy: /cnnc train/,
    },
    {
      what: "a picture of another kind",
      args: [...usual, "--model", "one", "-o", "why.jpg"],
      says: /why\.jpg is neither a \.png nor an \.svg/,
      remedy: /\.png or \.svg/,
    },
    {
      what: "a picture in a folder that is not there",
      args: [...usual, "--model", "one", "-o", "gone/why.png"],
      says: /gone/,
      remedy: /Make it: mkdir/,
    },
    {
      what: "a direction of a model that tells none",
      args: [...usual, "--model", "one", "--score", "direction"],
      says: /tells no directions/,
      remedy: /--score/,
    },
    {
      what: "a score that does not exist",
      args: [...usual, "--model", "one", "--score", "beauty"],
      says: /it can be .*interaction/,
      remedy: /--help/,
    },
    {
      what: "native for what only TensorFlow.js runs",
      args: [...usual, "--model", "tanh", "--engine", "native"],
      says: /cannot be explained natively: .*tanh/,
      remedy: /--engine/,
    },
    {
      what: "half a thread",
      args: [...usual, "--model", "one", "--threads", "0.5"],
      says: /--threads/,
      remedy: /^$/,
    },
    { what: "no such data", args: ["no.h5ad", "g1", "g2", "--model", "one"], says: /no\.h5ad/, remedy: /./ },
    {
      what: "no cells",
      args: [...usual, "--model", "one", "--obs", "cell_type=Z"],
      says: /cell_type/,
      remedy: /./,
    },
  ])("$what", async ({ args, says, remedy }) => {
    mkdirSync(join(FOLDER, "empty"), { recursive: true });
    const before = contents(FOLDER);
    expectOneSentence(await explain(...args), { says, remedy });
    expect(contents(FOLDER)).toEqual(before);
  });
});
