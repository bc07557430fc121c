import type { layers as LayerFunctions, LayersModel } from "@tensorflow/tfjs-layers";
import type { Task } from "../pairs/index.js";
import { networkSpec } from "./describe-model.js";
import { initialParameters } from "./initial-parameters.js";
import { setFlatParameters } from "./parameters.js";
import { loadTfjs } from "./tfjs-backend.js";

export const ARCHITECTURES = ["cnnc", "compact", "mlp"] as const;
/**
 * - `cnnc`: the published network (Yuan & Bar-Joseph 2019), six convolutions
 * - `compact`: three convolutions with batch normalisation
 * - `mlp`: one hidden layer over the image in 8 x 8; a control
 */
export type Architecture = (typeof ARCHITECTURES)[number];

export interface ModelOptions {
  /** `interaction`: one probability. `causality`: those of none, a->b and b->a. */
  readonly task: Task;
  /** 1 to 3 images per pair. */
  readonly channels: number;
  /** Decides the initial weights: a whole number from 0. */
  readonly seed: number;
  /** Divides the filters and units of all layers but the last; for tests. */
  readonly widthDivisor?: number;
}

type Layer = LayersModel["layers"][number];

/** Makes layers, `width` filters or units standing for what the divisor leaves of them. */
interface Builder {
  readonly make: typeof LayerFunctions;
  readonly width: (units: number) => number;
}

/**
 * A network with its initial weights: takes images [n, 32, 32, channels], gives probabilities.
 *
 * @throws RangeError for channels, seeds or divisors that cannot be.
 */
export async function buildModel(architecture: Architecture, options: ModelOptions): Promise<LayersModel> {
  const { task, channels, seed, widthDivisor = 1 } = options;
  if (![1, 2, 3].includes(channels)) throw new RangeError(`${channels} channels`);
  if (!(widthDivisor >= 1)) throw new RangeError(`the width divisor ${widthDivisor}`);
  const tfjs = await loadTfjs();
  const width = (units: number) => Math.max(1, Math.round(units / widthDivisor));
  const builder = { make: tfjs.layers.layers, width };
  const model = tfjs.layers.sequential({
    name: architecture,
    layers: [
      tfjs.layers.layers.inputLayer({ inputShape: [32, 32, channels], name: "image" }),
      ...HIDDEN_LAYERS[architecture](builder),
      outputLayer(builder, task),
    ],
  });
  const spec = networkSpec(model);
  if ("unsupported" in spec) throw new Error(spec.unsupported);
  setFlatParameters(tfjs, model, initialParameters(spec, seed));
  return model;
}

const HIDDEN_LAYERS: Record<Architecture, (builder: Builder) => Layer[]> = {
  cnnc: cnncLayers,
  compact: compactLayers,
  mlp: mlpLayers,
};

function outputLayer({ make }: Builder, task: Task): Layer {
  return task === "interaction"
    ? make.dense({ name: "output", units: 1, activation: "sigmoid" })
    : make.dense({ name: "output", units: 3, activation: "softmax" });
}

function cnncLayers({ make, width }: Builder): Layer[] {
  const stages = [32, 64, 128].flatMap((filters, stage) => {
    const convolution = (part: string, padding: "same" | "valid") =>
      make.conv2d({
        name: `conv${stage + 1}${part}`,
        filters: width(filters),
        kernelSize: 3,
        padding,
        activation: "relu",
      });
    return [
      convolution("a", "same"),
      convolution("b", "valid"),
      make.maxPooling2d({ name: `pool${stage + 1}`, poolSize: 2 }),
      make.dropout({ name: `dropout${stage + 1}`, rate: 0.25 }),
    ];
  });
  return [
    ...stages,
    make.flatten({ name: "flatten" }),
    make.dense({ name: "dense", units: width(512), activation: "relu" }),
    make.dropout({ name: "dropout4", rate: 0.5 }),
  ];
}

/** Keras' .99 would remember the first weights throughout a training of a few hundred steps. */
const BATCH_NORM_MOMENTUM = 0.9;

function compactLayers({ make, width }: Builder): Layer[] {
  const stages = [16, 32, 64].flatMap((filters, stage) => [
    make.conv2d({
      name: `conv${stage + 1}`,
      filters: width(filters),
      kernelSize: 3,
      padding: "same",
      useBias: false,
    }),
    make.batchNormalization({ name: `norm${stage + 1}`, momentum: BATCH_NORM_MOMENTUM, epsilon: 1e-3 }),
    make.activation({ name: `relu${stage + 1}`, activation: "relu" }),
    make.averagePooling2d({ name: `pool${stage + 1}`, poolSize: 2 }),
  ]);
  return [
    ...stages,
    make.flatten({ name: "flatten" }),
    make.dropout({ name: "dropout1", rate: 0.3 }),
    make.dense({ name: "dense", units: width(64), activation: "relu" }),
    make.dropout({ name: "dropout2", rate: 0.3 }),
  ];
}

function mlpLayers({ make, width }: Builder): Layer[] {
  return [
    make.averagePooling2d({ name: "pool", poolSize: 4 }),
    make.flatten({ name: "flatten" }),
    make.dense({ name: "dense", units: width(128), activation: "relu" }),
    make.dropout({ name: "dropout", rate: 0.5 }),
  ];
}
