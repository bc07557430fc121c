import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import { mergeHistogramShards } from "../../histograms/index.js";
import { checkOutputFile, HDF5_SIGNATURE } from "../../io/index.js";
import { notAShard, unreadableShard } from "../../pairs/index.js";
import type { ProgressListener } from "../../progress.js";
import {
  isRecordFile,
  mergeScoreShards,
  RANKED_FORMATS,
  rankedFormat,
  writeRanked,
} from "../../scoring/index.js";
import { interruptible } from "../interrupt.js";
import { withExamples, withOptions } from "../options.js";
import { progressLine } from "../progress-line.js";
import { protectInputs } from "../protect-inputs.js";
import { formatCount, formatDuration, plural } from "../text.js";

const options = {
  output: { alias: "o", type: "string", demandOption: true, describe: "File to write" },
  format: {
    choices: RANKED_FORMATS,
    describe:
      "Of rankings; by default what the file's name tells: .tsv, .csv, .sif, .graphml, .jsonl, rankedEdges.csv",
  },
  json: { type: "boolean", default: false, describe: "Print the summary as JSON" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { shards: string[] };

export const mergeCommand: CommandModule<object, Arguments> = {
  command: "merge <shards..>",
  describe: "Put the shards of predict-pairs or build-histograms together",
  builder: (parser) =>
    withExamples(
      withOptions(parser, options).positional("shards", {
        type: "string",
        array: true,
        demandOption: true,
        describe: "All files of one run, in any order",
      }),
      [
        ["merge part-*.cnnc -o ranked.tsv", "the same bytes as of one run without --shard"],
        ["merge part-*.h5 -o histograms.h5", "of build-histograms"],
      ],
    ) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

/** What both kinds of shards give. */
interface Merged {
  readonly shards: number;
  readonly pairs: number;
  /** For people: what was written. */
  readonly what: string;
  /** For people: further lines. */
  readonly notes: readonly string[];
  /** For programs. */
  readonly facts: object;
}

interface Hooks {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
}

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  const { shards, output } = args;
  await checkOutputFile(output);
  await protectInputs(output, shards);
  const holdScores = await kindOf(shards);
  const progress = progressLine();
  try {
    const hooks = { signal, onProgress: progress.listener };
    const merged = await (holdScores ? mergeScores(args, hooks) : mergeHistograms(args, hooks));
    progress.end();
    const seconds = (performance.now() - started) / 1000;
    const { what, notes, facts, pairs } = merged;
    process.stdout.write(
      args.json
        ? `${JSON.stringify({ output, shards: merged.shards, pairs, ...facts, seconds }, null, 2)}\n`
        : `${[`${output}: ${what}, of ${plural(merged.shards, "shard")}, in ${formatDuration(seconds)}`, ...notes].join("\n")}\n`,
    );
  } finally {
    progress.end();
  }
}

/**
 * Whether the shards hold scores; else histograms.
 *
 * @throws CnncError `SHARDS_DIFFER`, `NOT_A_SHARD`, `SHARD_UNREADABLE`
 */
async function kindOf(paths: readonly string[]): Promise<boolean> {
  const kinds: boolean[] = [];
  for (const path of paths) kinds.push(await holdsScores(path));
  const odd = kinds.indexOf(!kinds[0]);
  if (odd < 0) return kinds[0];
  throw new CnncError(
    "SHARDS_DIFFER",
    `${paths[odd]} holds ${kinds[odd] ? "scores" : "histograms"}, and ${paths[0]} ${kinds[0] ? "scores" : "histograms"}.`,
    "Name the shards of one run.",
  );
}

async function holdsScores(path: string): Promise<boolean> {
  const start = Buffer.alloc(HDF5_SIGNATURE.length);
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadableShard(path, cause);
  });
  try {
    if (!(await file.stat()).isFile()) throw notAShard(path);
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  if (isRecordFile(start)) return true;
  if (start.equals(HDF5_SIGNATURE)) return false;
  throw notAShard(path);
}

async function mergeScores(args: Arguments, hooks: Hooks): Promise<Merged> {
  const { output, shards } = args;
  const format = rankedFormat(output, args.format);
  const temporaryFolder = dirname(resolve(output));
  const merged = await mergeScoreShards(shards, { ...hooks, temporaryFolder });
  const { columns, names, main, directed, pairs, run, marked, ranking } = merged;
  const written = await writeRanked(output, format, ranking, columns, names, { main, directed, ...hooks });
  const best = written < pairs ? `the best ${formatCount(written)} of ` : "";
  const hasThreshold = columns.some(({ name }) => name === "above_threshold");
  return {
    shards: merged.shards,
    pairs,
    what: `${best}${plural(pairs, "pair")}, by ${columns[main].name}`,
    notes: hasThreshold ? [`Above the model's threshold: ${plural(marked, "pair")}`] : [],
    facts: {
      format,
      written,
      rankedBy: columns[main].name,
      columns: columns.map(({ name }) => name),
      ...(hasThreshold && { aboveThreshold: marked }),
      run,
    },
  };
}

async function mergeHistograms({ output, shards, format }: Arguments, hooks: Hooks): Promise<Merged> {
  if (format !== undefined) {
    throw new CnncError("BAD_USAGE", "--format is given with shards of histograms.", "Leave it out.");
  }
  const { pairs, kind, run } = await mergeHistogramShards(shards, output, hooks);
  return {
    shards: shards.length,
    pairs,
    what: plural(pairs, kind === "nepdf" ? "NEPDF" : "histogram"),
    notes: [],
    facts: { kind, run },
  };
}
