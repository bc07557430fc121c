import { expect, it } from "vitest";
import { fixture, openForTest } from "./helpers.js";

it("names the matrices that exist but cannot be read, with the reason", async () => {
  const file = await openForTest(fixture("matrices.h5ad"));
  const reasons = file.unreadable.map(({ name, error }) => [name, error.code, error.message]);
  expect(reasons).toEqual([
    ["layers/awkward", "UNKNOWN_ENCODING", expect.stringMatching(/\/layers\/awkward .*"awkward-array"/)],
    ["layers/half_floats", "UNSUPPORTED_DTYPE", expect.stringMatching(/\/layers\/half_floats .*float16/)],
    ["layers/wrong_shape", "MATRIX_CORRUPT", expect.stringMatching(/23 x 5 but .*23 cells and 17 genes/)],
  ]);
});

it.each([
  ["matrices.h5ad", 2],
  ["tables-modern.h5ad", null],
  ["tables-0.5.h5ad", undefined],
])("reads uns/log1p/base of %s: %s", async (name, base) => {
  expect((await openForTest(fixture(name))).log1pBase).toBe(base);
});
