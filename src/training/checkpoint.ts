import { readFile, rename, writeFile } from "node:fs/promises";
import { CnncError } from "../errors.js";
import { guardWrites } from "../io/index.js";
import type { EngineState } from "../model/index.js";

/** Everything that a training needs to go on as if it had never stopped. */
export interface Checkpoint {
  /** Says which training it belongs to: settings and data. */
  readonly fingerprint: string;
  /** Finished epochs, and what was measured in each. */
  readonly history: readonly EpochRecord[];
  readonly parameters: Float32Array;
  readonly state: EngineState;
  /** The best epoch so far, by validation. */
  readonly best: { readonly epoch: number; readonly parameters: Float32Array };
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
  /** For `causality`: which direction, among pairs with one; NaN where only one occurs. */
  readonly directionAuroc?: number;
}

const MAGIC = "CNNC checkpoint 1\n";

/** Writes a checkpoint in place of the one before, never leaving half of one. */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const { parameters, state, best, ...rest } = checkpoint;
  const arrays = [parameters, state.first, state.second, best.parameters];
  const header = JSON.stringify({
    ...rest,
    steps: state.steps,
    bestEpoch: best.epoch,
    lengths: arrays.map(({ length }) => length),
  });
  const text = Buffer.from(`${MAGIC}${header}\n`);
  const bytes = arrays.map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const temporary = `${path}.partial-${process.pid}`;
  await guardWrites(path, async () => {
    await writeFile(temporary, Buffer.concat([text, ...bytes]));
    await rename(temporary, path);
  });
}

/** @throws CnncError `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_DAMAGED`, `CHECKPOINT_FOREIGN` if it is of another training. */
export async function readCheckpoint(path: string, fingerprint: string): Promise<Checkpoint> {
  const content = await readFile(path).catch((cause: unknown) => {
    throw new CnncError(
      "CHECKPOINT_NOT_FOUND",
      `There is no training to resume: ${path} cannot be read.`,
      "Start without --resume.",
      { cause },
    );
  });
  const damaged = () =>
    new CnncError("CHECKPOINT_DAMAGED", `${path} is not a whole checkpoint.`, "Start without --resume.");
  if (content.toString("latin1", 0, MAGIC.length) !== MAGIC) throw damaged();
  const end = content.indexOf("\n", MAGIC.length);
  let header: {
    fingerprint: string;
    history: EpochRecord[];
    steps: number;
    bestEpoch: number;
    lengths: number[];
  };
  try {
    header = JSON.parse(content.toString("utf8", MAGIC.length, end));
  } catch {
    throw damaged();
  }
  if (header.fingerprint !== fingerprint) {
    throw new CnncError(
      "CHECKPOINT_FOREIGN",
      `${path} belongs to a training with other data or settings.`,
      "Resume with the command line that it was started with, or start without --resume.",
    );
  }
  let offset = end + 1;
  const arrays = header.lengths.map((length) => {
    const array = new Float32Array(length);
    if (offset + array.byteLength > content.length) throw damaged();
    new Uint8Array(array.buffer).set(content.subarray(offset, offset + array.byteLength));
    offset += array.byteLength;
    return array;
  });
  const [parameters, first, second, bestParameters] = arrays;
  return {
    fingerprint,
    history: header.history,
    parameters,
    state: { steps: header.steps, first, second },
    best: { epoch: header.bestEpoch, parameters: bestParameters },
  };
}
