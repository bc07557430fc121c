import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { nativeEngineProblem } from "../../dist/model/index.js";
import { expectOneSentence } from "../support/one-sentence.js";
import { fillPredictionFolder } from "../support/prediction-folder.js";
import { contents, outcomeOf, runCnnc, startCnnc, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";
import { writeTinyH5ad } from "../support/tiny-h5ad.js";

const SAMPLES = fileURLToPath(new URL("../../data-samples/", import.meta.url));
const SAMPLE = join(SAMPLES, "expression.h5ad");

const FOLDER = testFolder();
beforeAll(async () => {
  await fillPredictionFolder(FOLDER);
  mkdirSync(join(FOLDER, "merged"));
  const built = [
    "build-histograms",
    "data.h5ad",
    "--scale",
    "linear",
    "--pairs",
    "pairs.tsv",
    "-o",
    "counts.h5",
  ];
  expect((await runMain(built, FOLDER)).code).toBe(0);
});

async function cnnc(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runMain(args, FOLDER);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

const bytes = (name: string) => readFileSync(join(FOLDER, name));

/** The files of all shards of a command, half of them made by one thread. */
async function shardsOf(command: string[], of: number): Promise<string[]> {
  const names = Array.from({ length: of }, (_, i) => `part-${i + 1}.cnnc`);
  for (const [i, name] of names.entries()) {
    rmSync(join(FOLDER, name), { force: true });
    const threads = command.includes("--histograms") ? [] : ["--threads", `${1 + (i % 2)}`];
    await cnnc("predict-pairs", ...command, "--shard", `${i + 1}/${of}`, ...threads, "-o", name);
  }
  return names;
}

const FILES: [file: string, ...options: string[]][] = [
  ["ranked.tsv"],
  ["ranked.csv"],
  ["rankedEdges.csv"],
  ["adjacencies.csv", "--format", "scenic"],
  ["network.sif"],
  ["network.graphml"],
  ["ranked.jsonl"],
];

const ONE = ["data.h5ad", "--model", "one"];
const THREE = ["data.h5ad", "--model", "three"];

describe("cnnc merge gives the file of one run without shards", () => {
  it.skipIf(nativeEngineProblem() !== undefined).each([
    ["a model of interactions, all pairs", [...ONE, "--all-pairs"], 2],
    ["its best pairs, listed", [...ONE, "--pairs", "pairs.tsv", "--top", "6"], 7],
    ["directions of a product", [...THREE, "--regulators", "two.txt"], 7],
    [
      "directions of listed pairs, in bfloat16 or not",
      [...THREE, "--pairs", "pairs.tsv", "--precision", "auto"],
      1,
    ],
    ["histograms in a file", ["--histograms", "counts.h5", "--model", "three", "--top", "9"], 7],
    ["a measure", ["data.h5ad", "--method", "mutual-information", "--all-pairs"], 2],
  ])("for %s", async (_, command, of) => {
    const shards = await shardsOf(command, of);
    // All formats come of the same rows: once is enough.
    for (const [file, ...options] of of === 2 ? FILES : FILES.slice(0, 1)) {
      await cnnc("predict-pairs", ...command, ...options, "--threads", "2", "-o", file);
      await cnnc("merge", ...shards.toReversed(), ...options, "-o", `merged/${file}`);
      expect(bytes(`merged/${file}`).equals(bytes(file))).toBe(true);
      expect(bytes(file).length).toBeGreaterThan(0);
    }
  });

  it("for a model in TensorFlow.js", async () => {
    const command = ["data.h5ad", "--model", "tanh", "--all-pairs"];
    const shards = await shardsOf(command, 2);
    await cnnc("predict-pairs", ...command, "-o", "ranked.tsv");
    await cnnc("merge", ...shards, "-o", "merged.tsv");
    expect(bytes("merged.tsv").equals(bytes("ranked.tsv"))).toBe(true);
  });

  it("says what was done, in words and in JSON", async () => {
    const shards = await shardsOf([...ONE, "--pairs", "pairs.tsv", "--top", "6"], 2);
    await cnnc("predict-pairs", ...ONE, "--pairs", "pairs.tsv", "-o", "ranked.tsv");
    const above = bytes("ranked.tsv").toString().match(/true$/gm)?.length ?? 0;
    const words = await cnnc("merge", ...shards, "-o", "merged.tsv");
    expect(words.replace(/in [\d.]+ s/, "in 0 s").split("\n")).toEqual([
      "merged.tsv: the best 6 of 20 pairs, by p_interaction, of 2 shards, in 0 s",
      `Above the model's threshold: ${above} pair${above === 1 ? "" : "s"}`,
      "",
    ]);
    expect(JSON.parse(await cnnc("merge", ...shards, "-o", "merged.csv", "--json"))).toMatchObject({
      output: "merged.csv",
      format: "csv",
      shards: 2,
      pairs: 20,
      written: 6,
      aboveThreshold: above,
      rankedBy: "p_interaction",
      run: { data: expect.stringMatching(/^[0-9a-f]{64}$/), "--top": "6", scale: "linear" },
    });
    const [, , , ...rest] = (
      await cnnc("predict-pairs", ...ONE, "--all-pairs", "--shard", "1/3", "-o", "words.cnnc")
    ).split("\n");
    expect(rest).toEqual(["Constant in all cells: 1 gene", ""]);
    const again = await cnnc("predict-pairs", ...ONE, "--all-pairs", "--shard", "1/3", "-o", "words.cnnc");
    expect(again).toMatch(/^words\.cnnc: shard 1 of 3, 3 pairs, was there already\n/);
    const json = await cnnc(
      "predict-pairs",
      ...ONE,
      "--all-pairs",
      "--shard",
      "2/3",
      "-o",
      "j.cnnc",
      "--json",
    );
    expect(JSON.parse(json)).toMatchObject({
      shard: "2/3",
      pairs: 4,
      kept: 4,
      resumed: 0,
      finishedBefore: false,
    });
  });

  it("tells what a shard would cost", async () => {
    const found = await cnnc(
      ...[
        "predict-pairs",
        SAMPLE,
        "--method",
        "pearson",
        "--all-pairs",
        "--shard",
        "1/2",
        "--dry-run",
        "--json",
      ],
    );
    expect(JSON.parse(found)).toMatchObject({ dryRun: true, pairs: 9984 });
  });
});

describe("build-histograms --shard", () => {
  const build = (...options: string[]) =>
    cnnc("build-histograms", "data.h5ad", "--pairs", "pairs.tsv", ...options);

  it("makes parts for cnnc merge, which are files of histograms themselves", async () => {
    for (const index of [1, 2, 3]) {
      const text = await build("--shard", `${index}/3`, "-o", `part-${index}.h5`);
      expect(text).toMatch(
        new RegExp(`^part-${index}\\.h5: shard ${index} of 3, ${index === 2 ? 6 : 7} histograms`),
      );
    }
    const facts = { shard: "2/3", shardPairs: 6, pairs: 20 };
    const again = await build("--shard", "2/3", "-o", "part-2.h5");
    expect(again).toMatch(/^part-2\.h5: shard 2 of 3, 6 histograms of 6 cells, was there already\n/);
    expect(JSON.parse(await build("--shard", "2/3", "-o", "part-2.h5", "--json"))).toMatchObject({
      ...facts,
      resumed: 6,
      finishedBefore: true,
    });
    rmSync(join(FOLDER, "part-2.h5"));
    expect(JSON.parse(await build("--shard", "2/3", "-o", "part-2.h5", "--json"))).toMatchObject({
      ...facts,
      resumed: 0,
      finishedBefore: false,
    });
    await build("-o", "whole.h5");
    const text = await cnnc("merge", "part-3.h5", "part-1.h5", "part-2.h5", "-o", "merged.h5");
    expect(text).toMatch(/^merged\.h5: 20 histograms, of 3 shards, in/);
    for (const file of ["whole", "merged"]) {
      await cnnc("predict-pairs", "--histograms", `${file}.h5`, "--model", "one", "-o", `${file}.tsv`);
    }
    expect(bytes("merged.tsv").equals(bytes("whole.tsv"))).toBe(true);
    await cnnc("predict-pairs", "--histograms", "part-2.h5", "--model", "one", "-o", "part.tsv");
    expect(bytes("part.tsv").toString().trimEnd().split("\n")).toHaveLength(7);
  });
});

describe("shards, where something is wrong", () => {
  beforeAll(async () => {
    for (const index of [1, 2]) {
      await cnnc("predict-pairs", ...ONE, "--all-pairs", "--shard", `${index}/2`, "-o", `s${index}.cnnc`);
    }
    const other = [...ONE, "--precision", "f32", "--all-pairs", "--shard", "2/2"];
    await cnnc("predict-pairs", ...other, "-o", "f32.cnnc");
    await cnnc("predict-pairs", ...THREE, "--all-pairs", "--shard", "2/2", "-o", "three.cnnc");
    const built = ["build-histograms", "data.h5ad", "--all-pairs", "--shard", "1/2", "-o", "h1.h5"];
    await cnnc(...built);
    copyFileSync(join(FOLDER, "s1.cnnc"), join(FOLDER, "copy.cnnc"));
    writeFileSync(join(FOLDER, "half.cnnc"), bytes("s2.cnnc").subarray(0, -50));
    writeFileSync(join(FOLDER, "text.tsv"), "gene_a\tgene_b\n");
  });

  const predictShard = ["predict-pairs", ...ONE, "--all-pairs"];
  it.each([
    ["a part too many", [...predictShard, "--shard", "3/2", "-o", "p.cnnc"], /--shard 3\/2 is none/, /2\/8/],
    ["another name", [...predictShard, "--shard", "1/2", "-o", "p.tsv"], /p\.tsv is to be a shard/, /\.cnnc/],
    [
      "a format",
      [...predictShard, "--shard", "1/2", "--format", "csv", "-o", "p.cnnc"],
      /--format is given with --shard/,
      /cnnc merge/,
    ],
    [
      "checkpoints of histograms alone",
      ["build-histograms", "data.h5ad", "--all-pairs", "--checkpoint", "5", "-o", "p.h5"],
      /without --shard/,
      /1\/1/,
    ],
    ["no output", [...predictShard, "--shard", "1/2"], /--output is missing/, /-o FILE/],
    ["checkpoints alone", [...predictShard, "--checkpoint", "5", "-o", "p.tsv"], /without --shard/, /1\/1/],
    [
      "a checkpoint before now",
      [...predictShard, "--shard", "1/2", "--checkpoint", "-5", "-o", "p.cnnc"],
      /number of seconds/,
      /0 or more/,
    ],
    [
      "numpy files",
      ["build-histograms", "data.h5ad", "--all-pairs", "--shard", "1/2", "--format", "npy", "-o", "p"],
      /--shard is given with --format npy/,
      /HDF5/,
    ],
    ["a missing shard", ["merge", "s2.cnnc", "-o", "m.tsv"], /Of 2 shards, 1 is missing/, /--shard 1\/2/],
    [
      "one given twice",
      ["merge", "s1.cnnc", "copy.cnnc", "-o", "m.tsv"],
      /s1.*copy.*both shard 1 of 2/,
      /once/,
    ],
    [
      "another model",
      ["merge", "s1.cnnc", "three.cnnc", "-o", "m.tsv"],
      /three.*s1.*: other model\./,
      /one run/,
    ],
    ["half a file", ["merge", "s1.cnnc", "half.cnnc", "-o", "m.tsv"], /half\.cnnc is damaged/, /again/],
    ["a table", ["merge", "s1.cnnc", "text.tsv", "-o", "m.tsv"], /text\.tsv is no shard/, /--shard/],
    ["a whole file of histograms", ["merge", "counts.h5", "-o", "m.h5"], /counts\.h5 is no shard/, /--shard/],
    ["no such file", ["merge", "s1.cnnc", "gone.cnnc", "-o", "m.tsv"], /no file gone\.cnnc/, /path/],
    [
      "both kinds",
      ["merge", "s1.cnnc", "h1.h5", "-o", "m.tsv"],
      /h1\.h5 holds histograms, and s1/,
      /one run/,
    ],
    ["no format", ["merge", "s1.cnnc", "s2.cnnc", "-o", "m.doc"], /m\.doc does not tell/, /--format/],
    [
      "a format for histograms",
      ["merge", "h1.h5", "--format", "csv", "-o", "m.h5"],
      /--format/,
      /Leave it out/,
    ],
    [
      "an output that is a shard",
      ["merge", "s1.cnnc", "s2.cnnc", "-o", "s1.cnnc"],
      /cannot be the output/,
      /-o/,
    ],
  ])("says so of %s, and leaves nothing", async (_, args, says, remedy) => {
    const before = contents(FOLDER);
    expectOneSentence(await runMain(args, FOLDER), { says, remedy });
    expect(contents(FOLDER)).toEqual(before);
  });

  it.skipIf(nativeEngineProblem("bf16") !== undefined)("refuses to mix precisions", async () => {
    const outcome = await runMain(["merge", "s1.cnnc", "f32.cnnc", "-o", "m.tsv"], FOLDER);
    expectOneSentence(outcome, {
      says: /different runs: precision f32 and bf16\./,
      remedy: /one kind.*--precision f32/,
    });
  });

  it.skipIf(nativeEngineProblem() !== undefined)("refuses to mix instruction sets", async () => {
    const args = ["predict-pairs", ...ONE, "--all-pairs", "--precision", "f32", "--shard"];
    await cnnc(...args, "1/2", "-o", "here.cnnc");
    const child = startCnnc([...args, "2/2", "-o", "sse.cnnc"], FOLDER, { ONEDNN_MAX_CPU_ISA: "SSE41" });
    expect((await outcomeOf(child)).code).toBe(0);
    const outcome = await runMain(["merge", "here.cnnc", "sse.cnnc", "-o", "m.tsv"], FOLDER);
    expectOneSentence(outcome, {
      says: /different runs: instruction set sse41 and /,
      remedy: /ONEDNN_MAX_CPU_ISA=AVX2/,
    });
  });
});

/** What a stopped shard can go on with; it changes with each checkpoint. */
function keptOf(output: string): string {
  const partial = `${output}.partial`;
  try {
    const names = contents(partial);
    if (names.includes("checkpoint.json")) return readFileSync(join(partial, "checkpoint.json"), "utf8");
    return names.filter((name) => /^pairs-\d+-\d+$/.test(name)).join();
  } catch {
    // There is none, or it went this moment.
    return "";
  }
}

/** Starts a shard and sends a signal as soon as it has so many more checkpoints. */
async function stopped(args: string[], output: string, signal: NodeJS.Signals, more: number) {
  for (;;) {
    const child = startCnnc([...args, "-o", output], dirname(output));
    let isEnded = false;
    const outcome = outcomeOf(child).finally(() => {
      isEnded = true;
    });
    let known = keptOf(output);
    for (let changes = 0; changes < more && !isEnded; await sleep(2)) {
      const now = keptOf(output);
      if (now !== known) changes++;
      known = now;
    }
    child.kill(signal);
    const { stdout, stderr, ...end } = await outcome;
    // What a process that ended by itself says belongs to a failure of the test.
    if (!existsSync(output)) return { ...end, stdout, stderr: end.signal === null ? stderr : "" };
    // On a busy machine the signal may come too late.
    rmSync(output);
    rmSync(`${output}.partial`, { recursive: true, force: true });
  }
}

const KILLED = { code: null, signal: "SIGKILL", stderr: "" };

describe.each(["scores", "histograms"] as const)("a shard of %s that is killed", (kind) => {
  const made = testFolder();
  const data = kind === "scores" ? SAMPLE : join(made, "wide.h5ad");
  const list = join(made, "some.tsv");
  /** Slow enough to be killed in the middle: TensorFlow.js shows 32 images at a time, and the others are 128 MB. */
  const slow =
    kind === "scores"
      ? ["predict-pairs", data, "--model", join(FOLDER, "tanh"), "--scale", "counts", "--pairs", list]
      : ["build-histograms", data, "--all-pairs"];
  const shard = [...slow, "--shard", "1/1", "--checkpoint", "0"];
  const whole = join(made, "whole.cnnc");
  beforeAll(async () => {
    const lines = readFileSync(join(SAMPLES, "pairs.tsv"), "utf8").split("\n").slice(0, 400);
    writeFileSync(list, lines.join("\n"));
    if (kind === "histograms") await writeWide(data, 500);
    expect((await runCnnc([...shard, "-o", whole], made)).code).toBe(0);
  });
  const expectWhole = (output: string) =>
    expect(readFileSync(output).equals(readFileSync(whole)), "the bytes of a shard that was left alone").toBe(
      true,
    );

  it("with SIGKILL, again and again, ends in the same bytes", async () => {
    const output = join(made, "killed.cnnc");
    for (const more of [1, 2, 3]) expect(await stopped(shard, output, "SIGKILL", more)).toMatchObject(KILLED);
    const { code, stdout } = await runCnnc([...shard, "-o", output], made);
    expect(code).toBe(0);
    const done = kind === "scores" ? "pairs that had been scored" : "histograms that had been built";
    expect(stdout).toMatch(new RegExp(`^Went on after [\\d,]+ ${done} before$`, "m"));
    expectWhole(output);
    expect(contents(made).filter((name) => name.startsWith("killed"))).toEqual(["killed.cnnc"]);
  });

  it.each(["SIGINT", "SIGTERM"] as const)("with %s, says how to go on, and does", async (signal) => {
    const output = join(made, `${signal}.cnnc`);
    const { code, stderr, stdout } = await stopped(shard, output, signal, kind === "scores" ? 2 : 1);
    expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: "", stderr: expect.any(String) });
    expect(stderr).toMatch(
      /^Stopped\. \d+ of \d+ pairs are done and kept in .*SIG\w+\.cnnc\.partial: give the same command again to go on\.$/m,
    );
    expect((await runCnnc([...shard, "-o", output], made)).code).toBe(0);
    expectWhole(output);
  });
});

/** Counts of 6 cells for so many genes. */
function writeWide(path: string, genes: number): Promise<string> {
  return writeTinyH5ad(path, (parts) => {
    const data = Float32Array.from({ length: 6 * genes }, (_, i) => (7 * i + (i >> 3)) % 5);
    parts.X = { encoding: "array", shape: [6, genes], data };
    parts.genes = Array.from({ length: genes }, (_, gene) => `g${gene}`);
    parts.var = {};
  });
}
