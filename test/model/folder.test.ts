import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import {
  buildModel,
  CLASS_NAMES,
  digestNames,
  flatParameters,
  loadModel,
  loadTfjs,
  type ModelFacts,
  saveModel,
} from "../../dist/model/index.js";
import { errorOf } from "../support/errors.js";
import { contents, testFolder } from "../support/run-cnnc.js";

const tfjs = await loadTfjs();
const { core, layers } = tfjs;

const FACTS: ModelFacts = {
  task: "causality",
  architecture: "compact",
  images: ["residual", "margins"],
  scale: "counts",
  transform: "log10",
  bins: 32,
  classes: CLASS_NAMES.causality,
  genes: { count: 3, sha256: "0".repeat(64) },
  threshold: { score: 0.75, precision: 0.5 },
  ofTheFuture: { kept: [1, 2] },
};

const build = (seed = 1) => buildModel("compact", { task: "causality", channels: 2, seed, widthDivisor: 8 });
const model = await build();
const images = core.randomUniform([3, 32, 32, 2], 0, 1, "float32", 1);
const predictions = (of: typeof model) =>
  Array.from((of.predict(images) as ReturnType<typeof core.tensor>).dataSync());

/** A saved model of this test's own. */
async function savedModel(): Promise<string> {
  const folder = join(testFolder(), "model");
  await saveModel(folder, { model, info: FACTS });
  return folder;
}

const edit = (path: string, change: (text: string) => string) =>
  writeFileSync(path, change(readFileSync(path, "utf8")));

const editJson = (path: string, change: (value: Record<string, unknown>) => void) =>
  edit(path, (text) => {
    const value = JSON.parse(text);
    change(value);
    return JSON.stringify(value);
  });

describe("a saved model", () => {
  it("is the same when loaded", async () => {
    const loaded = await loadModel(`${await savedModel()}/`);
    expect(predictions(loaded.model)).toEqual(predictions(model));
    expect(loaded.parameters).toEqual(flatParameters(model));
    expect(loaded.spec).toMatchObject({ input: { height: 32, width: 32, channels: 2 } });
    expect(loaded.info).toMatchObject({ ...FACTS, formatVersion: 1 });
    expect(loaded.info.versions).toMatchObject({
      cnnc: expect.stringMatching(/^\d+\.\d+/),
      tfjs: core.version_core,
    });
  });

  it("is read by TensorFlow.js's own loader of model.json and weights", async () => {
    const folder = await savedModel();
    const json = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
    expect(json).toMatchObject({ format: "layers-model", convertedBy: null });
    const artifacts = await core.io.getModelArtifactsForJSON(json, async (manifest) => {
      const bytes = readFileSync(join(folder, manifest[0].paths[0]));
      return [manifest[0].weights, Uint8Array.from(bytes).buffer];
    });
    const loaded = await layers.loadLayersModel(core.io.fromMemory(artifacts));
    expect(predictions(loaded)).toEqual(predictions(model));
  });

  it("keeps its parameters end to end as little-endian float32 in weights.bin", async () => {
    const parameters = Float32Array.from({ length: model.countParams() }, (_, i) => i / 3);
    const folder = join(testFolder(), "model");
    await saveModel(folder, { model, parameters, info: FACTS });
    const bytes = readFileSync(join(folder, "weights.bin"));
    expect(bytes.length).toBe(4 * parameters.length);
    parameters.forEach((value, i) => {
      if (bytes.readFloatLE(4 * i) !== value) throw new Error(`parameter ${i}`);
    });
    expect((await loadModel(folder)).parameters).toEqual(parameters);
    expect(contents(folder)).toEqual(["cnnc.json", "model.json", "weights.bin"]);
  });

  it("names genes and cells by a digest of the sorted names", () => {
    const sha256 = createHash("sha256").update("A\nB\na\n").digest("hex");
    expect(digestNames(["a", "B", "A"])).toEqual({ count: 3, sha256 });
  });
});

describe("saving", () => {
  it("does not replace anything unasked", async () => {
    const folder = await savedModel();
    const error = await errorOf(() => saveModel(folder, { model, info: FACTS }));
    expect(error.code).toBe("OUTPUT_EXISTS");
  });

  it("replaces a model when asked, and keeps the other files of its folder", async () => {
    const folder = await savedModel();
    writeFileSync(join(folder, "curve.csv"), "epoch\n");
    mkdirSync(join(folder, "last"));
    writeFileSync(join(folder, "last", "moments.bin"), "m");
    const next = await build(2);
    const also = async (temporary: string) => writeFileSync(join(temporary, "state.json"), "{}");
    await saveModel(folder, { model: next, info: { ...FACTS, seed: 2 } }, { replace: true, also });
    const { info, parameters } = await loadModel(folder);
    expect(info.seed).toBe(2);
    expect(parameters).toEqual(flatParameters(next));
    expect(contents(folder)).toEqual([
      "cnnc.json",
      "curve.csv",
      "last",
      "model.json",
      "state.json",
      "weights.bin",
    ]);
    expect(readFileSync(join(folder, "last", "moments.bin"), "utf8")).toBe("m");
    expect(contents(join(folder, ".."))).toEqual(["model"]);
  });

  it("makes a new folder where there is none to replace", async () => {
    const folder = join(testFolder(), "model");
    await saveModel(folder, { model, info: FACTS }, { replace: true });
    expect((await loadModel(folder)).info.task).toBe("causality");
  });

  it("replaces nothing that is not a model", async () => {
    const folder = testFolder();
    writeFileSync(join(folder, "thesis.tex"), "");
    const error = await errorOf(() => saveModel(folder, { model, info: FACTS }, { replace: true }));
    expect(error.code).toBe("OUTPUT_EXISTS");
    expect(contents(folder)).toEqual(["thesis.tex"]);
  });

  it("leaves the old model and nothing else when it fails", async () => {
    const folder = await savedModel();
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const failing = { replace: true, also: () => Promise.reject(full) };
    const error = await errorOf(() => saveModel(folder, { model, info: { ...FACTS, seed: 9 } }, failing));
    expect(error.code).toBe("DISK_FULL");
    expect(error.message).toContain(folder);
    expect((await loadModel(folder)).info.seed).toBeUndefined();
    expect(contents(join(folder, ".."))).toEqual(["model"]);
  });

  it("can be killed between taking the old folder away and putting the new one there", async () => {
    const folder = await savedModel();
    renameSync(folder, `${folder}.replaced`);
    expect((await loadModel(folder)).info.task).toBe("causality");
    renameSync(folder, `${folder}.replaced`);
    await saveModel(folder, { model, info: { ...FACTS, seed: 4 } }, { replace: true });
    expect((await loadModel(folder)).info.seed).toBe(4);
    expect(contents(join(folder, ".."))).toEqual(["model"]);
  });

  it("refuses parameters and facts that are of another model", async () => {
    const folder = join(testFolder(), "model");
    const mismatch = await errorOf(() =>
      saveModel(folder, { model, parameters: new Float32Array(1), info: FACTS }),
    );
    expect(mismatch.code).toBe("PARAMETERS_MISMATCH");
    const facts = { ...FACTS, images: ["nepdf"] as const };
    const channels = await errorOf(() => saveModel(folder, { model, info: facts }));
    expect(channels.message).toContain(`${folder} takes 32 x 32 x 2 values where its images are 32 x 32 x 1`);
    expect(contents(join(folder, ".."))).toEqual([]);
  });
});

/** Something that is not a sound model. */
interface Damage {
  what: string;
  spoil: (folder: string) => void;
  code?: string;
  says: RegExp;
}

const DAMAGES: Damage[] = [
  {
    what: "no folder",
    spoil: (folder) => rmSync(folder, { recursive: true }),
    code: "MODEL_NOT_FOUND",
    says: /There is no folder/,
  },
  {
    what: "a file",
    spoil: (folder) => {
      rmSync(folder, { recursive: true });
      writeFileSync(folder, "");
    },
    code: "MODEL_NOT_FOUND",
    says: /is not a folder/,
  },
  {
    what: "a folder of something else",
    spoil: (folder) => rmSync(join(folder, "model.json")),
    code: "MODEL_NOT_FOUND",
    says: /has no model\.json/,
  },
  {
    what: "a TensorFlow.js model of someone else",
    spoil: (folder) => rmSync(join(folder, "cnnc.json")),
    code: "MODEL_FOREIGN",
    says: /without cnnc\.json/,
  },
  {
    what: "a newer format",
    spoil: (folder) =>
      editJson(join(folder, "cnnc.json"), (info) => Object.assign(info, { formatVersion: 2 })),
    code: "MODEL_NEWER",
    says: /cnnc\.json has format version 2; .* reads 1/,
  },
  {
    what: "a cut-off cnnc.json",
    spoil: (folder) => edit(join(folder, "cnnc.json"), (text) => text.slice(0, 40)),
    says: /cnnc\.json is damaged: .*JSON/,
  },
  {
    what: "a cnnc.json of another kind",
    spoil: (folder) => writeFileSync(join(folder, "cnnc.json"), "[1]"),
    says: /does not hold a JSON object/,
  },
  ...(
    [
      ["formatVersion", "1"],
      ["task", "regression"],
      ["architecture", 3],
      ["images", []],
      ["images", ["nepdf", "photo"]],
      ["scale", "auto"],
      ["transform", undefined],
      ["bins", 64],
      ["classes", ["no", "yes"]],
      ["versions", null],
      ["threshold", { score: 1 }],
    ] as const
  ).map(([field, value]) => ({
    what: `the ${field} ${JSON.stringify(value)}`,
    spoil: (folder: string) =>
      editJson(join(folder, "cnnc.json"), (info) => Object.assign(info, { [field]: value })),
    says: new RegExp(`cnnc\\.json is damaged: its field ${field} is `),
  })),
  {
    what: "a cut-off model.json",
    spoil: (folder) => edit(join(folder, "model.json"), (text) => text.slice(0, 400)),
    says: /model\.json is damaged: .*JSON/,
  },
  {
    what: "a model.json of another kind",
    spoil: (folder) =>
      editJson(join(folder, "model.json"), (json) => Object.assign(json, { weightsManifest: 1 })),
    says: /model\.json is damaged: it is not the description/,
  },
  {
    what: "a layer that does not exist",
    spoil: (folder) => edit(join(folder, "model.json"), (text) => text.replace('"Flatten"', '"Flattish"')),
    says: /do not make a model: .*Flattish/,
  },
  {
    what: "no file of weights",
    spoil: (folder) => rmSync(join(folder, "weights.bin")),
    says: /weights\.bin is missing/,
  },
  {
    what: "weights outside of the folder",
    spoil: (folder) =>
      edit(join(folder, "model.json"), (text) => text.replace('"weights.bin"', '"../weights.bin"')),
    says: /outside of its folder/,
  },
  {
    what: "cut-off weights",
    spoil: (folder) =>
      writeFileSync(join(folder, "weights.bin"), readFileSync(join(folder, "weights.bin")).subarray(4)),
    says: /have \d+ bytes where \d+ are needed/,
  },
  {
    what: "weights of another shape",
    spoil: (folder) =>
      edit(join(folder, "model.json"), (text) => text.replace('"filters": 4', '"filters": 5')),
    says: /do not make a model: .*shape/i,
  },
  {
    what: "weights of another name",
    spoil: (folder) =>
      edit(join(folder, "model.json"), (text) => text.replace('"conv1/kernel"', '"conv9/kernel"')),
    says: /do not make a model: .*conv9/,
  },
  {
    what: "a weight that is no number",
    spoil: (folder) => {
      const bytes = readFileSync(join(folder, "weights.bin"));
      bytes.writeFloatLE(Number.NaN, 8);
      writeFileSync(join(folder, "weights.bin"), bytes);
    },
    says: /not all weights are finite/,
  },
  {
    what: "images of another size",
    spoil: (folder) =>
      editJson(join(folder, "cnnc.json"), (info) => Object.assign(info, { images: ["nepdf"] })),
    says: /takes 32 x 32 x 2 values where its images are 32 x 32 x 1/,
  },
  {
    what: "outputs of another task",
    spoil: (folder) =>
      editJson(join(folder, "cnnc.json"), (info) =>
        Object.assign(info, { task: "interaction", classes: ["no", "yes"] }),
      ),
    says: /has 3 outputs where the task interaction needs 1/,
  },
];

describe("loading", () => {
  let sound: string;
  beforeAll(async () => {
    sound = await savedModel();
  });

  it.each(DAMAGES)("refuses $what", async ({ spoil, code = "MODEL_DAMAGED", says }) => {
    const folder = join(testFolder(), "copy");
    cpSync(sound, folder, { recursive: true });
    spoil(folder);
    const error = await errorOf(() => loadModel(folder));
    expect(error.message).toMatch(says);
    expect(error.message).toContain(folder);
    expect(error.message).toMatch(/[^.]\.$/);
    expect(error.code).toBe(code);
    expect(error.remedy).not.toBe("");
  });

  it("leaves the folder as it is", async () => {
    const before = readdirSync(sound).map((name) => readFileSync(join(sound, name)));
    await loadModel(sound);
    expect(readdirSync(sound).map((name) => readFileSync(join(sound, name)))).toEqual(before);
  });
});
