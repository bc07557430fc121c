import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import {
  type HistogramSession,
  openHistograms,
  writeHistogramsHdf5,
  writeHistogramsNpy,
} from "../../histograms/index.js";
import { checkOutputFile, checkOutputFolder } from "../../io/index.js";
import { shardRange } from "../../pairs/index.js";
import { interruptible } from "../interrupt.js";
import { memoryForStores, memoryOption, READ_IN_PARTS } from "../memory-option.js";
import {
  computeOptions,
  DATA_FILES,
  selectionFrom,
  selectionOptions,
  wholeNumber,
  withExamples,
  withOptions,
} from "../options.js";
import { describeReport, pairOptions, pairRequest } from "../pair-options.js";
import { progressLine } from "../progress-line.js";
import { protectInputs } from "../protect-inputs.js";
import { shardFrom, shardOption } from "../shard-options.js";
import { formatCount, formatDuration, plural } from "../text.js";

const outputOptions = {
  output: { alias: "o", type: "string", demandOption: true, describe: "File (or folder for npy) to write" },
  format: {
    choices: ["hdf5", "npy"],
    default: "hdf5",
    describe: "One HDF5 file, or the numpy files of CNNC's own scripts",
  },
  nepdf: {
    type: "boolean",
    default: false,
    describe: "float32 NEPDFs instead of counts (npy always has them)",
  },
  json: { type: "boolean", default: false, describe: "Print the summary as JSON" },
} as const;

const options = {
  ...pairOptions,
  ...selectionOptions,
  ...computeOptions,
  ...memoryOption,
  ...shardOption,
  ...outputOptions,
} as const;
type Arguments = InferredOptionTypes<typeof options> & { data: string };

export const buildHistogramsCommand: CommandModule<object, Arguments> = {
  command: "build-histograms <data>",
  describe: "Build 32 x 32 co-expression histograms of gene pairs",
  builder: (parser) =>
    withExamples(
      withOptions(parser, options).positional("data", {
        type: "string",
        demandOption: true,
        describe: DATA_FILES,
      }),
      [
        [
          "build-histograms data-samples/expression.h5ad --pairs data-samples/pairs.tsv -o histograms.h5",
          "the labelled pairs of the sample",
        ],
        [
          "build-histograms data-samples/expression.h5ad --regulators data-samples/regulators.txt -o all.h5",
          "each regulator with each gene",
        ],
      ],
    ) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const npy = args.format === "npy";
  const shard = shardFrom(args);
  if (npy && shard) {
    throw new CnncError(
      "BAD_USAGE",
      "--shard is given with --format npy.",
      "Leave one out: only HDF5 files can be merged.",
    );
  }
  const memory = memoryForStores(args);
  await (npy ? checkOutputFolder(args.output) : checkOutputFile(args.output));
  await protectInputs(args.output, [args.data, args.pairs, args.regulators, args.targets]);
  const request = await pairRequest(args, { byFirstGene: npy });
  const progress = progressLine();
  let session: HistogramSession | undefined;
  try {
    session = await openHistograms(args.data, request, {
      ...selectionFrom(args),
      minCells: wholeNumber("min-cells", args["min-cells"], 0),
      skipMissing: args["skip-missing"],
      ...(memory !== undefined && { memory: { bytes: memory } }),
      device: args.device,
      ...(args.threads !== undefined && { threads: wholeNumber("threads", args.threads, 1) }),
      signal,
      onProgress: progress.listener,
    });
    const writing = { signal, onProgress: progress.listener };
    const parts = npy
      ? await writeHistogramsNpy(session, args.output, writing)
      : void (await writeHistogramsHdf5(session, args.output, {
          ...writing,
          nepdf: args.nepdf,
          ...(shard && { shard }),
        }));
    progress.end();
    const seconds = (performance.now() - started) / 1000;
    process.stdout.write(
      args.json ? summaryJson(session, args, seconds) : summary(session, args, seconds, parts),
    );
  } finally {
    progress.end();
    session?.close();
  }
}

function summary(
  session: HistogramSession,
  args: Arguments,
  seconds: number,
  parts: number | undefined,
): string {
  const { selection, report } = session;
  const { scale, matrix, cells } = selection;
  const shard = shardFrom(args);
  const files = parts === undefined ? "" : ` (${plural(parts, "part")})`;
  const part = shard ? `shard ${shard.index} of ${shard.of}, ` : "";
  const lines = [
    `${args.output}${files}: ${part}${plural(pairsIn(session, args), "histogram")} of ${formatCount(cells)} cells, in ${formatDuration(seconds)}`,
    `${matrix.name} read as ${scale.name}: ${scale.reason}`,
    ...(session.inParts ? [READ_IN_PARTS] : []),
    ...describeReport(report, args),
  ];
  return `${lines.join("\n")}\n`;
}

function summaryJson(session: HistogramSession, args: Arguments, seconds: number): string {
  const { selection, report, store } = session;
  const { matrix, cells, scale, transform } = selection;
  const summary = {
    output: args.output,
    format: args.format,
    matrix: matrix.name,
    cells,
    genes: store.geneNames.length,
    scale: scale.name,
    scaleReason: scale.reason,
    transform,
    storeBytes: session.storeBytes,
    seconds,
    ...report,
    ...(args.shard !== undefined && { shard: args.shard, shardPairs: pairsIn(session, args) }),
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}

/** Pairs in the file. */
function pairsIn({ source }: HistogramSession, args: Arguments): number {
  const { from, to } = shardRange(source.count, shardFrom(args) ?? { index: 1, of: 1 });
  return to - from;
}
