import type { Interval } from "../../metrics/index.js";

/** Stands where there is no number; the caption says why. */
export const NONE = "–";

/** `.758`, `1.000`, `−.012`. */
export function fraction(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  const digits = Math.abs(value).toFixed(3);
  return (value < 0 && Number(digits) > 0 ? "−" : "") + digits.replace(/^0/, "");
}

/** `+.030`, `−.012`, `.000`. */
export function signed(value: number): string {
  return Number(value.toFixed(3)) > 0 ? `+${fraction(value)}` : fraction(value);
}

/** `1.83`: of ratios to chance. */
export function ratio(value: number): string {
  return Number.isFinite(value) ? value.toFixed(2) : NONE;
}

/** `[.710, .801]`; empty without an interval. */
export function range({ low, high }: Interval, format: (value: number) => string = fraction): string {
  return Number.isFinite(low) && Number.isFinite(high) ? `[${format(low)}, ${format(high)}]` : "";
}

/** `.758 [.710, .801]`. */
export function withRange(interval: Interval, format: (value: number) => string = fraction): string {
  return `${format(interval.value)} ${range(interval, format)}`.trim();
}

/** `12,345`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 pair`, `12,345 pairs`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `3 of 40`, and 100 %. */
export function share(part: number, whole: number): string {
  return whole === 0 ? "0" : `${count(part)} of ${count(whole)} (${percent(part / whole)})`;
}

/** `0 %`, `<0.1 %`, `12 %`. */
export function percent(value: number): string {
  if (!Number.isFinite(value)) return NONE;
  if (value > 0 && value < 0.001) return "<0.1 %";
  return `${value > 0 && value < 0.1 ? (100 * value).toFixed(1) : Math.round(100 * value)} %`;
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The lowest and the highest of the finite values; undefined if there is none. */
export function extent(values: readonly number[]): [low: number, high: number] | undefined {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return undefined;
  return [finite.reduce((a, b) => Math.min(a, b)), finite.reduce((a, b) => Math.max(a, b))];
}

/** Of numbers of any size; `.310 to .360`, or one of them where both read alike. */
export function span(values: readonly number[], format: (value: number) => string = fraction): string {
  const ends = extent(values);
  if (ends === undefined) return NONE;
  const [low, high] = ends.map(format);
  return low === high ? low : `${low} to ${high}`;
}
