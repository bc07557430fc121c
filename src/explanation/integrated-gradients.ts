import { IMAGE_SIZE } from "../histograms/index.js";
import type { Differentiable } from "../model/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import { type ExplainedOutput, outputSlopes } from "./explained-output.js";
import type { PairInput } from "./pair-input.js";

export interface AttributionOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface Attribution {
  /** 32 x 32 (row = bin of gene b): what each bin adds to the explained number. */
  readonly values: Float64Array;
  /** Points on the way from the baseline to the image at which the derivative was taken. */
  readonly steps: number;
  /** How far the attributions' sum is from what they must sum to, in log-odds. */
  readonly error: number;
}

const FIRST_STEPS = 64;
const MOST_STEPS = 512;
/** What the error may be of the change to be explained, or of `SMALL_CHANGE` where that is larger. */
const TOLERANCE = 0.01;
/** In log-odds: what is smaller needs no more exactness than this. */
const SMALL_CHANGE = 0.1;
/** Images of one call: a call cannot be stopped. */
const PART = 32;

/**
 * Integrated gradients (Sundararajan, Taly & Yan 2017, arXiv 1703.01365): how much each bin adds to a network's answer
 * when the image of independence turns step by step into the image of the pair. At each of the steps the derivative of
 * the answer by each value of the image is taken; its mean over the steps, times what the value changes by from start to
 * end, is the value's attribution, and a bin's is the sum over its channels.
 *
 * Attributions are complete: they sum to the answer for the image less the answer for the baseline. With finitely many
 * steps that is nearly so, and the steps are doubled, from 64 up to 512, until the sum is off by less than 1 % of that
 * difference (or by less than 0.001 log-odds).
 *
 * The method needs a baseline that stands for "nothing to see". A black image, the usual one, is no such thing here:
 * it would be a pair without cells, which no network has been shown, and most of what it explains would be the two
 * genes' own distributions. The image of independence keeps these, so the attributions tell what would be lost if the
 * two genes had nothing to do with each other; a channel of margins never changes and gets none.
 *
 * @param change what the attributions must sum to
 */
export async function integratedGradients(
  network: Differentiable,
  input: PairInput,
  output: ExplainedOutput,
  change: number,
  { signal, onProgress }: AttributionOptions = {},
): Promise<Attribution> {
  for (let steps = FIRST_STEPS; ; steps *= 2) {
    const sums = new Float64Array(input.image.length);
    for (let first = 0; first < steps; first += PART) {
      throwIfAborted(signal);
      const slopes = await slopesBetween(network, input, output, { steps, first, count: PART });
      slopes.forEach((slope, i) => {
        sums[i % sums.length] += slope / steps;
      });
      onProgress?.({ phase: "Explaining", done: first + PART, total: steps, unit: "steps" });
    }
    const values = perBin(input, sums);
    const error = Math.abs(values.reduce((sum, value) => sum + value, 0) - change);
    if (steps >= MOST_STEPS || isComplete(error, change)) return { values, steps, error };
  }
}

/** Whether the error of attributions is small enough. */
export const isComplete = (error: number, change: number): boolean =>
  error <= TOLERANCE * Math.max(Math.abs(change), SMALL_CHANGE);

/** Derivatives of the explained number by all values of the images in the middle of some steps, end to end. */
async function slopesBetween(
  network: Differentiable,
  { image, baseline }: PairInput,
  output: ExplainedOutput,
  { steps, first, count }: { readonly steps: number; readonly first: number; readonly count: number },
): Promise<Float64Array> {
  const size = image.length;
  const images = new Float32Array(count * size);
  for (let k = 0; k < count; k++) {
    const share = (first + k + 0.5) / steps;
    for (let i = 0; i < size; i++) images[k * size + i] = baseline[i] + share * (image[i] - baseline[i]);
  }
  const logits = await network.logits(images);
  const outputs = logits.length / count;
  const weights = Array.from({ length: count }, (_, k) =>
    outputSlopes(output, logits.subarray(k * outputs, (k + 1) * outputs)),
  );
  const slopes = new Float64Array(images.length);
  for (let one = 0; one < outputs; one++) {
    if (weights.every((ofImage) => ofImage[one] === 0)) continue;
    const gradient = await network.inputGradient(images, one);
    gradient.forEach((value, i) => {
      slopes[i] += weights[Math.floor(i / size)][one] * value;
    });
  }
  return slopes;
}

function perBin({ image, baseline, channels }: PairInput, meanSlopes: Float64Array): Float64Array {
  const values = new Float64Array(IMAGE_SIZE);
  meanSlopes.forEach((slope, i) => {
    values[Math.floor(i / channels)] += slope * (image[i] - baseline[i]);
  });
  return values;
}
