import type { BlockOptions, ExpressionFile, MatrixBlock, MatrixInfo } from "../io/index.js";
import { abortError } from "../progress.js";

/**
 * The file's blocks of a matrix.
 *
 * @throws CnncError those of the file, and `CANCELLED` (or the signal's own CnncError) after an abort
 */
export async function* readBlocks(
  file: ExpressionFile,
  matrix: MatrixInfo,
  options: BlockOptions,
): AsyncGenerator<MatrixBlock, void, void> {
  try {
    yield* file.blocks(matrix, options);
  } catch (error) {
    throw options.signal?.aborted ? abortError(options.signal) : error;
  }
}
