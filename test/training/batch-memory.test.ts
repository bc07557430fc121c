import { expect, it } from "vitest";
import type { NetworkSpec } from "../../dist/model/index.js";
import { requireBatchMemory } from "../../dist/training/batch-memory.js";
import { errorOf } from "../support/errors.js";

const input = { height: 32, width: 32, channels: 2 };
const dense: NetworkSpec = { input, layers: [{ kind: "flatten" }, { kind: "dense", units: 1, bias: true }] };
const normalised: NetworkSpec = {
  input,
  layers: [
    { kind: "conv", filters: 10, kernel: 3, padding: "valid", bias: false },
    { kind: "batch_norm", momentum: 0.9, epsilon: 1e-3 },
  ],
};

/** Two inputs of 32 x 32 x 2 float32; with batch normalisation also 30 x 30 x 10 of each of the two layers. */
const BYTES = 2 * 32 * 32 * 2 * 4;
const BYTES_NORMALISED = BYTES + 2 * 30 * 30 * 10 * 4;

it.each([
  { spec: dense, bytes: BYTES },
  { spec: normalised, bytes: BYTES_NORMALISED },
])("names the batch size that fits into memory", async ({ spec, bytes }) => {
  requireBatchMemory(spec, 100, 100 * bytes);
  expect(await errorOf(() => requireBatchMemory(spec, 100, 100 * bytes - 1))).toMatchObject({
    code: "OUT_OF_MEMORY",
    message: "There is not enough memory for batches of 100 pairs; 99 would fit.",
    remedy: "Give --batch-size 99 or less.",
  });
});

it("asks for another machine where not even one fits", async () => {
  expect((await errorOf(() => requireBatchMemory(dense, 1, BYTES - 1))).remedy).toMatch(/more memory/);
});

it("knows this machine's memory", async () => {
  requireBatchMemory(normalised, 128);
  expect((await errorOf(() => requireBatchMemory(normalised, 1e12))).message).toMatch(/; \d+ would fit\.$/);
});
