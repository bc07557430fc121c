import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { nativeEngineProblem } from "../../dist/model/index.js";
import { expectOneSentence } from "../support/one-sentence.js";
import { contents, outcomeOf, runCnnc, startCnnc, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";
import { saveTestModel } from "../support/test-models.js";

const SAMPLES = fileURLToPath(new URL("../../data-samples/", import.meta.url));
const DATA = join(SAMPLES, "expression.h5ad");
const PAIRS = join(SAMPLES, "pairs.tsv");
/** Two genes and a label each. */
const ROWS = readFileSync(PAIRS, "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split("\t").slice(0, 3).join("\t"));

const train = (options: readonly string[], labels = PAIRS) => [
  "train",
  DATA,
  "--labels",
  labels,
  "-o",
  "model",
  "--threads",
  "2",
  ...options,
];
/** The quickest network. */
const QUICK = ["--architecture", "mlp", "--epochs", "2"];
const weightsOf = (folder: string) => readFileSync(join(folder, "model", "weights.bin"));

/** A label file in a folder of its own. */
function labelFile(rows: readonly string[], header = "gene_a\tgene_b\tlabel"): string {
  const path = join(testFolder(), "labels.tsv");
  writeFileSync(path, `${[header, ...rows].join("\n")}\n`);
  return path;
}

describe.skipIf(nativeEngineProblem() !== undefined)("cnnc train", () => {
  it("learns what acts on genes that it has not seen", async () => {
    const folder = testFolder();
    const { code, stdout, stderr } = await runMain(train(["--epochs", "15", "--json"]), folder);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    // Of quick epochs only some are told.
    expect(stderr.match(/^epoch \d+ of 15: /gm)?.at(0)).toBe("epoch 1 of 15: ");
    expect(stderr.match(/^epoch \d+ of 15: /gm)?.at(-1)).toBe("epoch 15 of 15: ");
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      output: "model",
      task: "interaction",
      architecture: "compact",
      images: ["residual", "margins"],
      scale: "counts",
      stoppedEarly: false,
      split: { rule: "target-disjoint", testPairs: 0 },
      report: { labels: { classCounts: [376, 376] } },
    });
    expect(summary.history).toHaveLength(15);
    expect(summary.metrics.validation.auroc).toBeGreaterThan(0.63);
    expect(contents(folder)).toEqual(["model"]);
    expect(contents(join(folder, "model"))).toEqual([
      "cnnc.json",
      "learning-curve.csv",
      "learning-curve.png",
      "model.json",
      "weights.bin",
    ]);
    const curve = readFileSync(join(folder, "model", "learning-curve.csv"), "utf8")
      .trim()
      .split("\n");
    expect(curve).toHaveLength(16);
    expect(Number(curve[15].split(",")[4])).toBe(summary.history[14].validation.auroc);
    expect(
      readFileSync(join(folder, "model", "learning-curve.png"))
        .subarray(1, 4)
        .toString(),
    ).toBe("PNG");
  });

  it("after Ctrl-C keeps a checkpoint and no model, and --resume gives the weights of an uninterrupted run", {
    retry: 2,
  }, async () => {
    const options = train(["--architecture", "mlp", "--epochs", "50", "--cache-memory", "0"]);
    const [folder, whole] = [testFolder(), testFolder()];
    const uninterrupted = runCnnc(options, whole);
    const child = startCnnc(options, folder);
    const outcome = outcomeOf(child);
    child.stderr?.on("data", (text) => {
      if (/^epoch 5 of/m.test(`${text}`)) child.kill("SIGINT");
    });
    const { code, stdout, stderr } = await outcome;
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toMatch(
      /^Stopped\. model\.checkpoint keeps the epochs so far: .* --resume goes on from there\.$/m,
    );
    expect(stderr).not.toMatch(/epoch 50 of 50|error/i);
    expect(contents(folder)).toEqual(["model.checkpoint"]);

    const again = await runMain(options, folder);
    expectOneSentence(again, {
      says: /model\.checkpoint is the checkpoint of a training/,
      remedy: /--resume/,
    });
    const foreign = await runMain([...options, "--resume", "--seed", "9"], folder);
    expectOneSentence(foreign, {
      says: /model\.checkpoint belongs to a training with other/,
      remedy: /command line/,
    });

    const resumed = await runCnnc([...options, "--resume"], folder);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).not.toMatch(/^epoch [1-5] of/m);
    expect((await uninterrupted).code).toBe(0);
    expect(weightsOf(folder).equals(weightsOf(whole))).toBe(true);
    expect(contents(folder)).toEqual(["model"]);
  });

  it("keeps a finished training whose model cannot be saved, for --resume to save", {
    retry: 2,
  }, async () => {
    const folder = testFolder();
    const options = train(["--architecture", "mlp", "--epochs", "30"]);
    const child = startCnnc(options, folder);
    const outcome = outcomeOf(child);
    child.stderr?.once("data", () => mkdirSync(join(folder, "model")));
    const { signal: _, ...failed } = await outcome;
    expect(failed.code).toBe(2);
    expect(failed.stderr).toMatch(/^cnnc: model exists already\.$/m);
    expect(contents(folder)).toEqual(["model", "model.checkpoint"]);
    rmdirSync(join(folder, "model"));
    const { code, stderr } = await runMain([...options, "--resume"], folder);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(contents(folder)).toEqual(["model"]);
  });

  it("says that nothing was written when stopped before the first epoch ended", async () => {
    const folder = testFolder();
    // Steps of one pair make the epoch long.
    const child = startCnnc(train(["--architecture", "cnnc", "--batch-size", "1", "--threads", "1"]), folder);
    const outcome = outcomeOf(child);
    setTimeout(() => child.kill("SIGINT"), 2000);
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^Stopped; nothing was written\.$/m);
    expect(contents(folder)).toEqual([]);
  });

  it("stops at a loss that is no number, names the batch, and keeps what was good", async () => {
    const folder = testFolder();
    const { code, stdout, stderr } = await runMain(
      train([...QUICK, "--optimizer", "sgd", "--learning-rate", "1e30", "--schedule", "constant"]),
      folder,
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      /^cnnc: The loss is no longer a finite number in epoch 1, batch [1-5] of 5\.\nLower --learning-rate\.\n$/,
    );
    expect(contents(folder)).toEqual([]);
  });

  it("goes on from a model, whose architecture and images it takes", async () => {
    const folder = testFolder();
    const first = await runMain(train([...QUICK, "--image", "residual"]), folder);
    expect(first.code).toBe(0);
    const next = [
      "train",
      DATA,
      "--labels",
      PAIRS,
      "--init",
      "model",
      "-o",
      "tuned",
      "--epochs",
      "1",
      "--json",
    ];
    const { code, stdout, stderr } = await runMain([...next, "--transform", "log1p"], folder);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      architecture: "mlp",
      images: ["residual"],
      transform: "log1p",
    });
    expect(stderr).toMatch(/trained with transform log10, and here it is log1p/);
  });

  it("never learns from a test fold, and measures it", async () => {
    const folds = labelFile(
      ROWS.map((row, i) => `${row}\tpart${i % 4}`),
      "gene_a\tgene_b\tlabel\tfold",
    );
    const options = [...QUICK, "--fold-column", "fold", "--test-fold", "part2"];
    const { code, stdout } = await runMain(train(options, folds), testFolder());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Test fold part2: AUROC 0\.\d{3}.* of 188 pairs interact\)$/m);
  });

  it("reports all that it leaves out or turns round", async () => {
    const rows = [
      ...ROWS.filter((_, i) => i % 2 === 0),
      ROWS[0],
      "TF01\tTF01\t1",
      "TF01\tNONE\t1",
      "G170\tTF02\t2",
    ];
    const options = [...QUICK, "--task", "interaction", "--skip-missing", "--skip-contradictions"];
    const { code, stdout } = await runMain(train(options, labelFile(rows)), testFolder());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Left out: 1 pair of 1 gene that the data lacks$/m);
    expect(stdout).toMatch(/^Left out: 1 pair of a gene with itself$/m);
    expect(stdout).toMatch(/^Listed more than once: 1 pair$/m);
    expect(stdout).toMatch(/^Turned round, because their label is 2: 1 pair$/m);
    expect(stdout).toMatch(/^X read as counts: /m);
  });

  it("reports what it drew", async () => {
    const options = [...QUICK, "--negatives", "per-regulator", "--negative-ratio", "20"];
    const { code, stdout } = await runMain(train(options), testFolder());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Left out, because negatives are drawn: 376 pairs with label 0$/m);
    expect(stdout).toMatch(/^Negatives: [\d,]+ drawn of 7,520 asked for$/m);
    expect(stdout).toMatch(/^With fewer negatives than asked for: \d+ regulators$/m);
    expect(stdout).toMatch(
      /^Targets of negatives are not as frequent as among interactions \(distance 0\.\d\d of 1\)/m,
    );
  });
});

interface Mistake {
  what: string;
  options?: string[];
  labels?: () => string;
  folder?: (folder: string) => unknown;
  says: RegExp;
  remedy: RegExp;
}

const positives = ROWS.filter((row) => row.endsWith("\t1"));
const folds = () =>
  labelFile([...ROWS.map((row) => `${row}	A`), "TF01	TF03	0	B"], "gene_a	gene_b	label	fold");

const MISTAKES: Mistake[] = [
  {
    what: "labels of one class",
    labels: () => labelFile(positives),
    says: /All 376 labelled pairs of .*labels\.tsv have the label 1\./,
    remedy: /--negatives/,
  },
  {
    what: "another label",
    labels: () => labelFile([...ROWS, "TF01\tTF02\t3"]),
    says: /labels\.tsv, line 754 \(TF01 TF02\): the label 3 is none of 0, 1 and 2/,
    remedy: /Labels are 0/,
  },
  {
    what: "a label that is no number",
    labels: () => labelFile([...ROWS, "TF01\tTF02\tyes"]),
    says: /line 754.*yes/,
    remedy: /./,
  },
  {
    what: "no labels",
    labels: () =>
      labelFile(
        positives.map((row) => row.slice(0, -2)),
        "gene_a\tgene_b",
      ),
    says: /labels\.tsv has no labels/,
    remedy: /--negatives/,
  },
  {
    what: "19 pairs",
    labels: () => labelFile(ROWS.slice(0, 19)),
    says: /Only 19 labelled pairs of .*at least 20/,
    remedy: /longer list/,
  },
  {
    what: "19 pairs after filtering",
    options: ["--skip-missing"],
    labels: () => labelFile([...ROWS.slice(0, 19), "NONE\tTF01\t1"]),
    says: /Only 19 labelled pairs/,
    remedy: /longer list/,
  },
  {
    what: "a pair with two labels",
    labels: () => labelFile([...ROWS, ROWS[0].replace(/.$/, (label) => `${1 - Number(label)}`)]),
    says: /contradicts itself about 1 pair: .* on line 2, but .* on line 754/,
    remedy: /--skip-contradictions/,
  },
  {
    what: "a gene that the data lacks",
    labels: () => labelFile([...ROWS, "NONE\tTF01\t1"]),
    says: /NONE/,
    remedy: /--skip-missing/,
  },
  { what: "no label file", labels: () => "none.tsv", says: /none\.tsv/, remedy: /./ },
  {
    what: "a fold that is not there",
    options: ["--fold-column", "fold", "--test-fold", "C"],
    labels: folds,
    says: /column fold has no fold C; it has A, B\./,
    remedy: /--test-fold/,
  },
  {
    what: "a fold column without a test fold",
    options: ["--fold-column", "fold"],
    labels: folds,
    says: /--fold-column is given without --test-fold/,
    remedy: /both/,
  },
  { what: "a test fold without a column", options: ["--test-fold", "A"], says: /fold-column/, remedy: /./ },
  {
    what: "a column that is not there",
    options: ["--fold-column", "part", "--test-fold", "A"],
    labels: folds,
    says: /part/,
    remedy: /./,
  },
  {
    what: "drawn negatives with a test fold",
    options: ["--fold-column", "fold", "--test-fold", "A", "--negatives", "random"],
    labels: folds,
    says: /in no fold/,
    remedy: /--negatives/,
  },
  {
    what: "an output that is there",
    folder: (folder) => mkdirSync(join(folder, "model")),
    says: /model exists already/,
    remedy: /-o/,
  },
  {
    what: "a checkpoint that is there",
    folder: (folder) => writeFileSync(join(folder, "model.checkpoint"), ""),
    says: /model\.checkpoint is the checkpoint/,
    remedy: /--resume/,
  },
  {
    what: "nothing to resume",
    options: ["--resume"],
    says: /no training to resume: model\.checkpoint/,
    remedy: /without --resume/,
  },
  {
    what: "a damaged checkpoint",
    options: ["--resume"],
    folder: (folder) => writeFileSync(join(folder, "model.checkpoint"), "CNNC checkpoint 1\n{}"),
    says: /model\.checkpoint is not a whole checkpoint/,
    remedy: /Delete it/,
  },
  {
    what: "an initial model that is none",
    options: ["--init", "there"],
    folder: (folder) => mkdirSync(join(folder, "there")),
    says: /there has no model\.json, so it is no model/,
    remedy: /cnnc train/,
  },
  {
    what: "an initial model of other images",
    options: ["--init", "other", "--image", "residual"],
    folder: (folder) => saveTestModel(join(folder, "other"), { architecture: "mlp" }),
    says: /The model to start from is mlp for interaction with images nepdf; this training asks for .* residual/,
    remedy: /--init/,
  },
  {
    what: "an unknown image",
    options: ["--image", "nepdf+spectrum"],
    says: /no image `spectrum`/,
    remedy: /nepdf, residual, margins/,
  },
  {
    what: "an image twice",
    options: ["--image", "nepdf+nepdf"],
    says: /--image names a kind twice/,
    remedy: /once/,
  },
  {
    what: "bfloat16 with TensorFlow.js",
    options: ["--precision", "bf16", "--engine", "tfjs"],
    says: /cannot be trained natively in bfloat16: --engine tfjs/,
    remedy: /--engine/,
  },
  {
    what: "a batch beyond memory",
    options: ["--batch-size", "1000000000", "--engine", "native"],
    says: /not enough memory for batches of 1000000000 pairs; \d+ would fit/,
    remedy: /--batch-size \d+ or less/,
  },
  {
    what: "patience without validation",
    options: ["--patience", "3", "--validation-share", "0"],
    says: /--patience needs validation pairs/,
    remedy: /--validation-share/,
  },
  {
    what: "a validation share of 1",
    options: ["--validation-share", "1"],
    says: /--validation-share must be/,
    remedy: /^$/,
  },
  {
    what: "no epochs",
    options: ["--epochs", "0"],
    says: /--epochs must be a whole number of at least 1/,
    remedy: /^$/,
  },
  {
    what: "half a batch",
    options: ["--batch-size", "0.5"],
    says: /--batch-size must be a whole number/,
    remedy: /^$/,
  },
  {
    what: "a negative learning rate",
    options: ["--learning-rate=-1"],
    says: /--learning-rate must be a number greater than 0/,
    remedy: /^$/,
  },
  { what: "a momentum of 1", options: ["--momentum", "1"], says: /--momentum must be/, remedy: /^$/ },
  {
    what: "a weight decay that is no number",
    options: ["--weight-decay", "much"],
    says: /--weight-decay must be/,
    remedy: /^$/,
  },
  {
    what: "a seed beyond whole numbers",
    options: ["--seed", "1e300"],
    says: /--seed must be a whole number/,
    remedy: /^$/,
  },
  {
    what: "no negatives to draw",
    options: ["--negatives", "random", "--negative-ratio", "0"],
    says: /--negative-ratio must be a number greater than 0/,
    remedy: /^$/,
  },
];

describe("a mistake", () => {
  it.each(MISTAKES)(
    "$what: one clear sentence, and nothing is written",
    async ({ options = [], labels, folder: prepare, says, remedy }) => {
      if (options.includes("native") && nativeEngineProblem() !== undefined) return;
      const folder = testFolder();
      await prepare?.(folder);
      const before = contents(folder);
      const quick =
        options.includes("--epochs") || options.includes("--init") ? options : [...QUICK, ...options];
      expectOneSentence(await runMain(train(quick, labels?.()), folder), { says, remedy });
      expect(contents(folder)).toEqual(before);
    },
  );
});
