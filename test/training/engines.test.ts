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
  parameterList,
  type TrainBatch,
} from "../../dist/model/index.js";
import { randomNumbers } from "../../dist/random.js";
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

/** Largest difference in each array of weights, relative to its largest value but at least `floor` of all. */
function largestDifference(
  spec: NetworkSpec,
  given: Float32Array,
  expected: Float32Array,
  floor: number,
): number {
  const largest = (from: number, to: number, value: (i: number) => number) => {
    let most = 0;
    for (let i = from; i < to; i++) most = Math.max(most, Math.abs(value(i)));
    return most;
  };
  const overall = largest(0, expected.length, (i) => expected[i]);
  return Math.max(
    ...parameterList(spec).map(({ offset, size }) => {
      const end = offset + size;
      const scale = Math.max(
        largest(offset, end, (i) => expected[i]),
        floor * overall,
      );
      return largest(offset, end, (i) => given[i] - expected[i]) / scale;
    }),
  );
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

      const expected = await judge.predict(batch.images);
      const given = await native.predict(batch.images);
      expect(given).toHaveLength(expected.length);
      given.forEach((value, i) => {
        expect(Math.abs(value - expected[i])).toBeLessThan(1e-5);
      });

      const gradients = await native.gradients(batch);
      const judged = await judge.gradients(batch);
      expect(gradients.loss).toBeCloseTo(judged.loss, 5);
      expect(largestDifference(spec, gradients.gradients, judged.gradients, 1e-3)).toBeLessThan(1e-4);

      const output = classes === 2 ? 0 : 2;
      const byImage = await native.inputGradient(batch.images, output);
      const judgedByImage = await judge.inputGradient(batch.images, output);
      const scale = judgedByImage.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      expect(scale).toBeGreaterThan(0);
      byImage.forEach((value, i) => {
        expect(Math.abs(value - judgedByImage[i])).toBeLessThan(1e-4 * scale);
      });
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
        // Each engine has masks of its own.
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
        for (let step = 0; step < 20; step++) {
          const batch = randomBatch(spec, BATCH, 3, step);
          const loss = await native.step(batch, rate);
          expect(loss).toBeCloseTo(await judge.step(batch, rate), 4);
        }
        const expected = await judge.parameters();
        const given = await native.parameters();
        expect(Math.max(...expected.map((value, i) => Math.abs(value - parameters[i])))).toBeGreaterThan(
          rate,
        );
        expect(Math.max(...expected.map((value, i) => Math.abs(given[i] - value)))).toBeLessThan(1e-4);
        const state = await native.state();
        expect(state.steps).toBe(20);
        expect(largestDifference(spec, state.first, (await judge.state()).first, 1e-3)).toBeLessThan(1e-3);
        judge.close();
      },
    );
  },
);
