import { CnncError } from "../errors.js";
import type { Column, Table } from "../io/index.js";

/** Cells whose `column` is one of `levels`, or none of them when `exclude`. */
export interface CellFilter {
  readonly column: string;
  readonly levels: readonly string[];
  readonly exclude: boolean;
}

/**
 * Parses `cell_type=HSC,MPP` or `batch!=2`.
 *
 * @throws CnncError `BAD_OBS_FILTER`
 */
export function parseCellFilter(text: string): CellFilter {
  const match = /^(.*?)(!?=)(.*)$/s.exec(text);
  const column = match?.[1].trim();
  const levels = match?.[3].split(",").map((level) => level.trim());
  if (!match || !column || !levels || levels.includes("")) {
    throw new CnncError(
      "BAD_OBS_FILTER",
      `"${text}" is not a choice of cells.`,
      "Write --obs COLUMN=LEVEL, --obs COLUMN=LEVEL,LEVEL or --obs COLUMN!=LEVEL, in quotes.",
    );
  }
  return { column, levels, exclude: match[2] === "!=" };
}

/**
 * Cells that pass all filters: number among the chosen cells, in file order, or -1.
 * A cell whose value is missing passes no `=` and every `!=`.
 *
 * @throws CnncError `NO_SUCH_COLUMN`, `NO_SUCH_LEVEL` (with those that exist), `NO_CELLS_LEFT`.
 */
export async function chooseCells(
  obs: Table,
  filters: readonly CellFilter[],
  path: string,
): Promise<{ cellOf: Int32Array; cells: number }> {
  const chosen = new Uint8Array(obs.length).fill(1);
  for (const filter of filters) {
    const levels = columnLevels(await obs.column(filter.column));
    requireLevels(filter, levels, path);
    const wanted = new Set(filter.levels);
    for (let cell = 0; cell < obs.length; cell++) {
      const level = levels[cell];
      if ((level !== null && wanted.has(level)) === filter.exclude) chosen[cell] = 0;
    }
  }
  let cells = 0;
  const cellOf = Int32Array.from(chosen, (isChosen) => (isChosen ? cells++ : -1));
  if (cells === 0) {
    throw new CnncError(
      "NO_CELLS_LEFT",
      filters.length > 0
        ? `No cell of ${path} passes ${filters.map(describeFilter).join(" and ")}.`
        : `${path} has no cells.`,
      filters.length > 0 ? "Loosen the choice of cells (--obs)." : "Give a file with cells.",
    );
  }
  return { cellOf, cells };
}

/** `cell_type=HSC,MPP`, as parseCellFilter reads it. */
export function describeFilter({ column, levels, exclude }: CellFilter): string {
  return `${column}${exclude ? "!=" : "="}${levels.join(",")}`;
}

/** A column as text, one entry per cell; null where missing. */
export function columnLevels(column: Column): (string | null)[] {
  switch (column.kind) {
    case "categorical":
      return Array.from(column.codes, (code) => (code < 0 ? null : column.categories[code]));
    case "strings":
      return column.values;
    case "booleans":
      return column.values.map((value) => (value === null ? null : value ? "True" : "False"));
    case "numbers":
      return Array.from(column.values, (value) => (Number.isNaN(value) ? null : String(value)));
  }
}

function requireLevels(filter: CellFilter, levels: readonly (string | null)[], path: string): void {
  const existing = new Set(levels);
  const unknown = filter.levels.filter((level) => !existing.has(level));
  if (unknown.length === 0) return;
  const names = [...existing].filter((level) => level !== null).sort();
  const shown = names.slice(0, 20).join(", ") + (names.length > 20 ? ` and ${names.length - 20} more` : "");
  throw new CnncError(
    "NO_SUCH_LEVEL",
    `No cell of ${path} has ${filter.column} ${unknown.join(" or ")}.`,
    names.length > 0 ? `Its levels are: ${shown}.` : "It is missing in all cells.",
  );
}
