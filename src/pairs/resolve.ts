import { CnncError } from "../errors.js";
import { type GeneIndex, missingGenesError } from "./gene-index.js";
import type { PairFile } from "./pair-file.js";
import { listSource, type OrderOptions, type PairSource, productSource } from "./pair-source.js";

/** What became of the pairs that were asked for. */
export interface PairReport {
  /** Pairs that are left: the count of the source. */
  readonly pairs: number;
  /** Genes that the data lacks, each once, in the order they were met. */
  readonly missingGenes: string[];
  /** Pairs left out because the data lacks one or both genes. */
  readonly pairsLeftOut: number;
  /** Pairs of a gene with itself that were left out. */
  readonly selfPairsDropped: number;
  /** Pairs that repeat an earlier one, (a, b) in the same order; they are kept. */
  readonly duplicatePairs: number;
}

/** Gene pairs in terms of a data set's gene columns. */
export interface ResolvedPairs {
  readonly source: PairSource;
  readonly report: PairReport;
  /** For pairs of a file: the row of {@link PairFile} that each pair of the source comes from. */
  readonly rows?: Uint32Array;
  /** Label of each pair of the source, if its file has labels. */
  readonly labels?: Int32Array;
}

/** What to do about genes that the data lacks. */
export interface ResolveOptions {
  /** Leave out and report the pairs of missing genes, instead of failing. */
  skipMissing: boolean;
}

/**
 * Finds the genes of listed pairs in the data. A pair of a gene with itself is dropped if the file has
 * labels (its histogram is the gene's own distribution, from which no label can be learned), else kept.
 *
 * @throws CnncError `GENES_NOT_FOUND` (unless `skipMissing`), `GENE_AMBIGUOUS`, `NO_PAIRS_LEFT`.
 */
export function resolvePairList(file: PairFile, genes: GeneIndex, options: ResolveOptions): ResolvedPairs {
  const { columns, missing } = findGenes([file.a, file.b], genes, options);
  const rows = new Uint32Array(file.a.length);
  const a = new Uint32Array(file.a.length);
  const b = new Uint32Array(file.a.length);
  let pairs = 0;
  let pairsLeftOut = 0;
  let selfPairsDropped = 0;
  for (let row = 0; row < file.a.length; row++) {
    const first = columns.get(file.a[row]);
    const second = columns.get(file.b[row]);
    if (first === undefined || second === undefined) pairsLeftOut++;
    else if (first === second && file.labels) selfPairsDropped++;
    else {
      rows[pairs] = row;
      a[pairs] = first;
      b[pairs++] = second;
    }
  }
  const source = listSource(a.slice(0, pairs), b.slice(0, pairs));
  const duplicatePairs = countDuplicates(
    a.subarray(0, pairs),
    b.subarray(0, pairs),
    genes.genes.names.length,
  );
  const report = { pairs, missingGenes: missing, pairsLeftOut, selfPairsDropped, duplicatePairs };
  requirePairs(report, file.path);
  const kept = rows.slice(0, pairs);
  const { labels } = file;
  return {
    source,
    report,
    rows: kept,
    ...(labels && { labels: Int32Array.from(kept, (row) => labels[row]) }),
  };
}

/**
 * All ordered pairs of a regulator and a target, in the data's gene columns, in the order of productSource,
 * without pairs of a gene with itself. A gene listed several times counts once.
 *
 * @param targets names of the targets; `undefined` for every gene column of the data
 * @throws CnncError `GENES_NOT_FOUND` (unless `skipMissing`), `GENE_AMBIGUOUS`, `NO_PAIRS_LEFT`.
 */
export function resolveProduct(
  regulators: readonly string[],
  targets: readonly string[] | undefined,
  genes: GeneIndex,
  options: ResolveOptions & OrderOptions,
): ResolvedPairs {
  const regulatorNames = new Set(regulators);
  const targetNames = targets && new Set(targets);
  const { columns, missing } = findGenes([regulatorNames, targetNames ?? []], genes, options);

  const present = (names: ReadonlySet<string>) =>
    Uint32Array.from([...names].flatMap((name) => columns.get(name) ?? []));
  const regulatorColumns = present(regulatorNames);
  const targetColumns = targetNames ? present(targetNames) : Uint32Array.from(genes.genes.names.keys());

  const source = productSource(regulatorColumns, targetColumns, options);
  const selfPairsDropped = regulatorColumns.length * targetColumns.length - source.count;
  const selfPairsAsked = targetNames
    ? [...regulatorNames].filter((name) => targetNames.has(name)).length
    : selfPairsDropped;
  const asked = regulatorNames.size * (targetNames?.size ?? targetColumns.length) - selfPairsAsked;
  const report = {
    pairs: source.count,
    missingGenes: missing,
    pairsLeftOut: asked - source.count,
    selfPairsDropped,
    duplicatePairs: 0,
  };
  requirePairs(report, "the regulators and targets");
  return { source, report };
}

/** Column of each different name, and the names without one. */
function findGenes(
  lists: readonly Iterable<string>[],
  genes: GeneIndex,
  { skipMissing }: ResolveOptions,
): { columns: Map<string, number>; missing: string[] } {
  const columns = new Map<string, number>();
  const missing = new Set<string>();
  for (const list of lists) {
    for (const name of list) {
      if (columns.has(name) || missing.has(name)) continue;
      const column = genes.find(name);
      if (column === undefined) missing.add(name);
      else columns.set(name, column);
    }
  }
  if (missing.size > 0 && !skipMissing) {
    throw missingGenesError([...missing], columns.size + missing.size, genes.genes);
  }
  return { columns, missing: [...missing] };
}

/** Sorts one number per ordered pair, which takes far less memory than a set of millions of pairs. */
function countDuplicates(a: Uint32Array, b: Uint32Array, genes: number): number {
  const keys = Float64Array.from(a, (first, i) => first * genes + b[i]).sort();
  let duplicates = 0;
  for (let i = 1; i < keys.length; i++) if (keys[i] === keys[i - 1]) duplicates++;
  return duplicates;
}

function requirePairs({ pairs, pairsLeftOut, selfPairsDropped }: PairReport, origin: string): void {
  if (pairs > 0) return;
  throw new CnncError(
    "NO_PAIRS_LEFT",
    `No gene pair of ${origin} is left: ${pairsLeftOut} had genes that the data lacks, and ` +
      `${selfPairsDropped} paired a gene with itself.`,
    "Give pairs of two different genes of the data.",
  );
}
