import type { LayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type Architecture,
  buildModel,
  flatParameters,
  type GradientEngine,
  loadTfjs,
  type NetworkSpec,
  networkSpec,
  type Optimizer,
  parameterList,
  type TrainBatch,
} from "../../dist/model/index.js";
import { randomNumbers } from "../../dist/random.js";
import { createTfjsEngine, type TfjsEngineOptions } from "../../dist/training/tfjs-engine.js";
import { errorOf } from "../support/errors.js";

const tfjs = await loadTfjs();
const { core } = tfjs;
const { layers: make, sequential } = { layers: tfjs.layers.layers, sequential: tfjs.layers.sequential };

/** An engine that is closed when the test ends. */
async function engineOf(
  model: LayersModel,
  options: Partial<TfjsEngineOptions> = {},
): Promise<GradientEngine> {
  const engine = await createTfjsEngine({ model, ...options });
  onTestFinished(() => engine.close());
  return engine;
}

function randomBatch(n: number, pixels: number, classes: number, seed = 1): TrainBatch {
  const random = randomNumbers(seed, "test batch");
  return {
    images: Float32Array.from({ length: n * pixels }, () => random.next()),
    targets: Uint8Array.from({ length: n }, (_, i) => i % classes),
    weights: Float32Array.from({ length: n }, () => 0.5 + random.next()),
  };
}

const small = (architecture: Architecture, task: "interaction" | "causality", channels = 1) =>
  buildModel(architecture, { task, channels, seed: 5, widthDivisor: 8 });

/** One logit per class, no hidden layer: small enough to work out by hand. */
function linearModel(units: number, weights: number[], bias: number[], regularizer?: number): LayersModel {
  const model = sequential({
    layers: [
      make.flatten({ inputShape: [1, 2, 1] }),
      make.dense({
        units,
        activation: units === 1 ? "sigmoid" : "softmax",
        ...(regularizer !== undefined && {
          kernelRegularizer: tfjs.layers.regularizers.l2({ l2: regularizer }),
        }),
      }),
    ],
  });
  model.setWeights([core.tensor2d(weights, [2, units]), core.tensor1d(bias)]);
  return model;
}

/** Convolution, batch normalisation, pooling and a hidden layer, without dropout. */
function plainModel(units: number): LayersModel {
  const weights = (seed: number) => ({
    kernelInitializer: tfjs.layers.initializers.glorotUniform({ seed }),
  });
  return sequential({
    layers: [
      make.conv2d({
        filters: 3,
        kernelSize: 3,
        padding: "same",
        useBias: false,
        inputShape: [6, 6, 2],
        ...weights(1),
      }),
      make.batchNormalization({ momentum: 0.8 }),
      make.activation({ activation: "relu" }),
      make.maxPooling2d({ poolSize: 2 }),
      make.flatten(),
      make.dense({ units: 5, activation: "relu", ...weights(2) }),
      make.dense({ units, activation: units === 1 ? "sigmoid" : "softmax", ...weights(3) }),
    ],
  });
}

function expectClose(actual: Float32Array, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
  expect(worst).toBeLessThanOrEqual(tolerance);
}

describe("the loss", () => {
  const images = Float32Array.of(1, 2, 3, -1);

  it("of a sigmoid is the weighted mean of -log p", async () => {
    // Logits: 1 * .5 + 2 * .25 - .5 = .5 and 3 * .5 - .25 - .5 = .75.
    const engine = await engineOf(linearModel(1, [0.5, 0.25], [-0.5]));
    const batch = { images, targets: Uint8Array.of(1, 0), weights: Float32Array.of(1, 3) };
    const { loss, gradients } = await engine.gradients(batch);
    const [p1, p2] = [0.5, 0.75].map((z) => 1 / (1 + Math.exp(-z)));
    expect(loss).toBeCloseTo((-Math.log(p1) - 3 * Math.log(1 - p2)) / 4, 5);
    const [d1, d2] = [(p1 - 1) / 4, (3 * p2) / 4];
    expectClose(gradients, [d1 + 3 * d2, 2 * d1 - d2, d1 + d2], 1e-6);
  });

  it("of a softmax is the weighted mean of -log p", async () => {
    const engine = await engineOf(linearModel(3, [0, 0, 0, 0, 0, 0], [0, Math.log(2), Math.log(5)]));
    const batch = { images, targets: Uint8Array.of(2, 1), weights: Float32Array.of(1, 4) };
    const { loss, gradients } = await engine.gradients(batch);
    // Probabilities: 1/8, 2/8, 5/8.
    expect(loss).toBeCloseTo((-Math.log(5 / 8) - 4 * Math.log(2 / 8)) / 5, 5);
    expectClose(gradients.slice(6), [1 / 8, (2 - 4 * 6) / 40, (-3 + 4 * 5) / 40], 1e-6);
  });

  it("stays finite where the probability is 0", async () => {
    for (const units of [1, 3]) {
      const engine = await engineOf(
        linearModel(units, new Array(2 * units).fill(0), [500, 0, 0].slice(0, units)),
      );
      const target = units === 1 ? 0 : 1;
      const batch = { images, targets: Uint8Array.of(target, target), weights: Float32Array.of(1, 1) };
      expect((await engine.gradients(batch)).loss).toBeCloseTo(500, 3);
    }
  });

  it("includes the model's own regularisation", async () => {
    const batch = { images, targets: Uint8Array.of(1, 0), weights: Float32Array.of(1, 3) };
    const plain = await (await engineOf(linearModel(1, [3, 4], [0]))).gradients(batch);
    const regularized = await (await engineOf(linearModel(1, [3, 4], [0], 0.01))).gradients(batch);
    expect(regularized.loss - plain.loss).toBeCloseTo(0.01 * 25, 5);
    expectClose(
      regularized.gradients,
      plain.gradients.map((g, i) => g + [0.06, 0.08, 0][i]),
      1e-6,
    );
  });
});

describe("gradients", () => {
  const cases = [
    ["cnnc", "causality"],
    ["compact", "interaction"],
    ["mlp", "causality"],
  ] as const;

  it.each(cases)("of %s for %s are those of numerical differentiation", async (architecture, task) => {
    const engine = await engineOf(await small(architecture, task));
    const batch = randomBatch(4, 1024, task === "interaction" ? 2 : 3);
    const { gradients } = await engine.gradients(batch);
    const parameters = await engine.parameters();
    const random = randomNumbers(2, "direction");
    const direction = gradients.map((g) => Math.sign(g) * random.next());
    const slope = gradients.reduce((sum, g, i) => sum + g * direction[i], 0);
    const lossAt = async (distance: number) => {
      await engine.setParameters(parameters.map((p, i) => p + distance * direction[i]));
      return (await engine.gradients(batch)).loss;
    };
    // The step is small, hundreds of times the rounding of the loss; a ReLU may still switch on one side of it.
    const step = 1e-4 / slope;
    const [behind, here, ahead] = [await lossAt(-step), await lossAt(0), await lossAt(step)];
    const errors = [here - behind, ahead - here].map((change) => Math.abs(change / step / slope - 1));
    expect(Math.min(...errors)).toBeLessThan(0.02);
  });

  it("leave everything as it was, and have none for moving statistics", async () => {
    const model = await small("compact", "causality");
    const engine = await engineOf(model);
    const batch = randomBatch(4, 1024, 3);
    const first = await engine.gradients(batch);
    expect(await engine.gradients(batch)).toEqual(first);
    expect(await engine.parameters()).toEqual(flatParameters(model));
    for (const { trainable, offset, size } of parameterList(networkSpec(model) as NetworkSpec)) {
      const part = first.gradients.subarray(offset, offset + size);
      expect(part.some((value) => value !== 0)).toBe(trainable);
    }
  });

  it("by the image are those of numerical differentiation of the logit", async () => {
    const engine = await engineOf(plainModel(3));
    const { images } = randomBatch(3, 72, 3);
    const logRatio = async (shifted: Float32Array) => {
      const p = await engine.predict(shifted);
      return Math.log(p[3 + 2] / p[3]);
    };
    const [two, none] = [await engine.inputGradient(images, 2), await engine.inputGradient(images)];
    for (const pixel of [72, 80, 117, 143]) {
      const shift = (by: number) => images.map((value, i) => (i === pixel ? value + by : value));
      const [behind, here, ahead] = [
        await logRatio(shift(-1e-3)),
        await logRatio(images),
        await logRatio(shift(1e-3)),
      ];
      // A ReLU or a maximum may switch on one side of the step.
      const slopes = [here - behind, ahead - here].map((change) => change / 1e-3);
      const errors = slopes.map((slope) => Math.abs(slope - (two[pixel] - none[pixel])));
      expect(Math.min(...errors)).toBeLessThan(2e-3);
    }
    await expect(engine.inputGradient(images, 3)).rejects.toThrow(RangeError);
  });
});

describe("steps", () => {
  const RATE = 0.05;
  const OPTIMIZERS: { optimizer: Optimizer; reference: () => ReturnType<typeof core.train.sgd> }[] = [
    {
      optimizer: { kind: "sgd", momentum: 0.9, nesterov: true },
      reference: () => core.train.momentum(RATE, 0.9, true),
    },
    {
      optimizer: { kind: "sgd", momentum: 0.8, nesterov: false },
      reference: () => core.train.momentum(RATE, 0.8, false),
    },
    { optimizer: { kind: "adam" }, reference: () => core.train.adam(RATE) as never },
  ];

  it.each(OPTIMIZERS)(
    "of $optimizer are those of TensorFlow.js's own training",
    async ({ optimizer, reference }) => {
      for (const units of [1, 3]) {
        const model = plainModel(units);
        const engine = await engineOf(model, { optimizer });
        const loss = units === 1 ? "binaryCrossentropy" : "categoricalCrossentropy";
        model.compile({ optimizer: reference(), loss });
        for (let step = 0; step < 6; step++) {
          const batch = {
            ...randomBatch(6, 72, Math.max(2, units), step),
            weights: new Float32Array(6).fill(2),
          };
          const mine = await engine.step(batch, RATE);
          const x = core.tensor4d(batch.images, [6, 6, 6, 2]);
          const targets = core.tensor1d(Int32Array.from(batch.targets), "int32");
          const y = units === 1 ? core.reshape(targets, [6, 1]) : core.oneHot(targets, 3);
          expect(mine).toBeCloseTo((await model.trainOnBatch(x, core.cast(y, "float32"))) as number, 4);
        }
        expectClose(await engine.parameters(), flatParameters(model), 2e-4);
        const state = await engine.state();
        expect(state.steps).toBe(6);
        expect(state.second.length).toBe(optimizer.kind === "sgd" ? 0 : state.first.length);
      }
    },
  );

  it("of adamw decay kernels only", async () => {
    const model = plainModel(3);
    const engine = await engineOf(model, { optimizer: { kind: "adamw", weightDecay: 0.3 } });
    const batch = randomBatch(6, 72, 3);
    const before = await engine.parameters();
    const { gradients } = await engine.gradients(batch);
    await engine.step(batch, 0.01);
    const after = await engine.parameters();
    for (const { role, offset, size, trainable } of parameterList(networkSpec(model) as NetworkSpec)) {
      if (!trainable) continue;
      for (let i = offset; i < offset + size; i++) {
        // The first step of Adam: its moments, freed of their bias, are g and g².
        const adam = gradients[i] / (Math.abs(gradients[i]) + 1e-7);
        const decay = role === "kernel" ? 0.3 * before[i] : 0;
        // Where a gradient is all rounding, the direction is too.
        if (Math.abs(gradients[i]) > 1e-4) expect(after[i]).toBeCloseTo(before[i] - 0.01 * (adam + decay), 4);
      }
    }
  });

  it("move the statistics of batch normalisation by the batch's mean and biased variance", async () => {
    const model = sequential({
      layers: [
        make.batchNormalization({ momentum: 0.75, inputShape: [1, 1, 1] }),
        make.flatten(),
        make.dense({ units: 1, activation: "sigmoid" }),
      ],
    });
    const engine = await engineOf(model);
    const batch = {
      images: Float32Array.of(1, 5),
      targets: Uint8Array.of(0, 1),
      weights: Float32Array.of(1, 9),
    };
    await engine.step(batch, 0);
    // Mean 3, variance 4 (8 if unbiased), whatever the weights.
    const [, , mean, variance] = await engine.parameters();
    expect([mean, variance]).toEqual([0.25 * 3, 0.75 + 0.25 * 4]);
  });

  it("drop values at random, as the seed decides", async () => {
    const model = await small("mlp", "interaction");
    const batch = randomBatch(8, 1024, 2);
    const losses = async (seed: number) => {
      const engine = await engineOf(model, { seed });
      return [await engine.step(batch, 0), await engine.step(batch, 0), await engine.step(batch, 0)];
    };
    const first = await losses(1);
    expect(new Set(first).size).toBe(3);
    expect(await losses(1)).toEqual(first);
    expect(await losses(2)).not.toEqual(first);
    // Without dropout there is one loss.
    const engine = await engineOf(model);
    const { loss } = await engine.gradients(batch);
    await engine.step(batch, 0);
    expect((await engine.gradients(batch)).loss).toBe(loss);
    expect(first).not.toContain(loss);
  });

  it.each<Optimizer>([
    { kind: "sgd", momentum: 0.9, nesterov: true },
    { kind: "adamw", weightDecay: 0.1 },
  ])("of $kind go on from a state as if never stopped", async (optimizer) => {
    const model = await small("compact", "causality", 2);
    const batches = [1, 2, 3].map((seed) => randomBatch(4, 2048, 3, seed));
    const whole = await engineOf(model, { optimizer, seed: 3 });
    for (const batch of batches) await whole.step(batch, 0.01);
    const before = await engineOf(model, { optimizer, seed: 3 });
    await before.step(batches[0], 0.01);
    const after = await engineOf(model, { optimizer, seed: 3 });
    await after.setParameters(await before.parameters());
    await after.setState(await before.state());
    for (const batch of batches.slice(1)) await after.step(batch, 0.01);
    expect(await after.parameters()).toEqual(await whole.parameters());
    expect(await after.state()).toEqual(await whole.state());
  });
});

describe("the engine", () => {
  it("predicts what the model predicts, and leaves the model alone", async () => {
    for (const units of [1, 3]) {
      const model = plainModel(units);
      const { images } = randomBatch(70, 72, 2);
      const expected = (
        model.predict(core.tensor4d(images, [70, 6, 6, 2])) as ReturnType<typeof core.tensor>
      ).dataSync();
      const parameters = flatParameters(model);
      const engine = await engineOf(model);
      expectClose(await engine.predict(images), expected, 1e-6);
      await engine.step(randomBatch(4, 72, 2), 0.1);
      expect(flatParameters(model)).toEqual(parameters);
    }
  });

  it.each(["Softmax", "Activation"])("runs a model that ends in a layer %s", async (kind) => {
    const end = kind === "Softmax" ? make.softmax() : make.activation({ activation: "softmax" });
    const model = sequential({
      layers: [make.flatten({ inputShape: [1, 2, 1] }), make.dense({ units: 3 }), end],
    });
    const images = Float32Array.of(1, 2);
    const expected = (
      model.predict(core.tensor4d(images, [1, 1, 2, 1])) as ReturnType<typeof core.tensor>
    ).dataSync();
    expectClose(await (await engineOf(model)).predict(images), expected, 1e-6);
  });

  it("runs a graph of layers", async () => {
    const input = tfjs.layers.input({ shape: [1, 2, 1] });
    const flat = make.flatten().apply(input) as typeof input;
    const sum = make.add().apply([make.dense({ units: 2 }).apply(flat) as typeof input, flat]);
    const output = make.dense({ units: 1, activation: "sigmoid" }).apply(sum) as typeof input;
    const model = tfjs.layers.model({ inputs: input, outputs: output });
    const engine = await engineOf(model);
    const images = Float32Array.of(1, 2);
    const expected = (
      model.predict(core.tensor4d(images, [1, 1, 2, 1])) as ReturnType<typeof core.tensor>
    ).dataSync();
    expectClose(await engine.predict(images), expected, 1e-6);
  });

  it("frees what it makes", async () => {
    const model = await small("compact", "causality");
    const batch = randomBatch(4, 1024, 3);
    const tensors = core.memory().numTensors;
    const engine = await createTfjsEngine({ model });
    await engine.step(batch, 0.01);
    const running = core.memory().numTensors;
    await engine.step(batch, 0.01);
    await engine.gradients(batch);
    await engine.predict(batch.images);
    await engine.inputGradient(batch.images);
    await engine.setParameters(await engine.parameters());
    await engine.setState(await engine.state());
    expect(core.memory().numTensors).toBe(running);
    engine.close();
    expect(core.memory().numTensors).toBe(tensors);
  });

  it("refuses models that do not end in probabilities", async () => {
    const model = sequential({ layers: [make.flatten({ inputShape: [1, 2, 1] }), make.dense({ units: 3 })] });
    const error = await errorOf(() => createTfjsEngine({ model }));
    expect(error.code).toBe("MODEL_UNSUPPORTED");
    expect(error.message).toContain(model.name);
  });

  it("refuses batches, parameters and states that do not fit", async () => {
    const engine = await engineOf(linearModel(3, [0, 0, 0, 0, 0, 0], [0, 0, 0]));
    const batch = { images: Float32Array.of(1, 2), targets: Uint8Array.of(1), weights: Float32Array.of(1) };
    for (const bad of [
      { images: Float32Array.of(1, 2, 3) },
      { images: new Float32Array(0), targets: new Uint8Array(0), weights: new Float32Array(0) },
      { targets: Uint8Array.of(3) },
      { weights: Float32Array.of(0) },
      { weights: Float32Array.of(1, 1) },
    ]) {
      await expect(engine.step({ ...batch, ...bad }, 1)).rejects.toThrow(RangeError);
    }
    await expect(engine.predict(new Float32Array(1))).rejects.toThrow(RangeError);
    const mismatch = { code: "PARAMETERS_MISMATCH" };
    await expect(engine.setParameters(new Float32Array(8))).rejects.toMatchObject(mismatch);
    const state = await engine.state();
    await expect(engine.setState({ ...state, second: new Float32Array(0) })).rejects.toMatchObject(mismatch);
  });
});
