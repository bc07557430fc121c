import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { openHistograms } from "../../dist/histograms/index.js";
import { auroc } from "../../dist/metrics/index.js";
import {
  digestNames,
  flatParameters,
  loadModel,
  nativeEngineProblem,
  saveModel,
} from "../../dist/model/index.js";
import { readPairFile } from "../../dist/pairs/index.js";
import { createTfjsEngine } from "../../dist/training/tfjs-engine.js";
import { type TrainModelOptions, trainModel } from "../../dist/training/train-model.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";

const SAMPLES = fileURLToPath(new URL("../../data-samples/", import.meta.url));
const file = await readPairFile(join(SAMPLES, "pairs.tsv"));
const session = await openHistograms(
  join(SAMPLES, "expression.h5ad"),
  { kind: "list", file },
  { device: "cpu" },
);
afterAll(() => session.close());

const OPTIONS: TrainModelOptions = {
  architecture: "mlp",
  images: ["residual", "margins"],
  optimizer: { kind: "adam" },
  learningRate: 0.002,
  schedule: "one-cycle",
  epochs: 2,
  batchSize: 64,
  balanceClasses: true,
  split: "target-disjoint",
  validationShare: 0.2,
  seed: 1,
  engine: "auto",
  precision: "f32",
  threads: 2,
  cacheBytes: 1e9,
};
const train = (options: Partial<TrainModelOptions> = {}) =>
  trainModel(session, file, { ...OPTIONS, ...options });

describe.skipIf(nativeEngineProblem() !== undefined)("trainModel", () => {
  it("gives the same weights for the same seed, cached or not, and others for another", async () => {
    const [one, again, anew, other] = [
      await train(),
      await train(),
      await train({ cacheBytes: 0 }),
      await train({ seed: 2 }),
    ];
    expect(again.parameters).toEqual(one.parameters);
    expect(anew.parameters).toEqual(one.parameters);
    expect(other.parameters).not.toEqual(one.parameters);
  });

  it("describes the model, and measures what TensorFlow.js then gives", async () => {
    const { content, prepared, validation, history, bestEpoch } = await train();
    const folder = join(testFolder(), "model");
    await saveModel(folder, content);
    const { info, model, parameters } = await loadModel(folder);
    expect(info).toMatchObject({
      task: "interaction",
      architecture: "mlp",
      images: ["residual", "margins"],
      scale: "counts",
      transform: "log10",
      classes: ["none", "interaction"],
      seed: 1,
      cellCount: 2000,
      genes: digestNames([...new Set([...file.a, ...file.b])]),
      split: { rule: "target-disjoint", trainingPairs: prepared.training.length },
      training: { epochs: 2, epochsRun: 2, bestEpoch, optimizer: { kind: "adam" } },
    });
    const { mirrorsDropped } = prepared.report;
    expect(prepared.training.length + prepared.validation.length + mirrorsDropped.validation).toBe(752);
    expect(history).toHaveLength(2);
    expect(parameters).toEqual(content.parameters ?? flatParameters(content.model));

    // The images of validation pairs, by way of the histograms that build-histograms writes.
    const judge = await createTfjsEngine({ model });
    const images: number[] = [];
    const wanted = new Set(prepared.validation);
    for await (const { first, a, images: counts } of session.batches()) {
      for (let i = 0; i < a.length; i++) {
        if (wanted.has(first + i))
          images.push(...residualAndMargins(counts.subarray(1024 * i, 1024 * (i + 1))));
      }
    }
    const scores = await judge.predict(Float32Array.from(images));
    judge.close();
    const labels = Uint8Array.from(prepared.validation, (row) => prepared.pairs.labels[row]);
    expect(validation?.auroc).toBeCloseTo(auroc(scores, labels), 6);
    expect((info.metrics as { validation: object }).validation).toMatchObject({ pairs: labels.length });
  });

  it("starts from another model", async () => {
    const before = await train();
    const { content } = before;
    const tiny = { learningRate: 1e-9, schedule: "constant" as const, epochs: 1, initial: content };
    const after = await train(tiny);
    const moved = after.parameters.map((value, i) => Math.abs(value - before.parameters[i]));
    expect(Math.max(...moved)).toBeLessThan(1e-6);
    for (const changed of [
      { architecture: "compact" },
      { images: ["nepdf"] },
      { task: "causality" },
    ] as const) {
      const error = await errorOf(() => train({ ...tiny, skipContradictions: true, ...changed }));
      expect(error).toMatchObject({
        code: "MODEL_MISMATCH",
        message: expect.stringContaining("mlp for interaction with images residual+margins"),
      });
    }
  });

  it("resumes only what is the same training", async () => {
    const checkpoint = join(testFolder(), "checkpoint");
    const whole = await train({ checkpoint });
    expect((await errorOf(() => train({ checkpoint }))).code).toBe("CHECKPOINT_EXISTS");
    const resumed = await train({ checkpoint, resume: true });
    expect(resumed.parameters).toEqual(whole.parameters);
    const others: Partial<TrainModelOptions>[] = [
      { seed: 2 },
      { epochs: 3 },
      { batchSize: 32 },
      { images: ["residual"] },
      { optimizer: { kind: "sgd", momentum: 0.9, nesterov: true } },
      { validationShare: 0.3 },
      { scaleChannels: true },
      { swap: true },
    ];
    for (const other of others) {
      const error = await errorOf(() => train({ ...other, checkpoint, resume: true }));
      expect(error.code).toBe("CHECKPOINT_FOREIGN");
    }
    // Neither the memory nor the threads decide what is learned.
    expect((await train({ checkpoint, resume: true, cacheBytes: 0 })).parameters).toEqual(whole.parameters);
  });

  it("resumes with another learning rate, says so, and writes it down", async () => {
    const checkpoint = join(testFolder(), "checkpoint");
    const controller = new AbortController();
    const stopping = {
      signal: controller.signal,
      onEpoch: () => controller.abort(new CnncError("CANCELLED", "Stopped.")),
    };
    await errorOf(() => train({ checkpoint, learningRate: 0.25, ...stopping }));
    const notices: string[] = [];
    const { content, history } = await train({
      checkpoint,
      resume: true,
      learningRate: 0.125,
      onNotice: (line) => notices.push(line),
    });
    expect(notices).toEqual(["The learning rate was 0.25 up to epoch 1, and is 0.125 from here on."]);
    expect(history).toHaveLength(2);
    expect(content.info.training).toMatchObject({
      learningRate: 0.125,
      learningRates: [
        { fromEpoch: 1, learningRate: 0.25 },
        { fromEpoch: 2, learningRate: 0.125 },
      ],
    });
    expect((await train({})).content.info.training).not.toHaveProperty("learningRates");
  });

  it("shows few pairs more often by itself", async () => {
    const { epochs, ...unsaid } = OPTIONS;
    expect(epochs).toBe(2);
    const { content, history } = await trainModel(session, file, {
      ...unsaid,
      patience: 1,
      learningRate: 1e-9,
    });
    expect(content.info.training).toMatchObject({ epochs: 60 });
    expect(history.length).toBeLessThan(60);
  });

  it("learns the direction, too", async () => {
    const { content, validation, prepared } = await train({ task: "causality", skipContradictions: true });
    expect(prepared.report.labels?.contradictionsLeftOut).toBe(2);
    expect(content.info.classes).toEqual(["none", "a->b", "b->a"]);
    expect(content.model.outputs[0].shape).toEqual([null, 3]);
    expect(validation?.auroc).toBeGreaterThan(0.3);
  });
});

it("asks before a long training in TensorFlow.js alone", async () => {
  const seconds: number[] = [];
  const error = await errorOf(() =>
    train({
      engine: "tfjs",
      epochs: 1e6,
      confirmSlow: (estimate) => {
        seconds.push(estimate);
        return false;
      },
    }),
  );
  expect(error).toMatchObject({ code: "TOO_SLOW", message: expect.stringMatching(/about \d+ minutes/) });
  expect(seconds[0]).toBeGreaterThan(60);
});

it("says that bfloat16 needs the native engine", async () => {
  const error = await errorOf(() => train({ engine: "tfjs", precision: "bf16" }));
  expect(error.code).toBe("ENGINE_UNAVAILABLE");
});

/** By definition, of 2,000 cells. */
function residualAndMargins(counts: ArrayLike<number>): number[] {
  const rows = new Float64Array(32);
  const columns = new Float64Array(32);
  for (let i = 0; i < 1024; i++) {
    rows[i >> 5] += counts[i] / 2000;
    columns[i & 31] += counts[i] / 2000;
  }
  return Array.from({ length: 1024 }, (_, i) => {
    const product = rows[i >> 5] * columns[i & 31];
    const residual = (0.5 * (counts[i] / 2000 - product)) / Math.sqrt(product + 1 / 2000);
    return [Math.max(-3, Math.min(3, residual)), (Math.log10(product + 1e-4) + 4) / 4];
  }).flat();
}
