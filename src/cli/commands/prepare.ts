import { stat } from "node:fs/promises";
import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import {
  describePrepared,
  type ExpressionSource,
  type ExpressionStore,
  openExpression,
  type PreparedFacts,
  writePrepared,
} from "../../expression/index.js";
import { checkOutputFile } from "../../io/index.js";
import { resolveThreads } from "../../native/device.js";
import { interruptible } from "../interrupt.js";
import {
  computeOptions,
  DATA_FILES,
  selectionFrom,
  selectionOptions,
  wholeNumber,
  withExamples,
  withOptions,
} from "../options.js";
import { progressLine } from "../progress-line.js";
import { protectInputs } from "../protect-inputs.js";
import { formatBytes, formatCount, formatDuration, plural } from "../text.js";

const options = {
  ...selectionOptions,
  "min-cells": {
    type: "number",
    default: 0,
    describe: "Leave out genes that fewer of the chosen cells express",
    group: "Data:",
  },
  values: {
    type: "boolean",
    default: false,
    describe:
      "Keep the values beside their bins, for correlations and for cnnc benchmark: 9 bytes instead of 5 for each that is not 0",
    group: "Data:",
  },
  threads: computeOptions.threads,
  output: {
    alias: "o",
    type: "string",
    demandOption: true,
    describe: "Store to write, best as NAME.cnnc.h5",
  },
  json: { type: "boolean", default: false, describe: "Print the summary as JSON" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { data: string };

export const prepareCommand: CommandModule<object, Arguments> = {
  command: "prepare <data>",
  describe: "Save the binned expression of all genes, which every command then reads in no time",
  builder: (parser) =>
    withExamples(
      withOptions(parser, options).positional("data", {
        type: "string",
        demandOption: true,
        describe: DATA_FILES,
      }),
      [
        ["prepare data-samples/expression.h5ad -o sample.cnnc.h5", "to be given instead of the .h5ad"],
        ["prepare mydata.h5ad --obs cell_type=HSC --values -o hsc.cnnc.h5", "of some cells, for all methods"],
      ],
    ) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  await checkOutputFile(args.output);
  await protectInputs(args.output, [args.data]);
  const minCells = wholeNumber("min-cells", args["min-cells"], 0);
  const threads = resolveThreads(
    args.threads === undefined ? undefined : wholeNumber("threads", args.threads, 1),
  );
  const progress = progressLine();
  const hooks = { signal, onProgress: progress.listener };
  let source: ExpressionSource | undefined;
  try {
    source = await openExpression(args.data, { ...selectionFrom(args), signal });
    const store = await source.build({ minCells, keepValues: args.values, threads, ...hooks });
    const facts = await writePrepared(args.output, source, store, { minCells, ...hooks });
    progress.end();
    const written = { store, facts, bytes: (await stat(args.output)).size };
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(args.json ? summaryJson(args, written, seconds) : summary(args, written, seconds));
  } finally {
    progress.end();
    source?.close();
  }
}

interface Written {
  readonly store: ExpressionStore;
  readonly facts: PreparedFacts;
  readonly bytes: number;
}

function summary({ output, values }: Arguments, { store, facts, bytes }: Written, seconds: number): string {
  const { native, constantGenes } = store;
  const what = values ? "with values" : "without values";
  const lines = [
    `${output}: ${plural(native.genes, "gene")} in ${plural(facts.cells, "cell")}, ` +
      `${formatCount(native.entries)} entries ${what}, ${formatBytes(bytes)}, in ${formatDuration(seconds)}`,
    `Made from ${describePrepared(facts)}`,
    `${facts.matrix} read as ${facts.scale.name}: ${facts.scale.reason}`,
    ...(facts.rareGenes > 0
      ? [
          `Left out: ${plural(facts.rareGenes, "gene")} expressed in fewer than ${plural(facts.minCells, "cell")}`,
        ]
      : []),
    ...(constantGenes > 0 ? [`Constant in all cells: ${plural(constantGenes, "gene")}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function summaryJson(
  { output, values }: Arguments,
  { store, facts, bytes }: Written,
  seconds: number,
): string {
  const { native, constantGenes } = store;
  const summary = { output, values, genes: native.genes, entries: native.entries, constantGenes, bytes };
  return `${JSON.stringify({ ...summary, ...facts, seconds }, null, 2)}\n`;
}
