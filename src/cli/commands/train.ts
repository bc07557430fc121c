import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import { openHistograms } from "../../histograms/index.js";
import { checkOutputFolder } from "../../io/index.js";
import {
  ARCHITECTURES,
  type Architecture,
  IMAGE_KINDS,
  type ImageKind,
  type LoadedModel,
  loadModel,
  type Optimizer,
  saveModel,
} from "../../model/index.js";
import { readPairFile, SPLIT_MODES } from "../../pairs/index.js";
import { renderLearningCurve } from "../../report/learning-curve.js";
import { svgToPng } from "../../report/svg-to-png.js";
import {
  learningCurveCsv,
  requireNoCheckpoint,
  SCHEDULES,
  type TrainedModel,
  trainModel,
  usualLearningRate,
} from "../../training/index.js";
import { epochLines } from "../epoch-lines.js";
import { interruptible } from "../interrupt.js";
import { labellingFrom, labelOptions } from "../label-options.js";
import {
  DATA_FILES,
  positiveNumber,
  seedFrom,
  selectionFrom,
  selectionOptions,
  trainingOptions,
  wholeNumber,
  withExamples,
  withOptions,
} from "../options.js";
import { readingWarnings } from "../prediction/reading-warnings.js";
import { progressLine } from "../progress-line.js";
import { trainingSummary, trainingSummaryJson } from "../training-summary.js";

const splitOptions = {
  "validation-share": {
    type: "number",
    default: 0.15,
    describe: "Share of the pairs set apart to choose the best epoch; 0 for none",
    group: "Validation:",
  },
  split: {
    choices: SPLIT_MODES,
    default: "target-disjoint",
    describe: "What validation pairs never share with training pairs",
    group: "Validation:",
  },
  "fold-column": {
    type: "string",
    describe: "Column of the label file that names folds",
    group: "Validation:",
  },
  "test-fold": {
    type: "string",
    describe: "Fold that is never learned from, and measured at the end",
    group: "Validation:",
  },
} as const;

const networkOptions = {
  architecture: {
    choices: ARCHITECTURES,
    describe:
      "The published network, a small one with batch normalisation (the default), or a control; that of --init",
    group: "Network:",
  },
  image: {
    type: "string",
    describe: `What the network sees: ${IMAGE_KINDS.join(", ")}, or several joined by +; those of --init, nepdf for cnnc, else residual+margins`,
    group: "Network:",
  },
  init: {
    type: "string",
    describe: "Model folder to start from, instead of random weights",
    group: "Network:",
  },
  swap: {
    type: "boolean",
    describe: "Show swapped pairs with their own label, too; by default for causality",
    group: "Network:",
  },
} as const;

const fittingOptions = {
  epochs: {
    type: "number",
    describe: "Times that every pair is shown; 12 by default, up to 60 if there are few",
    group: "Training:",
  },
  "batch-size": { type: "number", default: 128, describe: "Pairs per step", group: "Training:" },
  optimizer: { choices: ["adamw", "adam", "sgd"], default: "adamw", group: "Training:" },
  "learning-rate": {
    type: "number",
    describe: "Highest learning rate; 0.002, or 0.0005 for cnnc, or 0.01 for sgd",
    group: "Training:",
  },
  schedule: {
    choices: SCHEDULES,
    default: "one-cycle",
    describe: "How the learning rate runs",
    group: "Training:",
  },
  "weight-decay": { type: "number", default: 0.01, describe: "Of adamw", group: "Training:" },
  momentum: {
    type: "number",
    default: 0.9,
    describe: "Of sgd, with Nesterov's look-ahead",
    group: "Training:",
  },
  patience: {
    type: "number",
    describe: "Stop when validation has not become better for so many epochs",
    group: "Training:",
  },
  "class-weights": {
    choices: ["balanced", "none"],
    default: "balanced",
    describe: "Whether all classes weigh alike",
    group: "Training:",
  },
  seed: {
    type: "number",
    default: 1,
    describe: "Decides weights, order, split and dropout",
    group: "Training:",
  },
  resume: {
    type: "boolean",
    default: false,
    describe: "Go on with a training that was stopped",
    group: "Training:",
  },
} as const;

const computeOptions = {
  ...trainingOptions,
  precision: {
    choices: ["f32", "bf16"],
    default: "f32",
    describe: "bf16 is faster where the processor has it",
    group: "Computing:",
  },
} as const;

const options = {
  ...labelOptions,
  ...splitOptions,
  ...networkOptions,
  ...fittingOptions,
  ...selectionOptions,
  ...computeOptions,
  output: { alias: "o", type: "string", demandOption: true, describe: "Model folder to write" },
  json: { type: "boolean", default: false, describe: "Print the summary as JSON" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { data: string };

export const trainCommand: CommandModule<object, Arguments> = {
  command: "train <data>",
  describe: "Train a network on known interactions",
  builder: (parser) =>
    withExamples(
      withOptions(parser, options).positional("data", {
        type: "string",
        demandOption: true,
        describe: DATA_FILES,
      }),
      [
        [
          "train data-samples/expression.h5ad --labels data-samples/pairs.tsv -o model",
          "a model of the sample's labelled pairs",
        ],
        [
          "train mydata.h5ad --labels collectri.tsv --negatives degree-matched --skip-missing -o model",
          "known interactions alone; the others are drawn",
        ],
      ],
    ) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const checkpoint = `${args.output.replace(/\/+$/, "")}.checkpoint`;
  await checkOutputFolder(args.output);
  if (!args.resume) await requireNoCheckpoint(checkpoint);
  const progress = progressLine();
  const say = (line: string) => {
    progress.end();
    process.stderr.write(`${line}\n`);
  };
  const epochs = epochLines(say);
  const initial = args.init === undefined ? undefined : await loadModel(args.init);
  const settings = settingsFrom(args, initial);
  const file = await readPairFile(args.labels);
  const session = await openHistograms(
    args.data,
    { kind: "list", file },
    {
      ...selectionFrom(args),
      skipMissing: args["skip-missing"],
      device: "cpu",
      ...(settings.threads !== undefined && { threads: settings.threads }),
      signal,
      onProgress: progress.listener,
    },
  );
  try {
    if (initial) for (const line of await readingWarnings(initial.info, session.selection, true)) say(line);
    const trained = await trainModel(session, file, {
      ...settings,
      ...(initial && { initial }),
      checkpoint,
      resume: args.resume,
      confirmSlow: () => args.yes,
      signal,
      onProgress: progress.listener,
      onEpoch: epochs.listener,
      onNotice: say,
    });
    epochs.end();
    progress.end();
    await saveModel(args.output, trained.content, { also: (folder) => writeCurve(folder, trained) });
    await rm(checkpoint, { force: true });
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(
      args.json
        ? trainingSummaryJson(args.output, session, trained, seconds)
        : trainingSummary(args.output, session, trained, seconds),
    );
  } catch (error) {
    throw signal.aborted ? await stopped(checkpoint) : error;
  } finally {
    progress.end();
    session.close();
  }
}

/** What a training that was stopped ends with: what there is to go on from. */
async function stopped(checkpoint: string): Promise<CnncError> {
  const kept = (await stat(checkpoint).catch(() => undefined)) !== undefined;
  return new CnncError(
    "CANCELLED",
    "Stopped.",
    kept ? `${checkpoint} keeps the epochs so far: the same command with --resume goes on from there.` : "",
  );
}

/** @throws CnncError `BAD_USAGE` */
function settingsFrom(args: Arguments, initial: LoadedModel | undefined) {
  const foldColumn = args["fold-column"];
  const testFold = args["test-fold"];
  if ((foldColumn === undefined) !== (testFold === undefined)) {
    const [given, missing] =
      testFold === undefined ? ["fold-column", "test-fold"] : ["test-fold", "fold-column"];
    throw new CnncError("BAD_USAGE", `--${given} is given without --${missing}.`, "Give both, or none.");
  }
  const share = args["validation-share"];
  if (!(share >= 0 && share < 1)) {
    throw new CnncError("BAD_USAGE", "--validation-share must be at least 0 and less than 1.");
  }
  if (args["validation-share"] === 0 && args.patience !== undefined) {
    throw new CnncError("BAD_USAGE", "--patience needs validation pairs.", "Leave out --validation-share 0.");
  }
  const architecture = (args.architecture ?? initial?.info.architecture ?? "compact") as Architecture;
  const task = args.task ?? initial?.info.task;
  const optimizer = optimizerFrom(args);
  return {
    architecture,
    images: imageKinds(args.image, initial?.info.images ?? usualImages(architecture)),
    ...labellingFrom({ ...args, task }),
    negativesPerPositive: positiveNumber("negatives-per-positive", args["negatives-per-positive"]),
    split: args.split,
    validationShare: share,
    ...(foldColumn !== undefined &&
      testFold !== undefined && { test: { column: foldColumn, fold: testFold } }),
    optimizer,
    learningRate: positiveNumber(
      "learning-rate",
      args["learning-rate"] ?? usualLearningRate(architecture, optimizer.kind),
    ),
    schedule: args.schedule,
    ...(args.epochs !== undefined && { epochs: wholeNumber("epochs", args.epochs, 1) }),
    batchSize: wholeNumber("batch-size", args["batch-size"], 1),
    balanceClasses: args["class-weights"] === "balanced",
    ...(args.patience !== undefined && { patience: wholeNumber("patience", args.patience, 1) }),
    seed: seedFrom(args.seed),
    scaleChannels: true,
    ...(args.swap !== undefined && { swap: args.swap }),
    engine: args.engine,
    device: args.device,
    precision: args.precision as "f32" | "bf16",
    ...(args.threads !== undefined && { threads: wholeNumber("threads", args.threads, 1) }),
    cacheBytes: 1e6 * wholeNumber("cache-memory", args["cache-memory"], 0),
  };
}

/** @throws CnncError `BAD_USAGE` */
function optimizerFrom(args: Arguments): Optimizer {
  const { momentum, "weight-decay": weightDecay } = args;
  if (!(momentum >= 0 && momentum < 1)) {
    throw new CnncError("BAD_USAGE", "--momentum must be at least 0 and less than 1.");
  }
  if (!(weightDecay >= 0 && Number.isFinite(weightDecay))) {
    throw new CnncError("BAD_USAGE", "--weight-decay must be a number of at least 0.");
  }
  if (args.optimizer === "sgd") return { kind: "sgd", momentum, nesterov: true };
  return args.optimizer === "adam" ? { kind: "adam" } : { kind: "adamw", weightDecay };
}

const usualImages = (architecture: Architecture): readonly ImageKind[] =>
  architecture === "cnnc" ? ["nepdf"] : ["residual", "margins"];

/** @throws CnncError `BAD_USAGE` */
function imageKinds(asked: string | undefined, usual: readonly ImageKind[]): readonly ImageKind[] {
  if (asked === undefined) return usual;
  const names = asked.split("+");
  for (const name of names) {
    if ((IMAGE_KINDS as readonly string[]).includes(name)) continue;
    throw new CnncError(
      "BAD_USAGE",
      `There is no image \`${name}\`.`,
      `Give --image one of ${IMAGE_KINDS.join(", ")}, or several joined by +.`,
    );
  }
  if (new Set(names).size < names.length) {
    throw new CnncError("BAD_USAGE", "--image names a kind twice.", "Name each kind once.");
  }
  return names as ImageKind[];
}

async function writeCurve(folder: string, { history, bestEpoch }: TrainedModel): Promise<void> {
  await writeFile(join(folder, "learning-curve.csv"), learningCurveCsv(history));
  const svg = await renderLearningCurve(history, bestEpoch, "Learning curve");
  await writeFile(join(folder, "learning-curve.png"), await svgToPng(svg));
}
