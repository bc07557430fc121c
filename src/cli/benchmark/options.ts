import type { InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import { METHOD_NAMES, type NetworkSettings, type SplitRequest } from "../../evaluation/index.js";
import { deviceFor, nativeEngineProblem } from "../../model/index.js";
import { type Device, resolveThreads } from "../../native/device.js";
import { SPLIT_MODES, type SplitMode } from "../../pairs/index.js";
import { PRECISIONS } from "../../scoring/index.js";
import { labelOptions } from "../label-options.js";
import { positiveNumber, selectionOptions, trainingOptions, wholeNumber } from "../options.js";

export const benchmarkOptions = {
  ...labelOptions,
  labels: { ...labelOptions.labels, demandOption: false },
  split: {
    type: "string",
    describe: `What test pairs never share with training pairs: ${SPLIT_MODES.join(", ")}, or several joined by commas; target-disjoint by default`,
    group: "Folds:",
  },
  folds: {
    type: "number",
    describe: "Folds of each split; 5 by default, 3 (for regulators and targets each) if both-disjoint",
    group: "Folds:",
  },
  "fold-column": {
    type: "string",
    describe: "Columns of the label file that name folds, joined by commas",
    group: "Folds:",
  },
  methods: {
    type: "string",
    describe: `What is compared, joined by commas: ${METHOD_NAMES.join(", ")}, model:FOLDER, scores:FILE; by default all that have a name`,
    group: "Methods:",
  },
  add: {
    type: "string",
    array: true,
    nargs: 1,
    describe: "One more method beside those, e.g. scores:genie3.tsv; can be repeated",
    group: "Methods:",
  },
  epochs: {
    type: "number",
    describe: "Of every network; 12 by default, up to 60 if there are few pairs",
    group: "Methods:",
  },
  seed: {
    type: "number",
    default: 1,
    describe: "Decides folds, weights, order, dropout and intervals",
    group: "Methods:",
  },
  ...selectionOptions,
  ...trainingOptions,
  precision: {
    choices: PRECISIONS,
    default: "auto",
    describe: "Of networks; auto is bf16 where the processor has it, which is faster",
    group: "Computing:",
  },
  compare: {
    type: "string",
    array: true,
    nargs: 2,
    describe: "Show two results.json side by side, instead of running anything",
    group: "Comparing runs:",
  },
  output: { alias: "o", type: "string", describe: "Folder to write the report to (a .html with --compare)" },
  json: { type: "boolean", default: false, describe: "Print the results as JSON" },
} as const;

export type BenchmarkArguments = InferredOptionTypes<typeof benchmarkOptions> & { data?: string };

const USUAL_FOLDS = 5;
/** Of regulators and of targets: 9 folds in all. */
const USUAL_FOLDS_OF_BOTH = 3;

/** @throws CnncError `BAD_USAGE` */
export function splitRequests(args: BenchmarkArguments): SplitRequest[] {
  const columns = listOf(args["fold-column"]);
  const modes = listOf(args.split ?? (columns.length > 0 ? undefined : "target-disjoint"));
  const requests = [
    ...modes.map((mode) => ({ mode: splitMode(mode), folds: foldCount(mode, args.folds) })),
    ...columns.map((column) => ({ column })),
  ];
  const names = [...modes, ...columns];
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return requests;
  throw new CnncError("BAD_USAGE", `The split ${twice} is named twice.`, "Name it once.");
}

function splitMode(name: string): SplitMode {
  const mode = SPLIT_MODES.find((known) => known === name);
  if (mode !== undefined) return mode;
  throw new CnncError(
    "BAD_USAGE",
    `There is no split ${name}.`,
    `Splits are ${SPLIT_MODES.join(", ")}; columns of the label file go with --fold-column.`,
  );
}

function foldCount(mode: string, asked: number | undefined): number {
  const usual = mode === "both-disjoint" ? USUAL_FOLDS_OF_BOTH : USUAL_FOLDS;
  return wholeNumber("folds", asked ?? usual, 2);
}

/** Names of methods; undefined for all that have one. */
export function methodNames(args: BenchmarkArguments): string[] | undefined {
  return args.methods === undefined ? undefined : listOf(args.methods);
}

const listOf = (text: string | undefined) =>
  (text ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

function precisionOf({ precision, engine }: BenchmarkArguments, device: Device): "f32" | "bf16" {
  if (precision !== "auto") return precision as "f32" | "bf16";
  if (device === "cuda") return "bf16";
  return engine !== "tfjs" && nativeEngineProblem("bf16") === undefined ? "bf16" : "f32";
}

/** @throws CnncError `BAD_USAGE` */
export function networkSettings(args: BenchmarkArguments): NetworkSettings {
  const threads = args.threads === undefined ? undefined : wholeNumber("threads", args.threads, 1);
  const device = deviceFor(args.engine, args.device);
  return {
    ...(args.epochs !== undefined && { epochs: wholeNumber("epochs", args.epochs, 1) }),
    negativesPerPositive: positiveNumber("negatives-per-positive", args["negatives-per-positive"]),
    engine: args.engine,
    device,
    precision: precisionOf(args, device),
    threads: resolveThreads(threads),
    cacheBytes: 1e6 * wholeNumber("cache-memory", args["cache-memory"], 0),
    confirmSlow: () => args.yes,
  };
}
