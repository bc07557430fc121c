import { CnncError } from "../errors.js";
import type { PairFile } from "../pairs/index.js";

/**
 * A column of numbers of a pair file.
 *
 * @param name by default the first column after the genes
 * @throws CnncError `COLUMN_NOT_FOUND`, `SCORE_NOT_A_NUMBER` with the line
 */
export function scoreColumn({ path, extra, lines }: PairFile, name?: string): Float64Array {
  const column = name === undefined ? extra.values().next().value : extra.get(name);
  if (column === undefined) {
    const known = [...extra.keys()].join(", ") || "none";
    throw new CnncError(
      "COLUMN_NOT_FOUND",
      `${path} has no score column${name === undefined ? "" : ` ${name}`}; beside genes it has ${known}.`,
      "Add a column of scores after the genes, or name another column with --score.",
    );
  }
  return Float64Array.from(column, (text, row) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (Number.isFinite(value)) return value;
    throw new CnncError(
      "SCORE_NOT_A_NUMBER",
      `${path}, line ${lines[row]}: the score \`${text}\` is not a number.`,
      "Give every pair a number there, or name another column with --score.",
    );
  });
}
