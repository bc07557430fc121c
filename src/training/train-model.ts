import { createHash } from "node:crypto";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { CnncError } from "../errors.js";
import type { HistogramSession } from "../histograms/index.js";
import {
  type Architecture,
  buildModel,
  CLASS_NAMES,
  deviceFor,
  digestNames,
  type EngineChoice,
  flatParameters,
  type ImageKind,
  loadTfjs,
  type ModelContent,
  type ModelFacts,
  type Optimizer,
  setFlatParameters,
} from "../model/index.js";
import type { Precision } from "../native/addon-types.js";
import { type DeviceChoice, resolveThreads } from "../native/device.js";
import type { PairFile } from "../pairs/index.js";
import type { ProgressListener } from "../progress.js";
import { VERSION } from "../version.js";
import { type Checkpoint, readCheckpoint, requireNoCheckpoint } from "./checkpoint.js";
import { createEngine } from "./create-engine.js";
import { epochRows } from "./epoch-rows.js";
import { type PairMetrics, pairMetrics, suggestedThreshold } from "./evaluation.js";
import { type PreparationOptions, type PreparedPairs, preparePairs } from "./prepare-pairs.js";
import { scaleChannels } from "./scale-channels.js";
import { type Schedule, usualEpochs } from "./schedule.js";
import {
  predictRows,
  type TrainingOptions,
  type TrainingResult,
  type TrainingSettings,
  trainNetwork,
} from "./train.js";
import { trainingImages } from "./training-images.js";

export interface TrainModelOptions extends PreparationOptions {
  /** That of `initial`, where there is one. */
  readonly architecture: Architecture;
  readonly images: readonly ImageKind[];
  readonly optimizer: Optimizer;
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Default: usualEpochs. */
  readonly epochs?: number;
  readonly batchSize: number;
  readonly balanceClasses: boolean;
  readonly patience?: number;
  /** Show swapped pairs, too. Default: for causality. */
  readonly swap?: boolean;
  readonly negativesPerPositive?: number;
  /** Lets every image kind matter alike at the start, see scaleChannels; not where there is `initial`. Default: no. */
  readonly scaleChannels?: boolean;
  /** A model to start from, instead of random weights. */
  readonly initial?: ModelContent;
  readonly engine: EngineChoice;
  readonly precision: Precision;
  /** Default `cpu`. */
  readonly device?: DeviceChoice;
  readonly threads?: number;
  /** See ImageOptions.cacheBytes. */
  readonly cacheBytes: number;
  /** File of the checkpoint. */
  readonly checkpoint?: string;
  readonly resume?: boolean;
  /**
   * Asked before a training that will take long in plain TensorFlow.js.
   *
   * @returns whether to go on
   */
  readonly confirmSlow?: (seconds: number) => boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  readonly onEpoch?: TrainingOptions["onEpoch"];
  readonly onNotice?: (line: string) => void;
}

export interface TrainedModel extends TrainingResult {
  readonly content: ModelContent;
  readonly engine: string;
  readonly prepared: PreparedPairs;
  /** Of the best epoch's weights. */
  readonly validation?: PairMetrics;
  readonly test?: PairMetrics;
}

/** A training in plain TensorFlow.js that takes longer than this asks first. */
const SLOW_SECONDS = 60;

/**
 * Trains a model on the labelled pairs of a file.
 *
 * @param session opened with the list `file`
 * @throws CnncError of preparePairs, createEngine, trainNetwork and readCheckpoint; `CHECKPOINT_EXISTS`,
 *   `MODEL_MISMATCH` for an initial model of another architecture, task or input; `TOO_SLOW`.
 */
export async function trainModel(
  session: HistogramSession,
  file: PairFile,
  options: TrainModelOptions,
): Promise<TrainedModel> {
  return trainPrepared(session, preparePairs(session, file, options), options);
}

/** {@link trainModel} on pairs that are split already. */
export async function trainPrepared(
  session: Pick<HistogramSession, "selection" | "store">,
  prepared: PreparedPairs,
  options: TrainModelOptions,
): Promise<TrainedModel> {
  const { checkpoint, signal, onProgress, onEpoch, onNotice, seed } = options;
  const { task, pairs, training, validation, test } = prepared;
  const model = await initialModel(options, task);
  const threads = resolveThreads(options.threads);
  const settings = settingsOf(options, prepared);
  const fingerprint = fingerprintOf(session, prepared, options, settings);
  const resume =
    options.resume && checkpoint !== undefined ? await readCheckpoint(checkpoint, fingerprint) : undefined;
  if (checkpoint !== undefined && resume === undefined) await requireNoCheckpoint(checkpoint);
  if (resume) tellOfOtherRate(resume, settings, onNotice);

  const images = await trainingImages(session.store, pairs, {
    kinds: options.images,
    device: "cpu",
    threads,
    cacheBytes: options.cacheBytes,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  if (options.scaleChannels && options.initial === undefined) await scaleChannels(model, images, training);
  const engine = await createEngine({
    engine: options.engine,
    model,
    optimizer: options.optimizer,
    precision: options.precision,
    ...(options.device !== undefined && { device: options.device }),
    threads,
    batchSize: options.batchSize,
    seed,
    ...(onNotice && { onNotice }),
  });
  try {
    if (engine.name === "tfjs (cpu)") await confirmSlow(engine, images, settings, prepared, options);
    if (images.counts) engine.hold?.(images.counts, session.store.cells, options.images);
    const result = await trainNetwork({
      engine,
      images,
      held: images.counts !== undefined,
      labels: pairs.labels,
      training,
      validation,
      settings,
      ...(checkpoint !== undefined && { checkpoint: { path: checkpoint, fingerprint } }),
      ...(resume && { resume }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
      ...(onEpoch && { onEpoch }),
    });
    await engine.setParameters(result.parameters);
    const asking = { engine, images, ...(signal && { signal }) };
    const measure = async (rows: Uint32Array) => {
      const probabilities = await predictRows(asking, rows);
      return { probabilities, metrics: pairMetrics(pairs, rows, probabilities, task) };
    };
    const validated = validation.length > 0 ? await measure(validation) : undefined;
    const tested = test.length > 0 ? await measure(test) : undefined;
    const threshold =
      validated && suggestedThreshold(pairs.labels, validation, validated.probabilities, task);
    setFlatParameters(await loadTfjs(), model, result.parameters);
    const facts = factsOf(session, prepared, options, settings, result, {
      ...(validated && { validation: validated.metrics }),
      ...(tested && { test: tested.metrics }),
    });
    return {
      ...result,
      content: { model, info: { ...facts, ...(threshold && { threshold }) } },
      engine: engine.name,
      prepared,
      ...(validated && { validation: validated.metrics }),
      ...(tested && { test: tested.metrics }),
    };
  } finally {
    engine.close();
  }
}

async function initialModel(options: TrainModelOptions, task: PreparedPairs["task"]): Promise<LayersModel> {
  const { architecture, images, seed, initial } = options;
  if (initial === undefined) return buildModel(architecture, { task, channels: images.length, seed });
  const { info, model, parameters } = initial;
  const describe = (...[architecture, task, images]: [string, string, readonly string[]]) =>
    `${architecture} for ${task} with images ${images.join("+")}`;
  const given = describe(info.architecture, info.task, info.images);
  const asked = describe(architecture, task, images);
  if (given !== asked) {
    throw new CnncError(
      "MODEL_MISMATCH",
      `The model to start from is ${given}; this training asks for ${asked}.`,
      "Choose another --init, or leave out --architecture, --task and --image.",
    );
  }
  if (parameters) setFlatParameters(await loadTfjs(), model, parameters);
  return model;
}

function settingsOf(options: TrainModelOptions, { task, pairs, training }: PreparedPairs): TrainingSettings {
  const { batchSize, schedule, learningRate, balanceClasses, patience, seed } = options;
  const { negativesPerPositive } = options;
  const showing = {
    task,
    seed,
    swap: options.swap ?? task === "causality",
    ...(negativesPerPositive !== undefined && { negativesPerPositive }),
  };
  const pairsPerEpoch = () => epochRows(training, pairs.labels, 1, showing).rows.length;
  return {
    ...showing,
    epochs: options.epochs ?? usualEpochs(pairsPerEpoch(), batchSize),
    batchSize,
    schedule,
    learningRate,
    balanceClasses,
    ...(patience !== undefined && { patience }),
  };
}

/** Changes with everything that decides the weights, but the learning rate: a training may go on with another. */
function fingerprintOf(
  { selection, store }: Pick<HistogramSession, "selection" | "store">,
  { pairs, training, validation }: PreparedPairs,
  { architecture, images, optimizer, precision, engine, device, initial, scaleChannels }: TrainModelOptions,
  { learningRate: _, ...settings }: TrainingSettings,
): string {
  const hash = createHash("sha256");
  hash.update(
    JSON.stringify({
      ...{ VERSION, architecture, images, optimizer, precision, engine, settings },
      device: deviceFor(engine, device ?? "cpu"),
      scaleChannels: scaleChannels ?? false,
    }),
  );
  hash.update(JSON.stringify([selection.scale.name, selection.transform, store.cells, store.geneNames]));
  for (const array of [store.edges, store.marginal, pairs.a, pairs.b, pairs.labels, training, validation])
    hash.update(array);
  if (initial) hash.update(initial.parameters ?? flatParameters(initial.model));
  return hash.digest("hex");
}

function tellOfOtherRate(
  { history, learningRates }: Checkpoint,
  { learningRate, epochs }: TrainingSettings,
  onNotice: TrainModelOptions["onNotice"],
): void {
  const before = learningRates.at(-1)?.learningRate;
  if (before === learningRate || history.length >= epochs) return;
  onNotice?.(
    `The learning rate was ${before} up to epoch ${history.length}, and is ${learningRate} from here on.`,
  );
}

async function confirmSlow(
  engine: Awaited<ReturnType<typeof createEngine>>,
  images: Awaited<ReturnType<typeof trainingImages>>,
  settings: TrainingSettings,
  { pairs, training }: PreparedPairs,
  { confirmSlow }: TrainModelOptions,
): Promise<void> {
  const rows = training.slice(0, 4);
  const started = performance.now();
  await engine.gradients({
    images: await images.images(rows, new Uint8Array(rows.length)),
    targets: Uint8Array.from(rows, (row) => pairs.labels[row]),
    weights: new Float32Array(rows.length).fill(1),
  });
  const each = (performance.now() - started) / 1000 / rows.length;
  const seconds = each * training.length * settings.epochs;
  if (seconds < SLOW_SECONDS || confirmSlow?.(seconds)) return;
  throw new CnncError(
    "TOO_SLOW",
    `This training would take about ${Math.ceil(seconds / 60)} minutes in TensorFlow.js' plain cpu backend.`,
    "Run npm run setup to build with oneDNN, install @tensorflow/tfjs-node, or add --yes to wait.",
  );
}

function factsOf(
  session: Pick<HistogramSession, "selection" | "store">,
  { task, pairs, training, validation, test, report }: PreparedPairs,
  options: TrainModelOptions,
  settings: TrainingSettings,
  result: TrainingResult,
  metrics: Record<string, PairMetrics>,
): ModelFacts {
  const { selection, store } = session;
  const genes = new Set([...pairs.a, ...pairs.b]);
  return {
    task,
    architecture: options.architecture,
    images: options.images,
    scale: selection.scale.name,
    ...(selection.scale.name === "log1p" && { logBase: selection.scale.logBase }),
    transform: selection.transform,
    bins: 32,
    classes: CLASS_NAMES[task],
    genes: digestNames([...genes].map((gene) => store.geneNames[gene])),
    cellCount: store.cells,
    split: {
      rule: options.split,
      seed: options.seed,
      validationShare: options.validationShare,
      ...(options.test && { testColumn: options.test.column, testFold: options.test.fold }),
      trainingPairs: training.length,
      validationPairs: validation.length,
      testPairs: test.length,
      mirrorsDropped: report.mirrorsDropped,
    },
    seed: options.seed,
    versions: { cnnc: VERSION, node: process.versions.node },
    training: {
      ...settings,
      // That of the last epoch; all are listed where there were several.
      learningRate: result.learningRates.at(-1)?.learningRate ?? settings.learningRate,
      ...(result.learningRates.length > 1 && { learningRates: result.learningRates }),
      optimizer: options.optimizer,
      precision: options.precision,
      scaleChannels: options.scaleChannels ?? false,
      epochsRun: result.history.length,
      bestEpoch: result.bestEpoch,
    },
    metrics,
  };
}
