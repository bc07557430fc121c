import type { EpochRecord } from "../training/index.js";
import { formatDuration } from "./text.js";

/** Lines of a training whose epochs take a moment each. */
const USUAL_LINES = 12;
/** Who waits longer than this for an epoch is told of every one. */
const SLOW_SECONDS = 1;

/**
 * Tells of a training's epochs, a line each: of all that take more than a second, and of quick ones about a dozen,
 * evenly spaced, with the first and the last.
 *
 * @returns the listener for epochs, and `end`, which tells of the last one where a training stopped early
 */
export function epochLines(say: (line: string) => void): {
  listener: (record: EpochRecord, epochs: number) => void;
  end: () => void;
} {
  let untold: string | undefined;
  return {
    listener(record, epochs) {
      const { epoch, seconds } = record;
      const spacing = Math.ceil(epochs / USUAL_LINES);
      untold = describeEpoch(record, epochs);
      if (seconds <= SLOW_SECONDS && epoch !== 1 && epoch !== epochs && epoch % spacing !== 0) return;
      say(untold);
      untold = undefined;
    },
    end() {
      if (untold !== undefined) say(untold);
      untold = undefined;
    },
  };
}

/** `epoch 3 of 12: loss 0.6123, validation loss 0.6301, AUROC 0.712, in 4.0 s` */
export function describeEpoch({ epoch, loss, validation, seconds }: EpochRecord, epochs: number): string {
  const validated = validation
    ? `, validation loss ${validation.loss.toFixed(4)}, AUROC ${validation.auroc.toFixed(3)}`
    : "";
  return `epoch ${epoch} of ${epochs}: loss ${loss.toFixed(4)}${validated}, in ${formatDuration(seconds)}`;
}
