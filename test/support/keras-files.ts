import { createHdf5 } from "../../dist/io/index.js";

/** A layer of a Keras model, as its file of weights holds it: kernel and bias, or none. */
export interface KerasLayer {
  name: string;
  kernel?: { shape: number[]; values: Float32Array };
  bias?: Float32Array;
}

/** CNNC's layers with weights in their order: rows, columns, inputs and filters; inputs and units. */
const SHAPES = [
  [3, 3, 1, 32],
  [3, 3, 32, 32],
  [3, 3, 32, 64],
  [3, 3, 64, 64],
  [3, 3, 64, 128],
  [3, 3, 128, 128],
  [512, 512],
];

/** CNNC's network with some weights, and the names that Keras gives its layers. */
export function cnncLayers(outputs: number, seed = 1): KerasLayer[] {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const values = (length: number, limit: number) => Float32Array.from({ length }, () => limit * uniform());
  const layers = [...SHAPES, [512, outputs]].flatMap((shape, i): KerasLayer[] => {
    const inputs = shape.slice(0, -1).reduce((product, length) => product * length);
    const units = shape[shape.length - 1];
    const weighted = {
      name: shape.length === 4 ? `conv2d_${i + 1}` : `dense_${i - 5}`,
      kernel: { shape, values: values(inputs * units, Math.sqrt(6 / inputs)) },
      bias: values(units, 0.1),
    };
    return [weighted, { name: `activation_${i + 1}` }];
  });
  layers.splice(12, 0, { name: "flatten_1" });
  return layers;
}

export interface KerasFileOptions {
  /** As `save` writes it instead of `save_weights`. */
  whole?: boolean;
  backend?: string;
}

/** Writes weights in Keras 2's layout. */
export async function writeKerasFile(
  path: string,
  layers: readonly KerasLayer[],
  { whole = false, backend = "tensorflow" }: KerasFileOptions = {},
): Promise<void> {
  const file = await createHdf5(path);
  const root = whole ? "/model_weights" : "";
  if (whole) file.group("model_weights");
  const group = (name: string) => file.group(`${root}/${name}`);
  file.attribute(
    root || "/",
    "layer_names",
    layers.map(({ name }) => name),
  );
  file.attribute(root || "/", "backend", backend);
  file.attribute(root || "/", "keras_version", "2.2.4");
  for (const { name, kernel, bias } of layers) {
    group(name);
    if (kernel === undefined || bias === undefined) continue;
    const place = `${root}/${name}`;
    file.attribute(place, "weight_names", [`${name}/kernel:0`, `${name}/bias:0`]);
    group(`${name}/${name}`);
    file.write(`${place}/${name}/kernel:0`, kernel.values, kernel.shape);
    file.write(`${place}/${name}/bias:0`, bias);
  }
  file.finish();
}

/** One image through CNNC's network, written down plainly: the logits. `image` is 32 x 32. */
export function cnncLogits(layers: readonly KerasLayer[], image: ArrayLike<number>): number[] {
  const weighted = layers.filter(({ kernel }) => kernel !== undefined);
  let size = 32;
  let values: Float64Array = Float64Array.from(image);
  weighted.slice(0, 6).forEach((layer, i) => {
    const isSame = i % 2 === 0;
    [values, size] = convolve(values, size, layer, isSame);
    if (!isSame) [values, size] = pool(values, size);
  });
  const hidden = dense(values, weighted[6]).map((value) => Math.max(0, value));
  return Array.from(dense(hidden, weighted[7]));
}

/** 3 x 3, then ReLU. */
function convolve(
  input: Float64Array,
  size: number,
  { kernel, bias }: KerasLayer,
  isSame: boolean,
): [Float64Array, number] {
  if (kernel === undefined || bias === undefined) throw new Error("no weights");
  const [, , channels, filters] = kernel.shape;
  const border = isSame ? 1 : 0;
  const outputSize = isSame ? size : size - 2;
  const output = new Float64Array(outputSize * outputSize * filters);
  for (let y = 0; y < outputSize; y++) {
    for (let x = 0; x < outputSize; x++) {
      const sums = output.subarray((y * outputSize + x) * filters, (y * outputSize + x + 1) * filters);
      sums.set(bias);
      for (let dy = 0; dy < 3; dy++) {
        for (let dx = 0; dx < 3; dx++) {
          const [row, column] = [y + dy - border, x + dx - border];
          if (row < 0 || row >= size || column < 0 || column >= size) continue;
          for (let c = 0; c < channels; c++) {
            const value = input[(row * size + column) * channels + c];
            const weights = ((dy * 3 + dx) * channels + c) * filters;
            for (let f = 0; f < filters; f++) sums[f] += value * kernel.values[weights + f];
          }
        }
      }
      for (let f = 0; f < filters; f++) sums[f] = Math.max(0, sums[f]);
    }
  }
  return [output, outputSize];
}

/** The maximum of each 2 x 2. */
function pool(input: Float64Array, size: number): [Float64Array, number] {
  const channels = input.length / (size * size);
  const half = Math.floor(size / 2);
  const output = new Float64Array(half * half * channels);
  for (let i = 0; i < output.length; i++) {
    const [y, x, c] = [Math.floor(i / channels / half), Math.floor(i / channels) % half, i % channels];
    const at = (row: number, column: number) => input[(row * size + column) * channels + c];
    output[i] = Math.max(
      at(2 * y, 2 * x),
      at(2 * y, 2 * x + 1),
      at(2 * y + 1, 2 * x),
      at(2 * y + 1, 2 * x + 1),
    );
  }
  return [output, half];
}

function dense(input: Float64Array, { kernel, bias }: KerasLayer): Float64Array {
  if (kernel === undefined || bias === undefined) throw new Error("no weights");
  const { values } = kernel;
  return Float64Array.from(bias, (start, unit) =>
    input.reduce((sum, value, i) => sum + value * values[i * bias.length + unit], start),
  );
}
