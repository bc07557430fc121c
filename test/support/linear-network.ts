import { type LoadedModel, loadTfjs } from "../../dist/model/index.js";
import type { Task } from "../../dist/pairs/index.js";

/** Weights of a network without a hidden layer, one list of 32 x 32 x channels for each output. */
export type LinearWeights = readonly Float32Array[];

/** A network whose outputs, before their sigmoid or softmax, are sums of the image's values times known weights. */
export async function linearNetwork(weights: LinearWeights, task: Task): Promise<LoadedModel["model"]> {
  const { core, layers } = await loadTfjs();
  const [inputs, outputs] = [weights[0].length, weights.length];
  const model = layers.sequential({
    layers: [
      layers.layers.flatten({ inputShape: [32, 32, inputs / 1024] }),
      layers.layers.dense({ units: outputs, activation: task === "interaction" ? "sigmoid" : "softmax" }),
    ],
  });
  const kernel = new Float32Array(inputs * outputs);
  weights.forEach((ofOutput, output) => {
    ofOutput.forEach((weight, i) => {
      kernel[i * outputs + output] = weight;
    });
  });
  model.setWeights([core.tensor(kernel, [inputs, outputs]), core.zeros([outputs])]);
  return model;
}
