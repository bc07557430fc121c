import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type Dataset, File, type Group } from "h5wasm/node";
import { beforeAll, describe, expect, it } from "vitest";
import { nativeEngineProblem } from "../../dist/model/index.js";
import { expectOneSentence } from "../support/one-sentence.js";
import { fillPredictionFolder } from "../support/prediction-folder.js";
import { contents, outcomeOf, startCnnc, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";

const SAMPLES = fileURLToPath(new URL("../../data-samples/", import.meta.url));
const SAMPLE = join(SAMPLES, "expression.h5ad");
const PAIRS = join(SAMPLES, "pairs.tsv");
const FOLDER = testFolder();

/** Runs a command in the folder that holds everything, and expects it to succeed. */
async function succeed(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await runMain(args, FOLDER);
  expect(code, stderr).toBe(0);
  return { stdout, stderr };
}

const read = (...names: string[]) => readFileSync(join(FOLDER, ...names));

beforeAll(async () => {
  await fillPredictionFolder(FOLDER);
  copyFileSync(SAMPLE, join(FOLDER, "sample.h5ad"));
  const linear = ["--scale", "linear"];
  await succeed("prepare", "data.h5ad", ...linear, "--values", "-o", "data.cnnc.h5");
  await succeed("prepare", "data.h5ad", ...linear, "-o", "bins.cnnc.h5");
  await succeed("prepare", "sample.h5ad", "--values", "-o", "sample.cnnc.h5");
});

describe("cnnc prepare", () => {
  it("says what it wrote", async () => {
    const options = ["--obs", "cell_type=A,B", "--min-cells", "3", "-o", "some.cnnc.h5"];
    const { stdout, stderr } = await succeed("prepare", "data.h5ad", ...options);
    expect(stderr).toBe("");
    expect(stdout).toMatch(
      /^some\.cnnc\.h5: 4 genes in 5 cells, \d+ entries without values, [\d.]+ kB, in \d\.\d s$/m,
    );
    expect(stdout).toContain(
      "Made from data.h5ad: X, cells with cell_type=A,B, genes named by var index, genes expressed in 3 cells or more, " +
        "scale counts, transform log10\nX read as counts: all values looked at are whole numbers\n" +
        "Left out: 1 gene expressed in fewer than 3 cells\n",
    );
    const { stdout: json } = await succeed("prepare", "data.h5ad", ...options, "--json");
    expect(JSON.parse(json)).toMatchObject({ output: "some.cnnc.h5", genes: 4, rareGenes: 1, cells: 5 });
  });

  it("writes the same bytes for any number of threads", async () => {
    for (const threads of ["1", "2"]) {
      await succeed("prepare", "sample.h5ad", "--threads", threads, "-o", `${threads}.cnnc.h5`);
    }
    expect(read("1.cnnc.h5").equals(read("2.cnnc.h5"))).toBe(true);
  });
});

describe("a prepared store instead of its file", () => {
  it.each([
    ["a list", ["--pairs", PAIRS]],
    [
      "a product, without rare genes",
      ["--regulators", join(SAMPLES, "regulators.txt"), "--min-cells", "700"],
    ],
  ])("gives the same histograms and the same provenance: %s", async (_, pairs) => {
    const reports: string[] = [];
    for (const data of ["sample.h5ad", "sample.cnnc.h5"]) {
      const { stdout } = await succeed("build-histograms", data, ...pairs, "-o", `${data}.h5`);
      reports.push(stdout.replace(/, in .*/, "").replace(data, ""));
    }
    expect(reports[1]).toBe(reports[0]);
    expect(everythingIn("sample.cnnc.h5.h5")).toEqual(everythingIn("sample.h5ad.h5"));
  });

  it("gives the same files of numpy", async () => {
    for (const data of ["data.h5ad", "data.cnnc.h5"]) {
      const scale = data.endsWith(".h5ad") ? ["--scale", "linear"] : [];
      const options = ["--pairs", "pairs.tsv", "--format", "npy", "-o", `${data}.npy`];
      await succeed("build-histograms", data, ...options, ...scale);
    }
    const names = contents(join(FOLDER, "data.h5ad.npy"));
    expect(contents(join(FOLDER, "data.cnnc.h5.npy"))).toEqual(names);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      const [expected, found] = [read("data.h5ad.npy", name), read("data.cnnc.h5.npy", name)];
      // "As asked" of the one is "as asked" of the other.
      expect(found.equals(expected), name).toBe(true);
    }
  });

  it.each([
    ["one model", ["--model", "one", "--all-pairs"]],
    ["the other", ["--model", "three", "--regulators", "two.txt"]],
    ["pearson", ["--method", "pearson", "--pairs", "pairs.tsv"]],
    ["mutual information", ["--method", "mutual-information", "--all-pairs"]],
  ])("ranks the same: %s", async (_, options) => {
    for (const data of ["data.h5ad", "data.cnnc.h5"]) {
      const scale = data.endsWith(".h5ad") ? ["--scale", "linear"] : [];
      await succeed("predict-pairs", data, ...options, ...scale, "-o", `${data}.tsv`);
    }
    expect(read("data.cnnc.h5.tsv").toString()).toBe(read("data.h5ad.tsv").toString());
  });

  it.skipIf(nativeEngineProblem() !== undefined)("trains the same network", async () => {
    for (const data of ["sample.h5ad", "sample.cnnc.h5"]) {
      const options = ["--architecture", "mlp", "--epochs", "2", "-o", `${data}.model`];
      await succeed("train", data, "--labels", PAIRS, ...options);
    }
    const [expected, found] = ["sample.h5ad.model", "sample.cnnc.h5.model"];
    expect(read(found, "weights.bin").equals(read(expected, "weights.bin"))).toBe(true);
    expect(JSON.parse(`${read(found, "cnnc.json")}`)).toEqual(JSON.parse(`${read(expected, "cnnc.json")}`));
  });

  it("shows and explains the same pair", async () => {
    const outputs = [];
    for (const data of ["sample.h5ad", "sample.cnnc.h5"]) {
      await succeed("show-pair", data, "TF01", "G001", "-o", "pair.svg");
      const pair = ["TF01", "G001", "--model", "three"];
      const { stdout } = await succeed("explain", data, ...pair, "--scale", "counts", "--json");
      // Of names that vega counts up.
      const picture = `${read("pair.svg")}`.replaceAll(data, "").replaceAll(/gradient_\d+/g, "");
      outputs.push({ picture: digest(Buffer.from(picture)), numbers: stdout.replaceAll(data, "") });
    }
    expect(outputs[1]).toEqual(outputs[0]);
  });

  it("is compared the same", async () => {
    const results = [];
    for (const data of ["sample.h5ad", "sample.cnnc.h5"]) {
      const methods = ["--methods", "pearson,spearman,mutual-information,summary,degree", "--folds", "2"];
      await succeed("benchmark", data, "--labels", PAIRS, ...methods, "-o", "report");
      const scores = gunzipSync(read("report", "scores.tsv.gz")).toString();
      const { splits, data: facts } = JSON.parse(`${read("report", "results.json")}`);
      const untimed = JSON.stringify(splits, (key, value) => (/seconds/i.test(key) ? undefined : value));
      results.push({ scores, untimed, facts: { ...facts, path: "" } });
      rmSync(join(FOLDER, "report"), { recursive: true });
    }
    expect(results[1]).toEqual(results[0]);
  });

  it("is described", async () => {
    const { stdout } = await succeed("inspect", "sample.cnnc.h5");
    expect(stdout).toMatch(
      /^sample\.cnnc\.h5: prepared store, 2,000 cells x 200 genes, [\d,]+ entries, with values$/m,
    );
    expect(stdout).toMatch(/^Prepared with cnnc .* from sample\.h5ad: X, all cells, /m);
    const { stdout: json } = await succeed("inspect", "bins.cnnc.h5", "--json");
    expect(JSON.parse(json)).toMatchObject({
      format: "prepared store",
      cells: 6,
      genes: 5,
      values: false,
      made: { source: "data.h5ad", scale: { name: "linear" }, guess: { name: "counts" } },
    });
  });

  it("is known by what is in it", async () => {
    copyFileSync(join(FOLDER, "data.cnnc.h5"), join(FOLDER, "other.h5ad"));
    const { stdout } = await succeed("inspect", "other.h5ad");
    expect(stdout).toMatch(/prepared store/);
  });
});

describe("a store without values", () => {
  it("has no correlations to tell of, and a network does without", async () => {
    const ranked = async (data: string) => {
      const { stdout } = await succeed("predict-pairs", data, "--model", "one", "--all-pairs", "-o", "r.tsv");
      const [header, ...rows] = read("r.tsv").toString().trimEnd().split("\n");
      const spearman = header.split("\t").indexOf("spearman");
      const without = [header, ...rows].map((row) => row.split("\t").filter((_, i) => i !== spearman));
      return {
        stdout,
        spearman,
        without: spearman < 0 ? [header, ...rows].map((r) => r.split("\t")) : without,
      };
    };
    const [whole, bins] = [await ranked("data.cnnc.h5"), await ranked("bins.cnnc.h5")];
    expect(whole.spearman).toBeGreaterThan(0);
    expect(bins.spearman).toBe(-1);
    expect(bins.without).toEqual(whole.without);
    expect(bins.stdout).toContain("There is no column spearman: the store was prepared without --values\n");
    expect(whole.stdout).not.toContain("There is no column");
  });

  it.each([
    ["predict-pairs", "bins.cnnc.h5", "--method", "pearson", "--all-pairs", "-o", "out.tsv"],
    ["benchmark", "bins.cnnc.h5", "--labels", "pairs.tsv", "-o", "out"],
    ["prepare", "bins.cnnc.h5", "--values", "-o", "out.cnnc.h5"],
  ])("says so: %s", async (...args) => {
    expectOneSentence(await runMain(args, FOLDER), {
      says: /bins\.cnnc\.h5 was prepared without the values/,
      remedy: /cnnc prepare data\.h5ad --values/,
    });
    expect(contents(FOLDER).filter((name) => name.startsWith("out"))).toEqual([]);
  });
});

describe("a store that takes more than the memory that is allowed", () => {
  const regulators = join(SAMPLES, "regulators.txt");

  it.each([
    ["a network", ["--model", "one", "--all-pairs"]],
    ["directions", ["--model", "three", "--regulators", regulators, "--min-cells", "700"]],
    ["a list", ["--method", "pearson", "--pairs", PAIRS]],
    ["mutual information", ["--method", "mutual-information", "--all-pairs", "--top", "100"]],
  ])("is ranked the same in parts: %s", async (_, options) => {
    await succeed("predict-pairs", "sample.cnnc.h5", ...options, "-o", "whole.tsv");
    for (const memory of ["513M", "512.5M"]) {
      const limited = ["--memory", memory, "-o", "parts.tsv"];
      const { stdout } = await succeed("predict-pairs", "sample.cnnc.h5", ...options, ...limited);
      expect(stdout).toContain("The store was read in parts, because of --memory\n");
      expect(read("parts.tsv").equals(read("whole.tsv"))).toBe(true);
    }
  });

  it.each([
    ["a network", ["--model", "one", "--all-pairs"]],
    ["the best by a measure", ["--method", "pearson", "--pairs", PAIRS, "--top", "100"]],
  ])("is ranked the same in parts and in shards: %s", async (_, options) => {
    const command = ["predict-pairs", "sample.cnnc.h5", ...options];
    await succeed(...command, "-o", "whole.tsv");
    const shards = ["1/3", "2/3", "3/3"].map((shard) => [shard, `${shard[0]}-of-3.cnnc`]);
    for (const [shard, file] of shards) {
      rmSync(join(FOLDER, file), { force: true });
      // One shard of them all is read whole.
      const memory = shard === "2/3" ? [] : ["--memory", "512.6M"];
      const { stdout } = await succeed(...command, ...memory, "--shard", shard, "-o", file);
      expect(stdout.includes("The store was read in parts")).toBe(shard !== "2/3");
    }
    await succeed("merge", ...shards.map(([, file]) => file), "-o", "merged.tsv");
    expect(read("merged.tsv").equals(read("whole.tsv"))).toBe(true);
  });

  it.each([
    ["a network", ["--model", "one", "--all-pairs"]],
    ["directions", ["--model", "three", "--regulators", regulators]],
    ["pearson", ["--method", "pearson", "--pairs", PAIRS]],
    ["mutual information", ["--method", "mutual-information", "--pairs", PAIRS]],
  ])("has the same Spearman's correlations where only the best are kept: %s", async (_, options) => {
    const command = ["predict-pairs", "sample.cnnc.h5", ...options];
    await succeed(...command, "-o", "whole.tsv");
    const lines = read("whole.tsv").toString().split("\n");
    expect(lines[0].split("\t")).toContain("spearman");
    const best = `${lines.slice(0, 51).join("\n")}\n`;
    for (const memory of [[], ["--memory", "512.6M"]]) {
      await succeed(...command, ...memory, "--top", "50", "-o", "best.tsv");
      expect(read("best.tsv").toString()).toBe(best);
    }
  });

  it("goes on in parts when a shard has been stopped", async () => {
    const command = [
      "predict-pairs",
      "sample.cnnc.h5",
      "--method",
      "pearson",
      "--all-pairs",
      "--shard",
      "1/1",
    ];
    const limited = [...command, "--memory", "512.5M", "--checkpoint", "0"];
    const killed = startCnnc([...limited, "-o", "killed.cnnc"], FOLDER);
    const outcome = outcomeOf(killed);
    const partial = join(FOLDER, "killed.cnnc.partial");
    while (killed.exitCode === null && !(existsSync(partial) && contents(partial).length > 2)) await sleep(2);
    killed.kill("SIGKILL");
    expect(await outcome).toMatchObject({ signal: "SIGKILL" });
    expectOneSentence(await runMain([...command, "-o", "killed.cnnc"], FOLDER), {
      says: /killed\.cnnc\.partial holds .*: --memory 524288 bytes beside the program and none\./,
      remedy: /Repeat its command/,
    });
    const { stdout } = await succeed(...limited, "-o", "killed.cnnc");
    expect(stdout).toMatch(/^Went on after [\d,]+ pairs/m);
    await succeed(...command, "-o", "undisturbed.cnnc");
    expect(read("killed.cnnc").equals(read("undisturbed.cnnc"))).toBe(true);
  });

  it.each([
    ["all pairs", ["--all-pairs"]],
    ["NEPDFs of a list", ["--pairs", PAIRS, "--nepdf"]],
    ["a shard", ["--regulators", join(SAMPLES, "regulators.txt"), "--shard", "2/3"]],
  ])("has the same file of histograms: %s", async (_, options) => {
    const command = ["build-histograms", "sample.cnnc.h5", ...options];
    await succeed(...command, "-o", "whole.h5");
    for (const memory of ["513M", "512.5M"]) {
      const { stdout } = await succeed(...command, "--memory", memory, "-o", "parts.h5");
      expect(stdout).toContain("The store was read in parts, because of --memory\n");
      expect(read("parts.h5").length).toBe(read("whole.h5").length);
      expect(everythingIn("parts.h5")).toEqual(everythingIn("whole.h5"));
    }
    expect(contents(FOLDER).filter((name) => name.startsWith(".cnnc"))).toEqual([]);
  });

  it("has the same numpy files", async () => {
    const command = ["build-histograms", "sample.cnnc.h5", "--pairs", PAIRS, "--format", "npy"];
    await succeed(...command, "-o", "whole");
    await succeed(...command, "--memory", "513M", "-o", "parts");
    const files = contents(join(FOLDER, "whole"));
    expect(files.length).toBeGreaterThan(3);
    expect(contents(join(FOLDER, "parts"))).toEqual(files);
    for (const file of files) expect(read("parts", file).equals(read("whole", file))).toBe(true);
  });

  it("is read whole where there is room", async () => {
    const options = ["--method", "spearman", "--all-pairs", "--memory", "1G", "-o", "room.tsv"];
    const { stdout } = await succeed("predict-pairs", "sample.cnnc.h5", ...options);
    expect(stdout).not.toContain("in parts");
  });

  it("tells what it would cost", async () => {
    const options = ["--method", "spearman", "--all-pairs", "--memory", "513M", "--dry-run"];
    const { stdout } = await succeed("predict-pairs", "sample.cnnc.h5", ...options);
    expect(stdout).toMatch(/^Dry run: 19,900 pairs with spearman/);
    expect(stdout).toMatch(/of which the expression store is 1\.05 MB$/m);
  });

  it.each([
    [
      "for two genes",
      ["sample.cnnc.h5", "--memory", "512.01M"],
      /Two genes do not fit .*: \w+ takes 1M/,
      /more/,
    ],
    ["for anything", ["sample.cnnc.h5", "--memory", "100M"], /100M leaves nothing for expression/, /more/],
    ["without a unit", ["sample.cnnc.h5", "--memory", "4"], /4 is no amount of memory/, /--memory 4G/],
    [
      "for a file",
      ["sample.h5ad", "--memory", "4G"],
      /sample\.h5ad cannot be read in parts/,
      /cnnc prepare sample\.h5ad --values -o/,
    ],
  ])("says what is wrong: %s", async (_, args, says, remedy) => {
    const rest = ["--method", "spearman", "--all-pairs", "-o", "out.tsv"];
    expectOneSentence(await runMain(["predict-pairs", ...args, ...rest], FOLDER), { says, remedy });
  });
});

describe("what a model was trained on", () => {
  it("is compared with what a store was prepared with", async () => {
    await succeed("prepare", "data.h5ad", "--transform", "none", "-o", "none.cnnc.h5");
    const predict = ["predict-pairs", "none.cnnc.h5", "--model", "one", "--all-pairs", "-o", "warned.tsv"];
    const { stdout, stderr } = await succeed(...predict);
    expect(stderr).toMatch(/^Warning: The model was trained with scale linear, and here it is counts/m);
    expect(stderr).toMatch(/^Warning: The model was trained with transform log10, and here it is none/m);
    expect(stdout).toContain("X read as counts: all values looked at are whole numbers\n");
    const { stderr: none } = await succeed(
      "predict-pairs",
      "data.cnnc.h5",
      ...predict.slice(2, -1),
      "quiet.tsv",
    );
    expect(none).toBe("");
  });
});

describe("mistakes", () => {
  it.each([
    [["--transform", "none"], /--transform none: it was prepared from data\.h5ad: X, .* transform log10/],
    [["--scale", "counts"], /--scale counts: it was prepared/],
    [["--obs", "batch=1"], /--obs 'batch=1': it was prepared from data\.h5ad: X, all cells/],
    [["--layer", "halves"], /--layer halves: it was prepared/],
    [["--raw"], /--raw: it was prepared/],
    [["--gene-column", "symbol"], /--gene-column symbol: it was prepared/],
  ])("%j that contradicts the store", async (options, says) => {
    const args = ["build-histograms", "data.cnnc.h5", "--all-pairs", "-o", "out.h5", ...options];
    expectOneSentence(await runMain(args, FOLDER), {
      says,
      remedy: /^Leave .* out, or prepare another store/,
    });
  });

  it("a store without rare genes that are asked for", async () => {
    await succeed("prepare", "data.h5ad", "--min-cells", "2", "-o", "frequent.cnnc.h5");
    const build = (cells: string, output: string) =>
      runMain(
        ["build-histograms", "frequent.cnnc.h5", "--all-pairs", "--min-cells", cells, "-o", output],
        FOLDER,
      );
    expectOneSentence(await build("1", "out.h5"), {
      says: /frequent\.cnnc\.h5 cannot be read with --min-cells 1: it was prepared from data\.h5ad: .*expressed in 2 cells or more/,
      remedy: /^Leave --min-cells 1 out, or prepare another store: cnnc prepare data\.h5ad --min-cells 1 -o/,
    });
    for (const cells of ["0", "2", "3"]) expect((await build(cells, `${cells}.h5`)).code).toBe(0);
    await succeed("build-histograms", "data.h5ad", "--all-pairs", "--min-cells", "3", "-o", "three.h5");
    expect(everythingIn("3.h5")).toMatchObject({ counts: everythingIn("three.h5").counts });
  });

  it.each([
    ["the input as output", ["data.h5ad", "-o", "data.h5ad"], /cannot be the output/, /-o/],
    ["a folder that is not there", ["data.h5ad", "-o", "no/store.h5"], /folder .*no does not exist/, /mkdir/],
    ["no data", ["none.h5ad", "-o", "out.h5"], /no file none\.h5ad/, /path/],
    ["too many cells", ["data.h5ad", "--min-cells", "9", "-o", "out.h5"], /No gene/, /--min-cells/],
    ["a half cell", ["data.h5ad", "--min-cells", "0.5", "-o", "out.h5"], /--min-cells must be/, /^$/],
  ])("%s", async (_, args, says, remedy) => {
    expectOneSentence(await runMain(["prepare", ...args], FOLDER), { says, remedy });
  });

  it("a store that is cut off, or damaged", async () => {
    const folder = testFolder();
    const path = join(folder, "store.cnnc.h5");
    const args = ["build-histograms", "store.cnnc.h5", "--all-pairs", "-o", "out.h5"];
    copyFileSync(join(FOLDER, "sample.cnnc.h5"), path);
    truncateSync(path, 100_000);
    expectOneSentence(await runMain(args, folder), { says: /store\.cnnc\.h5 is cut off/, remedy: /again/ });
    const damaged = read("sample.cnnc.h5");
    damaged[5000] ^= 16;
    writeFileSync(path, damaged);
    expectOneSentence(await runMain(args, folder), {
      says: /store\.cnnc\.h5 is damaged: of gene TF01, its cells are not those that were written/,
      remedy: /cnnc prepare/,
    });
    expect(contents(folder)).toEqual(["store.cnnc.h5"]);
  });
});

/** All attributes of a file, and what stands for each of its datasets. */
function everythingIn(name: string): Record<string, unknown> {
  const file = new File(join(FOLDER, name), "r");
  const attributes = Object.entries((file as Group).attrs).map(([key, { value }]) => [`@${key}`, value]);
  const datasets = file.keys().map((key) => {
    const { shape, dtype, value } = file.get(key) as Dataset;
    const bytes = ArrayBuffer.isView(value) ? Buffer.from(value.buffer) : Buffer.from(JSON.stringify(value));
    return [key, { shape, dtype, digest: digest(bytes) }];
  });
  file.close();
  return Object.fromEntries([...attributes, ...datasets]);
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
