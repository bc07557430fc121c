import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  decideScale,
  expressionUnits,
  type ScaleChoice,
  selectExpression,
} from "../../dist/expression/index.js";
import { findMatrix, openExpressionFile } from "../../dist/io/index.js";
import { testFolder } from "../support/run-cnnc.js";
import { csr, type H5adParts, TINY_COUNTS, writeTinyH5ad } from "../support/tiny-h5ad.js";

const LOG2 = fileURLToPath(new URL("../fixtures/oracle/log2.h5ad", import.meta.url));

async function decide(path: string, choice: ScaleChoice, layer?: string) {
  const file = await openExpressionFile(path);
  onTestFinished(() => file.close());
  return decideScale(file, findMatrix(file, { layer }), choice);
}

async function written(change?: (parts: H5adParts) => void): Promise<string> {
  return writeTinyH5ad(join(testFolder(), "data.h5ad"), change);
}

const times = (factor: number) => csr(TINY_COUNTS.map((row) => row.map((value) => value * factor)));

describe("decideScale, on its own", () => {
  it("takes whole numbers for counts", async () => {
    expect(await decide(await written(), "auto")).toEqual({
      name: "counts",
      logBase: 0,
      reason: "all values looked at are whole numbers",
      guessed: true,
    });
  });

  it("takes a matrix without values for counts", async () => {
    const path = await written((parts) => {
      parts.X = times(0);
    });
    expect(await decide(path, "auto")).toMatchObject({ name: "counts" });
  });

  it("takes small fractions for log1p", async () => {
    const path = await written((parts) => {
      parts.X = times(0.5);
    });
    expect(await decide(path, "auto")).toMatchObject({
      name: "log1p",
      reason: "values have fractions and none is above 3.5",
    });
  });

  it("takes large fractions for linear", async () => {
    const path = await written((parts) => {
      parts.X = times(1234.1);
    });
    expect(await decide(path, "auto")).toMatchObject({
      name: "linear",
      reason: "values have fractions and reach 8,640",
    });
  });

  it("takes negative values for linear", async () => {
    const path = await written((parts) => {
      parts.X = times(-1);
    });
    expect(await decide(path, "auto")).toMatchObject({ name: "linear", reason: "some values are negative" });
  });

  it("believes the mark of log1p, and its base", async () => {
    expect(await decide(LOG2, "auto")).toEqual({
      name: "log1p",
      logBase: 2,
      reason: "uns/log1p marks X as log-transformed",
      guessed: true,
    });
  });

  it("judges each layer by itself", async () => {
    const path = await written((parts) => {
      parts.layers = { half: times(0.5) };
    });
    expect(await decide(path, "auto", "half")).toMatchObject({ name: "log1p" });
  });
});

describe("decideScale, told what it is", () => {
  it.each([
    ["counts", 0],
    ["linear", 0],
    ["log1p", 2],
  ] as const)("%s", async (name, logBase) => {
    expect(await decide(LOG2, name)).toEqual({ name, logBase, reason: "as asked", guessed: false });
  });

  it("accepts counts with fractions", async () => {
    const path = await written((parts) => {
      parts.X = times(0.5);
    });
    const selection = await selectExpression(path, { scale: "counts" });
    selection.file.close();
    expect(selection.scale).toMatchObject({ name: "counts", guessed: false });
  });
});

describe("expressionUnits", () => {
  it.each([
    ["counts", "log10", "log10(CP10K + 0.01)"],
    ["counts", "log1p", "ln(1 + CP10K)"],
    ["linear", "none", "value"],
    ["log1p", "log10", "log10(expm1(value) + 0.01)"],
  ] as const)("%s, %s: %s", (scale, transform, units) => {
    expect(expressionUnits(scale, transform)).toBe(units);
  });
});
