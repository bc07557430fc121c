import type { LayersModel } from "@tensorflow/tfjs-layers";
import { flatParameters, loadTfjs, setFlatParameters } from "../model/index.js";
import type { TrainingImages } from "./training-images.js";

/** Pairs that are looked at. */
const SAMPLE = 256;
/** About that of `nepdf`, which networks learn well from as they are. */
const USUAL_DEVIATION = 0.2;

/**
 * Multiplies the initial weights of an untrained model's first layer so that every image kind matters alike at the
 * start, however large its values are: a residual of a few thousand cells is a twentieth of the margins, and would
 * have to grow out of their shadow over thousands of steps.
 *
 * @param model its first weights are a kernel whose second to last axis holds the channels, or repeats them
 * @param rows the training pairs; a sample of them decides
 */
export async function scaleChannels(
  model: LayersModel,
  images: TrainingImages,
  rows: Uint32Array,
): Promise<void> {
  const channels = model.inputs[0].shape.at(-1) as number;
  const stride = Math.ceil(rows.length / SAMPLE);
  const sample = rows.filter((_, i) => i % stride === 0);
  const deviations = channelDeviations(await images.images(sample, new Uint8Array(sample.length)), channels);
  const kernel = model.weights[0].shape as number[];
  const outputs = kernel[kernel.length - 1];
  const size = kernel.reduce((product, length) => product * length, 1);
  const parameters = flatParameters(model);
  for (let i = 0; i < size; i++) {
    const deviation = deviations[Math.floor(i / outputs) % channels];
    if (deviation > 0) parameters[i] *= USUAL_DEVIATION / deviation;
  }
  setFlatParameters(await loadTfjs(), model, parameters);
}

/** Standard deviation of each channel over all pixels of all images. */
function channelDeviations(images: Float32Array, channels: number): number[] {
  const count = images.length / channels;
  return Array.from({ length: channels }, (_, channel) => {
    const mean = (measure: (value: number) => number) => {
      let sum = 0;
      for (let i = channel; i < images.length; i += channels) sum += measure(images[i]);
      return sum / count;
    };
    const average = mean((value) => value);
    return Math.sqrt(mean((value) => (value - average) ** 2));
  });
}
