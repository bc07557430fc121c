import { decideScale, type Selection } from "../../expression/index.js";
import type { HistogramFile } from "../../histograms/index.js";
import type { ModelInfo } from "../../model/index.js";

/**
 * What differs between the values that a model was trained on and those that it is about to see, one sentence each.
 *
 * @param asked whether the user chose the scale; otherwise it is the model's, which need not suit the data
 */
export async function readingWarnings(
  info: ModelInfo,
  { file, matrix, scale, transform }: Selection,
  asked: boolean,
): Promise<string[]> {
  const warnings = differences(info, { scale: scale.name, transform });
  if (asked) return warnings;
  const guess = await decideScale(file, matrix, "auto");
  if (guess.name === scale.name) return warnings;
  return [
    ...warnings,
    `${matrix.name} of ${file.path} looks like ${guess.name} (${guess.reason}), but is read as ${scale.name}, as the model's training data were; if that is wrong, add --scale ${guess.name}.`,
  ];
}

/** The same of histograms in a file. */
export function fileWarnings(info: ModelInfo, { path, scale, transform }: HistogramFile): string[] {
  if (scale === undefined || transform === undefined) {
    return [`${path} does not say how its values were read, so whether they suit the model is unknown.`];
  }
  return differences(info, { scale, transform });
}

function differences(info: ModelInfo, here: { scale: string; transform: string }): string[] {
  const warning = (what: string, trained: string, used: string) =>
    `The model was trained with ${what} ${trained}, and here it is ${used}: its images may not be what it knows.`;
  return [
    ...(here.scale === info.scale ? [] : [warning("scale", info.scale, here.scale)]),
    ...(here.transform === info.transform ? [] : [warning("transform", info.transform, here.transform)]),
  ];
}
