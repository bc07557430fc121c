import { stat } from "node:fs/promises";
import { CnncError } from "../errors.js";

/**
 * Keeps a slip of the hand from costing the user's data.
 *
 * @throws CnncError `OUTPUT_IS_INPUT` when the output is one of the files that the command reads.
 */
export async function protectInputs(output: string, inputs: readonly (string | undefined)[]): Promise<void> {
  const replaced = await stat(output).catch(() => undefined);
  if (replaced === undefined) return;
  for (const input of inputs) {
    const read = input === undefined ? undefined : await stat(input).catch(() => undefined);
    if (read?.ino === replaced.ino && read.dev === replaced.dev) {
      throw new CnncError(
        "OUTPUT_IS_INPUT",
        `${output} cannot be the output: it is the file ${input}, which is read.`,
        "Name another file with -o.",
      );
    }
  }
}
