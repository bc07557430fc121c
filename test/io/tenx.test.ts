import { expect, it } from "vitest";
import { expected, fixture, openForTest, readMatrix } from "./helpers.js";

it("leaves out features that are not genes, and counts them", async () => {
  const file = await openForTest(fixture("10x-v3.h5"));
  expect([...file.otherFeatures]).toEqual([["Antibody Capture", 2]]);
  expect(file.var.names).toEqual(expected.files["10x-v3.h5"].var);
  expect(await readMatrix(file, file.matrices[0])).toEqual(expected.matrices.counts);
});

it("has nothing to leave out in files of Cell Ranger 2", async () => {
  expect((await openForTest(fixture("10x-v2.h5"))).otherFeatures.size).toBe(0);
});
