import { describe, expect, it } from "vitest";
import { buildModel, flatParameters, type NetworkSpec, networkSpec } from "../../dist/model/index.js";
import {
  compareEngines,
  largestDifference,
  relativeDifference,
} from "../../dist/training/engine-differences.js";
import { createTfjsEngine } from "../../dist/training/tfjs-engine.js";

describe("differences", () => {
  it("are the largest, whatever their sign", () => {
    expect(largestDifference(Float32Array.of(1, -4, 2), Float32Array.of(2, -1, 2))).toBe(3);
    expect(largestDifference(Float32Array.of(1, Number.NaN), Float32Array.of(1, 1))).toBeNaN();
    expect(() => largestDifference(new Float32Array(1), new Float32Array(2))).toThrow(RangeError);
  });

  it("are relative to each array's largest value, or to a thousandth of the largest of all", () => {
    const spec: NetworkSpec = {
      input: { height: 1, width: 1, channels: 2 },
      layers: [{ kind: "flatten" }, { kind: "dense", units: 1, bias: true }, { kind: "sigmoid" }],
    };
    // The kernel differs by 1 of 100.
    expect(relativeDifference(spec, Float32Array.of(100, 51, 1), Float32Array.of(100, 50, 1))).toBe(0.01);
    // The bias by 0.5 of 2.
    expect(relativeDifference(spec, Float32Array.of(100, 50, 2.5), Float32Array.of(100, 50, 2))).toBe(0.25);
    // The bias by 0.01, where a thousandth of all is 0.1.
    const small = relativeDifference(spec, Float32Array.of(100, 50, 0.02), Float32Array.of(100, 50, 0.01));
    expect(small).toBeCloseTo(0.1, 6);
  });

  it("of an engine with itself are 0, and of one with another weight are not", async () => {
    const model = await buildModel("mlp", { task: "interaction", channels: 1, seed: 1, widthDivisor: 16 });
    for (const layer of model.layers) if ("rate" in layer) layer.rate = 0;
    const spec = networkSpec(model) as NetworkSpec;
    const batch = {
      images: Float32Array.from({ length: 2048 }, (_, i) => (i % 7) / 7),
      targets: Uint8Array.of(0, 1),
      weights: Float32Array.of(1, 1),
    };
    const open = () => createTfjsEngine({ model });
    const same = await compareEngines(spec, await open(), await open(), batch, { steps: 1 });
    expect(same).toEqual({ outputs: 0, loss: 0, gradients: 0, inputGradients: 0, weights: 0 });
    const other = await open();
    const parameters = flatParameters(model);
    parameters[parameters.length - 2] += 0.01;
    await other.setParameters(parameters);
    const { weights, ...apart } = await compareEngines(spec, await open(), other, batch);
    expect(weights).toBeNull();
    for (const value of Object.values(apart)) expect(value).toBeGreaterThan(1e-6);
  });
});
