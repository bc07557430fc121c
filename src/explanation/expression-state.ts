import type { BinRange } from "./regions.js";

/** What is to be known of a gene to name its expression states. */
export interface ExplainedGene {
  readonly name: string;
  /** 33 bin edges, ascending, in transformed units. */
  readonly edges: Float64Array;
  /** The lowest bin holds the cells in which the gene was not detected, and no others. */
  readonly separate: boolean;
  /** Its lowest bin with cells, that of undetected cells aside if it is separate. */
  readonly lowestBin: number;
}

const BINS = 32;
const LEVELS = ["low", "medium", "high"];

/**
 * The expression state that some bins stand for, e.g. `Gata1 high (1.2 to 1.9)` or `Gata1 not detected`. Low, medium
 * and high are the thirds of the range of the gene's values (where it is detected, if that is a state of its own).
 */
export function stateWords(gene: ExplainedGene, [first, last]: BinRange): string {
  const { name, edges, separate, lowestBin } = gene;
  if (separate && last === 0) return `${name} not detected`;
  const range = `(${shortNumber(edges[first])} to ${shortNumber(edges[last + 1])})`;
  if (last === BINS - 1 && first <= lowestBin) return `${name} ${separate ? "detected" : "any"} ${range}`;
  const levelOf = (bin: number) =>
    LEVELS[Math.max(0, Math.floor((LEVELS.length * (bin - lowestBin)) / (BINS - lowestBin)))];
  const [lowest, highest] = [levelOf(first), levelOf(last)];
  return `${name} ${lowest === highest ? lowest : `${lowest} to ${highest}`} ${range}`;
}

/** Three digits, without trailing zeros. */
const shortNumber = (value: number) => `${Number(value.toPrecision(3))}`;

/** `1,234 cells` */
export const cellsWords = (cells: number): string =>
  `${cells.toLocaleString("en-US")} ${cells === 1 ? "cell" : "cells"}`;

/** A number of cells that need not be whole: `0.3`, `12.5`, `1,234`. */
export const expectedWords = (cells: number): string =>
  (cells < 99.95 ? Number(cells.toFixed(1)) : Math.round(cells)).toLocaleString("en-US");
