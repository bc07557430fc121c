import { probabilityMetrics, tieGroups } from "../metrics/index.js";
import type { JudgedFold } from "./judged-fold.js";
import type { Calibration } from "./results.js";

const BINS = 10;

/**
 * Whether pairs interact as often as a method says: the test pairs of all folds, by their probability to interact (for
 * causality 1 - p(none)), in 10 bins of as equal numbers of pairs as can be without dividing equal probabilities;
 * constant probabilities make one bin. Bins are in ascending order.
 *
 * @returns undefined if the method's scores are no probabilities
 */
export function calibrationOf(folds: readonly JudgedFold[]): Calibration | undefined {
  const columns = folds.map(interactionProbabilities);
  if (columns.includes(undefined)) return undefined;
  const probabilities = Float64Array.from((columns as Float64Array[]).flatMap((column) => [...column]));
  const labels = Uint8Array.from(folds.flatMap(({ positive }) => [...positive]));
  return { bins: binsOf(probabilities, labels), brier: probabilityMetrics(probabilities, labels).brier };
}

/** That each test pair interacts, in either direction; undefined if the method does not say. */
export function interactionProbabilities({ test, scores }: JudgedFold): Float64Array | undefined {
  const { probabilities } = scores;
  if (probabilities === undefined || probabilities.length === test.length) return probabilities;
  return Float64Array.from(test, (_, i) => 1 - probabilities[3 * i]);
}

function binsOf(probabilities: Float64Array, labels: Uint8Array): Calibration["bins"] {
  const { scores, positives, negatives } = tieGroups(probabilities, labels);
  const bins = Array.from({ length: BINS }, () => ({ sum: 0, positives: 0, pairs: 0 }));
  let below = 0;
  for (let g = scores.length - 1; g >= 0; g--) {
    const ties = positives[g] + negatives[g];
    const bin = bins[Math.floor((BINS * (below + ties / 2)) / labels.length)];
    bin.sum += ties * scores[g];
    bin.positives += positives[g];
    bin.pairs += ties;
    below += ties;
  }
  return bins
    .filter(({ pairs }) => pairs > 0)
    .map(({ sum, positives, pairs }) => ({ predicted: sum / pairs, observed: positives / pairs, pairs }));
}
