import { describe, expect, it } from "vitest";
import {
  ARCHITECTURES,
  buildModel,
  flatParameters,
  initialParameters,
  loadTfjs,
  type NetworkSpec,
  networkSpec,
  outputShapes,
  parameterCount,
  parameterList,
  setFlatParameters,
} from "../../dist/model/index.js";
import { TASKS } from "../../dist/pairs/index.js";
import { errorOf } from "../support/errors.js";

const specOf = async (...args: Parameters<typeof buildModel>): Promise<NetworkSpec> => {
  const spec = networkSpec(await buildModel(...args));
  if ("unsupported" in spec) throw new Error(spec.unsupported);
  return spec;
};

describe("architectures", () => {
  it.each([
    // conv: 9 in out + out; dense: in out + out. 32 -> 15 -> 6 -> 2 pixels a side are left: 512 values.
    ["cnnc", "causality", 1, 550_627],
    ["cnnc", "interaction", 3, 550_627 - 2 * 513 + 2 * 9 * 32],
    // 9 in out without bias, 4 out of batch normalisation; 32 -> 16 -> 8 -> 4: 1024 values.
    ["compact", "interaction", 1, 9 * (16 + 16 * 32 + 32 * 64) + 4 * (16 + 32 + 64) + 1025 * 64 + 65],
    ["mlp", "causality", 2, (8 * 8 * 2 + 1) * 128 + 129 * 3],
  ] as const)(
    "%s for %s of %i channels has its published size",
    async (architecture, task, channels, count) => {
      const model = await buildModel(architecture, { task, channels, seed: 1 });
      expect(model.countParams()).toBe(count);
      expect(model.inputs[0].shape).toEqual([null, 32, 32, channels]);
      expect(model.outputs[0].shape).toEqual([null, task === "interaction" ? 1 : 3]);
      const spec = networkSpec(model) as NetworkSpec;
      expect(parameterCount(spec)).toBe(count);
    },
  );

  it("describes the published network layer by layer", async () => {
    const spec = await specOf("cnnc", { task: "causality", channels: 1, seed: 1 });
    const pair = (filters: number) => [
      { kind: "conv", filters, kernel: 3, padding: "same", bias: true },
      { kind: "relu" },
      { kind: "conv", filters, kernel: 3, padding: "valid", bias: true },
      { kind: "relu" },
      { kind: "max_pool", size: 2 },
      { kind: "dropout", rate: 0.25 },
    ];
    expect(spec).toEqual({
      input: { height: 32, width: 32, channels: 1 },
      layers: [
        ...[32, 64, 128].flatMap(pair),
        { kind: "flatten" },
        { kind: "dense", units: 512, bias: true },
        { kind: "relu" },
        { kind: "dropout", rate: 0.5 },
        { kind: "dense", units: 3, bias: true },
        { kind: "softmax" },
      ],
    });
  });

  it("describes the compact network", async () => {
    const spec = await specOf("compact", { task: "interaction", channels: 2, seed: 1 });
    expect(spec.layers.slice(0, 4)).toEqual([
      { kind: "conv", filters: 16, kernel: 3, padding: "same", bias: false },
      { kind: "batch_norm", momentum: 0.9, epsilon: 1e-3 },
      { kind: "relu" },
      { kind: "average_pool", size: 2 },
    ]);
    expect(outputShapes(spec).at(-1)).toEqual({ height: 1, width: 1, channels: 1 });
    expect(parameterList(spec).slice(0, 6)).toMatchObject([
      { name: "0/kernel", shape: [3, 3, 2, 16], offset: 0, trainable: true, decays: true },
      { name: "1/gamma", shape: [16], offset: 288, trainable: true, decays: false },
      { name: "1/beta", shape: [16], offset: 304, trainable: true, decays: false },
      { name: "1/moving_mean", offset: 320, trainable: false, decays: false },
      { name: "1/moving_variance", offset: 336, trainable: false, decays: false },
      { name: "4/kernel", shape: [3, 3, 16, 32], offset: 352, decays: true },
    ]);
  });

  it.each(ARCHITECTURES)(
    "every layer of %s puts out the shape that TensorFlow.js says",
    async (architecture) => {
      for (const task of TASKS) {
        const model = await buildModel(architecture, { task, channels: 3, seed: 1, widthDivisor: 8 });
        const spec = networkSpec(model) as NetworkSpec;
        const ours = new Set(
          outputShapes(spec).map(({ height, width, channels }) => height * width * channels),
        );
        const theirs = model.layers.slice(1).map(({ outputShape }) => outputShape.slice(1) as number[]);
        expect(ours).toEqual(
          new Set(theirs.map((shape) => shape.reduce((product, length) => product * length))),
        );
      }
    },
  );

  it("divides the width of all layers but the last", async () => {
    const spec = await specOf("cnnc", { task: "causality", channels: 1, seed: 1, widthDivisor: 8 });
    expect(spec.layers.flatMap((layer) => ("filters" in layer ? [layer.filters] : []))).toEqual([
      4, 4, 8, 8, 16, 16,
    ]);
    expect(spec.layers.flatMap((layer) => ("units" in layer ? [layer.units] : []))).toEqual([64, 3]);
  });

  it.each([{ channels: 0 }, { channels: 4 }, { channels: 1.5 }, { widthDivisor: 0 }, { seed: -1 }])(
    "refuses %j",
    async (options) => {
      const all = { task: "interaction", channels: 1, seed: 1, ...options } as const;
      await expect(buildModel("mlp", all)).rejects.toThrow(RangeError);
    },
  );
});

describe("initial weights", () => {
  it("are decided by the seed", async () => {
    const options = { task: "causality", channels: 1, widthDivisor: 8 } as const;
    const [first, again, other] = await Promise.all(
      [7, 7, 8].map(async (seed) => flatParameters(await buildModel("compact", { ...options, seed }))),
    );
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it("are Keras' defaults", async () => {
    const spec = await specOf("compact", { task: "interaction", channels: 1, seed: 1 });
    const flat = initialParameters(spec, 3);
    for (const { role, shape, offset, size, name } of parameterList(spec)) {
      const values = flat.subarray(offset, offset + size);
      if (role === "kernel") {
        const pixels = shape.length === 4 ? 9 : 1;
        const limit = Math.sqrt(6 / (pixels * shape[shape.length - 1] + pixels * shape[shape.length - 2]));
        const mean = values.reduce((sum, value) => sum + value, 0) / size;
        const variance = values.reduce((sum, value) => sum + value ** 2, 0) / size;
        expect(Math.max(...values.map(Math.abs)), name).toBeLessThanOrEqual(Math.fround(limit));
        // Five standard errors of the mean of a uniform distribution.
        expect(Math.abs(mean), name).toBeLessThan((5 * limit) / Math.sqrt(3 * size));
        if (size > 1000) expect(Math.abs(variance / (limit ** 2 / 3) - 1), name).toBeLessThan(0.15);
      } else {
        const expected = role === "gamma" || role === "moving_variance" ? 1 : 0;
        expect(new Set(values), name).toEqual(new Set([expected]));
      }
    }
  });
});

describe("flat parameters", () => {
  it("are the layers' weights end to end, and can be set", async () => {
    const tfjs = await loadTfjs();
    const model = await buildModel("compact", { task: "causality", channels: 1, seed: 1, widthDivisor: 8 });
    const values = Float32Array.from({ length: model.countParams() }, (_, i) => i);
    setFlatParameters(tfjs, model, values);
    expect(flatParameters(model)).toEqual(values);
    const [kernel] = model.getLayer("conv1").getWeights();
    const [gamma, beta, mean, variance] = model.getLayer("norm1").getWeights();
    expect(Array.from(kernel.dataSync())).toEqual(Array.from({ length: 18 }, (_, i) => i));
    expect([gamma, beta, mean, variance].map((tensor) => Array.from(tensor.dataSync()))).toEqual([
      [18, 19],
      [20, 21],
      [22, 23],
      [24, 25],
    ]);
  });

  it("must be as many as the model has", async () => {
    const tfjs = await loadTfjs();
    const model = await buildModel("mlp", { task: "interaction", channels: 1, seed: 1, widthDivisor: 8 });
    const error = await errorOf(() => setFlatParameters(tfjs, model, new Float32Array(3)));
    expect(error.code).toBe("PARAMETERS_MISMATCH");
    expect(error.message).toMatch(/^3 parameters .* has 1057\.$/);
  });
});
