import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Argv, CommandModule } from "yargs";
import { CnncError } from "../../errors.js";
import {
  type BenchmarkResults,
  createMethods,
  METHOD_NAMES,
  type Method,
  openFoldStore,
  planSplits,
  resultsJson,
  runBenchmark,
  type SplitAnswers,
  splitResult,
  verdict,
  writeScores,
} from "../../evaluation/index.js";
import { type HistogramSession, openHistograms } from "../../histograms/index.js";
import { checkOutputFolder, guardWrites, hashFile, writeWholeFolder } from "../../io/index.js";
import { type PairFile, readPairFile } from "../../pairs/index.js";
import { renderReport } from "../../report/benchmark/report.js";
import { type Labelled, labelledPairs } from "../../training/index.js";
import { answerLine } from "../benchmark/answer-line.js";
import { compareRuns } from "../benchmark/compare-runs.js";
import { benchmarkFacts, fingerprintOf } from "../benchmark/facts.js";
import {
  type BenchmarkArguments,
  benchmarkOptions,
  methodNames,
  networkSettings,
  splitRequests,
} from "../benchmark/options.js";
import { benchmarkSummary } from "../benchmark/summary.js";
import { topPairs } from "../benchmark/top-pairs.js";
import { interruptible } from "../interrupt.js";
import { labellingFrom } from "../label-options.js";
import { DATA_FILES, seedFrom, selectionFrom, withExamples, withOptions } from "../options.js";
import { progressLine } from "../progress-line.js";

export const benchmarkCommand: CommandModule<object, BenchmarkArguments> = {
  command: "benchmark [data]",
  describe: "Compare methods on known interactions, by cross-validation, with a report",
  builder: (parser) =>
    withExamples(
      withOptions(parser, benchmarkOptions).positional("data", {
        type: "string",
        describe: DATA_FILES,
      }),
      [
        [
          "benchmark data-samples/expression.h5ad --labels data-samples/pairs.tsv -o report",
          "all methods, on targets that they never saw; open report/index.html",
        ],
        [
          "benchmark mydata.h5ad --labels known.tsv --split random-pairs,target-disjoint --add scores:genie3.tsv -o report",
          "two ways to split, and the scores of another tool beside ours",
        ],
        ["benchmark --compare report1/results.json report2/results.json", "two runs side by side"],
      ],
    ) as Argv<BenchmarkArguments>,
  handler: (args) =>
    args.compare === undefined ? interruptible((signal) => run(args, signal)) : compareRuns(args),
};

async function run(args: BenchmarkArguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const { data, labels, output } = requireInputs(args);
  await checkOutputFolder(output);
  const settings = networkSettings(args);
  const requests = splitRequests(args);
  const seed = seedFrom(args.seed);
  const progress = progressLine();
  const notices: string[] = [];
  const say = (line: string) => {
    progress.end();
    process.stderr.write(`${line}\n`);
  };
  const notice = (line: string) => {
    if (notices.includes(line)) return;
    notices.push(line);
    say(line);
  };

  const file = await readPairFile(labels);
  const session = await openHistograms(
    data,
    { kind: "list", file },
    {
      ...selectionFrom(args),
      skipMissing: args["skip-missing"],
      keepValues: true,
      device: "cpu",
      threads: settings.threads,
      signal,
      onProgress: progress.listener,
    },
  );
  let isKept = false;
  try {
    const labelled = labelledPairs(session, file, { ...labellingFrom(args), seed });
    const { task, pairs } = labelled;
    const planned = planSplits(pairs, filePlace(file, labelled), requests, seed);
    const asked = methodNames(args);
    const candidates = await createMethods(asked, args.add ?? [], { session, task, pairs, settings }, notice);
    const { selection } = session;
    const hashes = {
      data: (await selection.origin(signal)).sha256,
      ...(selection.prepared && { store: await selection.digest(signal) }),
      labels: await hashFile(labels, signal),
    };
    const store = await openFoldStore(
      `${output}.partial`,
      fingerprintOf({ ...args, precision: settings.precision, device: settings.device }, hashes, session),
    );
    isKept = true;
    if (store.resumed) say(`Going on with what ${output}.partial has of this benchmark.`);
    const line = answerLine(candidates.map(({ name }) => name));
    const { splits: answers, methods } = await runBenchmark(planned, {
      task,
      pairs,
      geneNames: session.store.geneNames,
      methods: candidates,
      ...(asked === undefined && { dispensable: new Set(METHOD_NAMES) }),
      seed,
      store,
      signal,
      onProgress: progress.listener,
      onNotice: notice,
      onAnswer: (done) => say(line(done)),
    });
    progress.end();
    const context = { task, pairs, geneNames: session.store.geneNames, seed };
    const splits = answers.map((split) => splitResult(split, methods, context));
    const results: BenchmarkResults = {
      format: "cnnc benchmark",
      formatVersion: 1,
      ...benchmarkFacts(args, { session, labelled, hashes, settings, notices, started }),
      task,
      splits,
    };
    const pictures = await topPairs(results.splits, answers, {
      session,
      labelled,
      methods,
      store,
      data,
      settings,
      signal,
    });
    await guardWrites(output, () =>
      writeWholeFolder(output, (folder) =>
        writeReport(folder, results, pictures, { answers, labelled, session, methods }),
      ),
    );
    await store.remove();
    process.stdout.write(args.json ? resultsJson(results) : benchmarkSummary(output, results));
  } catch (error) {
    throw signal.aborted && isKept ? stopped(output) : error;
  } finally {
    progress.end();
    session.close();
  }
}

const filePlace = (file: PairFile, { rows }: Labelled) => ({ file, ...(rows && { rows }) });

function stopped(output: string): CnncError {
  return new CnncError(
    "CANCELLED",
    "Stopped.",
    `${output}.partial keeps what is done: the same command goes on from there.`,
  );
}

/** @throws CnncError `BAD_USAGE` */
function requireInputs({ data, labels, output }: BenchmarkArguments) {
  if (data !== undefined && labels !== undefined && output !== undefined)
    return { data, labels, output: output.replace(/(?<=.)\/+$/, "") };
  const missing = data === undefined ? "the data" : labels === undefined ? "--labels" : "-o";
  throw new CnncError(
    "BAD_USAGE",
    `A benchmark needs ${missing}.`,
    "Write: cnnc benchmark mydata.h5ad --labels known.tsv -o report",
  );
}

interface Answered {
  readonly answers: readonly SplitAnswers[];
  readonly labelled: Labelled;
  readonly session: HistogramSession;
  readonly methods: readonly Method[];
}

async function writeReport(
  folder: string,
  results: BenchmarkResults,
  pictures: Awaited<ReturnType<typeof topPairs>>,
  { answers, labelled, session, methods }: Answered,
): Promise<void> {
  const verdicts = Object.fromEntries(results.splits.map((split) => [split.name, verdict(split)]));
  const { html, figures } = await renderReport({ results, verdicts, topPairs: pictures });
  await writeFile(join(folder, "index.html"), html);
  await writeFile(join(folder, "results.json"), resultsJson(results));
  await mkdir(join(folder, "figures"));
  for (const [name, svg] of Object.entries(figures)) await writeFile(join(folder, "figures", name), svg);
  await writeScores(join(folder, "scores.tsv.gz"), answers, labelled.pairs, session.store.geneNames, methods);
}
