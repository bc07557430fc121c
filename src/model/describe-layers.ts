import type { ImageShape, LayerSpec, NetworkSpec } from "./network-spec.js";

/** Ends the description of a model; never leaves src/model. */
export class NoPlace extends Error {}

/** A sequence of layers with its shapes. The first axis of a shape is the images'. */
export interface RawModel {
  readonly name: string;
  readonly inputShape: readonly (number | null)[];
  readonly layers: readonly RawLayer[];
  readonly outputShape: readonly (number | null)[];
}

/** A layer as TensorFlow.js describes it, other than an input layer. */
export interface RawLayer {
  readonly name: string;
  readonly className: string;
  readonly trainable: boolean;
  readonly inputShape: readonly (number | null)[];
  // biome-ignore lint/suspicious/noExplicitAny: configurations differ from class to class
  readonly config: Record<string, any>;
}

/**
 * The spec of a sequence of layers.
 *
 * @throws NoPlace that says which layer has no place in one, and why
 */
export function describeLayers(model: RawModel): NetworkSpec {
  const input = imageShape(model);
  const layers = model.layers.flatMap(describeLayer);
  checkEnd(model, layers);
  return { input, layers };
}

function imageShape({ name, inputShape }: RawModel): ImageShape {
  if (inputShape.length !== 4 || inputShape.slice(1).some((length) => !length)) {
    throw new NoPlace(
      `The model ${name} takes an input of shape [${inputShape}], not images of a fixed size.`,
    );
  }
  const [, height, width, channels] = inputShape as number[];
  return { height, width, channels };
}

/** Probabilities come last, and only there. */
function checkEnd(model: RawModel, layers: readonly LayerSpec[]): void {
  const isEnd = ({ kind }: LayerSpec) => kind === "sigmoid" || kind === "softmax";
  const first = layers.findIndex(isEnd);
  if (first === -1) throw new NoPlace(`The model ${model.name} does not end in a sigmoid or softmax.`);
  if (first < layers.length - 1) {
    throw new NoPlace(`The model ${model.name} has a ${layers[first].kind} before its last layer.`);
  }
  if (layers[first].kind === "sigmoid" && model.outputShape.at(-1) !== 1) {
    throw new NoPlace(`The model ${model.name} ends in a sigmoid of ${model.outputShape.at(-1)} outputs.`);
  }
}

/** A layer that does several things becomes several; one that does nothing becomes none. */
export function describeLayer(layer: RawLayer): LayerSpec[] {
  const { config } = layer;
  if (!layer.trainable) throw noPlace(layer, "is frozen");
  refuseRegularizers(layer);
  switch (layer.className) {
    case "Conv2D":
      return [convolution(layer), ...activation(layer, config.activation)];
    case "BatchNormalization":
      return [batchNorm(layer)];
    case "Activation":
      return activation(layer, config.activation);
    case "ReLU":
      if (config.maxValue) throw noPlace(layer, `is a ReLU cut off at ${config.maxValue}`);
      return [{ kind: "relu" }];
    case "Softmax":
      return activation(layer, "softmax");
    case "MaxPooling2D":
      return [{ kind: "max_pool", size: poolSize(layer) }];
    case "AveragePooling2D":
      return [{ kind: "average_pool", size: poolSize(layer) }];
    case "Dropout":
      if (config.noiseShape) throw noPlace(layer, "drops values together (noiseShape)");
      return config.rate > 0 ? [{ kind: "dropout", rate: config.rate }] : [];
    case "Flatten":
      return [{ kind: "flatten" }];
    case "Dense":
      if (layer.inputShape.length !== 2)
        throw noPlace(layer, "is a dense layer over images that are not flattened");
      return [
        { kind: "dense", units: config.units, bias: config.useBias },
        ...activation(layer, config.activation),
      ];
    default:
      throw noPlace(layer, `is of the class ${layer.className}`);
  }
}

const noPlace = (layer: RawLayer, reason: string) =>
  new NoPlace(`The layer ${layer.name} ${reason}, which only TensorFlow.js can run.`);

function refuseRegularizers(layer: RawLayer): void {
  for (const [key, value] of Object.entries(layer.config)) {
    if (value !== null && value !== undefined && /(Regularizer|Constraint)$/.test(key)) {
      throw noPlace(layer, `has a ${key}`);
    }
  }
}

function activation(layer: RawLayer, name: string): LayerSpec[] {
  switch (name) {
    case "linear":
      return [];
    case "relu":
    case "sigmoid":
      return [{ kind: name }];
    case "softmax":
      if (layer.inputShape.length !== 2 && layer.className !== "Conv2D") break;
      return [{ kind: name }];
  }
  throw noPlace(layer, `has the activation ${name}`);
}

function convolution(layer: RawLayer): LayerSpec {
  const { kernelSize, strides, dilationRate, padding, dataFormat, filters, useBias } = layer.config;
  if (dataFormat === "channelsFirst") throw noPlace(layer, "takes channels first");
  if (!isSquare(strides, 1)) throw noPlace(layer, `has the strides ${strides}`);
  if (!isSquare(dilationRate, 1)) throw noPlace(layer, `has the dilation ${dilationRate}`);
  const [kernel] = kernelSize;
  if (!isSquare(kernelSize, kernel)) throw noPlace(layer, `has a kernel of ${kernelSize.join(" x ")}`);
  if (padding === "causal") throw noPlace(layer, "has causal padding");
  if (padding === "same" && kernel % 2 === 0) throw noPlace(layer, `pads a kernel of even size ${kernel}`);
  return { kind: "conv", filters, kernel, padding, bias: useBias };
}

/** One number stands for both axes. */
const isSquare = (sizes: number | readonly number[], size: number): boolean =>
  [sizes].flat().every((value) => value === size);

function batchNorm(layer: RawLayer): LayerSpec {
  const { axis, momentum, epsilon, center, scale } = layer.config;
  if (axis !== -1 && axis !== layer.inputShape.length - 1) throw noPlace(layer, `normalises axis ${axis}`);
  if (!center || !scale) throw noPlace(layer, `has no ${center ? "gamma" : "beta"}`);
  return { kind: "batch_norm", momentum, epsilon };
}

function poolSize(layer: RawLayer): number {
  const { poolSize, strides, padding, dataFormat } = layer.config;
  const [size] = [poolSize].flat();
  if (dataFormat === "channelsFirst") throw noPlace(layer, "takes channels first");
  if (!isSquare(poolSize, size)) throw noPlace(layer, `pools windows of ${poolSize.join(" x ")}`);
  if (!isSquare(strides, size)) throw noPlace(layer, `pools windows that overlap or leave gaps`);
  const fits = layer.inputShape.slice(1, 3).every((length) => (length as number) % size === 0);
  if (padding === "same" && !fits) throw noPlace(layer, "pools beyond the edge of its input");
  return size;
}
