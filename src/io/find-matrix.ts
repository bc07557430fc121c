import { CnncError } from "../errors.js";
import type { ExpressionFile, MatrixInfo } from "./types.js";

/** Which matrix of a file is meant; none of the two means `X`. */
export interface MatrixChoice {
  /** Name of a layer, without `layers/`. */
  readonly layer?: string | undefined;
  /** `raw/X`. */
  readonly raw?: boolean | undefined;
}

/**
 * Finds the matrix that the user wants.
 *
 * @throws CnncError `LAYER_AND_RAW` when both are asked for; `NO_MATRIX` (no X), `NO_RAW`, `NO_SUCH_LAYER`, all
 *   of which name what there is instead; or the reason why the matrix cannot be read.
 */
export function findMatrix(file: ExpressionFile, { layer, raw = false }: MatrixChoice = {}): MatrixInfo {
  if (layer !== undefined && raw) {
    throw new CnncError("LAYER_AND_RAW", "A layer and raw were both asked for.", "Choose one of the two.");
  }
  const name = layer !== undefined ? `layers/${layer}` : raw ? "raw/X" : "X";
  const matrix = file.matrices.find((candidate) => candidate.name === name);
  if (matrix !== undefined) return matrix;
  const unreadable = file.unreadable.find((candidate) => candidate.name === name);
  if (unreadable !== undefined) throw unreadable.error;
  const [code, what] =
    layer !== undefined
      ? ["NO_SUCH_LAYER", `has no layer "${layer}"`]
      : raw
        ? ["NO_RAW", "has no raw matrix"]
        : ["NO_MATRIX", "has no X, the expression matrix"];
  throw new CnncError(code, `${file.path} ${what}.`, alternatives(file.matrices));
}

function alternatives(matrices: readonly MatrixInfo[]): string {
  const options = matrices.map(({ name }) =>
    name === "X" ? "X (the default)" : name === "raw/X" ? "raw" : `layer ${name.slice("layers/".length)}`,
  );
  return options.length === 0 ? "The file holds no expression at all." : `It has: ${options.join(", ")}.`;
}
