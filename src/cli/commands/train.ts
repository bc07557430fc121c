import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import { openHistograms } from "../../histograms/index.js";
import { checkOutputFolder } from "../../io/index.js";
import {
  ARCHITECTURES,
  type Architecture,
  ENGINES,
  IMAGE_KINDS,
  type ImageKind,
  loadModel,
  type Optimizer,
  saveModel,
} from "../../model/index.js";
import { NEGATIVE_MODES, readPairFile, SPLIT_MODES, TASKS } from "../../pairs/index.js";
import { renderLearningCurve } from "../../report/learning-curve.js";
import { svgToPng } from "../../report/svg-to-png.js";
import {
  type EpochRecord,
  learningCurveCsv,
  type PairMetrics,
  SCHEDULES,
  type TrainedModel,
  trainModel,
} from "../../training/index.js";
import { interruptible } from "../interrupt.js";
import { selectionFrom, selectionOptions, wholeNumber, withExamples, withOptions } from "../options.js";
import { progressLine } from "../progress-line.js";
import { formatCount, formatDuration, plural } from "../text.js";

const labelOptions = {
  labels: {
    type: "string",
    demandOption: true,
    describe: "Labelled gene pairs, or known interactions alone (with --negatives)",
    group: "Labels:",
  },
  task: { choices: TASKS, describe: "What is learned; by default what the labels tell", group: "Labels:" },
  negatives: {
    choices: NEGATIVE_MODES,
    describe: "Draw pairs without interaction in this way, for files that list interactions alone",
    group: "Labels:",
  },
  "negative-ratio": {
    type: "number",
    default: 1,
    describe: "Negatives drawn for each interaction",
    group: "Labels:",
  },
  "negatives-per-positive": {
    type: "number",
    describe: "Negatives shown in an epoch for each positive, other ones every time; all by default",
    group: "Labels:",
  },
  "skip-missing": {
    type: "boolean",
    default: false,
    describe: "Leave out pairs of genes that the data lacks",
    group: "Labels:",
  },
  "skip-contradictions": {
    type: "boolean",
    default: false,
    describe: "Leave out pairs about which the file contradicts itself",
    group: "Labels:",
  },
} as const;

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
    implies: "fold-column",
  },
} as const;

const networkOptions = {
  architecture: {
    choices: ARCHITECTURES,
    default: "compact",
    describe: "The published network, a small one with batch normalisation, or a control",
    group: "Network:",
  },
  image: {
    type: "string",
    describe: `What the network sees: ${IMAGE_KINDS.join(", ")}, or several joined by +; nepdf for cnnc, else residual+margins`,
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
  epochs: { type: "number", default: 12, describe: "Times that every pair is shown", group: "Training:" },
  "batch-size": { type: "number", default: 128, describe: "Pairs per step", group: "Training:" },
  optimizer: { choices: ["adamw", "adam", "sgd"], default: "adamw", group: "Training:" },
  "learning-rate": {
    type: "number",
    describe: "Highest learning rate; 0.002, or 0.01 for sgd",
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
  engine: {
    choices: ENGINES,
    default: "auto",
    describe: "oneDNN, or TensorFlow.js, which is slower",
    group: "Computing:",
  },
  precision: {
    choices: ["f32", "bf16"],
    default: "f32",
    describe: "bf16 is faster where the processor has it",
    group: "Computing:",
  },
  threads: {
    type: "number",
    describe: "CPU threads; all that this process is granted by default",
    group: "Computing:",
  },
  "cache-memory": {
    type: "number",
    default: 1024,
    describe: "MB that histograms may take; if they do not fit, they are built anew for every step",
    group: "Computing:",
  },
  yes: { type: "boolean", default: false, describe: "Train even if it will take long", group: "Computing:" },
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
        describe: ".h5ad, 10x .h5 or BEELINE .csv",
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
  await checkOutputFolder(args.output);
  const progress = progressLine();
  const say = (line: string) => {
    progress.end();
    process.stderr.write(`${line}\n`);
  };
  const settings = settingsFrom(args);
  const initial = args.init === undefined ? undefined : await loadModel(args.init);
  const file = await readPairFile(args.labels);
  const session = await openHistograms(
    args.data,
    { kind: "list", file },
    {
      ...selectionFrom(args),
      skipMissing: args["skip-missing"],
      device: "cpu",
      ...(args.threads !== undefined && { threads: wholeNumber("threads", args.threads, 1) }),
      signal,
      onProgress: progress.listener,
    },
  );
  try {
    const checkpoint = `${args.output.replace(/\/+$/, "")}.checkpoint`;
    const trained = await trainModel(session, file, {
      ...settings,
      ...(initial && { initial }),
      checkpoint,
      resume: args.resume,
      confirmSlow: () => args.yes,
      signal,
      onProgress: progress.listener,
      onEpoch: (record) => say(describeEpoch(record, settings.epochs)),
      onNotice: say,
    });
    progress.end();
    await saveModel(args.output, trained.content, { also: (folder) => writeCurve(folder, trained) });
    await rm(checkpoint, { force: true });
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(args.json ? summaryJson(args, trained, seconds) : summary(args, trained, seconds));
  } finally {
    progress.end();
    session.close();
  }
}

/** @throws CnncError `BAD_USAGE` */
function settingsFrom(args: Arguments) {
  const foldColumn = args["fold-column"];
  const testFold = args["test-fold"];
  if (foldColumn !== undefined && testFold === undefined) {
    throw new CnncError(
      "BAD_USAGE",
      "--fold-column is given without --test-fold.",
      "Name the fold to test on.",
    );
  }
  const share = args["validation-share"];
  if (!(share >= 0 && share < 1)) {
    throw new CnncError("BAD_USAGE", "--validation-share must be at least 0 and less than 1.");
  }
  if (args["validation-share"] === 0 && args.patience !== undefined) {
    throw new CnncError("BAD_USAGE", "--patience needs validation pairs.", "Leave out --validation-share 0.");
  }
  return {
    architecture: args.architecture as Architecture,
    images: imageKinds(args),
    ...(args.task !== undefined && { task: args.task }),
    skipContradictions: args["skip-contradictions"],
    ...(args.negatives !== undefined && {
      negatives: { mode: args.negatives, ratio: positive("negative-ratio", args["negative-ratio"]) },
    }),
    ...(args["negatives-per-positive"] !== undefined && {
      negativesPerPositive: positive("negatives-per-positive", args["negatives-per-positive"]),
    }),
    split: args.split,
    validationShare: share,
    ...(foldColumn !== undefined &&
      testFold !== undefined && { test: { column: foldColumn, fold: testFold } }),
    optimizer: optimizerFrom(args),
    learningRate: positive(
      "learning-rate",
      args["learning-rate"] ?? (args.optimizer === "sgd" ? 0.01 : 0.002),
    ),
    schedule: args.schedule,
    epochs: wholeNumber("epochs", args.epochs, 1),
    batchSize: wholeNumber("batch-size", args["batch-size"], 1),
    balanceClasses: args["class-weights"] === "balanced",
    ...(args.patience !== undefined && { patience: wholeNumber("patience", args.patience, 1) }),
    seed: wholeNumber("seed", args.seed, 0),
    ...(args.swap !== undefined && { swap: args.swap }),
    engine: args.engine,
    precision: args.precision as "f32" | "bf16",
    ...(args.threads !== undefined && { threads: wholeNumber("threads", args.threads, 1) }),
    cacheBytes: 1e6 * wholeNumber("cache-memory", args["cache-memory"], 0),
  };
}

function optimizerFrom(args: Arguments): Optimizer {
  if (args.optimizer === "sgd") return { kind: "sgd", momentum: args.momentum, nesterov: true };
  if (args.optimizer === "adam") return { kind: "adam" };
  return { kind: "adamw", weightDecay: args["weight-decay"] };
}

/** @throws CnncError `BAD_USAGE` */
function imageKinds({ image, architecture }: Arguments): ImageKind[] {
  const names = (image ?? (architecture === "cnnc" ? "nepdf" : "residual+margins")).split("+");
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

/** @throws CnncError `BAD_USAGE` */
function positive(option: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new CnncError("BAD_USAGE", `--${option} must be a number greater than 0.`);
}

async function writeCurve(folder: string, { history, bestEpoch }: TrainedModel): Promise<void> {
  await writeFile(join(folder, "learning-curve.csv"), learningCurveCsv(history));
  const svg = await renderLearningCurve(history, bestEpoch, "Learning curve");
  await writeFile(join(folder, "learning-curve.png"), await svgToPng(svg));
}

function describeEpoch({ epoch, loss, validation, seconds }: EpochRecord, epochs: number): string {
  const validated = validation
    ? `, validation loss ${validation.loss.toFixed(4)}, AUROC ${validation.auroc.toFixed(3)}`
    : "";
  return `epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}${validated}, in ${formatDuration(seconds)}`;
}

function summary(args: Arguments, trained: TrainedModel, seconds: number): string {
  const { prepared, validation, test, bestEpoch, history, engine } = trained;
  const { mirrorsDropped, leftOut, labels, negatives } = prepared.report;
  const threshold = trained.content.info.threshold;
  const lines = [
    `${args.output}: ${prepared.task}, ${plural(prepared.training.length, "training pair")}, ${plural(history.length, "epoch")} with ${engine}, in ${formatDuration(seconds)}`,
    ...(validation ? [`Kept epoch ${bestEpoch}. Validation: ${describeMetrics(validation)}`] : []),
    ...(test ? [`Test fold ${args["test-fold"]}: ${describeMetrics(test)}`] : []),
    ...(threshold
      ? [
          `Pairs that score ${threshold.score.toPrecision(3)} or more are marked: precision ${threshold.precision.toFixed(2)} on validation pairs`,
        ]
      : []),
    ...(mirrorsDropped.test + mirrorsDropped.validation > 0
      ? [
          `Left out of training: ${plural(mirrorsDropped.test + mirrorsDropped.validation, "pair")} whose mirror is tested or validated`,
        ]
      : []),
    ...(leftOut > 0 ? [`In no part, because they share a gene with both: ${plural(leftOut, "pair")}`] : []),
    ...(labels && labels.duplicatesMerged > 0
      ? [`Listed more than once: ${plural(labels.duplicatesMerged, "pair")}`]
      : []),
    ...(labels && labels.contradictionsLeftOut > 0
      ? [`Left out, because the file contradicts itself: ${plural(labels.contradictionsLeftOut, "pair")}`]
      : []),
    ...(negatives
      ? [`Negatives: ${formatCount(negatives.drawn)} drawn of ${formatCount(negatives.asked)} asked for`]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}

function describeMetrics(metrics: PairMetrics): string {
  const { auroc, aurocPerRegulator, regulators, auprc, positives, pairs, directionAuroc } = metrics;
  const each =
    regulators > 0 ? `, mean of ${plural(regulators, "regulator")} ${aurocPerRegulator.toFixed(3)}` : "";
  const direction = directionAuroc === undefined ? "" : `, direction ${directionAuroc.toFixed(3)}`;
  return `AUROC ${auroc.toFixed(3)}${each}${direction}, AUPRC ${auprc.toFixed(3)} (${formatCount(positives)} of ${formatCount(pairs)} pairs interact)`;
}

function summaryJson(args: Arguments, trained: TrainedModel, seconds: number): string {
  const { content, engine, bestEpoch, history, stoppedEarly, prepared } = trained;
  const summary = {
    output: args.output,
    engine,
    bestEpoch,
    stoppedEarly,
    seconds,
    history,
    report: prepared.report,
    ...content.info,
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}
