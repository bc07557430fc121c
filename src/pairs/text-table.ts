import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { CnncError } from "../errors.js";

/** The rows of a text file, by column. */
export interface TextTable {
  /** Names of the columns; `undefined` when the first row is data. */
  readonly header: string[] | undefined;
  /** One array per column, all as long as `lines`; a field that a short row lacks is `""`. */
  readonly columns: string[][];
  /** 1-based line of the file that each row was read from. */
  readonly lines: Uint32Array;
}

/** How the caller of {@link readTextTable} understands the file. */
export interface TextTableOptions {
  /** Whether the first row names the columns. */
  isHeader(fields: readonly string[]): boolean;
  /** `code` of the error for a file that is no such table, e.g. `PAIR_FILE_MALFORMED`. */
  malformedCode: string;
}

const BLOCK_BYTES = 1 << 18;
const MAX_LINE_LENGTH = 1 << 20;

/**
 * Reads a table of text: tab-separated if its first row has a tab, else comma-separated if it has a
 * comma, else separated by runs of white space. Gzip is recognised by its first bytes. A byte order
 * mark, CRLF line ends, blank lines and lines that start with `#` are skipped over; fields are trimmed
 * and may stand in double quotes (`""` inside them is one quote), but do not run over several lines.
 *
 * A header with one name fewer than the first row has fields is R's `write.table`: its first column,
 * the row names, gets the name `""`.
 *
 * @throws CnncError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, or `malformedCode` with the line number: text
 *   that is not UTF-8, an unclosed quote, more fields than columns, damaged gzip.
 */
export async function readTextTable(path: string, options: TextTableOptions): Promise<TextTable> {
  let split: FieldSplitter | undefined;
  let header: string[] | undefined;
  let columns: string[][] | undefined;
  let interners: ((field: string) => string)[] = [];
  const lines: number[] = [];

  const malformed = (line: number, what: string) =>
    new CnncError(options.malformedCode, `${path}, line ${line}: ${what}.`, "Correct that line of the file.");

  await readLines(path, options.malformedCode, (text, line) => {
    if (text.startsWith("#") || text.trim() === "") return;
    split ??= fieldSplitter(text);
    const fields = split(text);
    if (fields === undefined) throw malformed(line, "a quoted field is not closed by a quote");

    if (columns === undefined) {
      if (header === undefined && options.isHeader(fields)) {
        header = fields;
        return;
      }
      if (header !== undefined && fields.length === header.length + 1) header.unshift("");
      columns = Array.from({ length: Math.max(fields.length, header?.length ?? 0) }, () => []);
      interners = columns.map(interner);
    }
    if (fields.length > columns.length) {
      throw malformed(line, `${fields.length} fields where the lines before have ${columns.length}`);
    }
    for (let c = 0; c < columns.length; c++) columns[c].push(interners[c](fields[c] ?? ""));
    lines.push(line);
  });

  return { header, columns: columns ?? [], lines: Uint32Array.from(lines) };
}

/** Calls `visit` with every line of a plain or gzipped file, without its line end. */
async function readLines(
  path: string,
  malformedCode: string,
  visit: (text: string, line: number) => void,
): Promise<void> {
  let line = 0;
  const visitLine = (text: string) => {
    line++;
    const content = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (content.length > MAX_LINE_LENGTH || /[\0\r\uFFFD]/.test(content)) {
      throw new CnncError(
        malformedCode,
        `${path}, line ${line}: this is not UTF-8 text with one row on each line.`,
        "Save the table as UTF-8 text, tab- or comma-separated; it may be gzipped.",
      );
    }
    visit(content, line);
  };

  const splitLines = async (chunks: AsyncIterable<Buffer>) => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of chunks) {
      const text = rest + decoder.decode(chunk, { stream: true });
      let start = 0;
      for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
        visitLine(text.slice(start, end));
        start = end + 1;
      }
      rest = text.slice(start);
      if (rest.length > MAX_LINE_LENGTH) visitLine(rest);
    }
    rest += decoder.decode();
    if (rest !== "") visitLine(rest);
  };

  try {
    const gzipped = await isGzip(path);
    // No stream.pipeline: when a line is malformed, it reports "aborted" instead of that error.
    const file = createReadStream(path, { highWaterMark: BLOCK_BYTES });
    const content = gzipped ? file.pipe(createGunzip({ chunkSize: BLOCK_BYTES })) : file;
    file.on("error", (error) => content.destroy(error));
    await splitLines(content).finally(() => file.destroy());
  } catch (error) {
    throw readFailure(error, path, line, malformedCode);
  }
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function readFailure(error: unknown, path: string, line: number, malformedCode: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof CnncError || code === undefined) return error;
  if (code === "ENOENT") {
    return new CnncError("FILE_NOT_FOUND", `There is no file ${path}.`, "Check the path.", { cause: error });
  }
  if (code.startsWith("Z_")) {
    return new CnncError(
      malformedCode,
      `${path}, after line ${line}: the gzip data is damaged or cut short.`,
      "Copy or download the file again.",
      { cause: error },
    );
  }
  return new CnncError(
    "FILE_UNREADABLE",
    `${path} cannot be read: ${message}.`,
    "Check that it is a file and that you may read it.",
    { cause: error },
  );
}

/** Fields of one row, trimmed; `undefined` when a quote is not closed. */
type FieldSplitter = (row: string) => string[] | undefined;

function fieldSplitter(firstRow: string): FieldSplitter {
  const unquoted = firstRow.replaceAll(/"[^"]*"/g, "");
  const delimiter = unquoted.includes("\t") ? "\t" : unquoted.includes(",") ? "," : undefined;
  return (row) => {
    if (row.includes('"')) return splitQuoted(row, delimiter);
    if (delimiter === undefined) return row.trim().split(/\s+/);
    const fields = row.split(delimiter);
    for (let i = 0; i < fields.length; i++) fields[i] = fields[i].trim();
    return fields;
  };
}

/** One field and the end of the row or the delimiter after it; a quote inside a bare field is literal. */
const FIELD_THEN = {
  "\t": /[^\S\t]*(?:"((?:[^"]|"")*)"|([^"\t][^\t]*|))[^\S\t]*(\t|$)/y,
  ",": /\s*(?:"((?:[^"]|"")*)"|([^",][^,]*|))\s*(,|$)/y,
  whitespace: /(?:"((?:[^"]|"")*)"|([^"\s]\S*))(\s+|$)/y,
};

function splitQuoted(row: string, delimiter: "\t" | "," | undefined): string[] | undefined {
  const pattern = FIELD_THEN[delimiter ?? "whitespace"];
  const text = delimiter === undefined ? row.trim() : row;
  const fields: string[] = [];
  pattern.lastIndex = 0;
  for (;;) {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const [, quoted, bare, end] = match;
    fields.push(quoted === undefined ? bare.trim() : quoted.replaceAll('""', '"').trim());
    if (end === "") return fields;
  }
}

/** Beyond this many different values a column (of weights, say) hardly repeats itself. */
const MAX_INTERNED = 1 << 17;

/**
 * Makes equal fields of one column share one string, so that a table of millions of rows holds each gene
 * name once.
 */
function interner(): (field: string) => string {
  const known = new Map<string, string>();
  return (field) => {
    if (known.size >= MAX_INTERNED) return field;
    const found = known.get(field);
    if (found !== undefined) return found;
    // A copy, because V8 keeps a long substring as a view that holds its whole block of the file in memory.
    const copy = Buffer.from(field).toString();
    known.set(copy, copy);
    return copy;
  };
}
