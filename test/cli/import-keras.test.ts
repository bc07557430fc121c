import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createHdf5 } from "../../dist/io/index.js";
import { loadModel } from "../../dist/model/index.js";
import { createTfjsEngine } from "../../dist/training/tfjs-engine.js";
import { cnncLayers, cnncLogits, type KerasLayer, writeKerasFile } from "../support/keras-files.js";
import { expectOneSentence } from "../support/one-sentence.js";
import { PYTHON, runPython } from "../support/python.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";

const IMAGE = Float32Array.from({ length: 1024 }, (_, i) => (Math.sin(i * i) + 1) / 2);

/** The probabilities of the test image under the model in a folder. */
async function probabilities(folder: string): Promise<number[]> {
  const { model } = await loadModel(folder);
  const engine = await createTfjsEngine({ model });
  const result = Array.from(await engine.predict(IMAGE));
  engine.close();
  return result;
}

function expectClose(actual: number[], expected: number[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 5);
  });
}

function softmax(logits: number[]): number[] {
  const powers = logits.map(Math.exp);
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));

const CASES = [
  {
    outputs: 1,
    whole: false,
    task: "interaction",
    expected: ([logit]: number[]) => [sigmoid(logit)],
  },
  {
    outputs: 2,
    whole: true,
    task: "interaction",
    expected: (logits: number[]) => softmax(logits).slice(1),
  },
  { outputs: 3, whole: true, task: "causality", expected: softmax },
];

describe("import-keras", () => {
  it.each(CASES)("takes over a network of $outputs outputs", async ({ outputs, whole, task, expected }) => {
    const folder = testFolder();
    const layers = cnncLayers(outputs);
    await writeKerasFile(join(folder, "weights.h5"), layers, { whole });
    const { code, stdout, stderr } = await runMain(["import-keras", "weights.h5", "-o", "model/"], folder);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`CNNC's network for ${task}`);
    const model = join(folder, "model");
    expectClose(await probabilities(model), expected(cnncLogits(layers, IMAGE)));
    const info = JSON.parse(readFileSync(join(model, "cnnc.json"), "utf8"));
    expect(info).toMatchObject({
      formatVersion: 1,
      task,
      architecture: "cnnc",
      images: ["nepdf"],
      scale: "linear",
      transform: "log10",
      bins: 32,
      classes: outputs === 3 ? ["none", "a->b", "b->a"] : ["none", "interaction"],
      source: { file: "weights.h5", kerasVersion: "2.2.4", outputs },
    });
  });

  it.skipIf(PYTHON === undefined)(
    "reads what h5py writes in Keras's layout (needs Python with h5py)",
    async () => {
      const folder = testFolder();
      const layers = cnncLayers(3);
      await writeKerasFile(join(folder, "source.h5"), layers);
      // Fixed-length names padded to the longest, no names as an empty array of numbers: as Keras writes them.
      const script = `
import sys, h5py, numpy as np
source, target = h5py.File(sys.argv[1]), h5py.File(sys.argv[2], "w")
names = [n if isinstance(n, str) else n.decode() for n in source.attrs["layer_names"]]
group = target.create_group("model_weights")
group.attrs["layer_names"] = [n.encode() for n in names]
group.attrs["backend"] = b"tensorflow"
group.attrs["keras_version"] = b"2.1.5"
target.attrs["keras_version"] = b"2.1.5"
target.attrs["model_config"] = b"{}"
for name in names:
    layer = group.create_group(name)
    weights = [name + "/" + w for w in source[name].get(name, {})]
    weights.sort(key=lambda w: "bias" in w)
    layer.attrs["weight_names"] = [w.encode() for w in weights]
    for weight in weights:
        layer.create_dataset(weight, data=source[name][weight][()].astype("f8"))
target.close()
print("1")`;
      runPython(script, [join(folder, "source.h5"), join(folder, "h5py.h5")]);
      const { code, stderr } = await runMain(["import-keras", "h5py.h5", "-o", "model"], folder);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expectClose(await probabilities(join(folder, "model")), softmax(cnncLogits(layers, IMAGE)));
    },
  );

  const hasKeras =
    spawnSync("python3", ["-c", "import importlib.util as u; exit(u.find_spec('keras') is None)"]).status ===
    0;

  it.skipIf(!hasKeras)("agrees with Keras itself (skipped where Python has no Keras)", async () => {
    const folder = testFolder();
    const script = `
import sys, json, numpy as np, keras
from keras.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
model = keras.models.Sequential()
for i, filters in enumerate([32, 64, 128]):
    first = {"input_shape": (32, 32, 1)} if i == 0 else {}
    for padding in ["same", "valid"]:
        model.add(Conv2D(filters, (3, 3), padding=padding, bias_initializer="random_normal", **first))
        model.add(Activation("relu"))
        first = {}
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(512, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(3))
model.add(Activation("softmax"))
model.save(sys.argv[1])
image = np.array(json.loads(sys.argv[2]), dtype="float32").reshape(1, 32, 32, 1)
print(json.dumps(model.predict(image, verbose=0)[0].tolist()))`;
    const args = ["-c", script, join(folder, "keras.h5"), JSON.stringify(Array.from(IMAGE))];
    const { stdout } = spawnSync("python3", args, { encoding: "utf8" });
    await runMain(["import-keras", "keras.h5", "-o", "model"], folder);
    const expected = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as number[];
    expectClose(await probabilities(join(folder, "model")), expected);
  });
});

/** A file that is not CNNC's network in Keras's layout. */
interface BadFile {
  what: string;
  write: (path: string) => Promise<void> | void;
  says: RegExp;
  remedy: RegExp;
}

const changed = (change: (layers: KerasLayer[]) => void) => async (path: string) => {
  const layers = cnncLayers(3);
  change(layers);
  await writeKerasFile(path, layers);
};

const layerNamed = (layers: KerasLayer[], name: string) =>
  layers.find((layer) => layer.name === name) as Required<KerasLayer>;

const BAD_FILES: BadFile[] = [
  { what: "no file", write: () => {}, says: /There is no file .*weights\.h5/, remedy: /path/ },
  {
    what: "a text",
    write: (path) => writeFileSync(path, "weights"),
    says: /weights\.h5 is not an HDF5 file/,
    remedy: /that Keras saved/,
  },
  {
    what: "another HDF5 file",
    write: async (path) => {
      const file = await createHdf5(path);
      file.write("X", Float32Array.of(1));
      file.finish();
    },
    says: /no layer_names: .* Keras 2's layout\./,
    remedy: /save_weights/,
  },
  {
    what: "Keras 3's layout",
    write: async (path) => {
      const file = await createHdf5(path);
      file.group("layers");
      file.finish();
    },
    says: /but in Keras 3's/,
    remedy: /model\.save\("model\.h5"\)/,
  },
  {
    what: "weights of Theano",
    write: (path) => writeKerasFile(path, cnncLayers(3), { backend: "theano" }),
    says: /Theano/,
    remedy: /TensorFlow/,
  },
  {
    what: "a layer too few",
    write: changed((layers) => layers.splice(2, 1)),
    says: /has 7 layers with weights where CNNC's has 8/,
    remedy: /32, 32, 64, 64, 128 and 128 filters/,
  },
  {
    what: "too many outputs",
    write: (path) => writeKerasFile(path, cnncLayers(4)),
    says: /has 4 outputs/,
    remedy: /1, 2 or 3 outputs/,
  },
  {
    what: "no layers with weights",
    write: changed((layers) => layers.splice(0, layers.length, { name: "flatten_1" })),
    says: /has 0 outputs/,
    remedy: /1, 2 or 3 outputs/,
  },
  {
    what: "images of another size",
    write: changed((layers) => {
      layerNamed(layers, "dense_1").kernel = { shape: [1536, 512], values: new Float32Array(1536 * 512) };
    }),
    says: /The layer dense_1 .* 1536 x 512 and 512 where CNNC's network has 512 x 512 and 512/,
    remedy: /32 x 32 images/,
  },
  {
    what: "a layer that is listed but not there",
    write: async (path) => {
      const file = await createHdf5(path);
      file.attribute("/", "layer_names", ["conv2d_1"]);
      file.finish();
    },
    says: /is damaged: the layer \/conv2d_1 is missing/,
    remedy: /again/,
  },
  {
    what: "a weight that is listed but not there",
    write: async (path) => {
      const file = await createHdf5(path);
      file.attribute("/", "layer_names", ["conv2d_1"]);
      file.group("conv2d_1");
      file.attribute("/conv2d_1", "weight_names", ["conv2d_1/kernel:0"]);
      file.finish();
    },
    says: /is damaged: the weight \/conv2d_1\/conv2d_1\/kernel:0 is missing/,
    remedy: /again/,
  },
  {
    what: "a training that failed",
    write: changed((layers) => {
      layerNamed(layers, "dense_1").bias[3] = Number.NaN;
    }),
    says: /not all finite/,
    remedy: /earlier checkpoint/,
  },
];

describe("import-keras refuses", () => {
  it.each(BAD_FILES)("$what", async ({ write, says, remedy }) => {
    const folder = testFolder();
    await write(join(folder, "weights.h5"));
    const before = contents(folder);
    const outcome = await runMain(["import-keras", "weights.h5", "-o", "model"], folder);
    expectOneSentence(outcome, { says, remedy });
    expect(contents(folder)).toEqual(before);
  });

  describe("an output", () => {
    let folder: string;
    beforeAll(async () => {
      folder = testFolder();
      await writeKerasFile(join(folder, "weights.h5"), cnncLayers(1));
    });

    it.each([
      ["that exists", "weights.h5", /exists already/, /new folder/],
      ["in a folder that does not", "no/model", /does not exist/, /mkdir/],
    ])("%s", async (_, output, says, remedy) => {
      const outcome = await runMain(["import-keras", "weights.h5", "-o", output], folder);
      expectOneSentence(outcome, { says, remedy });
    });
  });
});
