import { CnncError } from "../errors.js";

/** The names of a data set's genes, in the order of its columns. */
export interface GeneNames {
  readonly names: readonly string[];
  /** Other var columns that could hold gene names, each as long as `names`. */
  readonly alternatives?: readonly { readonly column: string; readonly names: readonly string[] }[];
  /** File that the names come from, for messages. */
  readonly source: string;
  /** Where in that file they stand, e.g. `var index`. */
  readonly column: string;
}

/** Finds gene columns by name. */
export interface GeneIndex {
  readonly genes: GeneNames;
  /** How many names stand for several columns. No error until one of them is asked for. */
  readonly duplicates: number;
  /**
   * Column of the gene, or `undefined` when the data lacks it. Names are compared exactly.
   *
   * @throws CnncError `GENE_AMBIGUOUS` when the name stands for several columns.
   */
  find(name: string): number | undefined;
}

/** Builds the index of a data set's gene names. */
export function indexGenes(genes: GeneNames): GeneIndex {
  const columns = new Map<string, number>();
  const duplicates = new Set<string>();
  genes.names.forEach((name, column) => {
    if (columns.has(name)) duplicates.add(name);
    else columns.set(name, column);
  });
  return {
    genes,
    duplicates: duplicates.size,
    find(name) {
      if (duplicates.has(name)) throw ambiguousGeneError(name, genes);
      return columns.get(name);
    },
  };
}

function ambiguousGeneError(
  name: string,
  { names, alternatives = [], source, column }: GeneNames,
): CnncError {
  const positions = names.flatMap((other, position) => (other === name ? [position] : []));
  const tellsApart = (candidate: readonly string[]) =>
    new Set(positions.map((position) => candidate[position])).size === positions.length;
  const candidates = alternatives.filter((other) => tellsApart(other.names)).map((other) => other.column);
  return new CnncError(
    "GENE_AMBIGUOUS",
    `Gene ${name} stands for ${positions.length} columns of ${source} (${column}; positions ` +
      `${listFirst(positions.map(String))}, counted from 0).`,
    candidates.length > 0
      ? `Name genes by a column that tells them apart: --gene-column ${candidates.join(" or ")}.`
      : "Make the gene names in the file unique (var_names_make_unique in anndata), or leave this gene out.",
  );
}

/**
 * The error for genes that the data lacks. It says what probably went wrong, found by trying: another var
 * column, another version suffix or other case would have matched, or Ensembl ids meet symbols.
 *
 * @param missing the genes not found, at least one
 * @param total how many different genes were asked for
 * @returns CnncError `GENES_NOT_FOUND`
 */
export function missingGenesError(missing: readonly string[], total: number, genes: GeneNames): CnncError {
  const { cause, remedy } = likelyCause(missing, genes);
  return new CnncError(
    "GENES_NOT_FOUND",
    `${missing.length} of ${total} genes are not in ${genes.source} (${genes.column}): ${listFirst(missing)}${cause}.`,
    `${remedy}, or leave out the pairs of missing genes with --skip-missing.`,
  );
}

interface Cause {
  /** End of a sentence, from its punctuation on. */
  cause: string;
  remedy: string;
}

const ENSEMBL_GENE = /^ENS[A-Z]*G\d{11}(\.\d+)?$/;
const withoutVersion = (name: string) => (ENSEMBL_GENE.test(name) ? name.replace(/\.\d+$/, "") : name);

function likelyCause(missing: readonly string[], genes: GeneNames): Cause {
  const otherColumns = (genes.alternatives ?? []).map(({ column, names }) => {
    const known = new Set(names);
    const count = missing.filter((name) => known.has(name)).length;
    return {
      count,
      cause: `; ${countOf(count, missing)} in its var column ${column}`,
      remedy: `Use --gene-column ${column}`,
    };
  });
  const causes = [
    ...otherColumns,
    otherSpelling(missing, genes, withoutVersion, "apart from the version suffix"),
    otherSpelling(missing, genes, (name) => name.toLowerCase(), "apart from upper and lower case"),
  ];
  const best = causes.reduce((best, cause) => (cause.count > best.count ? cause : best));
  return best.count > 0 ? best : otherKindOfName(missing, genes.names);
}

function otherSpelling(
  missing: readonly string[],
  { names }: GeneNames,
  spell: (name: string) => string,
  difference: string,
): Cause & { count: number } {
  const known = new Map(names.map((name) => [spell(name), name]));
  const found = missing.filter((name) => known.has(spell(name)));
  const example = found.length > 0 ? ` (${found[0]} is ${known.get(spell(found[0]))} there)` : "";
  return {
    count: found.length,
    cause: `; ${countOf(found.length, missing)} there ${difference}${example}`,
    remedy: "Write the names as the data does",
  };
}

/** When no spelling matches: whether Ensembl ids are looked up among symbols, or the reverse. */
function otherKindOfName(missing: readonly string[], names: readonly string[]): Cause {
  const mostlyEnsembl = (list: readonly string[]) =>
    list.filter((name) => ENSEMBL_GENE.test(name)).length > list.length / 2;
  const asked = mostlyEnsembl(missing);
  if (asked === mostlyEnsembl(names)) {
    return {
      cause: "",
      remedy: "Check that list and data are of one species and use the same kind of names",
    };
  }
  const kind = (ensembl: boolean) => (ensembl ? "Ensembl ids" : "not Ensembl ids");
  return {
    cause: `; they are ${kind(asked)}, the names of the data ${asked ? "are not" : "are"}`,
    remedy:
      "Translate the list to the names of the data, or choose a var column that has its names (--gene-column)",
  };
}

const countOf = (count: number, missing: readonly string[]) =>
  count === missing.length ? "all of them are" : count === 1 ? "1 of them is" : `${count} of them are`;

function listFirst(items: readonly string[]): string {
  const shown = items.slice(0, 5).join(", ");
  return items.length > 5 ? `${shown} and ${items.length - 5} more` : shown;
}
