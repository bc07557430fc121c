import { copyFileSync, existsSync, mkdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { buildModel } from "../../dist/model/index.js";
import { expectOneSentence } from "../support/one-sentence.js";
import { fillPredictionFolder } from "../support/prediction-folder.js";
import { contents, outcomeOf, startCnnc, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";
import { STOPPING_MS } from "../support/stopping.js";
import { saveTestModel } from "../support/test-models.js";
import { writeHdf5 } from "../support/tiny-h5ad.js";

const SAMPLE = fileURLToPath(new URL("../../data-samples/expression.h5ad", import.meta.url));

const FOLDER = testFolder();
beforeAll(() => fillPredictionFolder(FOLDER));

const predict = (...options: string[]) => runMain(["predict-pairs", ...options], FOLDER);

/** One mistake. */
interface Mistake {
  what: string;
  /** Instead of a sound command line. */
  args?: string[];
  /** Added to it. */
  options?: string[];
  /** Makes what is needed. */
  prepare?: (folder: string) => unknown;
  says: RegExp;
  remedy: RegExp;
}

const MODEL = ["--model", "one"];
const OUT = ["-o", "out.tsv"];
const usual = ["data.h5ad", ...MODEL, "--all-pairs", ...OUT];

const MISTAKES: Mistake[] = [
  {
    what: "nothing to score with",
    args: ["data.h5ad", "--all-pairs", ...OUT],
    says: /scores the pairs is not given/,
    remedy: /--model/,
  },
  { what: "a model and a method", options: ["--method", "pearson"], says: /given twice/, remedy: /--model/ },
  { what: "no data", args: [...MODEL, "--all-pairs", ...OUT], says: /No data/, remedy: /--histograms/ },
  { what: "no pairs", args: ["data.h5ad", ...MODEL, ...OUT], says: /in no way/, remedy: /--pairs FILE/ },
  {
    what: "pairs in two ways",
    options: ["--pairs", "pairs.tsv"],
    says: /several ways/,
    remedy: /--pairs FILE/,
  },
  {
    what: "targets alone",
    args: ["data.h5ad", ...MODEL, "--targets", "two.txt", ...OUT],
    says: /--targets .*without --regulators/,
    remedy: /--pairs FILE/,
  },
  {
    what: "no output",
    args: ["data.h5ad", ...MODEL, "--all-pairs"],
    says: /--output is missing/,
    remedy: /--dry-run/,
  },
  {
    what: "an output of unknown format",
    args: ["data.h5ad", ...MODEL, "--all-pairs", "-o", "out.xlsx"],
    says: /name of out\.xlsx does not tell/,
    remedy: /--format/,
  },
  {
    what: "a format that does not exist",
    options: ["--format", "parquet"],
    says: /--format "parquet"; it can be/,
    remedy: /--help/,
  },
  {
    what: "SCENIC of another extension",
    args: ["data.h5ad", ...MODEL, "--all-pairs", "--format", "scenic", "-o", "x.txt"],
    says: /pySCENIC/,
    remedy: /\.tsv or \.csv/,
  },
  {
    what: "an output in a folder that is not there",
    args: ["data.h5ad", ...MODEL, "--all-pairs", "-o", "none/out.tsv"],
    says: /folder .*none does not exist/,
    remedy: /mkdir/,
  },
  {
    what: "an output that is an input",
    args: ["data.h5ad", ...MODEL, "--pairs", "pairs.tsv", "-o", "pairs.tsv"],
    says: /pairs\.tsv cannot be the output/,
    remedy: /-o/,
  },
  {
    what: "the best none",
    options: ["--top", "0"],
    says: /--top must be a whole number of at least 1/,
    remedy: /^$/,
  },
  { what: "no threads", options: ["--threads", "0"], says: /--threads must be/, remedy: /^$/ },
  { what: "half a cell", options: ["--min-cells", "0.5"], says: /--min-cells must be/, remedy: /^$/ },
  {
    what: "a device that does not exist",
    options: ["--device", "tpu"],
    says: /--device "tpu"; it can be/,
    remedy: /--help/,
  },
  {
    what: "an engine that does not exist",
    options: ["--engine", "torch"],
    says: /--engine "torch"/,
    remedy: /--help/,
  },
  {
    what: "a precision that does not exist",
    options: ["--precision", "int8"],
    says: /--precision "int8"/,
    remedy: /--help/,
  },
  {
    what: "a method that does not exist",
    args: ["data.h5ad", "--method", "genie3", "--all-pairs", ...OUT],
    says: /--method "genie3"/,
    remedy: /--help/,
  },
  {
    what: "an engine for a method",
    args: ["data.h5ad", "--method", "pearson", "--engine", "tfjs", "--all-pairs", ...OUT],
    says: /--engine is given with --method/,
    remedy: /networks/,
  },
  {
    what: "directions of a model that tells none",
    options: ["--rank-by", "p_a_to_b"],
    says: /no directions/,
    remedy: /--rank-by/,
  },
  {
    what: "bfloat16 in TensorFlow.js",
    options: ["--engine", "tfjs", "--precision", "bf16"],
    says: /natively in bfloat16/,
    remedy: /--engine/,
  },
  {
    what: "a native engine for what it lacks",
    args: ["data.h5ad", "--model", "tanh", "--engine", "native", "--all-pairs", ...OUT],
    says: /cannot be run natively: .*tanh/,
    remedy: /--engine/,
  },
  {
    what: "a model that is not there",
    args: ["data.h5ad", "--model", "none", "--all-pairs", ...OUT],
    says: /no folder none/,
    remedy: /cnnc train/,
  },
  {
    what: "a folder that is no model",
    args: ["data.h5ad", "--model", ".", "--all-pairs", ...OUT],
    says: /no model/,
    remedy: /cnnc train/,
  },
  {
    what: "a damaged model",
    prepare: (folder) => damageModel(join(folder, "spoilt")),
    args: ["data.h5ad", "--model", "spoilt", "--all-pairs", ...OUT],
    says: /weights in spoilt have/,
    remedy: /again/,
  },
  {
    what: "data that are not there",
    args: ["none.h5ad", ...MODEL, "--all-pairs", ...OUT],
    says: /no file none\.h5ad/,
    remedy: /path/,
  },
  {
    what: "genes that the data lacks",
    args: ["data.h5ad", ...MODEL, "--pairs", "gone.tsv", ...OUT],
    says: /g9/,
    remedy: /--skip-missing/,
  },
  {
    what: "genes that are all too rare",
    options: ["--min-cells", "7"],
    says: /expressed in 7 or more/,
    remedy: /--min-cells/,
  },
  { what: "a filter of cells that are not there", options: ["--obs", "cell_type=D"], says: /D/, remedy: /A/ },
  {
    what: "histograms and a file of expression",
    options: ["--histograms", "h.h5"],
    says: /data\.h5ad is given with --histograms/,
    remedy: /leave it out/,
  },
  {
    what: "histograms and pairs",
    args: ["--histograms", "h.h5", ...MODEL, "--all-pairs", ...OUT],
    says: /--all-pairs is given with --histograms/,
    remedy: /leave it out/,
  },
  {
    what: "histograms and a scale",
    args: ["--histograms", "h.h5", ...MODEL, "--scale", "linear", ...OUT],
    says: /--scale is given with --histograms/,
    remedy: /leave it out/,
  },
  {
    what: "histograms and a method",
    args: ["--histograms", "h.h5", "--method", "pearson", ...OUT],
    says: /--histograms is given with --method/,
    remedy: /--model/,
  },
  {
    what: "histograms that are not there",
    args: ["--histograms", "none.h5", ...MODEL, ...OUT],
    says: /no file none\.h5/,
    remedy: /path/,
  },
  {
    what: "expression for histograms",
    args: ["--histograms", "data.h5ad", ...MODEL, ...OUT],
    says: /data\.h5ad has no dataset counts/,
    remedy: /build-histograms/,
  },
  {
    what: "NEPDFs for histograms",
    prepare: (folder) =>
      runMain(["build-histograms", "data.h5ad", "--all-pairs", "--nepdf", "-o", "nepdf.h5"], folder),
    args: ["--histograms", "nepdf.h5", ...MODEL, ...OUT],
    says: /holds NEPDFs/,
    remedy: /without --nepdf/,
  },
  ...[
    { what: "of a wrong sum", pairs: [0, 1], sum: 5, says: /pair 0 counts 5 cells of 6/ },
    { what: "of genes that it does not name", pairs: [0, 2], sum: 6, says: /gene 2, and there are 2 genes/ },
    { what: "of too many pairs", pairs: [0, 1, 1, 0], sum: 6, says: /pairs are 2 x 2 .*1 histograms/ },
    {
      what: "of no known number of cells",
      pairs: [0, 1],
      sum: 6,
      noCells: true,
      says: /does not say of how many cells/,
    },
  ].map(({ what, pairs, sum, noCells = false, says }) => ({
    what: `a file of histograms ${what}`,
    prepare: (folder: string) => writeHistograms(join(folder, "wrong.h5"), pairs, sum, noCells),
    args: ["--histograms", "wrong.h5", ...MODEL, ...OUT],
    says,
    remedy: /Build the histograms again|build-histograms/,
  })),
];

describe("a mistake", () => {
  it.each(MISTAKES)(
    "$what: one clear sentence, nothing left",
    async ({ args, options = [], prepare, says, remedy }) => {
      await prepare?.(FOLDER);
      const before = contents(FOLDER);
      expectOneSentence(await predict(...(args ?? usual), ...options), { says, remedy });
      expect(contents(FOLDER)).toEqual(before);
    },
  );
});

function damageModel(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ["model.json", "cnnc.json", "weights.bin"]) {
    copyFileSync(join(FOLDER, "one", name), join(folder, name));
  }
  truncateSync(join(folder, "weights.bin"), 100);
}

/** One histogram of 2 genes. */
function writeHistograms(path: string, pairs: number[], sum: number, noCells: boolean): Promise<string> {
  return writeHdf5(path, (root) => {
    const counts = new Uint16Array(1024);
    counts[40] = sum;
    root.create_dataset({ name: "counts", data: counts, shape: [1, 32, 32] });
    root.create_dataset({ name: "pairs", data: Uint32Array.from(pairs), shape: [pairs.length / 2, 2] });
    root.create_dataset({ name: "genes", data: ["g1", "g2"] });
    root.create_attribute("scale", "linear");
    root.create_attribute("transform", "log10");
    if (!noCells) root.create_attribute("cells", 6, null, "<i");
  });
}

describe.skipIf(process.platform === "win32")("Ctrl-C while scoring", () => {
  it.each(["auto", "tfjs"])("with %s: stops soon, nothing left", { retry: 2 }, async (engine) => {
    const folder = testFolder();
    const model = await buildModel("cnnc", { task: "causality", channels: 1, seed: 1 });
    await saveTestModel(join(folder, "model"), { architecture: "cnnc", task: "causality" }, model);
    const args = [SAMPLE, "--model", "model", "--all-pairs", "--engine", engine, ...OUT];
    const child = startCnnc(["predict-pairs", ...args], folder);
    const outcome = outcomeOf(child);
    const partial = join(folder, `out.tsv.partial-${child.pid}`);
    while (!existsSync(partial) && child.exitCode === null) await sleep(20);
    await sleep(200);
    const sent = performance.now();
    child.kill("SIGINT");
    expect(await outcome).toMatchObject({
      code: 130,
      stdout: "",
      stderr: expect.stringMatching(/^Stopped; nothing was written\.$/m),
    });
    expect(performance.now() - sent).toBeLessThan(STOPPING_MS);
    expect(contents(folder)).toEqual(["model"]);
  });
});
