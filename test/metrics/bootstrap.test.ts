import { describe, expect, test } from "vitest";
import {
  auprc,
  auroc,
  bootstrap,
  bootstrapClusteredMean,
  bootstrapInterval,
  bootstrapMean,
} from "../../dist/metrics/index.js";
import { randomNumbers } from "../../dist/random.js";
import { errorOf } from "../support/errors.js";
import { randomPairs } from "./random-pairs.js";

describe("bootstrap", () => {
  test("of a mean: the interval is that of theory", () => {
    // Uniform on [0, 1): standard error sqrt(1/12 / 400) = .01443, so 1.96 of them are .0283.
    const random = randomNumbers(1, "test");
    const values = Float64Array.from({ length: 400 }, () => random.next());
    const mean = values.reduce((sum, value) => sum + value, 0) / 400;
    const { value, low, high, resamples } = bootstrapMean(values, { seed: 2, resamples: 4000 });
    expect(value).toBeCloseTo(mean, 12);
    expect(resamples).toBe(4000);
    expect(mean - low).toBeCloseTo(0.0283, 2);
    expect(high - mean).toBeCloseTo(0.0283, 2);
    const narrower = bootstrapMean(values, { seed: 2, resamples: 4000, level: 0.5 });
    // 0.6745 standard errors.
    expect((narrower.high - narrower.low) / 2).toBeCloseTo(0.00973, 3);
  });

  test("takes as many items as there are, all equally often", () => {
    const sums = new Float64Array(10);
    let draws = 0;
    bootstrap(
      10,
      (counts) => {
        draws += counts.reduce((sum, count) => sum + count, 0);
        counts.forEach((count, i) => {
          sums[i] += count;
        });
        return 0;
      },
      { seed: 3, resamples: 9999 },
    );
    expect(draws).toBe(100_000);
    // Standard deviation of each sum: 95.
    for (const sum of sums) expect(Math.abs(sum - 10_000)).toBeLessThan(400);
  });

  test("quantiles are numpy's", () => {
    // Resample i has the value i: numpy.quantile(range(11), [q, 1 - q]) is 10 q and 10 - 10 q, here for the tail of
    // 6 items, q = .0024318.
    let call = -1;
    const { value, low, high } = bootstrap(6, () => call++, { seed: 1, resamples: 11 });
    expect(value).toBe(-1);
    expect(low).toBeCloseTo(0.024318, 5);
    expect(high).toBeCloseTo(10 - 0.024318, 5);
  });

  test.each([
    ["auroc", auroc],
    ["auprc", auprc],
  ] as const)("of %s equals the metric of resampled pairs", (name, metric) => {
    const { scores, labels } = randomPairs({ n: 120, levels: 15, share: 0.25, seed: 6 });
    const options = { seed: 8, resamples: 60 };
    const sorted = [...scores.keys()].sort((i, j) => scores[j] - scores[i] || i - j);
    const naive = bootstrap(
      120,
      (counts) => {
        const drawn = [...counts].flatMap((count, place) => new Array<number>(count).fill(sorted[place]));
        return metric(
          Float64Array.from(drawn, (i) => scores[i]),
          Uint8Array.from(drawn, (i) => labels[i]),
        );
      },
      options,
    );
    const found = bootstrapInterval(name, scores, labels, options);
    expect(found.value).toBeCloseTo(metric(scores, labels), 13);
    expect(found.low).toBeCloseTo(naive.low, 12);
    expect(found.high).toBeCloseTo(naive.high, 12);
    expect(found.low).toBeLessThan(found.value);
    expect(found.high).toBeGreaterThan(found.value);
  });

  test("of AUROC: as wide as Hanley and McNeil's standard error says", () => {
    const { scores, labels } = randomPairs({ n: 800, levels: 1e9, share: 0.5, seed: 12 });
    const { value: A, low, high } = bootstrapInterval("auroc", scores, labels, { seed: 1 });
    const positives = labels.filter((label) => label === 1).length;
    const negatives = 800 - positives;
    const q1 = A / (2 - A);
    const q2 = (2 * A * A) / (1 + A);
    const variance =
      (A * (1 - A) + (positives - 1) * (q1 - A * A) + (negatives - 1) * (q2 - A * A)) /
      (positives * negatives);
    const ratio = (high - low) / (2 * 1.96 * Math.sqrt(variance));
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  test("resamples without a value are left out and counted", () => {
    const { value, resamples } = bootstrapInterval("auroc", Float32Array.of(2, 1), Uint8Array.of(1, 0), {
      seed: 1,
      resamples: 1000,
    });
    expect(value).toBe(1);
    // Half of the resamples of two pairs have both; standard deviation 16.
    expect(Math.abs(resamples - 500)).toBeLessThan(80);
    const none = bootstrapInterval("auroc", Float32Array.of(2, 1), Uint8Array.of(1, 1), { seed: 1 });
    expect(none).toEqual({ value: Number.NaN, low: Number.NaN, high: Number.NaN, resamples: 0 });
    expect(bootstrapMean([], { seed: 1 }).resamples).toBe(0);
  });

  test("of a mean of clusters: like a plain loop that draws whole clusters", () => {
    const values = [0.1, 0.9, 0.4, 0.5, 0.7, 0.2, 0.8, 0.3];
    const clusters = ["a", "b", "a", "c", "b", "a", "d", "d"];
    const names = ["a", "b", "c", "d"];
    const random = randomNumbers(5, "bootstrap");
    const means: number[] = [];
    for (let resample = 0; resample < 500; resample++) {
      const drawn: number[] = [];
      for (let draw = 0; draw < names.length; draw++) {
        const name = names[random.below(names.length)];
        drawn.push(...values.filter((_, i) => clusters[i] === name));
      }
      means.push(drawn.reduce((sum, value) => sum + value, 0) / drawn.length);
    }
    means.sort((one, other) => one - other);
    // The tail of 4 items is that of the normal beyond sqrt(4 / 3) * 3.18245, .0001190: of 500 values at .0594.
    const { value, low, high, resamples } = bootstrapClusteredMean(values, clusters, {
      seed: 5,
      resamples: 500,
    });
    expect(value).toBeCloseTo(3.9 / 8, 14);
    expect(low).toBeCloseTo(0.9406 * means[0] + 0.0594 * means[1], 5);
    expect(high).toBeCloseTo(0.0594 * means[498] + 0.9406 * means[499], 5);
    expect(resamples).toBe(500);
  });

  test("of a mean of clusters: one value in each is the plain mean; more of the same tell nothing new", () => {
    const random = randomNumbers(4, "test");
    const values = Array.from({ length: 30 }, () => random.next());
    const options = { seed: 9, resamples: 300 };
    const plain = bootstrapMean(values, options);
    expect(bootstrapClusteredMean(values, Uint32Array.from(values.keys()), options)).toEqual(plain);
    const fourfold = bootstrapClusteredMean(
      values.flatMap((value) => [value, value, value, value]),
      values.flatMap((_, i) => [i, i, i, i]),
      options,
    );
    expect(fourfold.low).toBeCloseTo(plain.low, 12);
    expect(fourfold.high).toBeCloseTo(plain.high, 12);
    expect(bootstrapClusteredMean([], [], options)).toMatchObject({ value: Number.NaN, resamples: 0 });
    expect(() => bootstrapClusteredMean([1], [], options)).toThrow(RangeError);
  });

  test("the seed decides", () => {
    const { scores, labels } = randomPairs({ n: 100, levels: 50, share: 0.5, seed: 2 });
    const interval = (seed: number) => bootstrapInterval("auroc", scores, labels, { seed, resamples: 50 });
    expect(interval(1)).toEqual(interval(1));
    expect(interval(1)).not.toEqual(interval(2));
  });

  test("a score that is not a number", async () => {
    const error = await errorOf(() =>
      bootstrapInterval("auprc", Float32Array.of(Number.NaN, 1), Uint8Array.of(0, 1), { seed: 1 }),
    );
    expect(error.code).toBe("SCORE_NOT_A_NUMBER");
  });
});
