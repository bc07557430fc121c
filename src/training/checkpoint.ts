import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { CnncError } from "../errors.js";
import { guardWrites, writeWhole } from "../io/index.js";
import type { EngineState } from "../model/index.js";

/** Everything that a training needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Says which training it belongs to: data, and all settings but the learning rate. */
  readonly fingerprint: string;
  /** Finished epochs, and what was measured in each. */
  readonly history: readonly EpochRecord[];
  readonly parameters: Float32Array;
  readonly state: EngineState;
  /** The highest rates of the schedule that were asked for: one, and another for every resumption with another. */
  readonly learningRates: readonly LearningRate[];
  /** The best epoch so far, by validation. */
  readonly best: { readonly epoch: number; readonly parameters: Float32Array };
}

/** A highest learning rate, and the epoch from which on it was the schedule's. */
export interface LearningRate {
  readonly fromEpoch: number;
  readonly learningRate: number;
}

/** What an epoch brought. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean over the epoch's steps, while the weights changed. */
  readonly loss: number;
  readonly learningRate: number;
  /** Of the validation pairs; absent without any. */
  readonly validation?: ValidationMetrics;
  readonly seconds: number;
}

/** Measured on validation pairs. */
export interface ValidationMetrics {
  /** Mean cross-entropy, unweighted. */
  readonly loss: number;
  /** Interaction (either direction) against none. */
  readonly auroc: number;
  /** For `causality`: which direction, among pairs with one; absent where only one occurs. */
  readonly directionAuroc?: number;
}

/**
 * A checkpoint's file: MAGIC, then the SHA-256 of all that follows and a line feed; a header, which is one line of
 * JSON; the four arrays of weights as float32, in the machine's own byte order.
 */
const MAGIC = "CNNC checkpoint 1\n";
/** Hexadecimal, with a line feed. */
const DIGEST_LENGTH = 65;

interface Header {
  readonly fingerprint: string;
  readonly history: readonly EpochRecord[];
  readonly learningRates: readonly LearningRate[];
  readonly steps: number;
  readonly bestEpoch: number;
  /** Of the arrays: parameters, the two of the state, the best parameters. */
  readonly lengths: readonly number[];
}

/**
 * Writes a checkpoint in place of the one before, never leaving half of one.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { fingerprint, history, learningRates, parameters, state, best } = checkpoint;
  const arrays = [parameters, state.first, state.second, best.parameters];
  const header: Header = {
    fingerprint,
    history,
    learningRates,
    steps: state.steps,
    bestEpoch: best.epoch,
    lengths: arrays.map(({ length }) => length),
  };
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify(header)}\n`),
    ...arrays.map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength)),
  ]);
  const start = Buffer.from(`${MAGIC}${digestOf(body)}\n`);
  await guardWrites(path, () =>
    writeWhole(path, (temporary) => writeFile(temporary, Buffer.concat([start, body]))),
  );
}

/**
 * @param fingerprint of the training that shall go on
 * @throws CnncError `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_DAMAGED`, `CHECKPOINT_FOREIGN` if it is of another training.
 */
export async function readCheckpoint(path: string, fingerprint: string): Promise<Checkpoint> {
  const content = await readFile(path).catch((cause: unknown) => {
    throw new CnncError(
      "CHECKPOINT_NOT_FOUND",
      `There is no training to resume: ${path} cannot be read.`,
      "Start without --resume.",
      { cause },
    );
  });
  const body = content.subarray(MAGIC.length + DIGEST_LENGTH);
  if (content.toString("latin1", 0, MAGIC.length + DIGEST_LENGTH) !== `${MAGIC}${digestOf(body)}\n`) {
    throw new CnncError(
      "CHECKPOINT_DAMAGED",
      `${path} is not a whole checkpoint.`,
      "Delete it and start without --resume.",
    );
  }
  const end = body.indexOf("\n");
  const header: Header = JSON.parse(body.toString("utf8", 0, end));
  if (header.fingerprint !== fingerprint) {
    throw new CnncError(
      "CHECKPOINT_FOREIGN",
      `${path} belongs to a training with other data or settings.`,
      "Resume with the command line that it was started with (only --learning-rate may differ), or delete it and start without --resume.",
    );
  }
  let offset = end + 1;
  const [parameters, first, second, bestParameters] = header.lengths.map((length) => {
    const array = new Float32Array(length);
    new Uint8Array(array.buffer).set(body.subarray(offset, offset + array.byteLength));
    offset += array.byteLength;
    return array;
  });
  return {
    fingerprint,
    history: header.history,
    learningRates: header.learningRates,
    parameters,
    state: { steps: header.steps, first, second },
    best: { epoch: header.bestEpoch, parameters: bestParameters },
  };
}

/** @throws CnncError `CHECKPOINT_EXISTS`: a new training would replace what is left of another. */
export async function requireNoCheckpoint(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) === undefined) return;
  throw new CnncError(
    "CHECKPOINT_EXISTS",
    `${path} is the checkpoint of a training that did not end.`,
    "Go on with --resume, or delete it.",
  );
}

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
