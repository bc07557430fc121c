import { expect, it } from "vitest";
import { ARCHITECTURES, buildModel, flatParameters } from "../../dist/model/index.js";
import { scaleChannels } from "../../dist/training/scale-channels.js";
import type { TrainingImages } from "../../dist/training/training-images.js";

/** Two channels: values of plus or minus 0.01 around 5, and plus or minus 0.4 around 0. */
const IMAGES: TrainingImages = {
  images: async (rows) =>
    Float32Array.from({ length: rows.length * 2048 }, (_, i) => {
      const sign = (i >> 1) % 2 === 0 ? 1 : -1;
      return i % 2 === 0 ? 5 + 0.01 * sign : 0.4 * sign;
    }),
};
const ROWS = Uint32Array.from({ length: 1000 }, (_, i) => i);

it.each(ARCHITECTURES)(
  "the first layer of %s takes both channels as if they deviated by 0.2",
  async (architecture) => {
    const model = await buildModel(architecture, {
      task: "interaction",
      channels: 2,
      seed: 1,
      widthDivisor: 8,
    });
    const before = flatParameters(model);
    await scaleChannels(model, IMAGES, ROWS);
    const after = flatParameters(model);
    const kernel = model.weights[0].shape as number[];
    const outputs = kernel[kernel.length - 1];
    const size = kernel.reduce((product, length) => product * length, 1);
    after.forEach((value, i) => {
      const channel = Math.floor(i / outputs) % 2;
      const factor = i >= size ? 1 : channel === 0 ? 20 : 0.5;
      expect(Math.abs(value - factor * before[i])).toBeLessThanOrEqual(1e-4 * Math.abs(factor * before[i]));
    });
  },
);

it("leaves a channel of one value as it is", async () => {
  const model = await buildModel("mlp", { task: "interaction", channels: 1, seed: 1 });
  const before = flatParameters(model);
  const blank: TrainingImages = {
    images: async (rows) => new Float32Array(1024 * rows.length),
  };
  await scaleChannels(model, blank, ROWS);
  expect(flatParameters(model)).toEqual(before);
});
