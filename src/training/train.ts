import { CnncError } from "../errors.js";
import { auroc } from "../metrics/index.js";
import type { TrainEngine } from "../model/index.js";
import { CLASSES, classWeights, type Task } from "../pairs/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import {
  type Checkpoint,
  type EpochRecord,
  type LearningRate,
  type ValidationMetrics,
  writeCheckpoint,
} from "./checkpoint.js";
import { type EpochOptions, type EpochRows, epochRows } from "./epoch-rows.js";
import { learningRate, type Schedule } from "./schedule.js";
import type { TrainingImages } from "./training-images.js";

export interface TrainingSettings extends EpochOptions {
  readonly epochs: number;
  readonly batchSize: number;
  readonly schedule: Schedule;
  /** The highest rate of the schedule. */
  readonly learningRate: number;
  /** Weigh the classes of an epoch alike in the loss, however many pairs each has. */
  readonly balanceClasses: boolean;
  /** Stop when validation has not become better for so many epochs. */
  readonly patience?: number;
}

export interface TrainingOptions {
  readonly engine: TrainEngine;
  readonly images: TrainingImages;
  /** Whether the engine holds the histograms of `images`, so that a step need only name them. */
  readonly held?: boolean;
  /** Class of every pair of `images`. */
  readonly labels: Uint8Array;
  readonly training: Uint32Array;
  /** May be empty; then the last epoch is the best. */
  readonly validation: Uint32Array;
  readonly settings: TrainingSettings;
  /** Where to leave a checkpoint after each epoch, and what it says of the training. */
  readonly checkpoint?: { readonly path: string; readonly fingerprint: string };
  /** Goes on from here. */
  readonly resume?: Checkpoint;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  /** @param epochs that there will be at most */
  readonly onEpoch?: (record: EpochRecord, epochs: number) => void;
}

export interface TrainingResult {
  /** Weights of the best epoch, by validation AUROC; of the last one without validation. */
  readonly parameters: Float32Array;
  readonly bestEpoch: number;
  readonly history: readonly EpochRecord[];
  /** As in Checkpoint. */
  readonly learningRates: readonly LearningRate[];
  readonly stoppedEarly: boolean;
}

/**
 * Trains a network. With the same engine, images, rows and settings the result is the same, bit by bit, whether or
 * not the training was stopped and resumed. It may be resumed with another learning rate.
 *
 * @throws CnncError `LOSS_NOT_FINITE` (the checkpoint of the last good epoch stays), `CANCELLED`, those of
 *   writeCheckpoint and of the engine.
 */
export async function trainNetwork(options: TrainingOptions): Promise<TrainingResult> {
  const { engine, settings, validation, resume, signal, onEpoch, checkpoint } = options;
  const history: EpochRecord[] = [...(resume?.history ?? [])];
  const learningRates = [...(resume?.learningRates ?? [])];
  if (resume) {
    await engine.setParameters(resume.parameters);
    await engine.setState(resume.state);
  }
  let best = resume?.best ?? { epoch: 0, parameters: await engine.parameters() };
  const score = (epoch: number) => history[epoch - 1]?.validation?.auroc ?? Number.NEGATIVE_INFINITY;
  const patience = settings.patience ?? Number.POSITIVE_INFINITY;
  const finished = () => validation.length > 0 && history.length - best.epoch >= patience;

  while (history.length < settings.epochs && !finished()) {
    throwIfAborted(signal);
    const started = performance.now();
    const epoch = history.length + 1;
    if (learningRates.at(-1)?.learningRate !== settings.learningRate) {
      learningRates.push({ fromEpoch: epoch, learningRate: settings.learningRate });
    }
    const { loss, rate } = await runEpoch(epoch, options);
    const parameters = await engine.parameters();
    // The last step's loss tells nothing of what the step made of the weights.
    if (!parameters.every(Number.isFinite)) {
      throw notFinite(
        `The weights are no longer finite numbers after the last batch of epoch ${epoch}`,
        epoch,
        options,
      );
    }
    const measured = validation.length > 0 ? await validate(options) : undefined;
    const record: EpochRecord = {
      epoch,
      loss,
      learningRate: rate,
      ...(measured && { validation: measured }),
      seconds: (performance.now() - started) / 1000,
    };
    history.push(record);
    if (validation.length === 0 || !(score(epoch) <= score(best.epoch))) best = { epoch, parameters };
    if (checkpoint) {
      const state = await engine.state();
      const { fingerprint } = checkpoint;
      const whole = { fingerprint, history, learningRates, parameters, state, best };
      await writeCheckpoint(checkpoint.path, whole);
    }
    onEpoch?.(record, settings.epochs);
  }
  return {
    parameters: best.parameters,
    bestEpoch: best.epoch,
    history,
    learningRates,
    stoppedEarly: history.length < settings.epochs,
  };
}

async function runEpoch(epoch: number, options: TrainingOptions): Promise<{ loss: number; rate: number }> {
  const { labels, training, settings, signal, onProgress } = options;
  const { batchSize, epochs } = settings;
  const resumed = options.resume?.history.length ?? 0;
  const shown = epochRows(training, labels, epoch, settings);
  const weightOf = weightsOf(shown.classes, settings);
  const count = shown.rows.length;
  const stepsPerEpoch = Math.ceil(count / batchSize);
  let sum = 0;
  let rate = 0;
  let ahead = stepOn(options, shown, 0, batchSize);
  for (let step = 0; step < stepsPerEpoch; step++) {
    throwIfAborted(signal);
    const first = step * batchSize;
    const end = Math.min(count, first + batchSize);
    const batch = await ahead;
    rate = learningRate(
      settings.schedule,
      settings.learningRate,
      (epoch - 1) * stepsPerEpoch + step,
      epochs * stepsPerEpoch,
    );
    const targets = shown.classes.slice(first, end);
    const weights = Float32Array.from(targets, (target) => weightOf[target]);
    const running = batch(targets, weights, rate);
    // The next images are made while the engine works on these.
    if (end < count) ahead = stepOn(options, shown, end, batchSize);
    ahead.catch(() => {});
    const loss = await running;
    if (!Number.isFinite(loss)) {
      const place = `epoch ${epoch}, batch ${step + 1} of ${stepsPerEpoch}`;
      throw notFinite(`The loss is no longer a finite number in ${place}`, epoch, options);
    }
    sum += loss * targets.length;
    onProgress?.({
      phase: "Training",
      done: (epoch - 1 - resumed) * count + end,
      total: (epochs - resumed) * count,
      unit: "pairs",
    });
  }
  return { loss: sum / count, rate };
}

function notFinite(what: string, epoch: number, { checkpoint }: TrainingOptions): CnncError {
  return new CnncError(
    "LOSS_NOT_FINITE",
    `${what}.`,
    checkpoint !== undefined && epoch > 1
      ? `Go on from epoch ${epoch - 1} with --resume and a lower --learning-rate, or delete ${checkpoint.path} and start again.`
      : "Lower --learning-rate.",
  );
}

type Step = (targets: Uint8Array, weights: Float32Array, learningRate: number) => Promise<number>;

/** Makes a step ready: with its images, or, where the engine holds all histograms, with their rows. */
async function stepOn(
  { engine, images, held }: TrainingOptions,
  shown: EpochRows,
  first: number,
  size: number,
): Promise<Step> {
  const rows = shown.rows.slice(first, first + size);
  const swapped = shown.swapped.slice(first, first + size);
  if (held && engine.stepHeld) {
    const { stepHeld } = engine;
    return (targets, weights, rate) => stepHeld({ rows, swapped, targets, weights }, rate);
  }
  const made = await images.images(rows, swapped);
  return (targets, weights, rate) => engine.step({ images: made, targets, weights }, rate);
}

function weightsOf(classes: Uint8Array, { task, balanceClasses }: TrainingSettings): Float64Array {
  const count = CLASSES[task];
  return balanceClasses ? classWeights(classes, count) : new Float64Array(count).fill(1);
}

/** Pairs asked about at once. */
const PREDICT_BATCH = 1024;

/**
 * rows.length x outputs probabilities of pairs in their own order.
 *
 * @throws CnncError `CANCELLED`
 */
export async function predictRows(
  { engine, images, signal }: Pick<TrainingOptions, "engine" | "images" | "signal">,
  rows: Uint32Array,
): Promise<Float32Array> {
  let result: Float32Array | undefined;
  for (let first = 0; first < rows.length; first += PREDICT_BATCH) {
    throwIfAborted(signal);
    const part = rows.slice(first, first + PREDICT_BATCH);
    const probabilities = await engine.predict(await images.images(part, new Uint8Array(part.length)));
    const outputs = probabilities.length / part.length;
    result ??= new Float32Array(rows.length * outputs);
    result.set(probabilities, first * outputs);
  }
  return result ?? new Float32Array(0);
}

/** Probability that there is an interaction, in either direction. */
export function interactionScores(probabilities: Float32Array, task: Task): Float64Array {
  if (task === "interaction") return Float64Array.from(probabilities);
  return Float64Array.from({ length: probabilities.length / 3 }, (_, i) => 1 - probabilities[3 * i]);
}

async function validate(options: TrainingOptions): Promise<ValidationMetrics> {
  const { labels, validation, settings } = options;
  const probabilities = await predictRows(options, validation);
  return validationMetrics(
    probabilities,
    Uint8Array.from(validation, (row) => labels[row]),
    settings.task,
  );
}

const SMALLEST_PROBABILITY = 1e-7;

/** @param classes class of each image of which `probabilities` has 1 (interaction) or 3 (causality) numbers */
export function validationMetrics(
  probabilities: Float32Array,
  classes: Uint8Array,
  task: Task,
): ValidationMetrics {
  const ofClass = (i: number, label: number) => {
    if (task === "causality") return probabilities[3 * i + label];
    return label === 1 ? probabilities[i] : 1 - probabilities[i];
  };
  let loss = 0;
  classes.forEach((label, i) => {
    loss -= Math.log(Math.max(SMALLEST_PROBABILITY, ofClass(i, label))) / classes.length;
  });
  const scores = interactionScores(probabilities, task);
  const positive = Uint8Array.from(classes, (label) => (label === 0 ? 0 : 1));
  const result = { loss, auroc: auroc(scores, positive) };
  if (task === "interaction") return result;
  const directed = Array.from(classes.keys()).filter((i) => classes[i] !== 0);
  const directionAuroc = auroc(
    Float64Array.from(directed, (i) => ofClass(i, 1) - ofClass(i, 2)),
    Uint8Array.from(directed, (i) => (classes[i] === 1 ? 1 : 0)),
  );
  return Number.isNaN(directionAuroc) ? result : { ...result, directionAuroc };
}
