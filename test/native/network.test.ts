import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addon } from "../../dist/native/addon.js";
import type {
  NativeNetwork,
  NativePredictor,
  NativeTrainer,
  NativeTrainerOptions,
} from "../../dist/native/addon-types.js";
import { testFolder } from "../support/run-cnnc.js";

const IMAGE = 32 * 32;
const SPEC = {
  input: { height: 32, width: 32, channels: 1 },
  layers: [
    { kind: "conv", filters: 4, kernel: 3, padding: "same", bias: true },
    { kind: "relu" },
    { kind: "max_pool", size: 4 },
    { kind: "dropout", rate: 0.25 },
    { kind: "flatten" },
    { kind: "dense", units: 1, bias: true },
    { kind: "sigmoid" },
  ],
};
/** Of SPEC: 3 x 3 x 4 weights and 4 biases, 8 x 8 x 4 weights and a bias. */
const PARAMETERS = 36 + 4 + 256 + 1;
const OPTIONS = {
  precision: "f32",
  threads: 2,
  batch: 4,
  seed: 1,
  optimizer: { kind: "sgd", momentum: 0.9 },
};

function trainer(options: object = {}, spec: object = SPEC): NativeTrainer {
  const Trainer = addon().Trainer;
  return new Trainer(spec as NativeNetwork, { ...OPTIONS, ...options } as NativeTrainerOptions);
}

function predictor(): NativePredictor {
  const { precision, threads, batch } = OPTIONS;
  return new (addon().Predictor)(SPEC, { precision: precision as "f32", threads, batch });
}

function withLayer(layer: object): object {
  return { ...SPEC, layers: [layer, ...SPEC.layers] };
}

/** Numbers between -0.5 and 0.5 that repeat after 17. */
function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 7) % 17) / 17 - 0.5);
}

function batch(count: number, weight = 1): [Float32Array, Uint8Array, Float32Array] {
  return [
    numbers(count * IMAGE),
    Uint8Array.from({ length: count }, (_, i) => i % 2),
    new Float32Array(count).fill(weight),
  ];
}

/** The code of what an action throws or rejects with. */
async function codeOf(action: () => unknown): Promise<string | undefined> {
  try {
    await action();
  } catch (error) {
    return (error as { code?: string }).code ?? (error as Error).name;
  }
  return undefined;
}

describe.skipIf(addon().systemInfo().onednn === "")("the native network", () => {
  it.each([
    ["a negative number of filters", withLayer({ kind: "conv", filters: -1, kernel: 3, padding: "same" })],
    ["half a filter", withLayer({ kind: "conv", filters: 2.5, kernel: 3, padding: "same" })],
    ["no filters at all", withLayer({ kind: "conv", kernel: 3, padding: "same" })],
    ["2^32 + 1 units", withLayer({ kind: "dense", units: 2 ** 32 + 1 })],
    ["2^31 channels", { ...SPEC, input: { height: 32, width: 32, channels: 2 ** 31 } }],
    ["a momentum that is no number", withLayer({ kind: "batch_norm", momentum: Number.NaN, epsilon: 1e-3 })],
  ])("refuses %s", async (_, spec) => {
    expect(await codeOf(() => trainer({}, spec))).toBe("BAD_OPTION");
  });

  it.each([
    ["no channels", { ...SPEC, input: { height: 32, width: 32, channels: 0 } }],
    ["an unknown layer", withLayer({ kind: "lstm" })],
    [
      "a layer that would overflow",
      withLayer({ kind: "conv", filters: 2 ** 28, kernel: 31, padding: "same" }),
    ],
    ["a dropout rate of 1", withLayer({ kind: "dropout", rate: 1 })],
  ])("refuses %s", async (_, spec) => {
    expect(await codeOf(() => trainer({}, spec))).toBe("BAD_NETWORK");
  });

  it.each([
    ["-1 threads", { threads: -1 }],
    ["a million threads", { threads: 1e6 }],
    ["a negative seed", { seed: -1 }],
    ["a batch that is no number", { batch: Number.NaN }],
    ["an unknown precision", { precision: "f16" }],
    ["an unknown optimiser", { optimizer: { kind: "lion" } }],
  ])("refuses %s", async (_, options) => {
    expect(await codeOf(() => trainer(options))).toBe("BAD_OPTION");
  });

  it("refuses things that are no networks", async () => {
    for (const spec of [null, {}, { input: {}, layers: 3 }, 7]) {
      expect(await codeOf(() => trainer({}, spec as object))).toBeDefined();
    }
  });

  it("refuses batches that say nothing", async () => {
    const network = trainer();
    expect(await codeOf(() => network.step(...batch(0), 0.1))).toBe("BAD_ARRAY");
    expect(await codeOf(() => network.step(...batch(2, 0), 0.1))).toBe("BAD_ARRAY");
    expect(await codeOf(() => network.step(...batch(2, Number.NaN), 0.1))).toBe("BAD_ARRAY");
    expect(await codeOf(() => network.step(...batch(2), Number.NaN))).toBe("BAD_ARRAY");
    const [images, classes, weights] = batch(2);
    expect(await codeOf(() => network.step(images.subarray(1), classes, weights, 0.1))).toBe("BAD_ARRAY");
    expect(
      await codeOf(() =>
        network.step(
          images,
          classes.map(() => 2),
          weights,
          0.1,
        ),
      ),
    ).toBe("BAD_ARRAY");
    structuredClone(images, { transfer: [images.buffer as ArrayBuffer] });
    expect(await codeOf(() => network.step(images, classes, weights, 0.1))).toBe("BAD_ARRAY");
    expect(network.state().steps).toBe(0);
  });

  it("refuses a second call while one runs, and goes on afterwards", async () => {
    const network = trainer();
    network.setParameters(numbers(PARAMETERS));
    const state = network.state();
    const running = network.step(...batch(4), 0.1);
    // Nothing is awaited here, so the step cannot have settled.
    for (const call of [
      () => network.step(...batch(4), 0.1),
      () => network.gradients(...batch(4)),
      () => network.parameters(),
      () => network.setParameters(numbers(PARAMETERS)),
      () => network.state(),
      () => network.setState(state),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: "BUSY" }));
    }
    expect(await running).toBeGreaterThan(0);
    expect(await network.step(...batch(4), 0.1)).toBeGreaterThan(0);
  });

  it("reports NaN that a ReLU would hide, and keeps the parameters from before", async () => {
    const network = trainer();
    const parameters = numbers(PARAMETERS);
    network.setParameters(parameters);
    const [images, classes, weights] = batch(4);
    images[5] = Number.POSITIVE_INFINITY;
    expect(await network.step(images, classes, weights, 0.1)).toBeNaN();
    expect(network.parameters()).toEqual(parameters);
    network.setParameters(parameters.map((value, i) => (i === 0 ? Number.NaN : value)));
    expect(await network.step(...batch(4), 0.1)).toBeNaN();
  });

  it("refuses unknown kinds of images, and histograms that do not fit", async () => {
    const network = predictor();
    const job = () => new (addon().Job)();
    const counts = new Uint16Array(IMAGE).fill(1);
    const out = new Float32Array(1);
    const score = (kinds: string[], to = out, cells = IMAGE) =>
      codeOf(() => network.predictCounts(counts, cells, kinds as ["nepdf"], false, to, job()));
    expect(await score(["nepdf"])).toBeUndefined();
    expect(await score(["pdf"])).toBe("BAD_IMAGE");
    expect(await score(["nepdf"], out, 0)).toBe("BAD_IMAGE");
    expect(await score(["nepdf", "margins"])).toBe("BAD_ARRAY");
    expect(await score(["nepdf"], new Float32Array(2))).toBe("BAD_ARRAY");
  });

  it("lets a thread be ended while a call runs", () => {
    // Wide enough that a step takes much longer than everything around it.
    const [conv, ...rest] = SPEC.layers;
    const wide = { ...SPEC, layers: [{ ...conv, filters: 64 }, ...rest] };
    const script = `
      import { isMainThread, Worker } from "node:worker_threads";
      import { addon } from "${new URL("../../dist/native/addon.js", import.meta.url)}";
      if (isMainThread) {
        const { setTimeout } = await import("node:timers/promises");
        for (let i = 0; i < 3; i++) {
          const worker = new Worker(process.argv[1]);
          await new Promise((resolve) => worker.once("message", resolve));
          await setTimeout(10 * i);
          await worker.terminate();
        }
      } else {
        const { parentPort } = await import("node:worker_threads");
        const network = new (addon().Trainer)(${JSON.stringify(wide)}, ${JSON.stringify(OPTIONS)});
        const images = new Float32Array(256 * ${IMAGE}).fill(0.5);
        const labels = [new Uint8Array(256), new Float32Array(256).fill(1)];
        parentPort.postMessage("training");
        for (;;) await network.step(images, ...labels, 0.1);
      }`;
    const file = join(testFolder(), "end-thread.mjs");
    writeFileSync(file, script);
    const { status, signal, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  });
});
