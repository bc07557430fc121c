import type { InferredOptionTypes } from "yargs";
import { NEGATIVE_MODES, TASKS, type Task } from "../pairs/index.js";
import { positiveNumber } from "./options.js";

/** Options that say what a network learns from. */
export const labelOptions = {
  labels: {
    type: "string",
    demandOption: true,
    describe: "Labelled gene pairs, or known interactions alone (with --negatives)",
    group: "Labels:",
  },
  task: { choices: TASKS, describe: "What is learned; by default what the labels tell", group: "Labels:" },
  negatives: {
    choices: NEGATIVE_MODES,
    describe: "Draw pairs without interaction in this way, for files that list interactions alone",
    group: "Labels:",
  },
  "negative-ratio": {
    type: "number",
    default: 1,
    describe: "Negatives drawn for each interaction",
    group: "Labels:",
  },
  "negatives-per-positive": {
    type: "number",
    default: 5,
    describe: "Negatives shown in an epoch for each positive, at most; other ones every time",
    group: "Labels:",
  },
  "skip-missing": {
    type: "boolean",
    default: false,
    describe: "Leave out pairs of genes that the data lacks",
    group: "Labels:",
  },
  "skip-contradictions": {
    type: "boolean",
    default: false,
    describe: "Leave out pairs about which the file contradicts itself",
    group: "Labels:",
  },
} as const;

type LabelArguments = Omit<InferredOptionTypes<typeof labelOptions>, "labels" | "task"> & {
  task?: Task | undefined;
};

/** @throws CnncError `BAD_USAGE` */
export function labellingFrom(args: LabelArguments) {
  return {
    ...(args.task !== undefined && { task: args.task }),
    skipContradictions: args["skip-contradictions"],
    ...(args.negatives !== undefined && {
      negatives: { mode: args.negatives, ratio: positiveNumber("negative-ratio", args["negative-ratio"]) },
    }),
  };
}
