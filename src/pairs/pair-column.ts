import { CnncError } from "../errors.js";
import type { PairFile } from "./pair-file.js";

/**
 * One of a pair file's further columns, e.g. its folds, for some of its rows.
 *
 * @param name as in the header, or `column 3`, `column 4`, ... without one
 * @param rows rows of `file`, e.g. those of the pairs that are left
 * @throws CnncError `COLUMN_NOT_FOUND`, with the columns there are.
 */
export function pairColumn(file: PairFile, name: string, rows: Uint32Array): string[] {
  const column = file.extra.get(name);
  if (column === undefined) {
    const others = [...file.extra.keys()].filter((other) => other !== "");
    const known = others.join(", ") || "no other columns";
    throw new CnncError(
      "COLUMN_NOT_FOUND",
      `${file.path} has no column ${name} beside genes and labels; it has ${known}.`,
      others.length > 0 ? `Name one of these columns: ${known}.` : "Add the column to the file.",
    );
  }
  return Array.from(rows, (row) => column[row]);
}
