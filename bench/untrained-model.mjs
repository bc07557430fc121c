/** A model whose network is untrained, which makes no difference to its speed. */
import { buildModel, CLASS_NAMES, saveModel } from "../dist/model/index.js";

/**
 * Writes the folder of a model that tells interactions.
 *
 * @param {string} folder
 * @param {"compact" | "cnnc" | "mlp"} architecture
 */
export async function writeUntrainedModel(folder, architecture) {
  const images = architecture === "cnnc" ? ["nepdf"] : ["residual", "margins"];
  const task = "interaction";
  const model = await buildModel(architecture, { task, channels: images.length, seed: 1 });
  const info = {
    task,
    architecture,
    images,
    scale: "counts",
    transform: "log10",
    bins: 32,
    classes: CLASS_NAMES[task],
  };
  await saveModel(folder, { model, info });
}
