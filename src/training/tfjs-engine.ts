import { setImmediate as afterEvents } from "node:timers/promises";
import type { Scalar, Tensor, Tensor2D, Tensor4D, Variable } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import {
  checkParameterCount,
  type EngineState,
  flatParameters,
  type GradientEngine,
  loadTfjs,
  type Optimizer,
  setFlatParameters,
  type Tfjs,
  type TrainBatch,
  weightVariables,
} from "../model/index.js";
import { randomNumbers } from "../random.js";
import { copyForLogits, type OutputActivation } from "./logits-model.js";

export interface TfjsEngineOptions {
  /** Any model of one image input that ends in a sigmoid of one output or a softmax; it is copied. */
  readonly model: LayersModel;
  /** Needed for `step`; default: Adam. */
  readonly optimizer?: Optimizer;
  /** Decides what dropout drops in each step: a whole number from 0. */
  readonly seed?: number;
  /** Uses tfjs-node-gpu or tfjs-node where installed. Default: only the cpu backend. */
  readonly accelerated?: boolean;
  /** Is told, in one line, about an installed package that does not load. */
  readonly onProblem?: (line: string) => void;
}

/** Images that are asked about at once: bounds the memory of their activations. */
const PREDICT_BATCH = 64;

/** Adam's, as in TensorFlow.js and Keras. */
const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-7;

/** A weight of the model, and its place in the flat parameters. */
interface Weight {
  readonly variable: Variable;
  readonly write: (value: Tensor) => void;
  readonly offset: number;
  readonly size: number;
  readonly trained: boolean;
  readonly decays: boolean;
}

/**
 * An engine that runs any TensorFlow.js model with TensorFlow.js: the reference that other engines are proved
 * against, and slow without an accelerated backend. The loss is taken from logits, so that it stays finite where a
 * probability rounds to 0; a model's own regularisation losses are added to it.
 *
 * @throws CnncError `MODEL_UNSUPPORTED` if the model does not end in probabilities.
 */
export async function createTfjsEngine(options: TfjsEngineOptions): Promise<GradientEngine> {
  const { optimizer = { kind: "adam" }, seed = 0 } = options;
  const tfjs = await loadTfjs(options);
  const { core } = tfjs;
  const { model, activation } = await copyForLogits(tfjs, options.model);
  const weights = listWeights(model);
  const trained = weights.filter(({ trained }) => trained);
  const count = weights.reduce((sum, { size }) => sum + size, 0);
  const [height, width, channels] = model.inputs[0].shape.slice(1) as [number, number, number];
  const pixels = height * width * channels;
  const outputs = model.outputs[0].shape.at(-1) as number;
  let moments = createMoments(tfjs, trained, optimizer);
  let steps = 0;

  const imageTensor = (images: Float32Array): Tensor4D =>
    core.tensor4d(images, [images.length / pixels, height, width, channels]);
  const logitsOf = (images: Tensor, training: boolean) => model.apply(images, { training }) as Tensor2D;

  /** The loss of a batch, as in training. */
  function loss(batch: TrainBatch): Scalar {
    const logits = logitsOf(imageTensor(batch.images), true);
    const entropies = crossEntropies(tfjs, activation, logits, batch.targets);
    const sampleWeights = core.tensor1d(batch.weights);
    const mean = core.div(core.sum(core.mul(entropies, sampleWeights)), core.sum(sampleWeights));
    return model
      .calculateLosses()
      .reduce<Tensor>((sum, term) => core.add(sum, core.mean(term)), mean) as Scalar;
  }

  function lossAndGradients(batch: TrainBatch) {
    checkBatch(batch, pixels, activation === "sigmoid" ? 2 : outputs);
    const variables = trained.map(({ variable }) => variable);
    const { value, grads } = core.variableGrads(() => loss(batch), variables);
    return { value, gradients: variables.map(({ name }) => grads[name]) };
  }

  /** Runs `ask` on a few images at a time and lays the answers end to end. */
  async function inParts(
    images: Float32Array,
    perImage: number,
    ask: (part: Tensor4D) => Tensor,
  ): Promise<Float32Array> {
    checkImages(images, pixels);
    const answers = new Float32Array((images.length / pixels) * perImage);
    const length = PREDICT_BATCH * pixels;
    for (let start = 0; start < images.length; start += length) {
      await afterEvents();
      const answer = core.tidy(() => ask(imageTensor(images.subarray(start, start + length))));
      answers.set((await answer.data()) as Float32Array, (start / pixels) * perImage);
      answer.dispose();
    }
    return answers;
  }

  return {
    name: `tfjs (${tfjs.backend})`,

    async step(batch, learningRate) {
      await afterEvents();
      setDropout(model, (layer) => randomNumbers(seed, `dropout ${steps} ${layer}`).below(2 ** 31 - 1) + 1);
      const { value, gradients } = lossAndGradients(batch);
      steps++;
      core.tidy(() => update(tfjs, optimizer, { learningRate, steps, weights: trained, gradients, moments }));
      const [result] = await value.data();
      core.dispose([value, ...gradients]);
      return result;
    },

    predict: (images) =>
      inParts(images, outputs, (part) => {
        const logits = logitsOf(part, false);
        return activation === "sigmoid" ? core.sigmoid(logits) : core.softmax(logits);
      }),

    logits: (images) => inParts(images, outputs, (part) => logitsOf(part, false)),

    async gradients(batch) {
      await afterEvents();
      const statistics = weights.filter(({ trained }) => !trained);
      const before = statistics.map(({ variable }) => core.clone(variable as Tensor));
      const restore = setDropout(model, undefined);
      try {
        const { value, gradients } = lossAndGradients(batch);
        const flat = await flatten(count, trained, gradients);
        const [result] = await value.data();
        core.dispose([value, ...gradients]);
        return { loss: result, gradients: flat };
      } finally {
        restore();
        statistics.forEach(({ write }, i) => {
          write(before[i]);
        });
        core.dispose(before);
      }
    },

    async inputGradient(images, output = 0) {
      if (!(output >= 0 && output < outputs)) throw new RangeError(`output ${output} of ${outputs}`);
      const chosen = (part: Tensor) => core.sum(core.slice(logitsOf(part, false), [0, output], [-1, 1]));
      return inParts(images, pixels, (part) => core.grad(chosen)(part));
    },

    parameters: async () => flatParameters(model),
    setParameters: async (parameters) => setFlatParameters(tfjs, model, parameters),

    async state() {
      const [first, second] = await Promise.all(moments.map((tensors) => flatten(count, trained, tensors)));
      return { steps, first, second: second ?? new Float32Array(0) };
    },

    async setState(state) {
      const arrays = checkState(state, moments.length, count);
      core.dispose(moments.flat());
      moments = arrays.map((array) => trained.map((weight) => momentOf(tfjs, weight, array)));
      steps = state.steps;
    },

    close() {
      core.dispose(moments.flat());
      model.dispose();
    },
  };
}

function listWeights(model: LayersModel): Weight[] {
  const trainable = new Set(model.trainableWeights);
  let offset = 0;
  return weightVariables(model).map(({ variable }) => {
    const tensor = variable.read() as Variable;
    const weight = {
      variable: tensor,
      write: (value: Tensor) => void variable.write(value),
      offset,
      size: tensor.size,
      trained: trainable.has(variable),
      decays: tensor.rank > 1,
    };
    offset += tensor.size;
    return weight;
  });
}

/** Cross-entropy of each image. */
function crossEntropies(
  { core }: Tfjs,
  activation: OutputActivation,
  logits: Tensor2D,
  targets: Uint8Array,
): Tensor {
  const classes = core.tensor1d(Int32Array.from(targets), "int32");
  if (activation === "sigmoid") {
    const column = core.reshape(logits, [-1]);
    return core.sub(core.softplus(column), core.mul(column, core.cast(classes, "float32")));
  }
  const chosen = core.oneHot(classes, logits.shape[1]);
  return core.neg(core.sum(core.mul(core.logSoftmax(logits), core.cast(chosen, "float32")), 1));
}

/** A dropout layer of TensorFlow.js: its rate and seed are read at each call. */
interface DropoutLayer {
  rate: number;
  seed?: number;
}

/**
 * Gives each dropout layer a new seed, as the same seed drops the same values each time; or turns dropout off.
 *
 * @returns puts the rates back.
 */
function setDropout(model: LayersModel, seedOf: ((layer: number) => number) | undefined): () => void {
  const layers = dropoutLayers(model);
  const rates = layers.map(({ rate }) => rate);
  layers.forEach((layer, i) => {
    if (seedOf === undefined) layer.rate = 0;
    else layer.seed = seedOf(i);
  });
  return () => {
    layers.forEach((layer, i) => {
      layer.rate = rates[i];
    });
  };
}

function dropoutLayers(model: LayersModel): DropoutLayer[] {
  return model.layers.flatMap((layer) => {
    if ("layers" in layer) return dropoutLayers(layer as LayersModel);
    return /^(Spatial)?Dropout/.test(layer.getClassName()) ? [layer as unknown as DropoutLayer] : [];
  });
}

interface Update {
  readonly learningRate: number;
  /** This step included. */
  readonly steps: number;
  readonly weights: readonly Weight[];
  /** One per weight, as all that follows; a weight that the loss does not depend on has none. */
  readonly gradients: readonly (Tensor | undefined)[];
  readonly moments: readonly Variable[][];
}

/** Moves the weights; the formulas are at Optimizer. */
function update({ core }: Tfjs, optimizer: Optimizer, step: Update): void {
  const { learningRate, steps, weights, gradients, moments } = step;
  weights.forEach(({ variable, write, decays }, i) => {
    const gradient = gradients[i];
    if (gradient === undefined || gradient === null) return;
    const average = (moment: Variable, rate: number, value: Tensor): Tensor => {
      moment.assign(core.add(core.mul(moment, rate), value));
      return moment;
    };
    let change: Tensor;
    if (optimizer.kind === "sgd") {
      const velocity = average(moments[0][i], optimizer.momentum, gradient);
      change = optimizer.nesterov ? core.add(gradient, core.mul(velocity, optimizer.momentum)) : velocity;
    } else {
      const mean = average(moments[0][i], BETA_1, core.mul(gradient, 1 - BETA_1));
      const square = average(moments[1][i], BETA_2, core.mul(core.square(gradient), 1 - BETA_2));
      const unbiased = core.div(square, 1 - BETA_2 ** steps);
      change = core.div(core.div(mean, 1 - BETA_1 ** steps), core.add(core.sqrt(unbiased), EPSILON));
      if (optimizer.kind === "adamw" && decays) {
        change = core.add(change, core.mul(variable as Tensor, optimizer.weightDecay));
      }
    }
    write(core.sub(variable as Tensor, core.mul(change, learningRate)));
  });
}

/** The optimiser's moments before the first step: for each kind of moment one array per weight. */
function createMoments(tfjs: Tfjs, weights: readonly Weight[], { kind }: Optimizer): Variable[][] {
  return Array.from({ length: kind === "sgd" ? 1 : 2 }, () =>
    weights.map(({ variable }) =>
      tfjs.core.tidy(() => tfjs.core.variable(tfjs.core.zeros(variable.shape), false)),
    ),
  );
}

function momentOf({ core }: Tfjs, { variable, offset, size }: Weight, flat: Float32Array): Variable {
  return core.tidy(() =>
    core.variable(core.tensor(flat.slice(offset, offset + size), variable.shape), false),
  );
}

/** Tensors of some weights at their places among all; 0 elsewhere. */
async function flatten(
  count: number,
  weights: readonly Weight[],
  tensors: readonly (Tensor | undefined)[],
): Promise<Float32Array> {
  const flat = new Float32Array(count);
  for (const [i, { offset }] of weights.entries()) {
    const tensor = tensors[i];
    if (tensor) flat.set((await tensor.data()) as Float32Array, offset);
  }
  return flat;
}

/** @returns the state's arrays that the optimiser has. */
function checkState({ first, second }: EngineState, kinds: number, count: number): Float32Array[] {
  checkParameterCount(first.length, count);
  checkParameterCount(second.length, kinds === 2 ? count : 0);
  return kinds === 2 ? [first, second] : [first];
}

function checkBatch({ images, targets, weights }: TrainBatch, pixels: number, classes: number): void {
  checkImages(images, pixels);
  const n = images.length / pixels;
  if (n === 0 || targets.length !== n || weights.length !== n) {
    throw new RangeError(`${n} images with ${targets.length} targets and ${weights.length} weights`);
  }
  if (targets.some((target) => target >= classes)) throw new RangeError(`a target beyond ${classes} classes`);
  if (!(weights.reduce((sum, weight) => sum + weight, 0) > 0))
    throw new RangeError("weights that sum up to 0");
}

function checkImages(images: Float32Array, pixels: number): void {
  if (images.length % pixels !== 0) throw new RangeError(`${images.length} values for images of ${pixels}`);
}
