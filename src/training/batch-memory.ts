import { availableBytes } from "../available-memory.js";
import { CnncError } from "../errors.js";
import { type NetworkSpec, outputShapes } from "../model/index.js";

/**
 * Refuses a batch that memory can never hold, before the system ends the process for it.
 *
 * @param available bytes; by default all that this process may have and has not yet
 * @throws CnncError `OUT_OF_MEMORY`, with the batch size that would fit.
 */
export function requireBatchMemory(
  spec: NetworkSpec,
  batchSize: number,
  available: number = availableBytes(),
): void {
  const fits = Math.floor(available / bytesPerImage(spec));
  if (batchSize <= fits) return;
  throw new CnncError(
    "OUT_OF_MEMORY",
    `There is not enough memory for batches of ${batchSize} pairs; ${fits} would fit.`,
    fits > 0 ? `Give --batch-size ${fits} or less.` : "Choose a machine with more memory.",
  );
}

/**
 * Bytes that an image of a batch takes in training: the input, twice, as the next batch is made ahead; and, where
 * batch normalisation needs the whole batch at once, everything that the layers put out. Without it, parts of a batch
 * go through one after the other.
 */
function bytesPerImage({ input, layers }: NetworkSpec): number {
  const bytes = (shapes: readonly NetworkSpec["input"][]) =>
    shapes.reduce((sum, { height, width, channels }) => sum + 4 * height * width * channels, 0);
  const keepsAll = layers.some(({ kind }) => kind === "batch_norm");
  return 2 * bytes([input]) + (keepsAll ? bytes(outputShapes({ input, layers })) : 0);
}
