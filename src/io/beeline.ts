import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { CnncError } from "../errors.js";
import { noSuchColumn } from "./dataframe.js";
import type { BlockRequest, Matrix } from "./matrix.js";
import type { OpenedFile } from "./opened-file.js";
import type { DenseBlock, Table } from "./types.js";

/** Whether the name says that the file is a table of text: .csv, .tsv or .txt, maybe .gz. */
export function isBeelinePath(path: string): boolean {
  return /\.(csv|tsv|txt)(\.gz)?$/i.test(path);
}

/**
 * Opens a text table of genes x cells: a header of cell names (with or without a first field above the gene
 * names), then a line per gene with its name and its values. BEELINE's ExpressionData.csv is one. Separated by
 * commas or, when the header has any, by tabs; fields may be in double quotes.
 *
 * Reads the whole file once, for the names and the shape; values are parsed (as float64) by `blocks`.
 *
 * @throws CnncError `CSV_MALFORMED` naming the line, `FILE_TRUNCATED` for an incomplete .gz.
 */
export async function openBeeline(path: string): Promise<OpenedFile> {
  const { header, genes } = await readNames(path);
  const { cells, separator } = header;
  const matrix: Matrix = {
    info: {
      name: "X",
      path: "the table",
      encoding: "dense",
      dtype: "float64",
      shape: [cells.length, genes.length],
      majorAxis: "gene",
      storedValues: cells.length * genes.length,
      chunked: false,
      filters: [],
    },
    blocks: (request) => parseBlocks(path, header, genes.length, request),
  };
  return {
    format: "beeline-csv",
    formatDetail: `genes x cells, separated by ${separator === "\t" ? "tabs" : "commas"}`,
    obs: namesOnly(path, "the header", cells),
    var: namesOnly(path, "the first column", genes),
    matrices: [matrix],
    unreadable: [],
    otherFeatures: new Map(),
    log1pBase: undefined,
    close: () => {},
  };
}

async function readNames(path: string): Promise<{ header: Header; genes: string[] }> {
  const genes: string[] = [];
  let headerLine: Line | undefined;
  let header: Header | undefined;
  for await (const line of lines(path)) {
    if (headerLine === undefined) {
      headerLine = line;
      continue;
    }
    header ??= parseHeader(path, headerLine, line);
    const fields = splitLine(line.text, header.separator);
    if (fields.length !== header.cells.length + 1) {
      const expected = `the header names ${header.cells.length} cells`;
      throw malformed(path, line.number, `it has ${fields.length - 1} values where ${expected}`);
    }
    genes.push(fields[0]);
  }
  if (header === undefined) {
    throw malformed(path, headerLine?.number ?? 1, headerLine ? "no gene follows it" : "the file is empty");
  }
  return { header, genes };
}

async function* parseBlocks(
  path: string,
  { cells, separator }: Header,
  genes: number,
  { maxEntries, signal }: BlockRequest,
): AsyncGenerator<DenseBlock> {
  const genesPerBlock = Math.max(1, Math.floor(maxEntries / cells.length));
  let first = 0;
  let count = 0;
  let values = new Float64Array(0);
  let isHeader = true;
  for await (const line of lines(path)) {
    signal?.throwIfAborted();
    if (isHeader) {
      isHeader = false;
      continue;
    }
    if (count === 0) values = new Float64Array(Math.min(genesPerBlock, genes - first) * cells.length);
    values.set(parseValues(path, line, cells, separator), count * cells.length);
    count++;
    if (count * cells.length === values.length) {
      yield { kind: "dense", first, count, values };
      first += count;
      count = 0;
    }
  }
}

function parseValues(
  path: string,
  { number, text }: Line,
  cells: readonly string[],
  separator: string,
): number[] {
  const [gene, ...fields] = splitLine(text, separator);
  return fields.map((field, cell) => {
    const value = Number(field);
    if (field.trim() === "" || Number.isNaN(value)) {
      throw malformed(
        path,
        number,
        `the value "${field}" of gene ${gene} in cell ${cells[cell]} is not a number`,
      );
    }
    return value;
  });
}

interface Header {
  readonly cells: readonly string[];
  readonly separator: string;
}

/** Some writers leave a first field above the gene names, others (R's write.table) do not. */
function parseHeader(path: string, header: Line, firstGene: Line): Header {
  const separator = header.text.includes("\t") ? "\t" : ",";
  const names = splitLine(header.text, separator);
  const fields = splitLine(firstGene.text, separator).length;
  if (fields < 2 || (fields !== names.length && fields !== names.length + 1)) {
    throw malformed(path, firstGene.number, `it has ${fields} fields where the header has ${names.length}`);
  }
  return { cells: fields === names.length ? names.slice(1) : names, separator };
}

/** The fields of a line; in double quotes, separators are text and two quotes are one. */
function splitLine(text: string, separator: string): string[] {
  if (!text.includes('"')) return text.split(separator);
  const quoted = new RegExp(`(?:^|${separator})(?:"((?:[^"]|"")*)"|([^${separator}]*))`, "g");
  return Array.from(text.matchAll(quoted), ([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain);
}

interface Line {
  /** Counted from 1, as editors do. */
  readonly number: number;
  readonly text: string;
}

/** A line longer than this is no table of expression; it must not fill the memory. */
const MAX_LINE_LENGTH = 1 << 28;

/** The lines of a text file (unpacked when its name ends in .gz) that are not empty. */
async function* lines(path: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let number = 0;
  let rest = "";
  for await (const bytes of byteStream(path)) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = parts.pop() as string;
    if (rest.length > MAX_LINE_LENGTH)
      throw malformed(path, number + 1, "it is too long to be a line of text");
    for (const part of parts) {
      number++;
      const text = part.replace(/\r$/, "");
      if (text !== "") yield { number, text };
    }
  }
  if (rest !== "") yield { number: number + 1, text: rest };
}

async function* byteStream(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path);
  // Errors of either stream surface in the iteration below.
  const stream = /\.gz$/i.test(path) ? pipeline(file, createGunzip(), () => {}) : file;
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (!code?.startsWith("Z_")) throw cause;
    const isTruncated = code === "Z_BUF_ERROR";
    throw new CnncError(
      isTruncated ? "FILE_TRUNCATED" : "FILE_CORRUPT",
      `${path} ${isTruncated ? "is cut off" : "cannot be unpacked"}: ${message}.`,
      "Copy or download the file again.",
      { cause },
    );
  }
}

function malformed(path: string, line: number, problem: string): CnncError {
  return new CnncError(
    "CSV_MALFORMED",
    `Line ${line} of ${path} is not part of a table of genes x cells: ${problem}.`,
    "The first line names the cells; every other line is a gene's name and its values, separated by commas or tabs.",
  );
}

function namesOnly(path: string, place: string, names: readonly string[]): Table {
  return {
    length: names.length,
    names,
    columns: [],
    async column(name) {
      throw noSuchColumn(path, place, name, []);
    },
  };
}
