import { randomNumbers } from "../random.js";
import { type NetworkSpec, type Parameter, parameterCount, parameterList } from "./network-spec.js";

/**
 * Weights to start a training from, by Keras' defaults: kernels uniform in ±sqrt(6 / (fan in + fan out)) (Glorot &
 * Bengio 2010), gamma and moving variance 1, all else 0. The seed decides them, whatever engine trains; each array
 * has its own stream of random numbers.
 */
export function initialParameters(spec: NetworkSpec, seed: number): Float32Array {
  const flat = new Float32Array(parameterCount(spec));
  for (const parameter of parameterList(spec)) {
    const values = flat.subarray(parameter.offset, parameter.offset + parameter.size);
    if (parameter.role === "kernel") fillUniform(values, parameter, seed);
    else if (parameter.role === "gamma" || parameter.role === "moving_variance") values.fill(1);
  }
  return flat;
}

function fillUniform(values: Float32Array, { name, shape }: Parameter, seed: number): void {
  const [inputs, outputs] = shape.slice(-2);
  const pixels = shape.slice(0, -2).reduce((product, length) => product * length, 1);
  const limit = Math.sqrt(6 / (pixels * (inputs + outputs)));
  const random = randomNumbers(seed, `initial ${name}`);
  for (let i = 0; i < values.length; i++) values[i] = limit * (2 * random.next() - 1);
}
