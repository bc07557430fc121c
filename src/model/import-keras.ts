import { basename } from "node:path";
import { CnncError } from "../errors.js";
import { hashFile } from "../io/index.js";
import type { Task } from "../pairs/index.js";
import { buildModel } from "./architectures.js";
import { networkSpec } from "./describe-model.js";
import type { ModelContent } from "./folder.js";
import { type KerasFile, type KerasLayer, openKeras } from "./keras-file.js";
import { CLASS_NAMES } from "./model-info.js";
import { type NetworkSpec, parameterList } from "./network-spec.js";

const REMEDY =
  "Give the weights of CNNC's network for 32 x 32 images: convolutions of 32, 32, 64, 64, 128 and 128 filters, " +
  "a dense layer of 512 units, and 1, 2 or 3 outputs.";

/**
 * Reads a network that CNNC's own scripts trained with Keras 2. One output (their two-class training) is the
 * probability of an interaction; three are those of none, a->b and b->a. Two outputs (a softmax over none and
 * interaction, by an older script) become the one that gives the same probability. The images are CNNC's: `nepdf` of
 * log10(x + 0.01) of values taken as they are.
 *
 * @throws CnncError `KERAS_MISMATCH` if it is another network; those of openKeras
 */
export async function importKeras(path: string): Promise<ModelContent> {
  const keras = await openKeras(path);
  try {
    const outputs = outputsOf(path, keras);
    const task: Task = outputs === 3 ? "causality" : "interaction";
    const model = await buildModel("cnnc", { task, channels: 1, seed: 0 });
    const expected = expectedShapes(networkSpec(model) as NetworkSpec, outputs);
    checkShapes(path, keras, expected);
    const arrays: Float32Array[] = [];
    for (const weight of keras.layers.flatMap(({ weights }) => weights))
      arrays.push(await keras.read(weight));
    if (outputs === 2) arrays.push(...arrays.splice(-2).map(secondMinusFirst));
    const source = {
      format: "Keras 2 HDF5",
      file: basename(path),
      sha256: await hashFile(path),
      kerasVersion: keras.kerasVersion,
      outputs,
    };
    return {
      model,
      parameters: checkFinite(path, concatenate(arrays)),
      info: { ...CNNC_FACTS(task), source },
    };
  } finally {
    keras.close();
  }
}

const CNNC_FACTS = (task: Task) =>
  ({
    task,
    architecture: "cnnc",
    images: ["nepdf"],
    scale: "linear",
    transform: "log10",
    bins: 32,
    classes: CLASS_NAMES[task],
  }) as const;

function outputsOf(path: string, { layers }: KerasFile): number {
  const outputs = layers.at(-1)?.weights[0].shape.at(-1) ?? 0;
  if (outputs >= 1 && outputs <= 3) return outputs;
  throw new CnncError("KERAS_MISMATCH", `The network in ${path} has ${outputs} outputs.`, REMEDY);
}

/** Shapes of the weights of each layer that has any. */
function expectedShapes(spec: NetworkSpec, outputs: number): (readonly number[])[][] {
  const layers = new Map<number, (readonly number[])[]>();
  for (const { layer, shape } of parameterList(spec))
    layers.set(layer, [...(layers.get(layer) ?? []), shape]);
  const shapes = [...layers.values()];
  const [[inputs]] = shapes[shapes.length - 1];
  return [...shapes.slice(0, -1), [[inputs, outputs], [outputs]]];
}

/** @throws CnncError `KERAS_MISMATCH` */
function checkShapes(path: string, { layers }: KerasFile, expected: (readonly number[])[][]): void {
  if (layers.length !== expected.length) {
    const message = `The network in ${path} has ${layers.length} layers with weights where CNNC's has ${expected.length}.`;
    throw new CnncError("KERAS_MISMATCH", message, REMEDY);
  }
  layers.forEach((layer, i) => {
    const [found, needed] = [shapesText(layer.weights.map(({ shape }) => shape)), shapesText(expected[i])];
    if (found !== needed) throw mismatch(path, layer, found, needed);
  });
}

const shapesText = (shapes: readonly (readonly number[])[]) =>
  shapes.map((shape) => shape.join(" x ")).join(" and ");

const mismatch = (path: string, { name }: KerasLayer, found: string, needed: string) =>
  new CnncError(
    "KERAS_MISMATCH",
    `The layer ${name} in ${path} has weights of ${found} where CNNC's network has ${needed}.`,
    REMEDY,
  );

/** The probability of the second of two classes is the sigmoid of the difference of their logits. */
function secondMinusFirst(pairs: Float32Array): Float32Array {
  return Float32Array.from({ length: pairs.length / 2 }, (_, i) => pairs[2 * i + 1] - pairs[2 * i]);
}

function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    all.set(array, offset);
    offset += array.length;
  }
  return all;
}

function checkFinite(path: string, values: Float32Array): Float32Array {
  if (values.every(Number.isFinite)) return values;
  const remedy = "The training failed; take an earlier checkpoint.";
  throw new CnncError("KERAS_MISMATCH", `The weights in ${path} are not all finite numbers.`, remedy);
}
