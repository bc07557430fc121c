import { describeLayer, describeLayers, NoPlace, type RawLayer } from "./describe-layers.js";
import { type ImageShape, type NetworkSpec, outputShape, parameterList } from "./network-spec.js";

/** A network as a model.json tells of it, read without TensorFlow.js. */
export interface StoredNetwork {
  readonly spec: NetworkSpec;
  /** Name and shape of each array of weights, in the order of parameterList. */
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

/**
 * Reads the topology in a model.json as far as this package writes it: a sequence of layers that other engines know,
 * with all that TensorFlow.js writes of them and nothing else.
 *
 * @returns undefined for anything else, sound or not: TensorFlow.js is the judge of that.
 */
export function readStoredNetwork(topology: unknown): StoredNetwork | undefined {
  if (!isSequence(topology)) return undefined;
  const { name, layers } = topology.config;
  const [first, ...further] = layers;
  if (!isKnown(first) || first.class_name !== "InputLayer") return undefined;
  const names = layers.map(({ config }) => config.name);
  if (new Set(names).size < names.length || !further.every(isKnown)) return undefined;
  const inputShape = first.config.batch_input_shape as (number | null)[];
  try {
    const followed = followShapes(inputShape, further);
    const spec = describeLayers({ name, inputShape, ...followed });
    const owners = followed.layers.flatMap((layer) => describeLayer(layer).map(() => layer.name));
    const weights = parameterList(spec).map(({ layer, role, shape }) => ({
      name: `${owners[layer]}/${role}`,
      shape,
    }));
    return { spec, weights };
  } catch (error) {
    if (error instanceof NoPlace) return undefined;
    throw error;
  }
}

/** A layer in a model.json. */
interface StoredLayer {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>> & { readonly name: string };
}

interface StoredSequence {
  readonly config: { readonly name: string; readonly layers: readonly StoredLayer[] };
}

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => typeof value === "number";
const isLength: Check = (value) => Number.isInteger(value) && (value as number) > 0;
const isPair: Check = (value) => Array.isArray(value) && value.length === 2 && value.every(isLength);
const is =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
const isImageShape: Check = (value) =>
  Array.isArray(value) && value.length === 4 && value[0] === null && value.slice(1).every(isLength);
/** How weights began does not matter to weights that are given; but it must be something that can be read. */
const isInitializer: Check = (value) =>
  hasFields(value, { class_name: is("Zeros", "Ones"), config: (config) => hasFields(config, {}) }) ||
  hasFields(value, {
    class_name: is("VarianceScaling"),
    config: (config) =>
      hasFields(config, {
        scale: (scale) => isNumber(scale) && (scale as number) > 0,
        mode: is("fan_avg", "fan_in", "fan_out"),
        distribution: is("normal", "uniform"),
        seed: is(null),
      }),
  });

const ACTIVATION = { activation: is("linear", "relu", "sigmoid", "softmax") };
const PADDING = { padding: is("same", "valid"), data_format: is("channels_last") };
const KERNEL = {
  use_bias: isFlag,
  kernel_initializer: isInitializer,
  bias_initializer: isInitializer,
  kernel_regularizer: is(null),
  bias_regularizer: is(null),
  activity_regularizer: is(null),
  kernel_constraint: is(null),
  bias_constraint: is(null),
};
const POOLING = { ...PADDING, pool_size: isPair, strides: isPair };

/** All that is written of each class of layers, besides its name and that it is trained. */
const CLASSES: Readonly<Record<string, Fields>> = {
  Conv2D: {
    ...PADDING,
    ...ACTIVATION,
    ...KERNEL,
    filters: isLength,
    kernel_size: isPair,
    strides: isPair,
    dilation_rate: isPair,
  },
  BatchNormalization: {
    axis: isNumber,
    momentum: isNumber,
    epsilon: isNumber,
    center: isFlag,
    scale: isFlag,
    beta_initializer: isInitializer,
    gamma_initializer: isInitializer,
    moving_mean_initializer: isInitializer,
    moving_variance_initializer: isInitializer,
    beta_regularizer: is(null),
    gamma_regularizer: is(null),
    beta_constraint: is(null),
    gamma_constraint: is(null),
  },
  Activation: ACTIVATION,
  MaxPooling2D: POOLING,
  AveragePooling2D: POOLING,
  Flatten: {},
  Dropout: {
    rate: (rate) => isNumber(rate) && (rate as number) >= 0 && (rate as number) < 1,
    noise_shape: is(null),
    seed: is(null),
  },
  Dense: { ...ACTIVATION, ...KERNEL, units: isLength },
};
/** Layers that take images, not lists of values. */
const OF_IMAGES = ["Conv2D", "MaxPooling2D", "AveragePooling2D", "Flatten"];

const INPUT: Fields = {
  batch_input_shape: isImageShape,
  dtype: is("float32"),
  sparse: is(false),
  name: isText,
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether these fields are there and sound, and no others. */
function hasFields(value: unknown, fields: Fields): boolean {
  return (
    isObject(value) &&
    Object.keys(value).length === Object.keys(fields).length &&
    Object.entries(fields).every(([field, isSound]) => Object.hasOwn(value, field) && isSound(value[field]))
  );
}

function isSequence(topology: unknown): topology is StoredSequence {
  const isNamed = (layer: unknown) => isObject(layer) && isObject(layer.config) && isText(layer.config.name);
  const areLayers = (layers: unknown) => Array.isArray(layers) && layers.length > 0 && layers.every(isNamed);
  return hasFields(topology, {
    class_name: is("Sequential"),
    config: (config) => hasFields(config, { name: isText, layers: areLayers }),
    keras_version: isText,
    backend: isText,
  });
}

function isKnown(layer: StoredLayer): boolean {
  const { class_name } = layer;
  const fields =
    class_name === "InputLayer" ? INPUT : Object.hasOwn(CLASSES, class_name) && CLASSES[class_name];
  if (!fields) return false;
  const config = fields === INPUT ? INPUT : { ...fields, name: isScope, trainable: is(true) };
  return hasFields(layer, { class_name: isText, config: (value) => hasFields(value, config) });
}

/** The name of a layer begins the names of its weights, and TensorFlow.js refuses some. */
const isScope: Check = (name) => typeof name === "string" && /^[A-Za-z0-9][-\w.]*$/.test(name);

/**
 * The layers, each with the shape that it takes, and what the last one puts out.
 *
 * @throws NoPlace where one cannot take what the one before puts out
 */
function followShapes(inputShape: readonly (number | null)[], layers: readonly StoredLayer[]) {
  const [, height, width, channels] = inputShape as number[];
  let shape: ImageShape = { height, width, channels };
  let isFlat = false;
  const axes = () => (isFlat ? [null, shape.channels] : [null, shape.height, shape.width, shape.channels]);
  const raw = layers.map(({ class_name: className, config }): RawLayer => {
    if (isFlat && OF_IMAGES.includes(className)) throw new NoPlace(`${config.name} takes images.`);
    const layer = {
      name: config.name,
      className,
      trainable: true,
      inputShape: axes(),
      config: inCamelCase(config),
    };
    for (const part of describeLayer(layer)) {
      shape = outputShape(part, shape);
      isFlat ||= part.kind === "flatten";
    }
    if (shape.height < 1 || shape.width < 1) throw new NoPlace(`${config.name} leaves nothing.`);
    return layer;
  });
  if (!isFlat) throw new NoPlace("What comes out is an image.");
  return { layers: raw, outputShape: axes() };
}

/** TensorFlow.js writes its settings in Python's way. */
function inCamelCase(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([field, value]) => [
      field.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()),
      value,
    ]),
  );
}
