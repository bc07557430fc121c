import {
  type GradientEngine,
  type NetworkSpec,
  outputCount,
  parameterList,
  type TrainBatch,
} from "../model/index.js";

/** How far an engine is from another, its judge. */
export interface EngineDifferences {
  /** Largest difference of a probability. */
  readonly outputs: number;
  /** Difference of the losses. */
  readonly loss: number;
  /** Largest of the derivatives by the weights; see relativeDifference. */
  readonly gradients: number;
  /** Largest of the derivatives of the last output by the image's values, relative to the largest of those. */
  readonly inputGradients: number;
  /** Largest difference of a weight after the steps, and null without any. */
  readonly weights: number | null;
}

export interface ComparisonOptions {
  /** Optimiser steps on the same batch, for `weights`. Default 0. They agree only in networks without dropout. */
  readonly steps?: number;
  readonly learningRate?: number;
}

/** An array that is smaller than this share of the largest gradient of all is measured against that share. */
const FLOOR = 1e-3;

/**
 * Asks two engines that hold the same weights, and the same optimiser, the same questions about a batch. Steps change
 * the weights of both.
 */
export async function compareEngines(
  spec: NetworkSpec,
  judge: GradientEngine,
  engine: GradientEngine,
  batch: TrainBatch,
  { steps = 0, learningRate = 0.01 }: ComparisonOptions = {},
): Promise<EngineDifferences> {
  const both = async <T>(ask: (engine: GradientEngine) => Promise<T>): Promise<[T, T]> => [
    await ask(engine),
    await ask(judge),
  ];
  const [given, expected] = await both((one) => one.gradients(batch));
  const outputs = largestDifference(...(await both((one) => one.predict(batch.images))));
  const lastOutput = outputCount(spec) - 1;
  const [byImage, judgedByImage] = await both((one) => one.inputGradient(batch.images, lastOutput));
  for (let step = 0; step < steps; step++) await both((one) => one.step(batch, learningRate));
  return {
    outputs,
    loss: Math.abs(given.loss - expected.loss),
    gradients: relativeDifference(spec, given.gradients, expected.gradients),
    inputGradients: largestDifference(byImage, judgedByImage) / largestOf(judgedByImage),
    weights: steps === 0 ? null : largestDifference(...(await both((one) => one.parameters()))),
  };
}

/**
 * Largest difference within each array of weights, relative to the largest value of that array, but at least to a
 * thousandth of the largest value of all: the largest of these.
 *
 * @param given numbers for each parameter, in the order of parameterList, as `expected`
 */
export function relativeDifference(spec: NetworkSpec, given: Float32Array, expected: Float32Array): number {
  const least = FLOOR * largestOf(expected);
  return Math.max(
    ...parameterList(spec).map(({ offset, size }) => {
      const part = (values: Float32Array) => values.subarray(offset, offset + size);
      return largestDifference(part(given), part(expected)) / Math.max(largestOf(part(expected)), least);
    }),
  );
}

/** Largest absolute difference; NaN if any is. */
export function largestDifference(given: Float32Array, expected: Float32Array): number {
  if (given.length !== expected.length) throw new RangeError(`${given.length} of ${expected.length} numbers`);
  let most = 0;
  for (let i = 0; i < given.length; i++) most = Math.max(most, Math.abs(given[i] - expected[i]));
  return most;
}

function largestOf(values: Float32Array): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}
