import { randomNumbers } from "../../dist/random.js";

/** Scores of `levels` different values at most, which know something of the labels; at least one pair of a class. */
export function randomPairs(options: { n: number; levels: number; share: number; seed: number }): {
  scores: Float64Array;
  labels: Uint8Array;
} {
  const random = randomNumbers(options.seed, "test");
  const labels = Uint8Array.from({ length: options.n }, () => (random.next() < options.share ? 1 : 0));
  labels[0] = 1;
  labels[1] = 0;
  const scores = Float64Array.from(labels, (label) =>
    Math.floor(options.levels * (0.7 * random.next() + 0.3 * label)),
  );
  return { scores, labels };
}
