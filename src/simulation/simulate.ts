import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CnncError } from "../errors.js";
import { createH5ad, writeWholeFolder } from "../io/index.js";
import { addon } from "../native/addon.js";
import type { NativeSimulator } from "../native/addon-types.js";
import { abortError, type ProgressListener, throwIfAborted } from "../progress.js";
import { drawLabelledPairs, type LabelledPair } from "./labelled-pairs.js";

export interface SimulationOptions {
  readonly cells: number;
  readonly genes: number;
  /** The first genes, which may regulate the others. */
  readonly regulators: number;
  readonly cellTypes: number;
  /** Mean UMIs of a cell: the fewer, the sparser. */
  readonly umisPerCell: number;
  /** Whole number; the same seed gives the same files. */
  readonly seed: number;
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

export interface SimulationSummary {
  readonly edges: number;
  readonly labelledPairs: number;
  /** Share of counts that are not 0. */
  readonly density: number;
}

const FOLDS = 5;
/** Counts simulated and written at a time. */
const COUNTS_PER_BLOCK = 1 << 22;

/**
 * Simulates single-cell counts from a random gene regulatory network (see native/simulation for the method)
 * and writes a new folder, streaming:
 *
 * - `expression.h5ad`: cells x genes, CSR, whole numbers, with the obs column `cell_type`;
 * - `network.tsv`: the true network, `regulator target strength sign`;
 * - `regulators.txt`: the regulators;
 * - `pairs.tsv`: `gene_a gene_b label fold`: every edge (1), and for each regulator as many non-targets (0); `fold`,
 *   0 to 4, is the same for all pairs of a regulator, to test on regulators that were not learned from.
 *
 * @throws CnncError `INVALID_OPTIONS`, `CANCELLED`, those of writeWholeFolder and createH5ad.
 */
export async function simulate(path: string, options: SimulationOptions): Promise<SimulationSummary> {
  const simulator = createSimulator(options);
  const network = simulator.network();
  const names = geneNames(options);
  const pairs = drawLabelledPairs(network, options);
  return writeWholeFolder(path, async (folder) => {
    const stored = await writeExpression(simulator, join(folder, "expression.h5ad"), names, options);
    await writeFile(join(folder, "regulators.txt"), `${names.slice(0, options.regulators).join("\n")}\n`);
    await writeFile(join(folder, "network.tsv"), networkTable(network, names));
    await writeFile(join(folder, "pairs.tsv"), pairTable(pairs, names));
    return {
      edges: network.regulator.length,
      labelledPairs: pairs.length,
      density: stored / (options.cells * options.genes),
    };
  });
}

function createSimulator(options: SimulationOptions): NativeSimulator {
  try {
    return new (addon().Simulator)(options);
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    throw code ? new CnncError(code, `The simulation cannot be set up: ${message}.`, "", { cause }) : cause;
  }
}

async function writeExpression(
  simulator: NativeSimulator,
  path: string,
  names: string[],
  { cells, genes, regulators, cellTypes, threads, signal, onProgress }: SimulationOptions,
): Promise<number> {
  const file = await createH5ad(path);
  const job = new (addon().Job)();
  const cancel = () => job.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const types = new Uint8Array(cells);
    const blockCells = Math.max(64, Math.floor(COUNTS_PER_BLOCK / genes));
    let stored = 0;
    for (let first = 0; first < cells; first += blockCells) {
      throwIfAborted(signal);
      const count = Math.min(blockCells, cells - first);
      const block = await simulator.simulate(first, count, threads, job);
      file.append({ ...block, values: Float32Array.from(block.counts) });
      types.set(block.cellType, first);
      stored += block.counts.length;
      onProgress?.({ phase: "Simulating", done: first + count, total: cells, unit: "cells" });
    }
    const typeNames = numbered("type", cellTypes);
    const cellType = Array.from(types, (type) => typeNames[type]);
    const role = names.map((_, gene) => (gene < regulators ? "regulator" : "gene"));
    file.finish(
      { names: numbered("cell", cells), columns: { cell_type: cellType } },
      { names, columns: { role } },
    );
    return stored;
  } catch (error) {
    file.abandon();
    throw signal?.aborted ? abortError(signal) : error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** `TF01`, ..., then `G001`, ... */
function geneNames({ genes, regulators }: SimulationOptions): string[] {
  return [...numbered("TF", regulators), ...numbered("G", genes - regulators)];
}

function numbered(prefix: string, count: number): string[] {
  const width = String(count).length;
  return Array.from({ length: count }, (_, i) => `${prefix}${String(i + 1).padStart(width, "0")}`);
}

function networkTable(network: ReturnType<NativeSimulator["network"]>, names: readonly string[]): string {
  const rows = Array.from(network.regulator, (regulator, edge) => {
    const strength = network.strength[edge];
    return [
      names[regulator],
      names[network.target[edge]],
      strength.toFixed(3),
      strength > 0 ? "+" : "-",
    ].join("\t");
  });
  return `${["regulator\ttarget\tstrength\tsign", ...rows].join("\n")}\n`;
}

function pairTable(pairs: readonly LabelledPair[], names: readonly string[]): string {
  const rows = pairs.map(({ a, b, label }) => `${names[a]}\t${names[b]}\t${label}\t${a % FOLDS}`);
  return `${["gene_a\tgene_b\tlabel\tfold", ...rows].join("\n")}\n`;
}
