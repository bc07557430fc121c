import { CnncError } from "../errors.js";
import { readTextTable } from "./text-table.js";

/** Genes as a file lists them. */
export interface GeneList {
  readonly path: string;
  /** Each name once, in the order of the file. */
  readonly genes: string[];
  /** Rows left out because they repeat a name. */
  readonly duplicates: number;
  /** The first row, where it was read as a header. */
  readonly header: string[] | undefined;
}

const HEADER_WORDS = /^(tfs?|genes?|gene[ _.-]?(names?|symbols?|ids?)|symbols?|regulators?|targets?)$/i;

/**
 * Reads a list of genes, such as regulators: one on each line, or the first column of a table (see
 * {@link readTextTable}). A first row that begins with a word such as `TF`, `gene` or `regulator` is a header.
 *
 * @throws CnncError `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `GENE_LIST_EMPTY`, or `GENE_LIST_MALFORMED` with the
 *   line number.
 */
export async function readGeneList(path: string): Promise<GeneList> {
  const { header, columns, lines } = await readTextTable(path, {
    isHeader: (fields) => HEADER_WORDS.test(fields[0]),
    malformedCode: "GENE_LIST_MALFORMED",
  });
  if (lines.length === 0) {
    throw new CnncError(
      "GENE_LIST_EMPTY",
      `${path} lists no genes.`,
      "Give a file with one gene on each line.",
    );
  }
  const row = columns[0].indexOf("");
  if (row !== -1) {
    throw new CnncError(
      "GENE_LIST_MALFORMED",
      `${path}, line ${lines[row]}: no gene in the first column.`,
      "Each line needs a gene in its first column.",
    );
  }
  const genes = [...new Set(columns[0])];
  return { path, genes, duplicates: columns[0].length - genes.length, header };
}
