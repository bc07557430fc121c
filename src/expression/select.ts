import { CnncError } from "../errors.js";
import {
  type ExpressionFile,
  findMatrix,
  type MatrixInfo,
  openExpressionFile,
  type Table,
} from "../io/index.js";
import { type CellFilter, chooseCells, columnLevels } from "./cell-filter.js";
import { decideScale, type Scale, type ScaleChoice, type Transform } from "./scale.js";

/** Which part of an expression file is meant, and how its values are to be read. */
export interface SelectionOptions {
  /** A layer instead of X. */
  readonly layer?: string;
  /** raw/X instead of X. */
  readonly raw?: boolean;
  /** Gene names from this var column instead of the index. */
  readonly geneColumn?: string;
  /** Only cells that pass all of these. */
  readonly obs?: readonly CellFilter[];
  /** Default `auto`. */
  readonly scale?: ScaleChoice;
  /** Default `log10`. */
  readonly transform?: Transform;
  /** Instead of `auto` and `log10`, where neither is asked for nor decided by a prepared store. */
  readonly usual?: { readonly scale?: ScaleChoice; readonly transform?: Transform };
  readonly signal?: AbortSignal;
}

/** An open file, with everything chosen that can be chosen without reading the whole matrix. */
export interface Selection {
  readonly file: ExpressionFile;
  readonly matrix: MatrixInfo;
  /** Name of each gene column of the matrix. */
  readonly geneNames: readonly string[];
  /** Where the names came from, e.g. `var index`. */
  readonly geneNameSource: string;
  /** fileCells; number of the cell among the chosen, or -1. */
  readonly cellOf: Int32Array;
  /** Chosen cells, at least 2. */
  readonly cells: number;
  readonly obs: readonly CellFilter[];
  readonly scale: Scale;
  readonly transform: Transform;
}

/**
 * Opens a file and makes the choices. The caller closes `file`.
 *
 * @throws CnncError of openExpressionFile and findMatrix; `NO_SUCH_COLUMN`, `NO_SUCH_LEVEL`, `NO_CELLS_LEFT`,
 *   `TOO_FEW_CELLS`.
 */
export async function selectExpression(path: string, options: SelectionOptions = {}): Promise<Selection> {
  const file = await openExpressionFile(path);
  try {
    const matrix = findMatrix(file, {
      ...(options.layer !== undefined && { layer: options.layer }),
      raw: options.raw ?? false,
    });
    const obs = options.obs ?? [];
    const { cellOf, cells } = await chooseCells(file.obs, obs, path);
    if (cells < 2) {
      throw new CnncError(
        "TOO_FEW_CELLS",
        `${obs.length > 0 ? `Only 1 cell of ${path} is chosen` : `${path} has only 1 cell`}, and a histogram needs at least 2.`,
        obs.length > 0 ? "Choose more cells (--obs)." : "Give a file with more cells.",
      );
    }
    const { names, source } = await geneNamesOf(file.varOf(matrix), options.geneColumn);
    const scale = await decideScale(
      file,
      matrix,
      options.scale ?? options.usual?.scale ?? "auto",
      options.signal,
    );
    return {
      file,
      matrix,
      geneNames: names,
      geneNameSource: source,
      cellOf,
      cells,
      obs,
      scale,
      transform: options.transform ?? options.usual?.transform ?? "log10",
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function geneNamesOf(
  genes: Table,
  column: string | undefined,
): Promise<{ names: readonly string[]; source: string }> {
  if (column === undefined) return { names: genes.names, source: "var index" };
  const names = columnLevels(await genes.column(column)).map((name) => name ?? "");
  return { names, source: `var column ${column}` };
}

/** Text columns of var by which genes could be named too: those that tell at least half of the genes apart. */
export async function alternativeGeneNames(
  genes: Table,
): Promise<{ column: string; names: readonly string[] }[]> {
  const alternatives: { column: string; names: readonly string[] }[] = [];
  for (const name of genes.columns) {
    const column = await genes.column(name);
    if (column.kind !== "strings" && column.kind !== "categorical") continue;
    const names = columnLevels(column).map((level) => level ?? "");
    if (new Set(names).size >= names.length / 2) alternatives.push({ column: name, names });
  }
  return alternatives;
}
