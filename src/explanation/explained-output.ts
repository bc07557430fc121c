import type { Task } from "../pairs/index.js";

export const EXPLAINED_OUTPUTS = ["interaction", "direction"] as const;
/**
 * The number that is explained, in log-odds (natural logarithm), so that what moves it adds up:
 *
 * - `interaction`: log(p / (1 - p)), p being the probability that the genes interact, in either direction
 * - `direction`: log(p(a->b) / p(b->a)); only of models that tell directions
 */
export type ExplainedOutput = (typeof EXPLAINED_OUTPUTS)[number];

/** For people. */
export const quantityOf = (output: ExplainedOutput, geneA: string, geneB: string): string =>
  output === "interaction"
    ? "log-odds of an interaction"
    : `log-odds of ${geneA} -> ${geneB} over the reverse`;

/** The output that most asks for an explanation: the direction where the model says that there is one. */
export function usualOutput(task: Task, logits: ArrayLike<number>): ExplainedOutput {
  return task === "causality" && logits[0] < Math.max(logits[1], logits[2]) ? "direction" : "interaction";
}

/** The explained number from a network's outputs before their sigmoid (1) or softmax (none, a->b, b->a). */
export function outputValue(output: ExplainedOutput, logits: ArrayLike<number>): number {
  if (logits.length === 1) return logits[0];
  const [none, forward, backward] = Array.from(logits);
  if (output === "direction") return forward - backward;
  const larger = Math.max(forward, backward);
  return larger + Math.log1p(Math.exp(Math.min(forward, backward) - larger)) - none;
}

/** Derivatives of the explained number by these outputs. */
export function outputSlopes(output: ExplainedOutput, logits: ArrayLike<number>): number[] {
  if (logits.length === 1) return [1];
  if (output === "direction") return [0, 1, -1];
  const forward = 1 / (1 + Math.exp(logits[2] - logits[1]));
  return [-1, forward, 1 - forward];
}

/** Probabilities, as the model gives them: one of a sigmoid, else one per class. */
export function probabilitiesOf(logits: ArrayLike<number>): number[] {
  if (logits.length === 1) return [1 / (1 + Math.exp(-logits[0]))];
  const largest = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power);
  return powers.map((power) => power / sum);
}
