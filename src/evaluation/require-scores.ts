import { CnncError } from "../errors.js";
import type { LabelledPairs } from "../pairs/index.js";
import type { FoldScores } from "./method.js";

/** What a method said about the test rows of a fold. */
export interface FoldOutcome {
  /** Name of the fold. */
  readonly name: string;
  /** Positions in the pairs; the scores are in their order. */
  readonly test: Uint32Array;
  readonly scores: FoldScores;
}

/** Numbers for each test row. */
const WIDTHS = { interaction: [1], direction: [1], probabilities: [1, 3], swapped: [3] } as const;

/**
 * @param geneNames name of each gene column, for messages
 * @throws CnncError `SCORE_NOT_A_NUMBER` with the pair, also for an infinite one; RangeError if the scores do not fit
 *   the test rows
 */
export function requireScores(
  method: string,
  { name, test, scores }: FoldOutcome,
  { a, b }: LabelledPairs,
  geneNames: readonly string[],
): void {
  for (const column of Object.keys(WIDTHS) as (keyof typeof WIDTHS)[]) {
    const values = scores[column];
    if (values === undefined) continue;
    if (!WIDTHS[column].some((width) => values.length === width * test.length)) {
      throw new RangeError(`${values.length} numbers (${column}) of ${method} for ${test.length} pairs`);
    }
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad === -1) continue;
    const row = test[Math.floor((bad * test.length) / values.length)];
    throw new CnncError(
      "SCORE_NOT_A_NUMBER",
      `${method}, fold ${name}: the score of ${geneNames[a[row]]} ${geneNames[b[row]]} is not a finite number.`,
      "Leave the method out with --methods, or train with a lower learning rate if it is a network.",
    );
  }
}
