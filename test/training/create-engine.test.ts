import { afterEach, describe, expect, it, vi } from "vitest";
import { buildModel, flatParameters, nativeEngineProblem } from "../../dist/model/index.js";
import { addon } from "../../dist/native/addon.js";
import { createEngine, type EngineOptions } from "../../dist/training/create-engine.js";
import { createNativeEngine } from "../../dist/training/native-engine.js";
import { errorOf } from "../support/errors.js";
import { tanhNetwork } from "../support/test-models.js";

afterEach(() => vi.restoreAllMocks());

const model = await buildModel("mlp", { task: "interaction", channels: 1, seed: 1, widthDivisor: 8 });
const OPTIONS: EngineOptions = {
  engine: "auto",
  model,
  optimizer: { kind: "adam" },
  precision: "f32",
  threads: 1,
  batchSize: 4,
  seed: 1,
};

/** As if this were another machine, or another build. */
function pretend(info: Partial<ReturnType<ReturnType<typeof addon>["systemInfo"]>>): void {
  const here = addon().systemInfo();
  vi.spyOn(addon(), "systemInfo").mockReturnValue({ ...here, ...info });
}

describe("createEngine", () => {
  it.skipIf(nativeEngineProblem() !== undefined)(
    "is native where it can be, from the model's weights",
    async () => {
      const onNotice = vi.fn();
      const engine = await createEngine({ ...OPTIONS, onNotice });
      expect(engine.name).toMatch(/^oneDNN [\d.]+ \(float32\)$/);
      expect(await engine.parameters()).toEqual(flatParameters(model));
      expect(onNotice).not.toHaveBeenCalled();
      engine.close();
    },
  );

  it("is TensorFlow.js without oneDNN, and says so", async () => {
    pretend({ onednn: "" });
    const onNotice = vi.fn();
    const engine = await createEngine({ ...OPTIONS, onNotice });
    expect(engine.name).toMatch(/^tfjs/);
    expect(onNotice).toHaveBeenCalledWith(
      "Training in TensorFlow.js, which is slower: cnnc was built without oneDNN.",
    );
    expect(await engine.parameters()).toEqual(flatParameters(model));
    engine.close();
  });

  it("is TensorFlow.js for a network that only that can run, and says so", async () => {
    const onNotice = vi.fn();
    const engine = await createEngine({ ...OPTIONS, model: await tanhNetwork(), onNotice });
    expect(engine.name).toMatch(/^tfjs/);
    expect(onNotice).toHaveBeenCalledWith(expect.stringMatching(/^Training in TensorFlow\.js, .*tanh.*\.$/));
    engine.close();
  });

  it("is TensorFlow.js without a word where that is asked for", async () => {
    const onNotice = vi.fn();
    const engine = await createEngine({ ...OPTIONS, engine: "tfjs", onNotice });
    expect(engine.name).toMatch(/^tfjs/);
    expect(onNotice).not.toHaveBeenCalledWith(expect.stringMatching(/slower/));
    engine.close();
  });

  it.each<{ what: string; info: object; options: Partial<EngineOptions>; says: RegExp }>([
    {
      what: "native without oneDNN",
      info: { onednn: "" },
      options: { engine: "native" },
      says: /without oneDNN\.$/,
    },
    {
      what: "bfloat16 on a processor that has none",
      info: { onednn: "3.0", bf16: false },
      options: { precision: "bf16" },
      says: /in bfloat16: this processor does not compute in bfloat16\.$/,
    },
    {
      what: "bfloat16 with TensorFlow.js",
      info: { onednn: "3.0", bf16: true },
      options: { precision: "bf16", engine: "tfjs" },
      says: /--engine tfjs was asked for\.$/,
    },
  ])("refuses $what", async ({ info, options, says }) => {
    pretend(info);
    const error = await errorOf(() => createEngine({ ...OPTIONS, ...options }));
    expect(error.code).toBe("ENGINE_UNAVAILABLE");
    expect(error.message).toMatch(says);
    expect(error.remedy).not.toBe("");
  });
});

describe("createEngine for a GPU", () => {
  it("is refused where it cannot be had, and auto is the CPU", async () => {
    pretend({ gpus: [], gpuProblem: "No NVIDIA driver is installed on this machine." });
    const refused = await errorOf(() => createEngine({ ...OPTIONS, device: "cuda" }));
    expect(refused).toMatchObject({ code: "GPU_UNAVAILABLE", message: expect.stringContaining("NVIDIA") });
    const engine = await createEngine({ ...OPTIONS, device: "auto" });
    expect(engine.name).toMatch(/^(oneDNN|tfjs)/);
    engine.close();
  });

  it("is refused with TensorFlow.js", async () => {
    const refused = await errorOf(() => createEngine({ ...OPTIONS, device: "cuda", engine: "tfjs" }));
    expect(refused).toMatchObject({
      code: "ENGINE_UNAVAILABLE",
      message: expect.stringContaining("cannot be trained on a GPU: --engine tfjs"),
    });
  });
});

describe.skipIf(nativeEngineProblem() !== undefined)("createNativeEngine", () => {
  const spec = {
    input: { height: 1, width: 1, channels: 2 },
    layers: [{ kind: "dense", units: 1, bias: false }, { kind: "sigmoid" }],
  } as const;
  const native = (parameters: Float32Array) => {
    const { optimizer, precision, threads, batchSize, seed } = OPTIONS;
    return createNativeEngine({ spec, parameters, optimizer, precision, threads, batchSize, seed });
  };

  it("says how many parameters there should be", async () => {
    expect(await errorOf(() => native(new Float32Array(3)))).toMatchObject({ code: "PARAMETERS_MISMATCH" });
  });

  it("names the remedy when memory runs out", async () => {
    const { Trainer } = addon();
    const failing = class extends Trainer {
      override async step(): Promise<number> {
        throw Object.assign(new Error("there is not enough memory"), { code: "OUT_OF_MEMORY" });
      }
    };
    vi.spyOn(addon(), "Trainer", "get").mockReturnValue(failing);
    const batch = { images: new Float32Array(2), targets: new Uint8Array(1), weights: Float32Array.of(1) };
    expect(await errorOf(() => native(new Float32Array(2)).step(batch, 0.1))).toMatchObject({
      code: "OUT_OF_MEMORY",
      message: "Network: there is not enough memory.",
      remedy: "Lower --batch-size.",
    });
  });
});
