import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  ARCHITECTURES,
  importKeras,
  loadModel,
  loadTfjs,
  nativeEngineProblem,
  readModel,
  saveModel,
} from "../../dist/model/index.js";
import { readStoredNetwork } from "../../dist/model/stored-network.js";
import { cnncLayers, writeKerasFile } from "../support/keras-files.js";
import { CNNC, outcomeOf, testFolder } from "../support/run-cnnc.js";
import { saveTestModel, tanhNetwork } from "../support/test-models.js";

const SAMPLE = fileURLToPath(new URL("../../data-samples/expression.h5ad", import.meta.url));
const KINDS = ["nepdf", "residual", "margins"] as const;

type Json = Record<string, unknown>;

const topologyOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "model.json"), "utf8")).modelTopology;

/** What a reader makes of a folder: a model without functions, or the error's code and sentence. */
async function outcome(read: typeof loadModel | typeof readModel, folder: string): Promise<unknown> {
  try {
    const { spec, parameters, info } = await read(folder);
    return { spec, parameters: createHash("sha256").update(parameters).digest("hex"), info };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return { code, message };
  }
}

const expectSame = async (folder: string, what = "") =>
  expect(await outcome(readModel, folder), what).toEqual(await outcome(loadModel, folder));

const cases = ARCHITECTURES.flatMap((architecture) =>
  (["interaction", "causality"] as const).flatMap((task) =>
    [1, 2, 3].map((channels) => ({ architecture, task, channels })),
  ),
);

describe("a model read without TensorFlow.js", () => {
  it.each(cases)("is that read with it: $architecture, $task, $channels channels", async (one) => {
    const folder = join(testFolder(), "model");
    await saveTestModel(folder, { ...one, images: KINDS.slice(0, one.channels) });
    expect(readStoredNetwork(topologyOf(folder))).toBeDefined();
    await expectSame(folder);
    const { model } = await loadModel(folder);
    const made = await (await readModel(folder)).layersModel();
    expect(made.toJSON()).toEqual(model.toJSON());
    expect(made.getWeights().map((weight) => weight.dataSync())).toEqual(
      model.getWeights().map((weight) => weight.dataSync()),
    );
  });

  it.each([1, 2, 3])("is that of Keras with %i outputs", async (outputs) => {
    const path = join(testFolder(), "keras.h5");
    await writeKerasFile(path, cnncLayers(outputs));
    const folder = join(testFolder(), "model");
    await saveModel(folder, await importKeras(path));
    expect(readStoredNetwork(topologyOf(folder))).toBeDefined();
    await expectSame(folder);
  });

  it("may have its weights in another order and in several files", async () => {
    const folder = join(testFolder(), "model");
    await saveTestModel(folder);
    const before = await outcome(loadModel, folder);
    const json = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
    const bytes = readFileSync(join(folder, "weights.bin"));
    let offset = 0;
    const groups = json.weightsManifest[0].weights.map((spec: { shape: number[] }, i: number) => {
      const start = offset;
      offset += 4 * spec.shape.reduce((product, length) => product * length, 1);
      writeFileSync(join(folder, `part${i}`), bytes.subarray(start, offset));
      return { paths: [`part${i}`], weights: [spec] };
    });
    json.weightsManifest = groups.reverse();
    writeFileSync(join(folder, "model.json"), JSON.stringify(json));
    expect(await outcome(readModel, folder)).toEqual(before);
    await expectSame(folder);
  });

  it.skipIf(nativeEngineProblem() !== undefined)(
    "scores pairs where TensorFlow.js cannot be loaded",
    async () => {
      const folder = testFolder();
      await saveTestModel(join(folder, "model"), { architecture: "cnnc", task: "causality" });
      await saveTestModel(join(folder, "unusual"), {}, await tanhNetwork());
      const refusal = `export async function resolve(specifier, context, next) {
      if (specifier.startsWith("@tensorflow/")) throw new Error("TensorFlow.js was asked for.");
      return next(specifier, context);
    }`;
      const asData = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
      const hook = asData(
        `import { register } from "node:module"; register(${JSON.stringify(asData(refusal))});`,
      );
      const predict = (model: string) =>
        outcomeOf(
          spawn(
            process.execPath,
            [
              "--import",
              hook,
              CNNC,
              "predict-pairs",
              SAMPLE,
              "--model",
              model,
              "--all-pairs",
              "-o",
              `${model}.tsv`,
            ],
            { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
          ),
        );
      expect((await predict("unusual")).stderr).toContain("TensorFlow.js was asked for.");
      const { code, stderr } = await predict("model");
      expect({ code, stderr }).toMatchObject({ code: 0 });
    },
  );

  it("is left to TensorFlow.js where it is unusual", async () => {
    const { layers } = await loadTfjs();
    const start = () => layers.layers.averagePooling2d({ poolSize: 8, inputShape: [32, 32, 1] });
    const end = () => layers.layers.dense({ units: 1, activation: "sigmoid" });
    const { flatten, dense, reLU } = layers.layers;
    const input = layers.input({ shape: [32, 32, 1] });
    const output = end().apply(flatten().apply(start().apply(input)) as never);
    const networks = {
      tanh: await tanhNetwork(),
      frozen: layers.sequential({
        layers: [start(), flatten(), dense({ units: 2, trainable: false }), end()],
      }),
      regularised: layers.sequential({
        layers: [start(), flatten(), dense({ units: 2, kernelRegularizer: "l1l2" }), end()],
      }),
      "with a layer of its own": layers.sequential({ layers: [start(), reLU(), flatten(), end()] }),
      graph: layers.model({ inputs: input, outputs: output as typeof input }),
    };
    for (const [name, network] of Object.entries(networks)) {
      const folder = join(testFolder(), name);
      await saveTestModel(folder, {}, network);
      expect(readStoredNetwork(topologyOf(folder)), name).toBeUndefined();
      await expectSame(folder, name);
      const made = await (await readModel(folder)).layersModel();
      expect(made.countParams(), name).toBe(network.countParams());
    }
  });
});

/** Every value in a tree, as a path to it. */
function pathsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsIn(item, [...path, key]))];
}

/** Small damages of a value. */
const MUTATIONS: { what: string; apply: (parent: Json, key: string) => void }[] = [
  {
    what: "missing",
    apply: (parent, key) => {
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
    },
  },
  {
    what: "another",
    apply: (parent, key) => {
      const value = parent[key];
      if (typeof value === "number") parent[key] = value + 1;
      else if (typeof value === "boolean") parent[key] = !value;
      else if (typeof value === "string") parent[key] = `${value}x`;
      else if (value === null) parent[key] = 1;
      else parent[key] = Array.isArray(value) ? [...value, 1] : { ...value, further: 1 };
    },
  },
  {
    what: "null",
    apply: (parent, key) => {
      parent[key] = null;
    },
  },
];

describe("a damaged model.json", () => {
  it.each(ARCHITECTURES)(
    "gives what TensorFlow.js makes of it, wherever the damage is: %s",
    async (architecture) => {
      const folder = join(testFolder(), "model");
      await saveTestModel(folder, { architecture });
      const json = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
      // One layer of each class, so that it does not take long.
      const seen = new Set<string>();
      const layers: { class_name: string }[] = json.modelTopology.config.layers;
      const repeated = layers.flatMap(({ class_name }, i) => {
        const isNew = !seen.has(class_name);
        seen.add(class_name);
        return isNew ? [] : [String(i)];
      });
      const paths = pathsIn(json).filter(
        (path) =>
          path.length > 0 &&
          !(path.length > 4 && path[2] === "layers" && repeated.includes(String(path[3]))) &&
          !(path[0] === "weightsManifest" && Number(path[4]) > 1),
      );
      expect(paths.length).toBeGreaterThan(40);
      const damaged = join(testFolder(), "damaged");
      cpSync(folder, damaged, { recursive: true });
      for (const path of paths) {
        for (const { what, apply } of MUTATIONS) {
          const copy = structuredClone(json);
          const parent = path.slice(0, -1).reduce((value, key) => value[key], copy);
          apply(parent, String(path.at(-1)));
          writeFileSync(join(damaged, "model.json"), JSON.stringify(copy));
          await expectSame(damaged, `${path.join(".")} is ${what}`);
        }
      }
    },
  );
});
