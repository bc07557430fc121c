import type { EpochRecord } from "./checkpoint.js";

/** The history of a training as CSV, one line per epoch. */
export function learningCurveCsv(history: readonly EpochRecord[]): string {
  const header =
    "epoch,learning_rate,loss,validation_loss,validation_auroc,validation_direction_auroc,seconds";
  const lines = history.map(({ epoch, learningRate, loss, validation, seconds }) =>
    [
      epoch,
      learningRate,
      loss,
      validation?.loss ?? "",
      validation?.auroc ?? "",
      validation?.directionAuroc ?? "",
      seconds.toFixed(3),
    ].join(","),
  );
  return `${[header, ...lines].join("\n")}\n`;
}
