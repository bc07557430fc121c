import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { fitLogistic } from "../../dist/evaluation/logistic.js";
import { errorOf } from "../support/errors.js";

/** One of expected.json; see make_expected.py. */
interface Regression {
  readonly name: string;
  readonly classes: number;
  readonly inverseStrength: number;
  readonly columns: number;
  readonly training: number[];
  readonly labels: number[];
  readonly test: number[];
  readonly probabilities: number[];
}

const EXPECTED = fileURLToPath(new URL("../fixtures/summary/expected.json", import.meta.url));
const { regressions }: { regressions: Regression[] } = JSON.parse(readFileSync(EXPECTED, "utf8"));

const column = (...values: number[]) => ({ values: Float64Array.from(values), columns: 1 });

describe("fitLogistic", () => {
  it("has fixtures", () => expect(regressions).toHaveLength(5));

  it.each(regressions)(
    "$name: as scikit-learn has it",
    async ({ columns, training, labels, test, ...rest }) => {
      const { probabilities: expected, ...options } = rest;
      const table = { values: Float64Array.from(training), columns };
      const model = await fitLogistic(table, Uint8Array.from(labels), options);
      const found = model.probabilities({ values: Float64Array.from(test), columns });
      expect(found).toHaveLength(expected.length);
      found.forEach((probability, i) => {
        expect(Math.abs(probability - expected[i])).toBeLessThan(1e-7);
      });
    },
  );

  it("meets the optimum's conditions: with free intercepts, probabilities sum up to the classes", async () => {
    const { columns, training, labels } = regressions[3];
    const table = { values: Float64Array.from(training), columns };
    const model = await fitLogistic(table, Uint8Array.from(labels), { classes: 3 });
    const found = model.probabilities(table);
    for (const one of [0, 1, 2]) {
      const sum = labels.reduce((total, _, row) => total + found[3 * row + one], 0);
      expect(sum).toBeCloseTo(labels.filter((label) => label === one).length, 8);
    }
  });

  it("converges where a column tells the classes apart", async () => {
    const model = await fitLogistic(column(-2, -1, 1, 2), Uint8Array.of(0, 0, 1, 1), {
      classes: 2,
      inverseStrength: 1e6,
    });
    const [low, middle, high] = model.probabilities(column(-1, 0, 1));
    expect([low, high]).toEqual([expect.closeTo(0, 3), expect.closeTo(1, 3)]);
    expect(middle).toBeCloseTo(0.5, 8);
  });

  it("gives a class that training lacks the probability 0", async () => {
    const labels = Uint8Array.of(2, 0, 2, 0);
    const [three, two] = await Promise.all([
      fitLogistic(column(1, 2, 3, 4), labels, { classes: 3 }),
      fitLogistic(
        column(1, 2, 3, 4),
        labels.map((label) => label / 2),
        { classes: 2 },
      ),
    ]);
    const [p] = two.probabilities(column(1.5));
    expect([...three.probabilities(column(1.5))]).toEqual([1 - p, 0, p]);
  });

  it("knows nothing but the classes' shares where all columns are constant", async () => {
    const model = await fitLogistic(column(5, 5, 5, 5), Uint8Array.of(1, 0, 0, 0), { classes: 2 });
    expect(model.probabilities(column(5))[0]).toBeCloseTo(0.25, 12);
  });

  it("refuses one class, what is not finite, and labels that do not fit", async () => {
    const learn = (values: number[], labels: number[], signal?: AbortSignal) =>
      fitLogistic(column(...values), Uint8Array.from(labels), { classes: 2, ...(signal && { signal }) });
    expect(await errorOf(() => learn([1, 2], [1, 1]))).toMatchObject({
      code: "TRAINING_ONE_CLASS",
      message: "All 2 training pairs of a fold have the label 1, so that nothing can be learned.",
    });
    expect(await errorOf(() => learn([1, Number.NaN], [0, 1]))).toMatchObject({
      code: "NOT_FINITE",
      message: "Row 2 of a table to learn from has NaN in column 1.",
    });
    expect(await errorOf(() => learn([1, 2], [0, 1], AbortSignal.abort()))).toMatchObject({
      code: "CANCELLED",
    });
    await expect(learn([1, 2], [0, 2])).rejects.toThrow(RangeError);
    await expect(learn([1, 2, 3], [0, 1])).rejects.toThrow(RangeError);
    await expect(learn([], [])).rejects.toThrow(RangeError);
    const model = await learn([1, 2], [0, 1]);
    expect(() => model.probabilities({ values: Float64Array.of(1, 2), columns: 2 })).toThrow(RangeError);
  });
});
