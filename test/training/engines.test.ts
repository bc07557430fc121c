import { afterAll, describe, expect, it } from "vitest";
import {
  ARCHITECTURES,
  buildModel,
  flatParameters,
  loadTfjs,
  type NetworkSpec,
  nativeEngineProblem,
  networkSpec,
  type Optimizer,
  type TrainBatch,
} from "../../dist/model/index.js";
import { randomNumbers } from "../../dist/random.js";
import {
  compareEngines,
  largestDifference,
  relativeDifference,
} from "../../dist/training/engine-differences.js";
import { createNativeEngine } from "../../dist/training/native-engine.js";
import { createTfjsEngine } from "../../dist/training/tfjs-engine.js";

/** TensorFlow.js judges the native engine. Its cpu backend is slow, so the networks have an eighth of their width. */
const problem = nativeEngineProblem();
const WIDTH_DIVISOR = 8;
const BATCH = 4;
const ADAM: Optimizer = { kind: "adam" };

await loadTfjs();

function randomBatch(spec: NetworkSpec, n: number, classes: number, seed: number): TrainBatch {
  const random = randomNumbers(seed, "engines");
  const { height, width, channels } = spec.input;
  return {
    images: Float32Array.from({ length: n * height * width * channels }, () =>
      random.next() < 0.3 ? random.next() : 0,
    ),
    targets: Uint8Array.from({ length: n }, () => Math.floor(random.next() * classes)),
    weights: Float32Array.from({ length: n }, () => 0.2 + random.next()),
  };
}

const cases = ARCHITECTURES.flatMap((architecture) =>
  (["interaction", "causality"] as const).flatMap((task) =>
    [1, 2, 3].map((channels) => ({ architecture, task, channels })),
  ),
);
let compared = 0;
afterAll(() => {
  if (problem === undefined) expect(compared).toBe(cases.length);
});

describe.skipIf(problem !== undefined)(
  `native against TensorFlow.js${problem ? ` (skipped: ${problem})` : ""}`,
  () => {
    it.each(cases)("$architecture, $task, $channels channels", async ({ architecture, task, channels }) => {
      const classes = task === "interaction" ? 2 : 3;
      const make = async () => {
        const model = await buildModel(architecture, {
          task,
          channels,
          seed: 3,
          widthDivisor: WIDTH_DIVISOR,
        });
        const spec = networkSpec(model);
        if ("unsupported" in spec) throw new Error(spec.unsupported);
        return { model, spec, parameters: flatParameters(model) };
      };
      const { model, spec, parameters } = await make();
      const judge = await createTfjsEngine({ model, optimizer: ADAM });
      const native = createNativeEngine({
        spec,
        parameters,
        optimizer: ADAM,
        precision: "f32",
        threads: 2,
        batchSize: BATCH,
        seed: 1,
      });
      const batch = randomBatch(spec, BATCH, classes, channels);

      const apart = await compareEngines(spec, judge, native, batch);
      expect(apart.outputs).toBeLessThan(1e-5);
      expect(apart.loss).toBeLessThan(5e-6);
      expect(apart.gradients).toBeLessThan(1e-4);
      expect(apart.inputGradients).toBeLessThan(1e-4);
      judge.close();
      compared++;
    });

    const optimizers: { optimizer: Optimizer; rate: number }[] = [
      { optimizer: { kind: "sgd", momentum: 0.9, nesterov: true }, rate: 0.01 },
      { optimizer: { kind: "sgd", momentum: 0.5, nesterov: false }, rate: 0.01 },
      { optimizer: { kind: "adam" }, rate: 1e-3 },
      { optimizer: { kind: "adamw", weightDecay: 0.05 }, rate: 1e-3 },
    ];
    // The published network is the slowest: one optimiser is enough to see that all layers are reached.
    const steps = optimizers.flatMap((one, index) =>
      ARCHITECTURES.filter((architecture) => architecture !== "cnnc" || index === 0).map((architecture) => ({
        ...one,
        architecture,
      })),
    );
    it.each(steps)(
      "20 steps of $optimizer.kind with $architecture",
      async ({ optimizer, rate, architecture }) => {
        const model = await buildModel(architecture, {
          task: "causality",
          channels: 1,
          seed: 9,
          widthDivisor: WIDTH_DIVISOR,
        });
        const { spec, parameters, judge, native } = await bothEngines(model, optimizer);
        for (let step = 0; step < 20; step++) {
          const batch = randomBatch(spec, BATCH, 3, step);
          const loss = await native.step(batch, rate);
          expect(loss).toBeCloseTo(await judge.step(batch, rate), 4);
        }
        const expected = await judge.parameters();
        const given = await native.parameters();
        expect(largestDifference(expected, parameters)).toBeGreaterThan(rate);
        expect(largestDifference(given, expected)).toBeLessThan(1e-4);
        const state = await native.state();
        expect(state.steps).toBe(20);
        expect(relativeDifference(spec, state.first, (await judge.state()).first)).toBeLessThan(1e-3);
        judge.close();
      },
    );

    it("a step of the published network at full width", async () => {
      const model = await buildModel("cnnc", { task: "causality", channels: 1, seed: 5 });
      // Its first velocity is the gradient, so that TensorFlow.js is asked for the slow part once.
      const optimizer: Optimizer = { kind: "sgd", momentum: 0.9, nesterov: true };
      const { spec, parameters, judge, native } = await bothEngines(model, optimizer);
      const batch = randomBatch(spec, BATCH, 3, 7);
      const apart = largestDifference(await native.predict(batch.images), await judge.predict(batch.images));
      expect(apart).toBeLessThan(1e-5);
      const { gradients } = await native.gradients(batch);
      expect(await native.step(batch, 0.1)).toBeCloseTo(await judge.step(batch, 0.1), 5);
      expect(relativeDifference(spec, gradients, (await judge.state()).first)).toBeLessThan(1e-4);
      const stepped = await judge.parameters();
      expect(largestDifference(stepped, parameters)).toBeGreaterThan(1e-3);
      expect(largestDifference(await native.parameters(), stepped)).toBeLessThan(1e-5);
      judge.close();
    }, 180_000);
  },
);

/** TensorFlow.js and the native engine with the same network, without dropout: each has masks of its own. */
async function bothEngines(model: Awaited<ReturnType<typeof buildModel>>, optimizer: Optimizer) {
  for (const layer of model.layers) if ("rate" in layer) layer.rate = 0;
  const spec = networkSpec(model);
  if ("unsupported" in spec) throw new Error(spec.unsupported);
  const parameters = flatParameters(model);
  const judge = await createTfjsEngine({ model, optimizer });
  const native = createNativeEngine({
    spec,
    parameters,
    optimizer,
    precision: "f32",
    threads: 2,
    batchSize: BATCH,
    seed: 1,
  });
  return { spec, parameters, judge, native };
}
