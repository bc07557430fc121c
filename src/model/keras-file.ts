import { CnncError } from "../errors.js";
import { type Hdf5File, openHdf5 } from "../io/hdf5-file.js";

/** A weight array in a Keras file. */
export interface KerasWeight {
  /** Path inside the file. */
  readonly path: string;
  readonly shape: readonly number[];
}

/** A layer that has weights. */
export interface KerasLayer {
  readonly name: string;
  readonly weights: readonly KerasWeight[];
}

/** An HDF5 file of weights that Keras 2 wrote, with `save_weights` or `save`. */
export interface KerasFile {
  /** In the order of the network; layers without weights are left out. */
  readonly layers: readonly KerasLayer[];
  /** Empty where the file does not say. */
  readonly kerasVersion: string;
  /** All values of a weight, row-major. */
  read(weight: KerasWeight): Promise<Float32Array>;
  close(): void;
}

/**
 * @throws CnncError `NOT_KERAS`, `KERAS_UNSUPPORTED`, and those of openHdf5
 */
export async function openKeras(path: string): Promise<KerasFile> {
  const file = await openHdf5(path).catch((error: CnncError) => {
    throw asKerasError(error);
  });
  try {
    const { group, attributes } = await findWeights(file);
    const backend = attributes.backend ?? "";
    if (backend === "theano") {
      throw new CnncError(
        "KERAS_UNSUPPORTED",
        `${path} was written by Keras on Theano, which turns its kernels around.`,
        "Load the model with Keras on TensorFlow, and save it again.",
      );
    }
    const layers: KerasLayer[] = [];
    for (const name of names(attributes.layer_names)) {
      const weights = await layerWeights(file, `${group}/${name}`);
      if (weights.length > 0) layers.push({ name, weights });
    }
    return {
      layers,
      kerasVersion: String(attributes.keras_version ?? ""),
      async read({ path: place, shape }) {
        const values = await file.read(
          place,
          shape.map((length) => [0, length]),
        );
        return Float32Array.from(values as ArrayLike<number>);
      },
      close: file.close,
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** The reader's remedies speak of expression files. */
function asKerasError(error: CnncError): CnncError {
  if (error.code !== "NOT_HDF5" && error.code !== "NOT_A_FILE") return error;
  const remedy = "Give the .h5 or .hdf5 file that Keras saved.";
  return new CnncError(error.code, error.message, remedy, { cause: error });
}

/** Weights stand at the root (`save_weights`), or in the group model_weights of a whole model (`save`). */
async function findWeights(file: Hdf5File) {
  const roots = [
    { group: "", node: await file.node("/") },
    { group: "/model_weights", node: await file.node("/model_weights") },
  ];
  for (const { group, node } of roots) {
    if (node?.attributes.layer_names !== undefined) return { group, attributes: node.attributes };
  }
  const root = roots[0].node;
  const children = root?.kind === "group" ? root.children : [];
  const isKeras3 = children.includes("layers") || children.includes("_layer_checkpoint_dependencies");
  throw new CnncError(
    "NOT_KERAS",
    `${file.path} has no layer_names: it is not a file of weights in Keras 2's layout${isKeras3 ? ", but in Keras 3's" : ""}.`,
    isKeras3
      ? 'Load the model with Keras, and save it whole in the older layout: model.save("model.h5").'
      : 'Give a file written by Keras with model.save_weights("weights.h5") or model.save("model.h5").',
  );
}

/** An attribute that lists names; a list without any is stored as numbers. */
const names = (value: unknown): string[] =>
  [value].flat().filter((name): name is string => typeof name === "string");

async function layerWeights(file: Hdf5File, group: string): Promise<KerasWeight[]> {
  const layer = await file.node(group);
  if (layer?.kind !== "group") throw damaged(file, `the layer ${group} is missing`);
  const weights: KerasWeight[] = [];
  for (const name of names(layer.attributes.weight_names)) {
    const path = `${group}/${name}`;
    const node = await file.node(path);
    if (node?.kind !== "dataset" || node.shape === null || !/^float(32|64)$/.test(node.dtype)) {
      throw damaged(file, `the weight ${path} is missing or holds no numbers`);
    }
    weights.push({ path, shape: node.shape });
  }
  return weights;
}

const damaged = (file: Hdf5File, reason: string) =>
  new CnncError(
    "NOT_KERAS",
    `${file.path} is damaged: ${reason}.`,
    "Copy the file again, or save it again with Keras.",
  );
