import { createWriteStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { CnncError } from "../errors.js";
import { guardWrites, writeWhole } from "../io/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import {
  edgeListLayout,
  graphmlLayout,
  jsonLinesLayout,
  type Layout,
  type LayoutContext,
  type ScoreColumn,
  sifLayout,
  tableLayout,
} from "./formats-layouts.js";
import type { RankedBatch } from "./ranking.js";

export type { ScoreColumn } from "./formats-layouts.js";

/**
 * - `tsv`, `csv`: gene_a, gene_b and all score columns;
 * - `beeline`: BEELINE's rankedEdges.csv, tab-separated `Gene1 Gene2 EdgeWeight`;
 * - `scenic`: pySCENIC's adjacencies, `TF target importance`, with the separator that pySCENIC expects of the
 *   file's extension (.tsv or .csv);
 * - `sif`, `graphml`: for Cytoscape and other network tools;
 * - `jsonl`: an object per line.
 */
export const RANKED_FORMATS = ["tsv", "csv", "beeline", "scenic", "sif", "graphml", "jsonl"] as const;
export type RankedFormat = (typeof RANKED_FORMATS)[number];

export interface WriteRankedOptions {
  /** Score column that is the weight of formats with a single one. Default 0. */
  readonly main?: number;
  /** Whether gene a acts on gene b, for the network formats. Default true. */
  readonly directed?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

const FORMAT_OF_EXTENSION: Record<string, RankedFormat> = {
  tsv: "tsv",
  txt: "tsv",
  csv: "csv",
  sif: "sif",
  graphml: "graphml",
  jsonl: "jsonl",
  ndjson: "jsonl",
};

/** Text of this many characters is written at a time. */
const CHARACTERS_AT_A_TIME = 1 << 18;

/**
 * The format of a file by its name (.tsv, .txt, .csv, .sif, .graphml, .jsonl, .ndjson, each also with .gz;
 * `rankedEdges.csv` is BEELINE's), or the one that is asked for.
 *
 * @throws CnncError `FORMAT_UNKNOWN` when neither tells it, or `scenic` has no extension that pySCENIC reads
 */
export function rankedFormat(path: string, asked?: string): RankedFormat {
  const name = nameWithoutGz(path);
  if (asked !== undefined) {
    const format = RANKED_FORMATS.find((known) => known === asked);
    if (format === undefined) {
      throw new CnncError("FORMAT_UNKNOWN", `There is no output format ${asked}.`, chooseFormat());
    }
    if (format === "scenic") scenicSeparator(path);
    return format;
  }
  if (name === "rankededges.csv") return "beeline";
  const extension = /\.([^.]+)$/.exec(name)?.[1] ?? "";
  const format = Object.hasOwn(FORMAT_OF_EXTENSION, extension) ? FORMAT_OF_EXTENSION[extension] : undefined;
  if (format === undefined) {
    throw new CnncError("FORMAT_UNKNOWN", `The name of ${path} does not tell its format.`, chooseFormat());
  }
  return format;
}

/**
 * Writes ranked pairs under a temporary name beside `path` and renames the file when it is whole. The text is
 * compressed when the name ends in .gz. Numbers are the shortest that read back as the same float32.
 *
 * @param columns what the scores of `sorted` mean, in their order
 * @param names of all genes; checked before the first pair is asked for
 * @returns the number of pairs written
 * @throws CnncError `GENE_NAME_UNWRITABLE`, `FORMAT_UNKNOWN` (scenic), `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`;
 *   whatever `sorted` throws. Nothing is left at `path` then.
 */
export async function writeRanked(
  path: string,
  format: RankedFormat,
  sorted: AsyncIterable<RankedBatch>,
  columns: readonly ScoreColumn[],
  names: readonly string[],
  options: WriteRankedOptions = {},
): Promise<number> {
  const { main = 0, directed = true } = options;
  if (!(main in columns)) throw new RangeError(`${main} is none of ${columns.length} score columns`);
  const layout = layoutOf(path, format, { columns, names, main, directed });
  let rows = 0;
  let failure: { error: unknown } | undefined;
  const pairs = watched(
    sorted,
    (batch) => {
      rows = batch.first + batch.a.length;
    },
    (error) => {
      failure = { error };
    },
  );
  try {
    await guardWrites(path, () =>
      writeWhole(path, async (temporary) => {
        const text = textOf(pairs, layout, columns.length, options);
        const file = createWriteStream(temporary);
        await (/\.gz$/i.test(path) ? pipeline(text, createGzip(), file) : pipeline(text, file));
      }),
    );
  } catch (error) {
    // What the pairs' source ran into is not a failure to write, whatever it looks like.
    throw failure ? failure.error : error;
  }
  return rows;
}

/** The same batches, told of as they come. */
async function* watched<T>(
  batches: AsyncIterable<T>,
  onBatch: (batch: T) => void,
  onError: (error: unknown) => void,
): AsyncGenerator<T, void, void> {
  try {
    for await (const batch of batches) {
      onBatch(batch);
      yield batch;
    }
  } catch (error) {
    onError(error);
    throw error;
  }
}

/** The file's text, in pieces. */
async function* textOf(
  sorted: AsyncIterable<RankedBatch>,
  layout: Layout,
  columns: number,
  { signal, onProgress }: WriteRankedOptions,
): AsyncGenerator<string, void, void> {
  let text = layout.head;
  for await (const { first, total, a, b, scores } of sorted) {
    throwIfAborted(signal);
    if (scores.length !== columns)
      throw new RangeError(`${scores.length} score columns, ${columns} described`);
    for (let i = 0; i < a.length; i++) {
      text += layout.row(a[i], b[i], scores, i);
      if (text.length < CHARACTERS_AT_A_TIME) continue;
      yield text;
      text = "";
    }
    onProgress?.({ phase: "Writing ranked pairs", done: first + a.length, total, unit: "pairs" });
  }
  yield text + layout.tail;
}

function layoutOf(path: string, format: RankedFormat, context: LayoutContext): Layout {
  switch (format) {
    case "tsv":
      return tableLayout("\t", context);
    case "csv":
      return tableLayout(",", context);
    case "beeline":
      return edgeListLayout(format, ["Gene1", "Gene2", "EdgeWeight"], "\t", context);
    case "scenic":
      return edgeListLayout(format, ["TF", "target", "importance"], scenicSeparator(path), context);
    case "sif":
      return sifLayout(context);
    case "graphml":
      return graphmlLayout(context);
    case "jsonl":
      return jsonLinesLayout(context);
  }
}

function scenicSeparator(path: string): "\t" | "," {
  const name = nameWithoutGz(path);
  if (name.endsWith(".tsv")) return "\t";
  if (name.endsWith(".csv")) return ",";
  throw new CnncError(
    "FORMAT_UNKNOWN",
    `pySCENIC reads adjacencies from .tsv and .csv files, and ${path} is neither.`,
    "Name the output .tsv or .csv.",
  );
}

const nameWithoutGz = (path: string) => basename(path).toLowerCase().replace(/\.gz$/, "");

const chooseFormat = () =>
  `Name the output .${Object.keys(FORMAT_OF_EXTENSION).join(", .")} (or with .gz after it), or give --format ` +
  `${RANKED_FORMATS.join(", ")}.`;
