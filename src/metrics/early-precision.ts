import { requireSameLength, type Scores, tieGroups } from "./tie-groups.js";

export interface EarlyPrecision {
  /** Share of true edges among the top ones; 0 if there are no top ones. */
  readonly precision: number;
  /** Precision over {@link density}: 1 is chance. */
  readonly ratio: number;
  /** Share of true edges among all possible ones. */
  readonly density: number;
  /** How many edges counted as top ones: at least the number of true edges where ties allow it. */
  readonly top: number;
}

/** The network in which edges are ranked, where it is larger than the pairs that were scored. */
export interface EdgeUniverse {
  /** True edges; default: the positive pairs. */
  readonly trueEdges?: number;
  /** Edges that could exist; default: the scored pairs. */
  readonly possibleEdges?: number;
}

/**
 * Early precision and its ratio as BEELINE computes them (Pratapa et al. 2020). Scores count by absolute
 * value, rounded to 6 decimals. With k true edges, the top edges are all those whose score is at least that
 * of the k-th (of the last, if fewer are scored), so ties at rank k are all in; edges of score 0 are never
 * top edges.
 *
 * @param labels a label other than 0 is a true edge
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function earlyPrecision(
  scores: Scores,
  labels: Uint8Array,
  { trueEdges, possibleEdges = scores.length }: EdgeUniverse = {},
): EarlyPrecision {
  requireSameLength(scores, labels);
  const groups = tieGroups(Float64Array.from(scores, weightOf), labels);
  const edges = trueEdges ?? groups.totalPositives;
  const density = edges / possibleEdges;
  let found = 0;
  let top = 0;
  for (let g = 0; g < groups.scores.length && top < edges && groups.scores[g] > 0; g++) {
    found += groups.positives[g];
    top += groups.positives[g] + groups.negatives[g];
  }
  const precision = top === 0 ? 0 : found / top;
  return { precision, ratio: precision / density, density, top };
}

/** Rounds half to even like numpy, on which BEELINE's rounding rests. */
function weightOf(score: number): number {
  const scaled = Math.abs(score) * 1e6;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 === 1);
  return (below + (up ? 1 : 0)) / 1e6;
}
