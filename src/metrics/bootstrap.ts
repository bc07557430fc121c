import { randomNumbers } from "../random.js";
import { auprcOf } from "./auprc.js";
import { aurocOf } from "./auroc.js";
import { expandedTail } from "./expanded-tail.js";
import { bestFirst, groupOf, requireSameLength, type Scores, type TieGroups } from "./tie-groups.js";

/** A value and the interval in which resampling puts it. */
export interface Interval {
  /** Of the data as they are. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Resamples that had a value; a resample without positives has no AUROC, for instance. */
  readonly resamples: number;
}

export interface BootstrapOptions {
  readonly seed: number;
  /** Default 2000. */
  readonly resamples?: number;
  /** How sure the interval is meant to be; default 0.95. */
  readonly level?: number;
}

/** A statistic of items of which the i-th is taken `counts[i]` times. */
export type CountedStatistic = (counts: Uint32Array) => number;

/**
 * Expanded percentile bootstrap interval ({@link expandedTail}) of any statistic of `items` items (pairs, regulators): each resample takes as
 * many of them as there are, with replacement. The ends of the interval are interpolated between resamples.
 * They are NaN if no resample has a value.
 *
 * @param statistic must not keep `counts`, which is used again
 */
export function bootstrap(
  items: number,
  statistic: CountedStatistic,
  { seed, resamples = 2000, level = 0.95 }: BootstrapOptions,
): Interval {
  const random = randomNumbers(seed, "bootstrap");
  const counts = new Uint32Array(items).fill(1);
  const value = statistic(counts);
  const values: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    counts.fill(0);
    for (let draw = 0; draw < items; draw++) counts[random.below(items)]++;
    const resampled = statistic(counts);
    if (!Number.isNaN(resampled)) values.push(resampled);
  }
  const sorted = Float64Array.from(values).sort();
  const tail = expandedTail(level, items);
  return { value, low: quantile(sorted, tail), high: quantile(sorted, 1 - tail), resamples: values.length };
}

const metricsOfGroups = { auroc: aurocOf, auprc: auprcOf } as const;

/**
 * Interval of {@link auroc} or {@link auprc} under resampling of the pairs. Pairs are sorted once; each
 * resample takes time in proportion to their number (200,000 pairs, 1000 resamples: a few seconds).
 *
 * Pairs of one regulator or target are not independent, so this interval is too narrow for the question how
 * well other genes would be predicted; {@link bootstrapMean} over the values of regulators answers that.
 *
 * @throws CnncError `SCORE_NOT_A_NUMBER`.
 */
export function bootstrapInterval(
  metric: keyof typeof metricsOfGroups,
  scores: Scores,
  labels: Uint8Array,
  options: BootstrapOptions,
): Interval {
  requireSameLength(scores, labels);
  const order = bestFirst(scores);
  const groups = groupOf(scores, order);
  const isPositive = Uint8Array.from(order, (i) => (labels[i] === 0 ? 0 : 1));
  const size = order.length === 0 ? 0 : groups[order.length - 1] + 1;
  const positives = new Uint32Array(size);
  const negatives = new Uint32Array(size);
  return bootstrap(
    order.length,
    (counts) => {
      positives.fill(0);
      negatives.fill(0);
      let totalPositives = 0;
      for (let place = 0; place < counts.length; place++) {
        if (isPositive[place] === 0) negatives[groups[place]] += counts[place];
        else {
          positives[groups[place]] += counts[place];
          totalPositives += counts[place];
        }
      }
      const resampled: Omit<TieGroups, "scores"> = {
        positives,
        negatives,
        totalPositives,
        totalNegatives: counts.length - totalPositives,
      };
      return metricsOfGroups[metric](resampled);
    },
    options,
  );
}

/**
 * Interval of the mean of some values, e.g. of one metric over regulators, or of the differences between two
 * methods regulator by regulator, which makes the comparison a paired one.
 */
export function bootstrapMean(values: ArrayLike<number>, options: BootstrapOptions): Interval {
  return bootstrap(
    values.length,
    (counts) => {
      let sum = 0;
      for (let i = 0; i < counts.length; i++) sum += counts[i] * values[i];
      return sum / counts.length;
    },
    options,
  );
}

/**
 * Interval of the mean of values that come in clusters, e.g. a regulator's in several folds: whole clusters are drawn,
 * as many as there are, and one that is drawn twice counts with all its values twice. With one value in each cluster
 * it is {@link bootstrapMean}.
 *
 * @param clusters name or number of each value's cluster
 */
export function bootstrapClusteredMean(
  values: ArrayLike<number>,
  clusters: ArrayLike<number | string>,
  options: BootstrapOptions,
): Interval {
  requireSameLength(values, clusters);
  const numbers = new Map<number | string, number>();
  const sums: number[] = [];
  const sizes: number[] = [];
  for (let i = 0; i < values.length; i++) {
    const number = numbers.get(clusters[i]) ?? numbers.size;
    numbers.set(clusters[i], number);
    sums[number] = (sums[number] ?? 0) + values[i];
    sizes[number] = (sizes[number] ?? 0) + 1;
  }
  return bootstrap(
    numbers.size,
    (counts) => {
      let sum = 0;
      let size = 0;
      for (let cluster = 0; cluster < counts.length; cluster++) {
        sum += counts[cluster] * sums[cluster];
        size += counts[cluster] * sizes[cluster];
      }
      return sum / size;
    },
    options,
  );
}

/** Linear between the two nearest values, as numpy's default. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}
