import { CnncError } from "../errors.js";
import type { ExpressionFile, MatrixInfo, Numbers } from "../io/index.js";
import { readBlocks } from "./blocks.js";

export const SCALES = ["auto", "counts", "linear", "log1p"] as const;
export const TRANSFORMS = ["log10", "log1p", "none"] as const;
export type ScaleChoice = (typeof SCALES)[number];
export type Transform = (typeof TRANSFORMS)[number];

/** What the stored values are, and how that is known. */
export interface Scale {
  readonly name: "counts" | "linear" | "log1p";
  /** Base of the logarithm of `log1p`; 0 is e. */
  readonly logBase: number;
  /** For people: why this scale. */
  readonly reason: string;
  /** True when it was guessed from the data. */
  readonly guessed: boolean;
}

/** Counts of 10,000 per cell reach 9.2 as ln(1 + x) and 13.3 as log2(1 + x); no linear scale stays below. */
const LARGEST_LOGARITHM = 30;
/** Values looked at before deciding. */
const SAMPLE = 1 << 20;

/**
 * Decides what the matrix holds: whole numbers are counts; a log1p mark in `uns`, or fractions with a
 * maximum below 30, are log1p; anything else is linear. Looks at the first million stored values.
 *
 * @throws CnncError of readBlocks.
 */
export async function decideScale(
  file: ExpressionFile,
  matrix: MatrixInfo,
  choice: ScaleChoice,
  signal?: AbortSignal,
): Promise<Scale> {
  const marked = file.log1pBase !== undefined;
  const logBase = file.log1pBase ?? 0;
  if (choice !== "auto") {
    const base = choice === "log1p" ? logBase : 0;
    return { name: choice, logBase: base, reason: "as asked", guessed: false };
  }
  const { whole, negative, maximum } = await sampleValues(file, matrix, signal);
  const decided = (name: Scale["name"], reason: string): Scale => ({
    name,
    logBase: name === "log1p" ? logBase : 0,
    reason,
    guessed: true,
  });
  if (negative) return decided("linear", "some values are negative");
  if (whole) return decided("counts", "all values looked at are whole numbers");
  if (marked && matrix.name === "X") return decided("log1p", "uns/log1p marks X as log-transformed");
  if (maximum < LARGEST_LOGARITHM) {
    return decided("log1p", `values have fractions and none is above ${rounded(maximum)}`);
  }
  return decided("linear", `values have fractions and reach ${rounded(maximum)}`);
}

/** `8.52`, `12,300` */
const rounded = (value: number) => value.toLocaleString("en-US", { maximumSignificantDigits: 3 });

/** What the first million stored values of a matrix look like. */
export interface ValueSample {
  readonly whole: boolean;
  readonly negative: boolean;
  readonly maximum: number;
  /** Share of the values looked at that are not 0; 0 when there are none. */
  readonly nonZeroShare: number;
}

export async function sampleValues(
  file: ExpressionFile,
  matrix: MatrixInfo,
  signal?: AbortSignal,
): Promise<ValueSample> {
  let whole = true;
  let negative = false;
  let maximum = 0;
  let nonZeros = 0;
  let seen = 0;
  const options = { maxEntries: SAMPLE, workers: 1, ...(signal && { signal }) };
  for await (const { values } of readBlocks(file, matrix, options)) {
    for (const value of plainNumbers(values)) {
      if (value !== 0) nonZeros++;
      if (value < 0) negative = true;
      if (value > maximum) maximum = value;
      if (whole && value !== Math.trunc(value)) whole = false;
    }
    seen += values.length;
    if (seen >= SAMPLE) break;
  }
  return { whole, negative, maximum, nonZeroShare: seen === 0 ? 0 : nonZeros / seen };
}

function plainNumbers(values: Numbers): Exclude<Numbers, BigInt64Array | BigUint64Array> {
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    return Float64Array.from(values, Number);
  }
  return values;
}

/** Axis unit of the binned values, e.g. `log10(CP10K + 0.01)`. */
export function expressionUnits(scale: Scale["name"], transform: Transform): string {
  const linear = scale === "counts" ? "CP10K" : scale === "log1p" ? "expm1(value)" : "value";
  if (transform === "log10") return `log10(${linear} + 0.01)`;
  return transform === "log1p" ? `ln(1 + ${linear})` : linear;
}

/**
 * @throws CnncError `SCALE_GUESS_WRONG` when a scale guessed as counts meets fractions further on.
 */
export function checkGuess(
  scale: Scale,
  hasFractions: boolean,
  file: ExpressionFile,
  matrix: MatrixInfo,
): void {
  if (scale.name !== "counts" || !scale.guessed || !hasFractions) return;
  throw new CnncError(
    "SCALE_GUESS_WRONG",
    `${file.path}: ${matrix.name} begins with whole numbers, which look like counts, but fractions follow.`,
    "Say what it holds: --scale counts, linear or log1p.",
  );
}
