import { dirname, resolve } from "node:path";
import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import { SCALES, TRANSFORMS } from "../../expression/index.js";
import type { HistogramSession } from "../../histograms/index.js";
import { checkOutputFile } from "../../io/index.js";
import { ENGINES } from "../../model/index.js";
import { DEVICES } from "../../native/device.js";
import { type Shard, shardRange } from "../../pairs/index.js";
import type { ProgressListener } from "../../progress.js";
import {
  ASSOCIATION_MEASURES,
  PRECISIONS,
  RANKED_FORMATS,
  type RankedFormat,
  rankedFormat,
  rankPairs,
  type ScoredBatch,
  withLateColumn,
  writeRanked,
} from "../../scoring/index.js";
import { interruptible } from "../interrupt.js";
import { memoryForStores, memoryOption, READ_IN_PARTS } from "../memory-option.js";
import {
  DATA_FILES,
  selectionFrom,
  selectionOptions,
  threadsOption,
  wholeNumber,
  withExamples,
  withOptions,
} from "../options.js";
import { describeReport, pairOptions, pairRequest } from "../pair-options.js";
import { describeEstimate, type Estimate, estimate } from "../prediction/dry-run.js";
import {
  associationWork,
  type DataRequest,
  histogramFileWork,
  type NetworkRequest,
  networkWork,
  RANKINGS,
} from "../prediction/open-work.js";
import { describeShard, runShard } from "../prediction/shard-run.js";
import { columnsWithout, lateOf, type PredictionWork, thresholdColumn } from "../prediction/work.js";
import { progressLine } from "../progress-line.js";
import { protectInputs } from "../protect-inputs.js";
import { checkCheckpoint, shardFrom, shardOptions } from "../shard-options.js";
import { formatCount, formatDuration, plural } from "../text.js";

const scoreOptions = {
  model: { type: "string", describe: "Model folder, from cnnc train or cnnc import-keras", group: "Scores:" },
  method: {
    choices: ASSOCIATION_MEASURES,
    describe: "Rank by this measure instead of a model",
    group: "Scores:",
  },
  "rank-by": {
    choices: RANKINGS,
    describe:
      "Best first by this score: p_a_to_b for --regulators and models that tell directions, else p_interaction",
    group: "Scores:",
  },
  top: { type: "number", describe: "Write only this many pairs, the best", group: "Scores:" },
} as const;

const dataOptions = {
  ...selectionOptions,
  scale: {
    choices: SCALES,
    describe: "What the matrix holds; by default what the model was trained on, auto without a model",
    group: "Data:",
  },
  transform: {
    choices: TRANSFORMS,
    describe: "What is binned; by default the model's, log10 without a model",
    group: "Data:",
  },
  histograms: {
    type: "string",
    describe: "Score this file of cnnc build-histograms, instead of expression",
    group: "Data:",
  },
} as const;

const computeOptions = {
  engine: {
    choices: ENGINES,
    describe: "oneDNN, or TensorFlow.js, which is slower; auto by default",
    group: "Computing:",
  },
  precision: {
    choices: PRECISIONS,
    describe: "bf16 is faster where the processor has it; auto by default",
    group: "Computing:",
  },
  device: {
    choices: DEVICES,
    default: "auto",
    describe: "Where networks run, with their histograms; auto is a GPU where there is one",
    group: "Computing:",
  },
  ...threadsOption,
  ...memoryOption,
  "dry-run": {
    type: "boolean",
    default: false,
    describe: "Tell how many pairs, how much memory and how long, and write nothing",
    group: "Computing:",
  },
} as const;

const options = {
  ...scoreOptions,
  ...pairOptions,
  "all-pairs": {
    ...pairOptions["all-pairs"],
    describe: "All unordered pairs of genes; a network's scores are the means over both orders",
  },
  ...dataOptions,
  ...computeOptions,
  ...shardOptions,
  output: { alias: "o", type: "string", describe: "File to write" },
  format: {
    choices: RANKED_FORMATS,
    describe: "By default what the file's name tells: .tsv, .csv, .sif, .graphml, .jsonl, rankedEdges.csv",
  },
  json: { type: "boolean", default: false, describe: "Print the summary as JSON" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { data: string | undefined };

export const predictPairsCommand: CommandModule<object, Arguments> = {
  command: "predict-pairs [data]",
  describe: "Rank gene pairs by how likely they interact",
  builder: (parser) =>
    withExamples(
      withOptions(parser, options).positional("data", {
        type: "string",
        describe: DATA_FILES,
      }),
      [
        [
          "predict-pairs data-samples/expression.h5ad --model model --regulators data-samples/regulators.txt -o ranked.tsv",
          "each regulator with each gene",
        ],
        [
          "predict-pairs mydata.h5ad --model model --all-pairs --top 10000 -o network.graphml",
          "the best of all pairs, for Cytoscape",
        ],
        [
          "predict-pairs mydata.h5ad --method spearman --all-pairs --top 10000 -o ranked.tsv",
          "without a model",
        ],
        [
          "predict-pairs mydata.h5ad --model model --all-pairs --shard 2/8 -o part-2.cnnc",
          "an eighth of the work; give it again after a kill, and all parts to cnnc merge",
        ],
      ],
    ) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

/** Bytes to sort pairs in; more goes to disk. */
const SORT_MEMORY = 32 * 2 ** 20;

interface Output {
  readonly path: string;
  readonly format: RankedFormat;
}

/** What is to come of a run. */
type Goal =
  | { readonly kind: "estimate"; readonly shard?: Shard }
  | { readonly kind: "shard"; readonly shard: Shard; readonly path: string }
  | { readonly kind: "ranking"; readonly output: Output };

/** What came out of a run. */
interface Outcome {
  readonly output: Output;
  readonly written: number;
  /** Pairs above the model's threshold, among all. */
  readonly aboveThreshold: number | undefined;
  readonly scoringSeconds: number;
  readonly seconds: number;
}

/** What all goals need. */
interface Run {
  readonly args: Arguments;
  readonly top: number | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
  /** Prints a line about the run. */
  readonly say: (line: string) => void;
  /** Those that were printed. */
  readonly warnings: readonly string[];
  readonly secondsSoFar: () => number;
}

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  checkUsage(args);
  const top = args.top === undefined ? undefined : wholeNumber("top", args.top, 1);
  const goal = await goalOf(args);
  const progress = progressLine();
  const warnings: string[] = [];
  const say = (line: string) => {
    progress.end();
    process.stderr.write(`${line}\n`);
  };
  const onWarning = (line: string) => {
    warnings.push(line);
    say(`Warning: ${line}`);
  };
  const secondsSoFar = () => (performance.now() - started) / 1000;
  const run: Run = { args, top, signal, onProgress: progress.listener, say, warnings, secondsSoFar };
  let work: PredictionWork | undefined;
  try {
    work = await openWork(args, { signal, onProgress: progress.listener, onNotice: say, onWarning });
    const text = await reach(goal, work, run);
    progress.end();
    process.stdout.write(text);
  } finally {
    progress.end();
    work?.close();
  }
}

async function goalOf(args: Arguments): Promise<Goal> {
  const shard = shardFrom(args);
  if (args["dry-run"]) return { kind: "estimate", ...(shard && { shard }) };
  if (shard) return { kind: "shard", shard, path: await shardPathOf(args) };
  return { kind: "ranking", output: await outputOf(args) };
}

/** @returns the report */
async function reach(goal: Goal, work: PredictionWork, run: Run): Promise<string> {
  const { args, top, signal, onProgress, warnings } = run;
  switch (goal.kind) {
    case "estimate": {
      const { from, to } = shardRange(work.pairs, goal.shard ?? { index: 1, of: 1 });
      const sorting = { memoryBudget: SORT_MEMORY, ...(top !== undefined && { top }) };
      const found = await estimate({ ...work, pairs: to - from }, sorting, signal);
      return args.json
        ? toJson({ dryRun: true, ...workFacts(work, args), ...found, warnings })
        : dryRunText(work, found, args);
    }
    case "shard":
      return reachShard(goal, work, run);
    case "ranking": {
      const ranked = await rank(work, goal.output, top, { signal, onProgress });
      const outcome = { ...ranked, output: goal.output, seconds: run.secondsSoFar() };
      return args.json ? summaryJson(work, outcome, args, warnings) : summary(work, outcome, args);
    }
  }
}

async function reachShard(
  { shard, path }: Extract<Goal, { kind: "shard" }>,
  work: PredictionWork,
  { args, top, signal, onProgress, say, warnings, secondsSoFar }: Run,
): Promise<string> {
  const before = performance.now();
  const outcome = await runShard(
    path,
    work,
    { shard, ...(top !== undefined && { top }) },
    {
      ...(args.checkpoint !== undefined && { checkpointSeconds: args.checkpoint }),
      memoryBudget: SORT_MEMORY,
      signal,
      onProgress,
      onNotice: say,
    },
  );
  const scoringSeconds = (performance.now() - before) / 1000;
  if (args.json) {
    const { finishedBefore, pairs, resumed, kept } = outcome;
    return toJson({
      output: path,
      shard: `${shard.index}/${shard.of}`,
      ...workFacts(work, args),
      pairs,
      resumed,
      kept,
      finishedBefore,
      seconds: secondsSoFar(),
      scoringSeconds,
      warnings,
    });
  }
  const lines = [
    ...describeShard(path, shard, outcome, secondsSoFar()),
    ...(outcome.finishedBefore ? [] : [`Scored with ${work.engine}`]),
    ...describeData(work, args),
  ];
  return `${lines.join("\n")}\n`;
}

/** @throws CnncError `BAD_USAGE` for options that cannot be meant together. */
function checkUsage(args: Arguments): void {
  const refuse = (message: string, remedy: string) => {
    throw new CnncError("BAD_USAGE", message, remedy);
  };
  const given = (names: readonly (keyof Arguments)[]) =>
    names.filter((name) => {
      const value = args[name];
      return value !== undefined && value !== false && value !== 0;
    });
  if ((args.model === undefined) === (args.method === undefined)) {
    refuse(
      `What scores the pairs is ${args.model === undefined ? "not given" : "given twice"}.`,
      "Give --model MODEL, or --method without a model.",
    );
  }
  const [ofModels] = given(["engine", "precision", "rank-by"]);
  if (args.method !== undefined && ofModels !== undefined) {
    refuse(`--${ofModels} is given with --method.`, "It is for networks: leave it out, or give --model.");
  }
  if (args.shard !== undefined && args.format !== undefined) {
    refuse("--format is given with --shard.", "Give it to cnnc merge, which makes one file of all shards.");
  }
  checkCheckpoint(args);
  if (args.histograms === undefined) {
    if (args.data === undefined)
      refuse("No data are given.", "Name a file of expression, or --histograms FILE.");
  } else {
    if (args.method !== undefined) refuse("--histograms is given with --method.", "Give --model MODEL.");
    const [settled] = given([
      "data",
      "pairs",
      "regulators",
      "targets",
      "all-pairs",
      "skip-missing",
      "min-cells",
      "memory",
    ]);
    const [read] = given(["obs", "layer", "raw", "gene-column", "scale", "transform"]);
    const extra = settled ?? read;
    if (extra !== undefined) {
      refuse(
        `${extra === "data" ? `The file ${args.data}` : `--${extra}`} is given with --histograms.`,
        "The histograms were made of chosen pairs and cells: leave it out.",
      );
    }
  }
}

/** @throws CnncError `BAD_USAGE`, those of rankedFormat, checkOutputFile and protectInputs */
async function outputOf(args: Arguments): Promise<Output> {
  const path = pathOf(args);
  const format = rankedFormat(path, args.format);
  await checkOutput(path, args);
  return { path, format };
}

/** @throws CnncError `BAD_USAGE`, those of checkOutputFile and protectInputs */
async function shardPathOf(args: Arguments): Promise<string> {
  const path = pathOf(args);
  if (!path.endsWith(".cnnc")) {
    throw new CnncError(
      "BAD_USAGE",
      `${path} is to be a shard, and its name says something else.`,
      "Name it .cnnc; cnnc merge makes tables and networks of all shards.",
    );
  }
  await checkOutput(path, args);
  return path;
}

function pathOf({ output }: Arguments): string {
  if (output !== undefined) return output;
  throw new CnncError("BAD_USAGE", "--output is missing.", "Give -o FILE, or --dry-run.");
}

async function checkOutput(path: string, args: Arguments): Promise<void> {
  const { data, histograms, pairs, regulators, targets } = args;
  await checkOutputFile(path);
  await protectInputs(path, [data, histograms, pairs, regulators, targets]);
}

interface WorkHooks extends Pick<NetworkRequest, "onWarning"> {
  readonly signal: AbortSignal;
  readonly onProgress: NonNullable<DataRequest["options"]["onProgress"]>;
  readonly onNotice: (line: string) => void;
}

async function openWork(args: Arguments, hooks: WorkHooks): Promise<PredictionWork> {
  const threads = args.threads === undefined ? {} : { threads: wholeNumber("threads", args.threads, 1) };
  const network = (model: string): NetworkRequest => ({
    model,
    ...(args["rank-by"] !== undefined && { rankBy: args["rank-by"] }),
    scorer: {
      ...(args.engine !== undefined && { engine: args.engine }),
      ...(args.precision !== undefined && { precision: args.precision }),
      device: args.device,
      ...threads,
      onNotice: hooks.onNotice,
    },
    onWarning: hooks.onWarning,
  });
  const { model, method, histograms } = args;
  if (histograms !== undefined) return histogramFileWork(network(model as string), histograms);
  const memory = memoryForStores(args);
  const request: DataRequest = {
    data: args.data as string,
    pairs: await pairRequest(args),
    ...(memory !== undefined && { memory }),
    options: {
      ...selectionFrom(args),
      minCells: wholeNumber("min-cells", args["min-cells"], 0),
      skipMissing: args["skip-missing"],
      device: "cpu",
      ...threads,
      signal: hooks.signal,
      onProgress: hooks.onProgress,
    },
  };
  return method === undefined
    ? networkWork(network(model as string), request)
    : associationWork(method, request);
}

/** Scores, ranks and writes all pairs. */
async function rank(
  work: PredictionWork,
  { path, format }: Output,
  top: number | undefined,
  hooks: Parameters<PredictionWork["batches"]>[0],
): Promise<Omit<Outcome, "output" | "seconds">> {
  const { columns, main, names, directed } = work;
  const late = lateOf(work, work.pairs, top);
  const flag = thresholdColumn(columnsWithout(columns, late));
  const started = performance.now();
  let scoringSeconds = 0;
  let above = 0;
  const counted = async function* (): AsyncGenerator<ScoredBatch, void, void> {
    for await (const batch of work.batches({ ...hooks, withoutLate: late !== undefined })) {
      if (flag >= 0) above += batch.scores[flag].reduce((sum, isAbove) => sum + isAbove, 0);
      scoringSeconds = (performance.now() - started) / 1000;
      yield batch;
    }
  };
  const ranking = rankPairs(counted(), {
    main,
    names,
    ...(top !== undefined && { top }),
    memoryBudget: SORT_MEMORY,
    temporaryFolder: dirname(resolve(path)),
    ...hooks,
  });
  const whole = late ? withLateColumn(ranking, late, hooks) : ranking;
  const written = await writeRanked(path, format, whole, columns, names, { main, directed, ...hooks });
  return { written, aboveThreshold: flag < 0 ? undefined : above, scoringSeconds };
}

function summary(work: PredictionWork, outcome: Outcome, args: Arguments): string {
  const { output, written, aboveThreshold, scoringSeconds, seconds } = outcome;
  const best = written < work.pairs ? `the best ${formatCount(written)} of ` : "";
  const rate = formatCount(Math.round(work.pairs / Math.max(scoringSeconds, 1e-3)));
  const threshold = work.model?.info.threshold;
  const lines = [
    `${output.path}: ${best}${plural(work.pairs, "pair")}, by ${work.columns[work.main].name}, in ${formatDuration(seconds)}`,
    `Scored with ${work.engine}: ${rate} pairs/s`,
    ...(threshold && aboveThreshold !== undefined
      ? [
          `Above the model's threshold of ${threshold.score.toPrecision(3)} (precision ${threshold.precision.toFixed(2)} on validation pairs): ${plural(aboveThreshold, "pair")}`,
        ]
      : []),
    ...describeData(work, args),
  ];
  return `${lines.join("\n")}\n`;
}

function dryRunText(work: PredictionWork, found: Estimate, args: Arguments): string {
  return `${[...describeEstimate(found, work.engine), ...describeData(work, args)].join("\n")}\n`;
}

/** How the values were read, and what was left out or stands out. */
function describeData({ session }: PredictionWork, args: Arguments): string[] {
  if (session === undefined) {
    return ["There is no column spearman: a file of histograms has no expression to correlate"];
  }
  const { matrix, scale, prepared } = session.selection;
  return [
    `${matrix.name} read as ${scale.name}: ${scaleReason(session, args)}`,
    ...(prepared?.hasValues === false
      ? ["There is no column spearman: the store was prepared without --values"]
      : []),
    ...(session.inParts ? [READ_IN_PARTS] : []),
    ...describeReport(session.report, args),
  ];
}

const scaleReason = ({ selection }: HistogramSession, { model, scale }: Arguments): string =>
  model !== undefined && scale === undefined && !selection.prepared
    ? "as the model's training data"
    : selection.scale.reason;

function summaryJson(
  work: PredictionWork,
  outcome: Outcome,
  args: Arguments,
  warnings: readonly string[],
): string {
  const { output, written, aboveThreshold, scoringSeconds, seconds } = outcome;
  return toJson({
    output: output.path,
    format: output.format,
    ...workFacts(work, args),
    pairs: work.pairs,
    written,
    ...(aboveThreshold !== undefined && { aboveThreshold }),
    seconds,
    scoringSeconds,
    pairsPerSecond: work.pairs / Math.max(scoringSeconds, 1e-3),
    warnings,
  });
}

function workFacts(work: PredictionWork, args: Arguments) {
  const { engine, precision, model, session, columns, main } = work;
  return {
    engine,
    ...(precision !== undefined && { precision }),
    ...(model && {
      model: model.path,
      task: model.info.task,
      architecture: model.info.architecture,
      ...(model.info.threshold && { threshold: model.info.threshold }),
    }),
    columns: columns.map(({ name }) => name),
    rankedBy: columns[main].name,
    ...(session && {
      matrix: session.selection.matrix.name,
      cells: session.selection.cells,
      genes: session.store.geneNames.length,
      scale: session.selection.scale.name,
      scaleReason: scaleReason(session, args),
      transform: session.selection.transform,
      storeBytes: session.storeBytes,
      ...session.report,
    }),
  };
}

const toJson = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
