import { CnncError } from "../../errors.js";
import { throwIfAborted } from "../../progress.js";
import { describeFilter } from "../cell-filter.js";
import type { SelectionOptions } from "../select.js";
import type { ExpressionSource } from "../source.js";
import { type ExpressionStore, noGenesLeft, type StoreOptions } from "../store.js";
import { describePrepared, type PreparedFacts, prepareCommand } from "./format.js";
import type { PreparedFile } from "./read.js";

/**
 * @throws CnncError `PREPARED_OTHERWISE` when a choice contradicts what the store was prepared with; the file is closed
 *   then
 */
export function preparedSource(file: PreparedFile, options: SelectionOptions): ExpressionSource {
  const { path, facts, geneNames, hasValues, sha256 } = file;
  try {
    requireSameChoices(path, facts, options);
  } catch (error) {
    file.close();
    throw error;
  }
  const { matrix, shape, geneNameSource, geneColumn, cells, obs, scale, transform, minCells, rareGenes } =
    facts;
  return {
    path,
    matrix: { name: matrix, shape },
    geneNames,
    geneNameSource,
    ...(geneColumn !== null && { geneColumn }),
    cells,
    obs,
    scale,
    transform,
    minCells,
    rareGenes,
    prepared: { hasValues, outline: (storeOptions) => outline(file, storeOptions) },
    guessScale: async () => facts.guess,
    alternativeNames: async () => [],
    origin: async () => ({ name: facts.source, sha256: facts.sourceSha256 }),
    digest: async () => sha256,
    build: (storeOptions) => buildPrepared(file, storeOptions),
    close: () => file.close(),
  };
}

function requireSameChoices(path: string, facts: PreparedFacts, options: SelectionOptions): void {
  const { layer, raw, geneColumn, obs = [], scale = "auto", transform } = options;
  const texts = (filters: typeof obs) => filters.map(describeFilter).sort();
  const asked: [option: string, isAsked: boolean, isSame: boolean][] = [
    [`--layer ${layer}`, layer !== undefined, facts.matrix === `layers/${layer}`],
    ["--raw", raw ?? false, facts.matrix === "raw/X"],
    [`--gene-column ${geneColumn}`, geneColumn !== undefined, facts.geneColumn === geneColumn],
    [
      obs.map((filter) => `--obs '${describeFilter(filter)}'`).join(" "),
      obs.length > 0,
      JSON.stringify(texts(obs)) === JSON.stringify(texts(facts.obs)),
    ],
    [`--scale ${scale}`, scale !== "auto", facts.scale.name === scale],
    [`--transform ${transform}`, transform !== undefined, facts.transform === transform],
  ];
  const other = asked.find(([, isAsked, isSame]) => isAsked && !isSame);
  if (other) throw preparedOtherwise(path, facts, other[0]);
}

const preparedOtherwise = (path: string, facts: PreparedFacts, option: string): CnncError =>
  new CnncError(
    "PREPARED_OTHERWISE",
    `${path} cannot be read with ${option}: it was prepared from ${describePrepared(facts)}.`,
    `Leave ${option} out, or prepare another store: ${prepareCommand(facts, option)}`,
  );

async function buildPrepared(file: PreparedFile, options: StoreOptions): Promise<ExpressionStore> {
  const { threads, signal, onProgress } = options;
  const { wanted, kept, values } = choose(file, options);
  const native = await file.load(kept, {
    values,
    threads,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  const { edges, marginal, expressing, constant } = native.geneArrays();
  return storeOf(file, kept, {
    native,
    edges,
    marginal,
    expressing,
    hasValues: values,
    constantGenes: constant.reduce((sum, isConstant) => sum + isConstant, 0),
    rareGenes: wanted.length - kept.length,
  });
}

/** A store without entries; see ExpressionSource. */
async function outline(file: PreparedFile, options: StoreOptions) {
  const { wanted, kept, values } = choose(file, options);
  const { first, edges, marginal, expressing, constant } = file.genes;
  const store = storeOf(file, kept, {
    native: await file.load(new Uint32Array(0), { values, threads: 1 }),
    edges: rowsOf(edges, 33, kept),
    marginal: rowsOf(marginal, 32, kept),
    expressing: kept.map((gene) => expressing[gene]),
    hasValues: values,
    constantGenes: kept.reduce((sum, gene) => sum + constant[gene], 0),
    rareGenes: wanted.length - kept.length,
  });
  return {
    store,
    genes: kept,
    entries: Float64Array.from(kept, (gene) => Number(first[gene + 1] - first[gene])),
  };
}

/**
 * The genes that are wanted, and those of them that are not too rare.
 *
 * @throws CnncError `PREPARED_OTHERWISE`, `VALUES_MISSING`, `NO_GENES_LEFT`, `CANCELLED`
 */
function choose({ path, facts, geneNames, expressing, hasValues }: PreparedFile, options: StoreOptions) {
  const { genes = geneNames.keys(), minCells = 0, keepValues = false, signal } = options;
  throwIfAborted(signal);
  // Genes that more cells express can be told from the others; those that were left out are gone.
  if (minCells > 0 && minCells < facts.minCells) {
    throw preparedOtherwise(path, facts, `--min-cells ${minCells}`);
  }
  if (keepValues === true && !hasValues) {
    throw new CnncError(
      "VALUES_MISSING",
      `${path} was prepared without the values that this needs.`,
      `Prepare it again with them: ${prepareCommand(facts, "--values")}`,
    );
  }
  const wanted = Uint32Array.from(new Set(genes)).sort();
  const kept = wanted.filter((gene) => expressing[gene] >= minCells);
  if (kept.length === 0) throw noGenesLeft(minCells, facts.cells, path);
  return { wanted, kept, values: keepValues !== false && hasValues };
}

const storeOf = (
  { facts, geneNames, columns }: PreparedFile,
  kept: Uint32Array,
  rest: Omit<ExpressionStore, "cells" | "geneNames" | "columns">,
): ExpressionStore => ({
  ...rest,
  cells: facts.cells,
  geneNames: Array.from(kept, (gene) => geneNames[gene]),
  columns: kept.map((gene) => columns[gene]),
});

/** Some rows of a table, one after the other. */
function rowsOf<T extends Float64Array | Uint32Array>(table: T, width: number, rows: Uint32Array): T {
  const chosen = new (table.constructor as new (length: number) => T)(rows.length * width);
  rows.forEach((row, i) => {
    chosen.set(table.subarray(row * width, (row + 1) * width), i * width);
  });
  return chosen;
}
