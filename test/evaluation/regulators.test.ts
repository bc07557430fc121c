import { describe, expect, test } from "vitest";
import { differencesAgainst } from "../../dist/evaluation/regulators.js";
import type { RegulatorValue } from "../../dist/evaluation/results.js";
import { randomNumbers } from "../../dist/random.js";
import { madeMethod } from "./made-results.js";

const random = randomNumbers(3, "test");
const aurocs = (count: number) => Array.from({ length: count }, () => random.next());

/** Regulators A to E in some of two folds. */
function inFolds(
  name: string,
  values: readonly (readonly [regulator: string, fold: string, auroc: number])[],
) {
  const made = madeMethod(name, []);
  const all: RegulatorValue[] = values.map(([regulator, fold, auroc]) => ({
    regulator,
    fold,
    positives: 5,
    pairs: 10,
    auroc,
    auprc: 0.5,
  }));
  return { ...made, perRegulator: { ...made.perRegulator, values: all } };
}

describe("differencesAgainst", () => {
  test("a method differs from itself by exactly 0", () => {
    const method = madeMethod("m", aurocs(40));
    expect(differencesAgainst(method, [method], 1)).toEqual([
      { against: "m", auroc: { value: 0, low: 0, high: 0, resamples: 2000 } },
    ]);
  });

  test("a constant advantage has no uncertainty, however different the regulators are", () => {
    const values = aurocs(25);
    const better = madeMethod(
      "better",
      values.map((value) => value / 2 + 0.25),
    );
    const other = madeMethod(
      "other",
      values.map((value) => value / 2),
    );
    const [{ auroc }] = differencesAgainst(better, [other], 1);
    expect([auroc.value, auroc.low, auroc.high]).toEqual(
      [0.25, 0.25, 0.25].map((v) => expect.closeTo(v, 12)),
    );
  });

  test("turned round it changes its sign", () => {
    const [one, other] = [madeMethod("one", aurocs(30)), madeMethod("other", aurocs(30))];
    const [{ auroc: forth }] = differencesAgainst(one, [other], 5);
    const [{ auroc: back }] = differencesAgainst(other, [one], 5);
    expect([back.value, back.low, back.high]).toEqual(
      [-forth.value, -forth.high, -forth.low].map((v) => expect.closeTo(v, 12)),
    );
  });

  test("pairs what both judged, and draws whole regulators: like a plain loop", () => {
    const mine = inFolds("mine", [
      ["A", "1", 0.9],
      ["A", "2", 0.7],
      ["B", "1", 0.5],
      ["C", "2", 0.8],
      ["D", "1", 1],
    ]);
    const theirs = inFolds("theirs", [
      ["C", "2", 0.9],
      ["A", "2", 0.4],
      ["A", "1", 0.6],
      ["B", "2", 0],
      ["B", "1", 0.6],
      ["E", "1", 0.1],
    ]);
    // A in two folds .3 and .3, B -.1, C -.1.
    const differences = new Map([
      ["A", [0.3, 0.3]],
      ["B", [-0.1]],
      ["C", [-0.1]],
    ]);
    const draws = randomNumbers(11, "bootstrap");
    const means = Array.from({ length: 1000 }, () => {
      const drawn = Array.from({ length: 3 }, () => [...differences.values()][draws.below(3)]).flat();
      return drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    }).sort((one, other) => one - other);
    const [{ against, auroc }] = differencesAgainst(mine, [theirs], 11);
    expect(against).toBe("theirs");
    expect(auroc.value).toBeCloseTo(0.4 / 4, 14);
    expect(auroc.low).toBeCloseTo(0.025 * means[24] + 0.975 * means[25], 12);
    expect(auroc.high).toBeCloseTo(0.975 * means[974] + 0.025 * means[975], 12);
  });

  test("nothing in common", () => {
    const [{ auroc }] = differencesAgainst(
      inFolds("one", [["A", "1", 0.9]]),
      [inFolds("other", [["A", "2", 0.9]])],
      1,
    );
    expect(auroc).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN, resamples: 0 });
  });
});
