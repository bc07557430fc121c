import { type Scores, type TieGroups, tieGroups } from "../metrics/index.js";
import type { JudgedFold } from "./judged-fold.js";
import type { Curve, MethodResult } from "./results.js";

/** Points of a curve at most. */
const MAX_POINTS = 200;

/**
 * ROC curve (x false positive rate, y true positive rate) and precision-recall curve (x recall, y precision) over the
 * test pairs of all folds. Scores of different folds come from different trainings, so they are turned into ranks
 * within their fold first. Folds without positive or without negative pairs are left out. Curves without pairs have no
 * points.
 *
 * The precision-recall curve begins at recall 0 with the precision of the best-ranked pairs, not with 1.
 */
export function curvesOf(folds: readonly JudgedFold[]): MethodResult["curves"] {
  const judged = folds.filter(({ hasBothKinds }) => hasBothKinds);
  const ranks = judged.flatMap(({ scores }) => [...withinFoldRanks(scores.interaction)]);
  const positive = judged.flatMap((fold) => [...fold.positive]);
  const groups = tieGroups(Float64Array.from(ranks), Uint8Array.from(positive));
  return {
    roc: thinned(rocPoints(groups), MAX_POINTS),
    precisionRecall: thinned(precisionRecallPoints(groups), MAX_POINTS),
  };
}

/** Rank of each score, 1 the lowest, over the number of scores; ties have the mean of their ranks. */
export function withinFoldRanks(scores: Scores): Float64Array {
  const { scores: values, positives, negatives } = tieGroups(scores, new Uint8Array(scores.length));
  const ranks = new Map<number, number>();
  let better = 0;
  values.forEach((value, g) => {
    const ties = positives[g] + negatives[g];
    ranks.set(value, (scores.length - better - (ties - 1) / 2) / scores.length);
    better += ties;
  });
  return Float64Array.from(scores, (score) => ranks.get(score) as number);
}

function rocPoints({ positives, negatives, totalPositives, totalNegatives }: TieGroups): Curve {
  if (totalPositives === 0 || totalNegatives === 0) return { x: [], y: [] };
  const x = [0];
  const y = [0];
  let found = 0;
  let wrong = 0;
  positives.forEach((more, g) => {
    found += more;
    wrong += negatives[g];
    x.push(wrong / totalNegatives);
    y.push(found / totalPositives);
  });
  return { x, y };
}

function precisionRecallPoints({ positives, negatives, totalPositives }: TieGroups): Curve {
  if (totalPositives === 0) return { x: [], y: [] };
  const x: number[] = [];
  const y: number[] = [];
  let found = 0;
  let marked = 0;
  positives.forEach((more, g) => {
    found += more;
    marked += more + negatives[g];
    x.push(found / totalPositives);
    y.push(found / marked);
  });
  return { x: [0, ...x], y: [y[0], ...y] };
}

/**
 * Leaves out points where the curve is straightest: starting from the ends, the point farthest from the line drawn so
 * far is added again and again. A curve of few points stays as it is.
 *
 * @param limit number of points to keep, at least 2
 */
export function thinned({ x, y }: Curve, limit: number): Curve {
  if (x.length <= limit) return { x, y };
  const kept = [0, x.length - 1];
  const gaps = [farthest({ x, y }, 0, x.length - 1)];
  while (kept.length < limit) {
    const widest = gaps.reduce((best, gap, i) => (gap.distance > gaps[best].distance ? i : best), 0);
    const { from, to, point } = gaps[widest];
    if (point === undefined) break;
    kept.push(point);
    gaps.splice(widest, 1, farthest({ x, y }, from, point), farthest({ x, y }, point, to));
  }
  kept.sort((one, other) => one - other);
  return { x: kept.map((i) => x[i]), y: kept.map((i) => y[i]) };
}

/** Two kept points, and the one between them that is farthest from the line that joins them; none if all lie on it. */
interface Gap {
  readonly from: number;
  readonly to: number;
  readonly point: number | undefined;
  readonly distance: number;
}

function farthest({ x, y }: Curve, from: number, to: number): Gap {
  const width = x[to] - x[from];
  const height = y[to] - y[from];
  const length = Math.hypot(width, height);
  let point: number | undefined;
  let distance = 0;
  for (let i = from + 1; i < to; i++) {
    const right = x[i] - x[from];
    const up = y[i] - y[from];
    const away = length === 0 ? Math.hypot(right, up) : Math.abs(width * up - height * right) / length;
    if (away <= distance) continue;
    distance = away;
    point = i;
  }
  return { from, to, point, distance };
}
