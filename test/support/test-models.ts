import {
  type Architecture,
  buildModel,
  CLASS_NAMES,
  flatParameters,
  type ImageKind,
  type LoadedModel,
  type ModelFacts,
  type ModelInfo,
  networkSpec,
  saveModel,
} from "../../dist/model/index.js";
import type { Task } from "../../dist/pairs/index.js";

export interface TestModel {
  readonly architecture?: Architecture;
  readonly task?: Task;
  readonly images?: readonly ImageKind[];
  readonly seed?: number;
  /** Further facts. */
  readonly info?: Partial<ModelFacts>;
}

type Network = LoadedModel["model"];

function factsOf({
  architecture = "compact",
  task = "interaction",
  images = ["nepdf"],
  info,
}: TestModel): ModelFacts {
  return {
    task,
    architecture,
    images,
    scale: "counts",
    transform: "log10",
    bins: 32,
    classes: CLASS_NAMES[task],
    ...info,
  };
}

const networkOf = ({
  architecture = "compact",
  task = "interaction",
  images = ["nepdf"],
  seed = 3,
}: TestModel) => buildModel(architecture, { task, channels: images.length, seed, widthDivisor: 8 });

/** An untrained model of an eighth of the width; any network instead of the architecture's. */
export async function testModel(options: TestModel = {}, network?: Network): Promise<LoadedModel> {
  const model = network ?? (await networkOf(options));
  const info: ModelInfo = { ...factsOf(options), formatVersion: 1, versions: {} };
  return { model, spec: networkSpec(model), parameters: flatParameters(model), info };
}

/** The same as a folder. */
export async function saveTestModel(
  folder: string,
  options: TestModel = {},
  network?: Network,
): Promise<void> {
  await saveModel(folder, { model: network ?? (await networkOf(options)), info: factsOf(options) });
}

/** A network that only TensorFlow.js can run: its hidden layer is a hyperbolic tangent. */
export async function tanhNetwork(task: Task = "interaction"): Promise<Network> {
  const { loadTfjs } = await import("../../dist/model/index.js");
  const { layers } = (await loadTfjs()).layers;
  const { sequential } = (await loadTfjs()).layers;
  return sequential({
    layers: [
      layers.averagePooling2d({ poolSize: 8, inputShape: [32, 32, 1] }),
      layers.flatten(),
      layers.dense({ units: 4, activation: "tanh" }),
      task === "interaction"
        ? layers.dense({ units: 1, activation: "sigmoid" })
        : layers.dense({ units: 3, activation: "softmax" }),
    ],
  });
}
