import type { CountArray } from "../native/addon-types.js";
import type { ImageKind } from "./image-kinds.js";

/**
 * How weights follow gradients g, at learning rate r:
 *
 * - `sgd`: v = momentum v + g; w -= r (g + momentum v) with Nesterov's look-ahead, else w -= r v
 * - `adam`: m and v, the means of g and g² at rates .9 and .999, freed of their bias towards the start;
 *   w -= r m / (sqrt(v) + 1e-7)
 * - `adamw`: adam, and w -= r weightDecay w of the weights before the step, for kernels only
 */
export type Optimizer =
  | { readonly kind: "sgd"; readonly momentum: number; readonly nesterov: boolean }
  | { readonly kind: "adam" }
  | { readonly kind: "adamw"; readonly weightDecay: number };

/** Labelled images. */
export interface TrainBatch {
  /** n x height x width x channels. */
  readonly images: Float32Array;
  /** n class numbers: 0 or 1 where the network has one output, else 0 to outputs - 1. */
  readonly targets: Uint8Array;
  /** n weights of the images in the loss; not all 0. They do not weight the statistics of batch normalisation. */
  readonly weights: Float32Array;
}

/** The same by the histograms that an engine holds. */
export interface HeldBatch extends Omit<TrainBatch, "images"> {
  readonly rows: Uint32Array;
  /** 1 where the image of the swapped pair is wanted, for each of `rows`. */
  readonly swapped: Uint8Array;
}

/** What an optimiser remembers, so that a training can go on where it stopped. */
export interface EngineState {
  readonly steps: number;
  /** Per parameter: sgd's v, adam's m. 0 for parameters without a gradient. */
  readonly first: Float32Array;
  /** Per parameter: adam's v; empty for sgd. */
  readonly second: Float32Array;
}

/** A network being trained or asked. One call at a time. */
export interface TrainEngine {
  /** What computes, e.g. `tfjs (cpu)`. */
  readonly name: string;
  /**
   * One optimiser step, with dropout, on the gradient of sum(weight * cross-entropy) / sum(weight).
   *
   * @returns that loss, before the step.
   */
  step(batch: TrainBatch, learningRate: number): Promise<number>;
  /**
   * Histograms of `cells` cells (n x 32 x 32) that stepHeld may name; they may not be touched any more. Only engines for
   * which that is better than making images have these two.
   */
  hold?(counts: CountArray, cells: number, kinds: readonly ImageKind[]): void;
  /** As `step`. */
  stepHeld?(batch: HeldBatch, learningRate: number): Promise<number>;
  /** n x outputs probabilities of n images: no dropout, moving statistics. */
  predict(images: Float32Array): Promise<Float32Array>;
  /** A copy of all parameters, in the order of parameterList. */
  parameters(): Promise<Float32Array>;
  setParameters(parameters: Float32Array): Promise<void>;
  state(): Promise<EngineState>;
  setState(state: EngineState): Promise<void>;
  /** Frees everything; no call may follow. */
  close(): void;
}

/** A network that says how its answers follow from the images: no dropout, moving statistics. One call at a time. */
export interface Differentiable {
  /** What computes, e.g. `tfjs (cpu)`. */
  readonly name: string;
  /** n x outputs numbers of n images before their sigmoid or softmax. */
  logits(images: Float32Array): Promise<Float32Array>;
  /** n x height x width x channels: the derivative of one of these outputs by each value of n images. */
  inputGradient(images: Float32Array, output?: number): Promise<Float32Array>;
  /** Frees everything; no call may follow. */
  close(): void;
}

/** An engine that shows its derivatives, for comparing engines and for explanations. */
export interface GradientEngine extends TrainEngine, Differentiable {
  /**
   * The loss of `step` and its derivative by each parameter (0 for moving statistics), without dropout, batch
   * normalisation as in training. Changes nothing.
   */
  gradients(batch: TrainBatch): Promise<{ loss: number; gradients: Float32Array }>;
}
