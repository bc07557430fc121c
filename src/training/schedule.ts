import type { Architecture, Optimizer } from "../model/index.js";

/** How the learning rate runs over a training. */
export type Schedule = "one-cycle" | "decay" | "constant";

export const SCHEDULES: readonly Schedule[] = ["one-cycle", "decay", "constant"];

/** One-cycle: the part of the steps on which the rate rises, and what the peak is divided by at either end. */
const RISING = 0.3;
const START_DIVISOR = 25;
const END_DIVISOR = 25 * 1e4;
/** Decay: CNNC's own (Keras 2): rate / (1 + 1e-6 step). */
const DECAY = 1e-6;

/**
 * Learning rate of a step.
 *
 * - `one-cycle` rises from peak / 25 to the peak over the first 30 % of the steps and falls to nearly nothing, both
 *   along half a cosine (Smith & Topin 2018, arXiv:1708.07120; PyTorch's numbers)
 * - `decay`: peak / (1 + 1e-6 step), as CNNC was trained
 * - `constant`: the peak
 *
 * @param step 0 to `steps` - 1
 */
export function learningRate(schedule: Schedule, peak: number, step: number, steps: number): number {
  if (schedule === "constant") return peak;
  if (schedule === "decay") return peak / (1 + DECAY * step);
  // May lie between two steps.
  const top = RISING * steps - 1;
  const rising = step <= top;
  const share = rising ? step / top : (step - top) / (steps - 1 - top);
  const [from, to] = rising ? [peak / START_DIVISOR, peak] : [peak, peak / END_DIVISOR];
  return to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
}

/**
 * The highest rate that is usually right. Without batch normalisation the published network stays where it began at
 * the rate that suits the others: on 425 cells with 1,144 interactions it learns nothing at 0.002.
 */
export function usualLearningRate(architecture: Architecture, optimizer: Optimizer["kind"]): number {
  if (optimizer === "sgd") return 0.01;
  return architecture === "cnnc" ? 0.0005 : 0.002;
}

/** Small sets are shown more often, so that there are enough steps to learn something. */
const ENOUGH_STEPS = 1000;
const FEWEST_EPOCHS = 12;
const MOST_EPOCHS = 60;

/** Epochs that are usually enough: 12 for many pairs, up to 60 for few. */
export function usualEpochs(pairsPerEpoch: number, batchSize: number): number {
  const steps = Math.ceil(pairsPerEpoch / batchSize);
  return Math.max(FEWEST_EPOCHS, Math.min(MOST_EPOCHS, Math.ceil(ENOUGH_STEPS / steps)));
}
