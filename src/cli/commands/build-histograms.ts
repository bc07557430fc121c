import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import {
  type HistogramSession,
  openHistograms,
  type WriteShardOptions,
  type WrittenShard,
  writeHistogramShard,
  writeHistogramsHdf5,
  writeHistogramsNpy,
} from "../../histograms/index.js";
import { checkOutputFile, checkOutputFolder } from "../../io/index.js";
import type { Shard } from "../../pairs/index.js";
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
import { checkCheckpoint, shardFrom, shardOptions } from "../shard-options.js";
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
  ...shardOptions,
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
  checkCheckpoint(args);
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
    const onNotice = (line: string) => {
      progress.end();
      process.stderr.write(`${line}\n`);
    };
    const hooks = { signal, onProgress: progress.listener, onNotice };
    const written = shard
      ? await writeShard(session, shard, args, hooks)
      : await writeAll(session, args, hooks);
    progress.end();
    const seconds = (performance.now() - started) / 1000;
    const text = args.json ? summaryJson : summary;
    process.stdout.write(text(session, args, seconds, written));
  } finally {
    progress.end();
    session?.close();
  }
}

/** What came of a run. */
interface Written {
  /** Sets of npy files. */
  readonly parts?: number;
  readonly shard?: Shard & WrittenShard;
}

type Hooks = Pick<WriteShardOptions, "signal" | "onProgress" | "onNotice">;

async function writeAll(session: HistogramSession, args: Arguments, hooks: Hooks): Promise<Written> {
  const { output, format, nepdf } = args;
  if (format === "npy") return { parts: await writeHistogramsNpy(session, output, hooks) };
  await writeHistogramsHdf5(session, output, { ...hooks, nepdf });
  return {};
}

async function writeShard(
  session: HistogramSession,
  shard: Shard,
  { output, nepdf, checkpoint }: Arguments,
  hooks: Hooks,
): Promise<Written> {
  const seconds = checkpoint === undefined ? {} : { checkpointSeconds: checkpoint };
  const written = await writeHistogramShard(session, output, shard, { ...hooks, nepdf, ...seconds });
  return { shard: { ...shard, ...written } };
}

function summary(
  session: HistogramSession,
  args: Arguments,
  seconds: number,
  { parts, shard }: Written,
): string {
  const { selection, report, source } = session;
  const { scale, matrix, cells } = selection;
  const files = parts === undefined ? "" : ` (${plural(parts, "part")})`;
  const part = shard ? `shard ${shard.index} of ${shard.of}, ` : "";
  const what = `${plural(shard?.pairs ?? source.count, "histogram")} of ${formatCount(cells)} cells`;
  const when = shard?.finishedBefore ? "was there already" : `in ${formatDuration(seconds)}`;
  const isResumed = shard && shard.resumed > 0 && !shard.finishedBefore;
  const lines = [
    `${args.output}${files}: ${part}${what}, ${when}`,
    ...(isResumed ? [`Went on after ${plural(shard.resumed, "histogram")} that had been built before`] : []),
    `${matrix.name} read as ${scale.name}: ${scale.reason}`,
    ...(session.inParts ? [READ_IN_PARTS] : []),
    ...describeReport(report, args),
  ];
  return `${lines.join("\n")}\n`;
}

function summaryJson(
  session: HistogramSession,
  args: Arguments,
  seconds: number,
  { shard: written }: Written,
): string {
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
    ...(written && {
      shard: args.shard,
      shardPairs: written.pairs,
      resumed: written.resumed,
      finishedBefore: written.finishedBefore,
    }),
  };
  return `${JSON.stringify(summary, null, 2)}\n`;
}
