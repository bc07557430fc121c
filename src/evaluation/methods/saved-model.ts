import { CnncError } from "../../errors.js";
import type { HistogramSession } from "../../histograms/index.js";
import { readModel } from "../../model/index.js";
import type { Task } from "../../pairs/index.js";
import type { Method } from "../method.js";
import { type ScoreRowsOptions, scoreRows } from "./score-rows.js";

/**
 * A model that was trained before, asked about the test pairs of every fold. What it was trained on is its own
 * affair: whether it knew the test pairs cannot be told here.
 *
 * @throws CnncError of readModel; `MODEL_MISMATCH` for another task
 */
export async function savedModelMethod(
  folder: string,
  task: Task,
  { store }: Pick<HistogramSession, "store">,
  settings: ScoreRowsOptions,
): Promise<Method> {
  const model = await readModel(folder);
  if (model.info.task !== task) {
    throw new CnncError(
      "MODEL_MISMATCH",
      `The model ${folder} is for ${model.info.task}; the labels are for ${task}.`,
      "Choose another model, or the model's task with --task.",
    );
  }
  return {
    name: `model:${folder}`,
    label: `model ${folder}, trained elsewhere`,
    group: "external",
    learns: false,
    score: (fold, options) => scoreRows(model, store, fold, { ...settings, ...options }),
  };
}
