/** Height, width and channels of one image or activation; a flat one has height and width 1. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * A layer of a sequential network, by Keras' meanings:
 *
 * - `conv`: a `kernel` x `kernel` convolution of stride 1; `same` keeps height and width (`kernel` is odd then)
 * - `batch_norm`: over each channel; in training with the batch's own mean and (biased) variance, after which
 *   moving = momentum * moving + (1 - momentum) * that of the batch
 * - `max_pool`, `average_pool`: `size` x `size` windows that do not overlap; what fills no window is left out
 * - `dropout`: in training, a value is 0 with probability `rate`, else divided by 1 - `rate`
 * - `flatten`: the values in the order row, column, channel
 * - `sigmoid`, `softmax`: always the last layer; probability of class 1, or of each class
 */
export type LayerSpec =
  | {
      readonly kind: "conv";
      readonly filters: number;
      readonly kernel: number;
      readonly padding: "same" | "valid";
      readonly bias: boolean;
    }
  | { readonly kind: "batch_norm"; readonly momentum: number; readonly epsilon: number }
  | { readonly kind: "relu" }
  | { readonly kind: "max_pool" | "average_pool"; readonly size: number }
  | { readonly kind: "dropout"; readonly rate: number }
  | { readonly kind: "flatten" }
  | { readonly kind: "dense"; readonly units: number; readonly bias: boolean }
  | { readonly kind: "sigmoid" }
  | { readonly kind: "softmax" };

/** A sequential network without its weights: all that an engine needs to know of a model. */
export interface NetworkSpec {
  readonly input: ImageShape;
  readonly layers: readonly LayerSpec[];
}

/** One array of weights, and its place among all parameters laid end to end. */
export interface Parameter {
  /** The layer's number and the role, e.g. `0/kernel`. */
  readonly name: string;
  readonly role: "kernel" | "bias" | "gamma" | "beta" | "moving_mean" | "moving_variance";
  /** Of the layer in `NetworkSpec.layers`. */
  readonly layer: number;
  /** `[row, column, in, out]` of a convolution's kernel, `[in, out]` of a dense one's, else `[channels]`. */
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
  /** False for moving mean and variance, which have no gradient. */
  readonly trainable: boolean;
  /** Weight decay applies: to kernels, not to biases and batch normalisation. */
  readonly decays: boolean;
}

/** What each layer puts out. */
export function outputShapes(spec: NetworkSpec): ImageShape[] {
  let shape = spec.input;
  return spec.layers.map((layer) => {
    shape = outputShape(layer, shape);
    return shape;
  });
}

/** Probabilities per image: 1 of a sigmoid, else one per class. */
export const outputCount = (spec: NetworkSpec): number => (outputShapes(spec).at(-1) ?? spec.input).channels;

/** What one layer makes of an input. */
export function outputShape(layer: LayerSpec, input: ImageShape): ImageShape {
  const { height, width, channels } = input;
  switch (layer.kind) {
    case "conv": {
      const lost = layer.padding === "same" ? 0 : layer.kernel - 1;
      return { height: height - lost, width: width - lost, channels: layer.filters };
    }
    case "max_pool":
    case "average_pool":
      return { height: Math.floor(height / layer.size), width: Math.floor(width / layer.size), channels };
    case "flatten":
      return { height: 1, width: 1, channels: height * width * channels };
    case "dense":
      return { height: 1, width: 1, channels: layer.units };
    default:
      return input;
  }
}

/** All arrays of weights in the order in which engines and files hold them: layer by layer, float32. */
export function parameterList(spec: NetworkSpec): Parameter[] {
  const parameters: Parameter[] = [];
  let offset = 0;
  const shapes = outputShapes(spec);
  spec.layers.forEach((layer, index) => {
    const input = index === 0 ? spec.input : shapes[index - 1];
    for (const [role, shape] of layerParameters(layer, input)) {
      const size = shape.reduce((product, length) => product * length, 1);
      parameters.push({
        name: `${index}/${role}`,
        role,
        layer: index,
        shape,
        offset,
        size,
        trainable: role !== "moving_mean" && role !== "moving_variance",
        decays: role === "kernel",
      });
      offset += size;
    }
  });
  return parameters;
}

/** Length of all parameters laid end to end. */
export const parameterCount = (spec: NetworkSpec): number =>
  parameterList(spec).reduce((sum, { size }) => sum + size, 0);

function layerParameters(layer: LayerSpec, { channels }: ImageShape): [Parameter["role"], number[]][] {
  switch (layer.kind) {
    case "conv": {
      const { kernel, filters, bias } = layer;
      return [["kernel", [kernel, kernel, channels, filters]], ...biasOf(bias, filters)];
    }
    case "dense":
      return [["kernel", [channels, layer.units]], ...biasOf(layer.bias, layer.units)];
    case "batch_norm":
      return (["gamma", "beta", "moving_mean", "moving_variance"] as const).map((role) => [role, [channels]]);
    default:
      return [];
  }
}

const biasOf = (present: boolean, length: number): ["bias", number[]][] =>
  present ? [["bias", [length]]] : [];
