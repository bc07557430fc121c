import type { BinRange } from "./regions.js";

/** What is to be known of a gene to name its expression states. */
export interface ExplainedGene {
  readonly name: string;
  /** 33 bin edges, ascending, in transformed units. */
  readonly edges: ArrayLike<number>;
  /** The lowest bin holds the cells that do not express the gene, and no others. */
  readonly separate: boolean;
}

const LAST_BIN = 31;
const LEVELS = ["low", "medium", "high"];

/**
 * The expression state that some bins stand for, e.g. `Gata1 high (1.2 to 1.9)` or `no Gata1`. Low, medium and high are
 * the thirds of the gene's range, from its lowest to its highest value.
 */
export function stateWords({ name, edges, separate }: ExplainedGene, [first, last]: BinRange): string {
  if (separate && last === 0) return `no ${name}`;
  const range = `(${shortNumber(edges[first])} to ${shortNumber(edges[last + 1])})`;
  if (last === LAST_BIN && first === 0) return `any ${name} ${range}`;
  if (last === LAST_BIN && separate && first === 1) return `some ${name} ${range}`;
  const [lowest, highest] = [levelOf(first), levelOf(last)];
  return `${name} ${lowest === highest ? lowest : `${lowest} to ${highest}`} ${range}`;
}

const levelOf = (bin: number) => LEVELS[Math.floor((bin * LEVELS.length) / (LAST_BIN + 1))];

/** Three digits, without trailing zeros. */
const shortNumber = (value: number) => `${Number(value.toPrecision(3))}`;
