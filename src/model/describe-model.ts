import type { LayersModel } from "@tensorflow/tfjs-layers";
import { describeLayers, NoPlace } from "./describe-layers.js";
import type { NetworkSpec } from "./network-spec.js";

/** A sentence that says which layer of a model has no place in a NetworkSpec, and why. */
export interface Unsupported {
  readonly unsupported: string;
}

/** What a model is, for engines other than TensorFlow.js; or what of it they cannot express. */
export function networkSpec(model: LayersModel): NetworkSpec | Unsupported {
  try {
    return describe(model);
  } catch (error) {
    if (error instanceof NoPlace) return { unsupported: error.message };
    throw error;
  }
}

function describe(model: LayersModel): NetworkSpec {
  if (model.getClassName() !== "Sequential") {
    throw new NoPlace(
      `The model ${model.name} is a graph (${model.getClassName()}), not a sequence of layers.`,
    );
  }
  return describeLayers({
    name: model.name,
    inputShape: model.inputs[0].shape,
    layers: model.layers.flatMap((layer) => {
      if (layer.getClassName() === "InputLayer") return [];
      const { shape } = layer.input as { shape: number[] };
      return {
        name: layer.name,
        className: layer.getClassName(),
        trainable: layer.trainable,
        inputShape: shape,
        config: layer.getConfig(),
      };
    }),
    outputShape: model.outputs[0].shape,
  });
}
