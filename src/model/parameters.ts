import type { Tensor } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { CnncError } from "../errors.js";

/**
 * All weights of a model end to end: layer by layer, in each layer kernel and bias, or gamma, beta, moving mean
 * and moving variance (see parameterList). A convolution's kernel is [row, column, in, out], a dense one [in, out].
 */
export function flatParameters(model: LayersModel): Float32Array {
  const flat = new Float32Array(weightTensors(model).reduce((sum, { size }) => sum + size, 0));
  let offset = 0;
  for (const tensor of weightTensors(model)) {
    flat.set(tensor.dataSync() as Float32Array, offset);
    offset += tensor.size;
  }
  return flat;
}

/**
 * Gives a model all its weights, in the order of flatParameters.
 *
 * @throws CnncError `PARAMETERS_MISMATCH` if there are more or fewer than the model has.
 */
export function setFlatParameters(
  { core }: { readonly core: typeof import("@tensorflow/tfjs-core") },
  model: LayersModel,
  parameters: Float32Array,
): void {
  const needed = weightTensors(model).reduce((sum, { size }) => sum + size, 0);
  checkParameterCount(parameters.length, needed);
  core.tidy(() => {
    let offset = 0;
    for (const { variable } of weightVariables(model)) {
      const { shape, size } = variable.read();
      variable.write(core.tensor(parameters.slice(offset, offset + size), shape, "float32"));
      offset += size;
    }
  });
}

/** @throws CnncError `PARAMETERS_MISMATCH` */
export function checkParameterCount(given: number, needed: number): void {
  if (given === needed) return;
  throw new CnncError(
    "PARAMETERS_MISMATCH",
    `${given} parameters are given to a model that has ${needed}.`,
    "Use the parameters of a model of the same architecture.",
  );
}

/** The weights of a model in the order of flatParameters, each with its layer's name. */
export function weightVariables(model: LayersModel) {
  return model.layers.flatMap((layer) => layer.weights.map((variable) => ({ layer: layer.name, variable })));
}

const weightTensors = (model: LayersModel): Tensor[] =>
  weightVariables(model).map(({ variable }) => variable.read());
