import { SWAPPED_CLASS, type Task } from "../pairs/index.js";
import { randomNumbers } from "../random.js";

export interface EpochOptions {
  readonly task: Task;
  readonly seed: number;
  /** Show the swapped pair, with its own class, half of the time. */
  readonly swap: boolean;
  /** Negatives in an epoch for each positive, drawn anew every time; all by default. */
  readonly negativesPerPositive?: number;
}

/** What an epoch shows, in its order; the arrays are equally long. */
export interface EpochRows {
  readonly rows: Uint32Array;
  /** 1 where the swapped pair is shown. */
  readonly swapped: Uint8Array;
  /** Class of what is shown. */
  readonly classes: Uint8Array;
}

/**
 * Which pairs an epoch shows, in which order and direction: a function of seed and epoch alone, so that a training
 * that goes on shows the same.
 *
 * @param rows the training rows
 * @param labels class of every row
 */
export function epochRows(
  rows: Uint32Array,
  labels: Uint8Array,
  epoch: number,
  { task, seed, swap, negativesPerPositive }: EpochOptions,
): EpochRows {
  const random = randomNumbers(seed, `epoch ${epoch}`);
  const positives = rows.filter((row) => labels[row] !== 0);
  const negatives = rows.filter((row) => labels[row] === 0);
  const wanted = Math.min(negatives.length, shownNegatives(positives.length, negativesPerPositive));
  random.shuffle(negatives, wanted);
  const shown = new Uint32Array(positives.length + wanted);
  shown.set(positives);
  shown.set(negatives.subarray(0, wanted), positives.length);
  random.shuffle(shown);
  const swapped = Uint8Array.from(shown, () => (swap && random.next() < 0.5 ? 1 : 0));
  const classes = Uint8Array.from(shown, (row, i) =>
    swapped[i] === 1 && task === "causality" ? SWAPPED_CLASS[labels[row]] : labels[row],
  );
  return { rows: shown, swapped, classes };
}

const shownNegatives = (positives: number, perPositive = Number.POSITIVE_INFINITY) =>
  Math.round(positives * perPositive);
