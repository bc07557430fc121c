import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { buildModel, nativeEngineProblem, type TrainEngine } from "../../dist/model/index.js";
import type { Task } from "../../dist/pairs/index.js";
import { randomNumbers } from "../../dist/random.js";
import { type Checkpoint, readCheckpoint } from "../../dist/training/checkpoint.js";
import { createEngine } from "../../dist/training/create-engine.js";
import {
  interactionScores,
  predictRows,
  type TrainingOptions,
  type TrainingSettings,
  trainNetwork,
  validationMetrics,
} from "../../dist/training/train.js";
import type { TrainingImages } from "../../dist/training/training-images.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";

const PAIRS = 120;
const LABELS = Uint8Array.from({ length: PAIRS }, (_, i) => i % 3);
const TRAINING = Uint32Array.from({ length: 90 }, (_, i) => i);
const VALIDATION = Uint32Array.from({ length: 30 }, (_, i) => i + 90);

/** Noise; pairs of class 1 are brighter in one corner, those of class 2 in the transposed one. */
const IMAGES: TrainingImages = {
  images: async (rows, swapped) => {
    const images = new Float32Array(rows.length * 1024);
    rows.forEach((row, i) => {
      const random = randomNumbers(row, "image");
      for (let y = 0; y < 32; y++) {
        for (let x = 0; x < 32; x++) {
          const isBright = (LABELS[row] === 1 && y < 8 && x >= 24) || (LABELS[row] === 2 && y >= 24 && x < 8);
          const place = swapped[i] === 1 ? 32 * x + y : 32 * y + x;
          images[1024 * i + place] = random.next() + (isBright ? 0.5 : 0);
        }
      }
    });
    return images;
  },
};

const SETTINGS: TrainingSettings = {
  task: "causality",
  seed: 3,
  swap: true,
  negativesPerPositive: 0.4,
  epochs: 5,
  batchSize: 16,
  schedule: "one-cycle",
  learningRate: 0.01,
  balanceClasses: true,
};

const OPTIONS = { images: IMAGES, labels: LABELS, training: TRAINING, validation: VALIDATION };

describe.each(nativeEngineProblem() === undefined ? (["native", "tfjs"] as const) : (["tfjs"] as const))(
  "a training with %s",
  (engine) => {
    const openEngine = async (): Promise<TrainEngine> =>
      createEngine({
        engine,
        model: await buildModel("mlp", { task: "causality", channels: 1, seed: 3, widthDivisor: 4 }),
        optimizer: { kind: "adamw", weightDecay: 0.01 },
        precision: "f32",
        threads: 2,
        batchSize: 16,
        seed: 3,
      });
    const run = async (options: Partial<TrainingOptions> = {}) =>
      trainNetwork({ engine: await openEngine(), ...OPTIONS, settings: SETTINGS, ...options });

    it("learns, is the same each time, and the same if resumed after any epoch", async () => {
      const whole = await run();
      expect(whole.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5]);
      expect(whole.history.at(-1)?.validation?.auroc).toBeGreaterThan(0.85);
      expect(whole.stoppedEarly).toBe(false);
      const path = join(testFolder(), "checkpoint");
      for (let stopAfter = 1; stopAfter <= 5; stopAfter++) {
        const controller = new AbortController();
        const stopped = errorOf(() =>
          run({
            checkpoint: { path, fingerprint: "this" },
            signal: controller.signal,
            onEpoch: ({ epoch }) => {
              if (epoch === stopAfter) controller.abort(new CnncError("CANCELLED", "Stopped."));
            },
          }),
        );
        // After the last epoch there is nothing left to stop.
        if (stopAfter < 5) expect((await stopped).code).toBe("CANCELLED");
        else await stopped.catch(() => {});
        const resume = await readCheckpoint(path, "this");
        expect(resume.history).toHaveLength(stopAfter);
        const resumed = await run({ resume });
        expect(resumed.parameters).toEqual(whole.parameters);
        expect(resumed.bestEpoch).toBe(whole.bestEpoch);
        expect(withoutTimes(resumed.history)).toEqual(withoutTimes(whole.history));
      }
    });

    it("is another with another seed", async () => {
      const [one, other] = [await run(), await run({ settings: { ...SETTINGS, seed: 4 } })];
      expect(one.parameters).not.toEqual(other.parameters);
    });
  },
);

const withoutTimes = (history: Checkpoint["history"]) => history.map((record) => ({ ...record, seconds: 0 }));

/** An engine whose only weight counts its steps, and which ranks validation pairs as well as it is told. */
function scriptedEngine(
  aurocs: readonly number[],
  { lossOf = (_: number): number => 1, weightOf = (s: number) => s } = {},
) {
  let steps = 0;
  let asked = 0;
  const engine = {
    name: "scripted",
    rates: [] as number[],
    batches: [] as { targets: Uint8Array; weights: Float32Array }[],
    step: async ({ targets, weights }: { targets: Uint8Array; weights: Float32Array }, rate: number) => {
      engine.rates.push(rate);
      engine.batches.push({ targets, weights });
      return lossOf(steps++);
    },
    // Of 10 positives and 10 negatives, as many positives as wanted stand above all negatives, the others below.
    predict: async (images: Float32Array) => {
      const above = Math.round(10 * aurocs[asked++]);
      return Float32Array.from({ length: images.length / 1024 }, (_, i) =>
        i % 2 === 0 ? 0.5 : (i - 1) / 2 < above ? 0.9 : 0.1,
      );
    },
    parameters: async () => Float32Array.of(weightOf(steps)),
    setParameters: async () => {},
    state: async () => ({ steps, first: new Float32Array(1), second: new Float32Array(0) }),
    setState: async (state: { steps: number }) => {
      steps = state.steps;
    },
    close: () => {},
  };
  return engine;
}

const blank: TrainingImages = { images: async (rows) => new Float32Array(1024 * rows.length) };
const ALTERNATING = Uint8Array.from({ length: 60 }, (_, i) => i % 2);
/** 40 pairs in 4 steps an epoch; validation on 10 of either class. */
const scripted = (engine: ReturnType<typeof scriptedEngine>, settings: Partial<TrainingSettings> = {}) => ({
  engine,
  images: blank,
  labels: ALTERNATING,
  training: Uint32Array.from({ length: 40 }, (_, i) => i),
  validation: Uint32Array.from({ length: 20 }, (_, i) => 40 + i),
  settings: {
    task: "interaction" as Task,
    seed: 1,
    swap: false,
    epochs: 6,
    batchSize: 10,
    schedule: "constant" as const,
    learningRate: 0.1,
    balanceClasses: false,
    ...settings,
  },
});

describe("trainNetwork", () => {
  it("keeps the weights of the first of the best epochs", async () => {
    const onEpoch = vi.fn();
    const { parameters, bestEpoch, history } = await trainNetwork({
      ...scripted(scriptedEngine([0.5, 0.9, 0.6, 0.9, 0.2, 0.1])),
      onEpoch,
    });
    expect(bestEpoch).toBe(2);
    expect([...parameters]).toEqual([8]);
    expect(history.map(({ validation }) => validation?.auroc)).toEqual([0.5, 0.9, 0.6, 0.9, 0.2, 0.1]);
    expect(onEpoch.mock.calls.map(([{ epoch }, epochs]) => [epoch, epochs])).toEqual(
      [1, 2, 3, 4, 5, 6].map((e) => [e, 6]),
    );
  });

  it("stops when patience ends, and not before", async () => {
    const aurocs = [0.5, 0.6, 0.6, 0.7, 0.6, 0.7];
    const patient = await trainNetwork(scripted(scriptedEngine(aurocs), { patience: 2 }));
    expect(patient).toMatchObject({ bestEpoch: 4, stoppedEarly: false });
    const impatient = await trainNetwork(scripted(scriptedEngine(aurocs), { patience: 1 }));
    expect(impatient).toMatchObject({ bestEpoch: 2, stoppedEarly: true });
    expect(impatient.history).toHaveLength(3);
  });

  it("without validation keeps the last weights, whatever the patience", async () => {
    const result = await trainNetwork({
      ...scripted(scriptedEngine([]), { patience: 1 }),
      validation: new Uint32Array(0),
    });
    expect(result).toMatchObject({ bestEpoch: 6, stoppedEarly: false });
    expect([...result.parameters]).toEqual([24]);
  });

  it("shows every pair in every epoch, the rest in a smaller batch, at the schedule's rates", async () => {
    const engine = scriptedEngine([0.5, 0.5]);
    await trainNetwork(scripted(engine, { epochs: 2, batchSize: 15, schedule: "decay", learningRate: 1 }));
    expect(engine.batches.map(({ targets }) => targets.length)).toEqual([15, 15, 10, 15, 15, 10]);
    expect(engine.rates).toEqual([0, 1, 2, 3, 4, 5].map((step) => 1 / (1 + 1e-6 * step)));
  });

  it("reports the mean loss over pairs, not over batches", async () => {
    const engine = scriptedEngine([0.5], { lossOf: (step) => [1, 2, 6][step] });
    const { history } = await trainNetwork(scripted(engine, { epochs: 1, batchSize: 15 }));
    expect(history[0].loss).toBeCloseTo((15 * 1 + 15 * 2 + 10 * 6) / 40, 12);
  });

  it("weighs classes alike if asked", async () => {
    // 10 positives and 30 negatives: weights 2 and 2/3, whose mean over all pairs is 1.
    const labels = Uint8Array.from({ length: 60 }, (_, i) => (i < 40 ? (i % 4 === 0 ? 1 : 0) : i % 2));
    const weightsWith = async (balanceClasses: boolean) => {
      const engine = scriptedEngine([0.5]);
      await trainNetwork({ ...scripted(engine, { epochs: 1, balanceClasses }), labels });
      return engine.batches.flatMap(({ targets, weights }) => [...targets].map((t, i) => [t, weights[i]]));
    };
    for (const [target, weight] of await weightsWith(true))
      expect(weight).toBeCloseTo(target === 1 ? 2 : 2 / 3, 6);
    for (const [, weight] of await weightsWith(false)) expect(weight).toBe(1);
  });

  it("stops at a loss that is not finite, says where, and keeps the checkpoint of the epoch before", async () => {
    const path = join(testFolder(), "checkpoint");
    const options = scripted(
      scriptedEngine([0.5, 0.6], { lossOf: (step) => (step === 10 ? Number.NaN : 1) }),
    );
    const error = await errorOf(() => trainNetwork({ ...options, checkpoint: { path, fingerprint: "f" } }));
    expect(error).toMatchObject({
      code: "LOSS_NOT_FINITE",
      message: "The loss is no longer a finite number in epoch 3, batch 3 of 4.",
      remedy: `Go on from epoch 2 with --resume and a lower --learning-rate, or delete ${path} and start again.`,
    });
    const { history, parameters } = await readCheckpoint(path, "f");
    expect(history).toHaveLength(2);
    expect([...parameters]).toEqual([8]);
  });

  it("goes on with another learning rate, and keeps account of it", async () => {
    const path = join(testFolder(), "checkpoint");
    const checkpoint = { path, fingerprint: "f" };
    const diverging = scriptedEngine([0.5, 0.6], { lossOf: (step) => (step === 10 ? Number.NaN : 1) });
    await errorOf(() => trainNetwork({ ...scripted(diverging), checkpoint }));
    const resume = await readCheckpoint(path, "f");
    expect(resume.learningRates).toEqual([{ fromEpoch: 1, learningRate: 0.1 }]);
    const engine = scriptedEngine([0.7, 0.8]);
    const { history, learningRates } = await trainNetwork({
      ...scripted(engine, { learningRate: 0.01, epochs: 4 }),
      resume,
      checkpoint,
    });
    expect(engine.rates).toEqual(new Array(8).fill(0.01));
    expect(history.map(({ learningRate }) => learningRate)).toEqual([0.1, 0.1, 0.01, 0.01]);
    const told = [
      { fromEpoch: 1, learningRate: 0.1 },
      { fromEpoch: 3, learningRate: 0.01 },
    ];
    expect(learningRates).toEqual(told);
    // A training that has ended takes no other rate.
    const ended = await readCheckpoint(path, "f");
    expect(ended.learningRates).toEqual(told);
    const again = { ...scripted(scriptedEngine([]), { learningRate: 1, epochs: 4 }), resume: ended };
    expect((await trainNetwork(again)).learningRates).toEqual(told);
  });

  it("does so in the first epoch, with no checkpoint to keep", async () => {
    const path = join(testFolder(), "checkpoint");
    const options = scripted(scriptedEngine([], { lossOf: () => Number.POSITIVE_INFINITY }));
    const error = await errorOf(() => trainNetwork({ ...options, checkpoint: { path, fingerprint: "f" } }));
    expect(error.message).toMatch(/in epoch 1, batch 1 of 4\.$/);
    expect(error.remedy).toBe("Lower --learning-rate.");
    expect(existsSync(path)).toBe(false);
  });

  it("notices weights that the last batch of an epoch spoiled", async () => {
    const path = join(testFolder(), "checkpoint");
    const options = scripted(
      scriptedEngine([0.5, 0.6], { weightOf: (steps) => (steps > 7 ? Number.NaN : steps) }),
    );
    const error = await errorOf(() => trainNetwork({ ...options, checkpoint: { path, fingerprint: "f" } }));
    expect(error).toMatchObject({
      code: "LOSS_NOT_FINITE",
      message: "The weights are no longer finite numbers after the last batch of epoch 2.",
    });
    expect((await readCheckpoint(path, "f")).history).toHaveLength(1);
  });

  it("stops in the middle of an epoch when aborted", async () => {
    const controller = new AbortController();
    const engine = scriptedEngine([], {
      lossOf: (step) => {
        if (step === 1) controller.abort(new CnncError("CANCELLED", "Stopped."));
        return 1;
      },
    });
    const error = await errorOf(() => trainNetwork({ ...scripted(engine), signal: controller.signal }));
    expect(error.code).toBe("CANCELLED");
    expect(engine.rates).toHaveLength(2);
  });

  it("tells how far it is, counting from where it was resumed", async () => {
    const path = join(testFolder(), "checkpoint");
    const first = scripted(scriptedEngine([0.5, 0.5]), { epochs: 2 });
    await trainNetwork({ ...first, checkpoint: { path, fingerprint: "f" } });
    const onProgress = vi.fn();
    const resume = await readCheckpoint(path, "f");
    await trainNetwork({ ...scripted(scriptedEngine([0.5, 0.5]), { epochs: 4 }), resume, onProgress });
    const seen = onProgress.mock.calls.map(([{ done, total }]) => [done, total]);
    expect(seen).toEqual([10, 20, 30, 40, 50, 60, 70, 80].map((done) => [done, 80]));
  });
});

describe("predictRows", () => {
  it("asks in parts and lays the answers end to end", async () => {
    const rows = Uint32Array.from({ length: 2500 }, (_, i) => 7 * i);
    const sizes: number[] = [];
    const engine = {
      predict: async (images: Float32Array) => {
        sizes.push(images.length / 1024);
        return Float32Array.from(
          { length: (3 * images.length) / 1024 },
          (_, i) => images[1024 * Math.floor(i / 3)] + (i % 3),
        );
      },
    } as unknown as TrainEngine;
    const images: TrainingImages = {
      images: async (part) =>
        Float32Array.from({ length: 1024 * part.length }, (_, i) => part[Math.floor(i / 1024)]),
    };
    const given = await predictRows({ engine, images }, rows);
    expect(Math.max(...sizes)).toBeLessThan(2500);
    expect([...given]).toEqual([...rows].flatMap((row) => [row, row + 1, row + 2]));
    expect(await predictRows({ engine, images }, new Uint32Array(0))).toHaveLength(0);
  });
});

describe("validationMetrics", () => {
  it("of an interaction, worked by hand", () => {
    const { loss, auroc, ...rest } = validationMetrics(
      Float32Array.of(0.5, 0.25, 0.75, 0.5),
      Uint8Array.of(1, 0, 1, 0),
      "interaction",
    );
    expect(loss).toBeCloseTo(-(Math.log(0.5) + Math.log(0.75) + Math.log(0.75) + Math.log(0.5)) / 4, 6);
    // Of four comparisons three are won and one is a tie.
    expect(auroc).toBe(3.5 / 4);
    expect(rest).toEqual({});
  });

  const DIRECTED = Float32Array.of(0.25, 0.5, 0.25, 0.5, 0.25, 0.25, 0.125, 0.25, 0.625, 0.5, 0.125, 0.375);

  it("of a direction, worked by hand", () => {
    const classes = Uint8Array.of(1, 0, 2, 1);
    const { loss, auroc, directionAuroc } = validationMetrics(DIRECTED, classes, "causality");
    expect(loss).toBeCloseTo(-(Math.log(0.5) + Math.log(0.5) + Math.log(0.625) + Math.log(0.125)) / 4, 6);
    // Interaction scores .75, .5, .875, .5; the pair without one has .5: two wins and a tie of three.
    expect([...interactionScores(DIRECTED, "causality")]).toEqual([0.75, 0.5, 0.875, 0.5]);
    expect(auroc).toBeCloseTo(2.5 / 3, 12);
    // a->b less b->a: .25 and -.25 of class 1 against -.375 of class 2.
    expect(directionAuroc).toBe(1);
  });

  it("has no direction where only one occurs", () => {
    expect(validationMetrics(DIRECTED, Uint8Array.of(1, 0, 0, 1), "causality")).not.toHaveProperty(
      "directionAuroc",
    );
  });

  it("stays finite where a probability is 0", () => {
    const { loss } = validationMetrics(Float32Array.of(0, 1), Uint8Array.of(1, 1), "interaction");
    expect(loss).toBeCloseTo(-Math.log(1e-7) / 2, 6);
  });
});
