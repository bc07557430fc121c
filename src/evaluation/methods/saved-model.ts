import { CnncError } from "../../errors.js";
import type { HistogramSession } from "../../histograms/index.js";
import { readingDifferences, readModel } from "../../model/index.js";
import type { Task } from "../../pairs/index.js";
import type { Method } from "../method.js";
import { type ScoreRowsOptions, scoreRows } from "./score-rows.js";

/**
 * A model that was trained before, asked about the test pairs of every fold. What it was trained on is its own
 * affair: whether it knew the test pairs cannot be told here, which is said, as is what it reads unlike its training.
 *
 * @throws CnncError of readModel; `MODEL_MISMATCH` for another task
 */
export async function savedModelMethod(
  folder: string,
  task: Task,
  { store, selection }: Pick<HistogramSession, "selection" | "store">,
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
  const notices = [
    "Whether the model was trained on pairs that are tested here cannot be told.",
    ...readingDifferences(model.info, { scale: selection.scale.name, transform: selection.transform }),
  ];
  return {
    name: `model:${folder}`,
    label: `model ${folder}, trained elsewhere`,
    group: "external",
    learns: false,
    score: (fold, options) => {
      for (const notice of notices) options.onNotice?.(`model:${folder}: ${notice}`);
      return scoreRows(model, store, fold, { ...settings, ...options });
    },
  };
}
