import type { Interval } from "../../metrics/index.js";
import { type Html, html } from "./html.js";
import { extent } from "./numbers.js";

const WIDTH = 120;
const HEIGHT = 20;
const EDGE = 6;

/** The common axis of the small pictures in a column. */
export interface WhiskerScale {
  readonly low: number;
  readonly high: number;
  /** Drawn as a line: chance, or no difference. */
  readonly reference: number;
}

/** Full: a method; control: hollow, and of another colour; first: the first of two runs, hollow. */
export type Dot = "full" | "control" | "first";

/** An axis that holds all intervals and the reference. */
export function whiskerScale(intervals: readonly Interval[], reference: number): WhiskerScale {
  const [low, high] = extent(intervals.flatMap(({ value, low, high }) => [value, low, high])) ?? [0, 1];
  const ends = [Math.min(low, reference - 0.02), Math.max(high, reference + 0.02)];
  return { low: ends[0], high: ends[1], reference };
}

/**
 * A dot with whiskers, the size of a word; the numbers stand beside it, so that readers who cannot see it miss
 * nothing. Empty for NaN.
 */
export function whisker({ value, low, high }: Interval, scale: WhiskerScale, dot: Dot = "full"): Html {
  if (!Number.isFinite(value)) return html``;
  const at = (x: number) =>
    (EDGE + ((x - scale.low) / (scale.high - scale.low)) * (WIDTH - 2 * EDGE)).toFixed(1);
  const middle = HEIGHT / 2;
  const line =
    Number.isFinite(low) && Number.isFinite(high)
      ? html`<path class="line" d="M${at(low)},${middle}H${at(high)}M${at(low)},${middle - 3}v6M${at(high)},${middle - 3}v6"/>`
      : undefined;
  return html`<svg class="whisker" aria-hidden="true" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
<path class="reference" d="M${at(scale.reference)},0V${HEIGHT}"/>${line}<circle class="${dot}" cx="${at(value)}" cy="${middle}" r="4"/>
</svg>`;
}
