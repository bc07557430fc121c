import { setImmediate as afterEvents } from "node:timers/promises";
import type { Tensor } from "@tensorflow/tfjs-core";
import { countArray, fillHistograms, IMAGE_SIZE } from "../histograms/index.js";
import {
  type LoadedModel,
  loadTfjs,
  type StoredModel,
  setFlatParameters,
  type TfjsOptions,
} from "../model/index.js";
import { addon } from "../native/addon.js";
import type { CountArray } from "../native/addon-types.js";
import { throwIfAborted } from "../progress.js";
import type { Scorer } from "./scorer.js";

export interface TfjsScorerOptions extends Pick<TfjsOptions, "onProblem"> {
  /** Of the histograms. */
  readonly threads: number;
}

/** Images at once: the cpu backend blocks the event loop with them, and shows the largest network ten a second. */
const IMAGES_PLAIN = 4;
const IMAGES_ACCELERATED = 256;

/** Scores in TensorFlow.js, whatever layers the model has: accelerated where such a package is installed. */
export async function createTfjsScorer(
  stored: LoadedModel | StoredModel,
  { threads, onProblem }: TfjsScorerOptions,
): Promise<Scorer> {
  const tfjs = await loadTfjs({ accelerated: true, ...(onProblem && { onProblem }) });
  const { core } = tfjs;
  const { parameters, info } = stored;
  const model = "model" in stored ? stored.model : await stored.layersModel();
  // A deep copy of the description: TensorFlow.js uses up parts of what it reads a model from.
  const copy = await tfjs.layers.models.modelFromJSON(JSON.parse(model.toJSON() as string));
  setFlatParameters(tfjs, copy, parameters);
  const kinds = info.images;
  const outputs = copy.outputs[0].shape.at(-1) as number;
  const imagesAtOnce = tfjs.backend === "cpu" ? IMAGES_PLAIN : IMAGES_ACCELERATED;

  async function scoreCounts(
    counts: CountArray,
    cells: number,
    both: boolean,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const perPair = both ? 2 : 1;
    const shown = (counts.length / IMAGE_SIZE) * perPair;
    const probabilities = new Float32Array(shown * outputs);
    for (let first = 0; first < shown; first += imagesAtOnce) {
      await afterEvents();
      throwIfAborted(signal);
      const length = Math.min(imagesAtOnce, shown - first);
      const rows = Uint32Array.from({ length }, (_, i) => Math.floor((first + i) / perPair));
      const swapped = Uint8Array.from({ length }, (_, i) => (first + i) % perPair);
      const images = new Float32Array(length * IMAGE_SIZE * kinds.length);
      addon().buildImages(counts, cells, kinds, rows, swapped, images);
      const answer = core.tidy(
        () =>
          copy.apply(core.tensor4d(images, [length, 32, 32, kinds.length]), { training: false }) as Tensor,
      );
      probabilities.set((await answer.data()) as Float32Array, first * outputs);
      answer.dispose();
    }
    return probabilities;
  }

  return {
    name: `tfjs (${tfjs.backend})`,
    precision: "f32",
    outputs,
    batchSize: 8 * imagesAtOnce,
    scoreCounts,
    async score(store, a, b, both, signal) {
      const counts = countArray(store.cells, a.length * IMAGE_SIZE);
      await fillHistograms(store, { a, b }, counts, { device: "cpu", threads, ...(signal && { signal }) });
      return scoreCounts(counts, store.cells, both, signal);
    },
    close: () => copy.dispose(),
  };
}
