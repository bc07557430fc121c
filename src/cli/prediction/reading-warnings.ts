import type { ExpressionSource } from "../../expression/index.js";
import type { HistogramFile } from "../../histograms/index.js";
import { type ModelInfo, readingDifferences } from "../../model/index.js";

/**
 * What differs between the values that a model was trained on and those that it is about to see, one sentence each.
 *
 * @param asked whether the user chose the scale; otherwise it is the model's, which need not suit the data, or that of a
 *   prepared store
 */
export async function readingWarnings(
  info: ModelInfo,
  source: ExpressionSource,
  asked: boolean,
): Promise<string[]> {
  const { path, matrix, scale, transform, prepared } = source;
  const warnings = readingDifferences(info, { scale: scale.name, transform });
  if (asked || prepared) return warnings;
  const guess = await source.guessScale();
  if (guess.name === scale.name) return warnings;
  return [
    ...warnings,
    `${matrix.name} of ${path} looks like ${guess.name} (${guess.reason}), but is read as ${scale.name}, as the model's training data were; if that is wrong, add --scale ${guess.name}.`,
  ];
}

/** The same of histograms in a file. */
export function fileWarnings(info: ModelInfo, { path, scale, transform }: HistogramFile): string[] {
  if (scale === undefined || transform === undefined) {
    return [`${path} does not say how its values were read, so whether they suit the model is unknown.`];
  }
  return readingDifferences(info, { scale, transform });
}
