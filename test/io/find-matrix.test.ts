import { expect, it } from "vitest";
import { findMatrix } from "../../dist/io/index.js";
import { errorOf, fixture, openForTest } from "./helpers.js";

it("finds X, raw and layers", async () => {
  const file = await openForTest(fixture("matrices.h5ad"));
  expect(findMatrix(file).name).toBe("X");
  expect(findMatrix(file, { raw: true }).name).toBe("raw/X");
  expect(findMatrix(file, { layer: "csc_gzip" }).name).toBe("layers/csc_gzip");
});

it.each([
  ["no-x.h5ad", {}, "NO_MATRIX", "It has: layer spliced."],
  ["no-x.h5ad", { raw: true }, "NO_RAW", "It has: layer spliced."],
  ["no-x.h5ad", { layer: "counts" }, "NO_SUCH_LAYER", "It has: layer spliced."],
  ["tables-0.7.h5ad", { layer: "counts" }, "NO_SUCH_LAYER", "It has: X (the default), raw."],
  ["tables-0.7.h5ad", { layer: "counts", raw: true }, "LAYER_AND_RAW", "Choose one of the two."],
])("%s, asked for %o: %s", async (name, choice, code, remedy) => {
  const file = await openForTest(fixture(name));
  const error = await errorOf(() => findMatrix(file, choice));
  expect(error.code).toBe(code);
  expect(error.remedy).toBe(remedy);
});

it("says why a layer that exists cannot be read", async () => {
  const file = await openForTest(fixture("matrices.h5ad"));
  const error = await errorOf(() => findMatrix(file, { layer: "half_floats" }));
  expect(error.code).toBe("UNSUPPORTED_DTYPE");
});
