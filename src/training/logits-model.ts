import type { LayersModel } from "@tensorflow/tfjs-layers";
import { CnncError } from "../errors.js";
import { flatParameters, setFlatParameters, type Tfjs } from "../model/index.js";

/** What turns the logits into probabilities. */
export type OutputActivation = "sigmoid" | "softmax";

/** A layer in a model's JSON. */
interface LayerJson {
  class_name: string;
  config: { name: string; activation?: string };
}

/**
 * A copy of a model, with the same weights, that gives logits instead of probabilities.
 *
 * @throws CnncError `MODEL_UNSUPPORTED` if the model does not end in a sigmoid of one output or a softmax.
 */
export async function copyForLogits(
  tfjs: Tfjs,
  model: LayersModel,
): Promise<{ model: LayersModel; activation: OutputActivation }> {
  // A deep copy: TensorFlow.js uses up parts of what it reads a model from.
  const topology = JSON.parse(model.toJSON() as string) as { config: { layers: LayerJson[] } };
  const name = model.outputs[0].sourceLayer.name;
  const output = topology.config.layers.find(({ config }) => config.name === name);
  const activation = output?.class_name === "Softmax" ? "softmax" : output?.config.activation;
  const outputs = model.outputs[0].shape.at(-1);
  const isKnown = activation === "softmax" || (activation === "sigmoid" && outputs === 1);
  if (output === undefined || !isKnown || model.inputs.length > 1 || model.outputs.length > 1) {
    throw new CnncError(
      "MODEL_UNSUPPORTED",
      `The model ${model.name} does not end in one layer with a sigmoid of one output or a softmax.`,
      "Use a model with such an output layer.",
    );
  }
  if (output.class_name === "Softmax") output.class_name = "Activation";
  output.config.activation = "linear";
  const copy = await tfjs.layers.models.modelFromJSON(topology as never);
  setFlatParameters(tfjs, copy, flatParameters(model));
  return { model: copy, activation };
}
