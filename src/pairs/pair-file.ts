import { CnncError } from "../errors.js";
import { readTextTable } from "./text-table.js";

/** Gene pairs as a file lists them, one entry per row in every array. */
export interface PairFile {
  readonly path: string;
  /** First gene of each pair: the regulator, where the pairs are directed. */
  readonly a: string[];
  /** Second gene of each pair: the target. */
  readonly b: string[];
  /** Integer label of each pair (CNNC: 0 none, 1 a acts on b, 2 b acts on a); absent if the file has none. */
  readonly labels?: Int32Array;
  /** Every other column, as text, by its name in the header or else `column 3`, `column 4`, ... */
  readonly extra: Map<string, string[]>;
  /** 1-based line of the file that each pair stands on. */
  readonly lines: Uint32Array;
  /** The header as written; a column of row names without a name of its own is `""`. */
  readonly header: string[] | undefined;
}

/* Column names, most specific first, compared in lower case and without punctuation. */
const FIRST_GENE = ["genea", "gene1", "sourcegenesymbol", "tf", "regulator", "source"];
const SECOND_GENE = ["geneb", "gene2", "targetgenesymbol", "target", "targetgene", "gene"];
const LABEL = ["label", "class", "y"];
const ANNOTATION = ["type", "sign", "mode", "mor", "weight", "importance", "score", "confidence", "effect"];

/** Column names that are gene symbols too: human transferrin, the fly's moira and yellow. */
const ALSO_GENES = new Set(["tf", "mor", "y"]);
const HEADER_WORDS = new Set(
  [...FIRST_GENE, ...SECOND_GENE, ...LABEL, ...ANNOTATION].filter((word) => !ALSO_GENES.has(word)),
);

const normalise = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/**
 * Reads a list of gene pairs: CNNC's own (`geneA geneB label`, no header), BEELINE's reference networks,
 * CollecTRI and DoRothEA, TRRUST, SCENIC adjacencies and tables like them. Text that is tab-, comma- or
 * space-separated, plain or gzipped; see {@link readTextTable} for what is skipped.
 *
 * Columns are found by the header: gene_a, gene1, tf, regulator or source for the first gene; gene_b,
 * gene2, target or gene for the second (case and punctuation do not matter); label, class or y for the
 * label. The first row is a header if it has one of these words, or the name of an annotation such as
 * `weight`. A header that names neither gene stands over two gene columns followed by others; without a
 * header it is the same. Labels must be integers. Without a header, a third column is the label if it
 * holds nothing but 0, 1 and 2. Signs, modes, types and weights are never labels: they are in `extra`.
 *
 * @throws CnncError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `PAIR_FILE_EMPTY`, or `PAIR_FILE_MALFORMED` with the
 *   line number: no second field, an empty gene name, a label that is not an integer, an unclosed quote,
 *   more fields than columns, a header with only one gene column or with one name twice, not text.
 */
export async function readPairFile(path: string): Promise<PairFile> {
  const { header, columns, lines } = await readTextTable(path, {
    isHeader: (fields) => fields.some((field) => HEADER_WORDS.has(normalise(field))),
    malformedCode: "PAIR_FILE_MALFORMED",
  });
  if (lines.length === 0) {
    throw new CnncError(
      "PAIR_FILE_EMPTY",
      `${path} has no gene pairs.`,
      "Give a file with two genes and, if known, a label on each line.",
    );
  }
  const names = header ?? columns.map((_, c) => `column ${c + 1}`);
  const [first, second] = header === undefined ? [0, 1] : geneColumns(header, path);
  for (const gene of [first, second]) requireGenes(columns[gene] ?? [""], gene, lines, path);

  const label = header === undefined ? unnamedLabelColumn(columns, lines, path) : findColumn(header, LABEL);
  const labels = label === undefined ? undefined : integerLabels(columns[label], lines, path);

  const extra = new Map<string, string[]>();
  columns.forEach((column, c) => {
    if (c !== first && c !== second && c !== label) extra.set(names[c], column);
  });
  return { path, a: columns[first], b: columns[second], ...(labels && { labels }), extra, lines, header };
}

function findColumn(header: readonly string[], words: readonly string[]): number | undefined {
  const names = header.map(normalise);
  const word = words.find((word) => names.includes(word));
  return word === undefined ? undefined : names.indexOf(word);
}

function geneColumns(header: readonly string[], path: string): [number, number] {
  const twice = header.find((name, c) => header.indexOf(name) !== c);
  if (twice !== undefined) {
    throw headerError(path, `names two columns "${twice}"`, "Give every column a name of its own.");
  }
  const first = findColumn(header, FIRST_GENE);
  const second = findColumn(header, SECOND_GENE);
  if (first === undefined && second === undefined) return header[0] === "" ? [1, 2] : [0, 1];
  if (first === undefined || second === undefined) {
    const known = header[(first ?? second) as number];
    throw headerError(
      path,
      `has "${known}" but no column for the other gene among ${header.join(", ")}`,
      "Name the two gene columns gene_a and gene_b.",
    );
  }
  return [first, second];
}

function headerError(path: string, what: string, remedy: string): CnncError {
  return new CnncError("PAIR_FILE_MALFORMED", `The header of ${path} ${what}.`, remedy);
}

function requireGenes(genes: readonly string[], column: number, lines: Uint32Array, path: string): void {
  const row = genes.indexOf("");
  if (row === -1) return;
  throw new CnncError(
    "PAIR_FILE_MALFORMED",
    `${path}, line ${lines[row]}: no gene in column ${column + 1}.`,
    "Each line needs two genes, separated by a tab, a comma or spaces.",
  );
}

function integerLabels(column: readonly string[], lines: Uint32Array, path: string): Int32Array {
  const labels = new Int32Array(column.length);
  for (let row = 0; row < column.length; row++) {
    labels[row] = Number(column[row]);
    // The array holds what 32 bits can: a number that it changed is no such integer.
    if (column[row] === "" || labels[row] !== Number(column[row]))
      throw labelError(column[row], lines[row], path);
  }
  return labels;
}

/** Without a header the third column is the label, unless it holds words or numbers other than 0, 1, 2. */
function unnamedLabelColumn(
  columns: readonly string[][],
  lines: Uint32Array,
  path: string,
): number | undefined {
  if (columns.length < 3) return undefined;
  const row = columns[2].findIndex((field) => !["0", "1", "2"].includes(field));
  if (row === -1) return 2;
  const field = columns[2][row];
  const isNumber = field !== "" && Number.isFinite(Number(field));
  if (row > 0 && !isNumber) throw labelError(field, lines[row], path);
  return undefined;
}

function labelError(label: string, line: number, path: string): CnncError {
  return new CnncError(
    "PAIR_FILE_MALFORMED",
    `${path}, line ${line}: the label "${label}" is not an integer.`,
    "Labels are integers such as 0, 1 and 2; give a column of anything else another name in a header.",
  );
}
