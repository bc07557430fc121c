import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openHistograms } from "../../dist/histograms/index.js";
import { ARCHITECTURES, nativeEngineProblem } from "../../dist/model/index.js";
import { addon } from "../../dist/native/addon.js";
import { openScorer, type ScorerOptions } from "../../dist/scoring/index.js";
import { errorOf } from "../support/errors.js";
import { tanhNetwork, testModel } from "../support/test-models.js";

const DATA = fileURLToPath(new URL("../../data-samples/expression.h5ad", import.meta.url));
const { gpus, gpuProblem } = addon().systemInfo();

const open = (model: Parameters<typeof openScorer>[0], options: Partial<ScorerOptions>) =>
  openScorer(model, { threads: 1, ...options });

async function someSession() {
  const session = await openHistograms(DATA, { kind: "all" }, { device: "cpu", threads: 1 });
  onTestFinished(() => session.close());
  return session;
}

const difference = (left: Float32Array, right: Float32Array) =>
  left.reduce((largest, value, i) => Math.max(largest, Math.abs(value - right[i])), 0);

describe.skipIf(gpus.length > 0)("without a GPU", () => {
  it("auto scores on the CPU, and cuda says why it cannot", async () => {
    const model = await testModel();
    const refused = await errorOf(() => open(model, { device: "cuda" }));
    expect(refused).toMatchObject({ code: "GPU_UNAVAILABLE", message: gpuProblem });
    const scorer = await open(model, { device: "auto" });
    expect(scorer.name).toMatch(nativeEngineProblem() === undefined ? /oneDNN/ : /tfjs/);
  });
});

describe("a GPU", () => {
  it("is not for TensorFlow.js", async () => {
    const model = await testModel();
    const refused = await errorOf(() => open(model, { device: "cuda", engine: "tfjs" }));
    expect(refused).toMatchObject({
      code: "ENGINE_UNAVAILABLE",
      message: expect.stringContaining("--engine tfjs was asked for"),
    });
  });

  it("is not for networks that cannot be expressed natively", async () => {
    const model = await testModel({}, await tanhNetwork());
    const refused = await errorOf(() => open(model, { device: "cuda" }));
    expect(refused).toMatchObject({
      code: "ENGINE_UNAVAILABLE",
      message: expect.stringContaining("cannot be run on a GPU"),
    });
  });
});

describe.skipIf(gpus.length === 0)(`on a GPU (${gpuProblem})`, () => {
  it.each(ARCHITECTURES)("scores are the CPU's: %s", async (architecture) => {
    const model = await testModel({ architecture, task: "causality", images: ["residual", "margins"] });
    const { store } = await someSession();
    const a = Uint32Array.from({ length: 300 }, (_, i) => i % 20);
    const b = Uint32Array.from({ length: 300 }, (_, i) => 20 + i / 2);
    const expected = await (await open(model, { precision: "f32" })).score(store, a, b, true);
    const whole = await open(model, { device: "cuda", precision: "f32" });
    expect(whole.name).toContain("float32");
    expect(difference(await whole.score(store, a, b, true), expected)).toBeLessThan(1e-5);
    const half = await open(model, { device: "auto" });
    expect(half).toMatchObject({ precision: "bf16", instructionSet: gpus[0].name });
    expect(difference(await half.score(store, a, b, true), expected)).toBeLessThan(0.01);
  });

  it("scores of histograms in memory are those of pairs", async () => {
    const model = await testModel({ images: ["nepdf"] });
    const { store } = await someSession();
    const a = Uint32Array.from({ length: 40 }, (_, i) => i);
    const b = Uint32Array.from({ length: 40 }, (_, i) => i + 50);
    const counts = new Uint16Array(40 * 1024);
    const job = new (addon().Job)();
    await addon().buildHistograms(store.native, a, b, counts, "cpu", 1, job);
    const scorer = await open(model, { device: "cuda" });
    expect(await scorer.scoreCounts(counts, store.cells, false)).toEqual(
      await scorer.score(store, a, b, false),
    );
  });
});
