import { IMAGE_SIZE } from "../histograms/index.js";
import { spearman } from "../metrics/index.js";
import type { Differentiable } from "../model/index.js";
import { throwIfAborted } from "../progress.js";
import { type ExplainedOutput, outputValue } from "./explained-output.js";
import type { PairInput } from "./pair-input.js";

/** Bins of a side of an occluded block. */
export const OCCLUSION_BLOCK = 4;
const SIDE = Math.sqrt(IMAGE_SIZE);
const BLOCKS = SIDE / OCCLUSION_BLOCK;
/** Images of one call: a call cannot be stopped. */
const PART = 16;

export interface Occlusion {
  /** Bins of a side of a block: 4. */
  readonly block: number;
  /**
   * 8 x 8 (row = block of gene b): the explained number of the image, less that of the image with independence in this
   * block. Positive where the block raises the number.
   */
  readonly changes: Float64Array;
  /**
   * Spearman's correlation of `changes` with the blocks' attributions, over the blocks that differ from independence;
   * NaN where fewer than 3 do or all are equal.
   */
  readonly agreement: number;
}

/**
 * Covers one block of 4 x 4 bins after the other by what independent genes with the same margins would have there, and
 * asks the network again. Cruder than gradients, as blocks that matter only together are missed, but free of their
 * assumptions: where both agree, an explanation is worth more.
 *
 * @param score the explained number of the whole image
 * @param attribution 32 x 32, to be compared with
 */
export async function occlude(
  network: Differentiable,
  input: PairInput,
  output: ExplainedOutput,
  score: number,
  attribution: Float64Array,
  signal?: AbortSignal,
): Promise<Occlusion> {
  const changes = new Float64Array(BLOCKS * BLOCKS);
  for (let first = 0; first < changes.length; first += PART) {
    throwIfAborted(signal);
    const images = new Float32Array(PART * input.image.length);
    for (let k = 0; k < PART; k++) images.set(occluded(input, first + k), k * input.image.length);
    const logits = await network.logits(images);
    const outputs = logits.length / PART;
    for (let k = 0; k < PART; k++) {
      changes[first + k] = score - outputValue(output, logits.subarray(k * outputs, (k + 1) * outputs));
    }
  }
  return { block: OCCLUSION_BLOCK, changes, agreement: agreement(input, changes, attribution) };
}

const blockOf = (bin: number) =>
  Math.floor(Math.floor(bin / SIDE) / OCCLUSION_BLOCK) * BLOCKS + Math.floor((bin % SIDE) / OCCLUSION_BLOCK);

function occluded({ image, baseline, channels }: PairInput, block: number): Float32Array {
  return image.map((value, i) => (blockOf(Math.floor(i / channels)) === block ? baseline[i] : value));
}

function agreement(input: PairInput, changes: Float64Array, attribution: Float64Array): number {
  const sums = new Float64Array(changes.length);
  attribution.forEach((value, bin) => {
    sums[blockOf(bin)] += value;
  });
  const differing = new Set<number>();
  input.image.forEach((value, i) => {
    if (value !== input.baseline[i]) differing.add(blockOf(Math.floor(i / input.channels)));
  });
  const pick = (values: Float64Array) => Float64Array.from(differing, (block) => values[block]);
  return differing.size < 3 ? Number.NaN : spearman(pick(changes), pick(sums));
}
