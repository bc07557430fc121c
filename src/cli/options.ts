import type { Argv, InferredOptionTypes, Options } from "yargs";
import { CnncError } from "../errors.js";
import {
  parseCellFilter,
  SCALES,
  type ScaleChoice,
  type SelectionOptions,
  TRANSFORMS,
} from "../expression/index.js";
import { ENGINES } from "../model/index.js";
import { DEVICES } from "../native/device.js";

/** The kinds of file that hold expression, for help texts. */
export const DATA_FILES = ".h5ad, 10x .h5, BEELINE .csv, or a store of cnnc prepare";

/** Options that say which part of an expression file is meant. */
export const selectionOptions = {
  layer: { type: "string", describe: "Use this layer instead of X", group: "Data:" },
  raw: { type: "boolean", describe: "Use raw/X instead of X", group: "Data:", conflicts: "layer" },
  "gene-column": {
    type: "string",
    describe: "Name genes by this var column instead of the index",
    group: "Data:",
  },
  obs: {
    type: "string",
    array: true,
    nargs: 1,
    describe: "Only these cells: 'cell_type=HSC,MPP' or 'batch!=2'; can be repeated",
    group: "Data:",
  },
  scale: {
    choices: SCALES,
    default: "auto",
    describe: "What the matrix holds; auto looks at it and says what it found",
    group: "Data:",
  },
  transform: {
    choices: TRANSFORMS,
    defaultDescription: "log10",
    describe: "What is binned: log10(x + 0.01), ln(1 + x), or x",
    group: "Data:",
  },
} as const;

export const threadsOption = {
  threads: {
    type: "number",
    describe: "CPU threads; all that this process is granted by default",
    group: "Computing:",
  },
} as const;

export const computeOptions = {
  device: { choices: DEVICES, default: "auto", describe: "Where histograms are built", group: "Computing:" },
  ...threadsOption,
} as const;

/** Options of commands that train networks. */
export const trainingOptions = {
  engine: {
    choices: ENGINES,
    default: "auto",
    describe: "oneDNN or a GPU, or TensorFlow.js, which is slower",
    group: "Computing:",
  },
  device: {
    choices: DEVICES,
    default: "auto",
    describe: "Where networks learn and score; auto is a GPU where there is one",
    group: "Computing:",
  },
  ...threadsOption,
  "cache-memory": {
    type: "number",
    default: 1024,
    describe: "MB that histograms may take; if they do not fit, they are built anew for every step",
    group: "Computing:",
  },
  yes: { type: "boolean", default: false, describe: "Train even if it will take long", group: "Computing:" },
} as const;

type Selected = Omit<InferredOptionTypes<typeof selectionOptions>, "scale"> & {
  readonly scale?: ScaleChoice | undefined;
};

/** @throws CnncError `BAD_OBS_FILTER` */
export function selectionFrom(args: Selected): SelectionOptions {
  return {
    ...(args.layer !== undefined && { layer: args.layer }),
    ...(args.raw !== undefined && { raw: args.raw }),
    ...(args["gene-column"] !== undefined && { geneColumn: args["gene-column"] }),
    obs: (args.obs ?? []).map(parseCellFilter),
    ...(args.scale !== undefined && { scale: args.scale }),
    ...(args.transform !== undefined && { transform: args.transform }),
  };
}

/** @throws CnncError `BAD_USAGE` unless it is a whole number of at least `least`. */
export function wholeNumber(option: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new CnncError("BAD_USAGE", `--${option} must be a whole number of at least ${least}.`);
}

/** Adds options; one that takes a value must have one. */
export function withOptions<T, O extends Record<string, Options>>(
  parser: Argv<T>,
  options: O,
): Argv<Omit<T, keyof O> & InferredOptionTypes<O>> {
  const valued = Object.keys(options).filter(
    (name) => options[name].type !== "boolean" && options[name].nargs === undefined,
  );
  return parser.options(options).requiresArg(valued);
}

/** Adds the examples of a command, one a line: what is typed, and what it does. */
export function withExamples<T>(parser: Argv<T>, examples: readonly [string, string][]): Argv<T> {
  return parser.example(examples.map(([line, what]): [string, string] => [`cnnc ${line}`, what]));
}

/** @throws CnncError `BAD_USAGE` unless it is a number greater than 0. */
export function positiveNumber(option: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new CnncError("BAD_USAGE", `--${option} must be a number greater than 0.`);
}

/** @throws CnncError `BAD_USAGE` */
export function seedFrom(seed: number): number {
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw new CnncError("BAD_USAGE", `--seed must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
}

const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * Bytes from `4G` or `500M`, in powers of 1024 as Slurm counts them.
 *
 * @throws CnncError `BAD_USAGE`
 */
export function bytesFrom(option: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([KMGT])(?:i?B)?$/i.exec(text) ?? [];
  if (number === undefined) {
    throw new CnncError(
      "BAD_USAGE",
      `--${option} ${text} is no amount of memory.`,
      `Write it like --${option} 4G or --${option} 500M.`,
    );
  }
  return Math.floor(Number(number) * UNITS[unit.toUpperCase() as keyof typeof UNITS]);
}
