import { describe, expect, it } from "vitest";
import { learningRate, usualEpochs } from "../../dist/training/schedule.js";

/** Rates of all steps. */
const rates = (schedule: Parameters<typeof learningRate>[0], peak: number, steps: number) =>
  Array.from({ length: steps }, (_, step) => learningRate(schedule, peak, step, steps));

describe("one-cycle", () => {
  /** What torch.optim.lr_scheduler.OneCycleLR of PyTorch 2.13 gives, with its own defaults. */
  const pytorch: { steps: number; peak: number; expected: number[] }[] = [
    { steps: 1, peak: 0.01, expected: [4e-8] },
    { steps: 3, peak: 0.01, expected: [0.009944154354509118, 0.00462637102666975, 4e-8] },
    {
      steps: 7,
      peak: 0.01,
      expected: [
        0.0003999999999999993, 0.009805566273349588, 0.009190443762697106, 0.00672683836480545,
        0.003577387757396571, 0.0009929679189326559, 4e-8,
      ],
    },
    {
      steps: 10,
      peak: 0.002,
      expected: [
        7.999999999999999e-5, 0.0010400000000000001, 0.002, 0.0019009692640269472, 0.001623491307899526,
        0.0012225240438725783, 0.0007774839561274215, 0.00037651669210047396, 9.903873597305257e-5, 8e-9,
      ],
    },
  ];

  it.each(pytorch)("$steps steps are those of PyTorch", ({ steps, peak, expected }) => {
    rates("one-cycle", peak, steps).forEach((rate, step) => {
      expect(rate / expected[step]).toBeCloseTo(1, 9);
    });
  });

  it("a long one is, too", () => {
    const expected = new Map([
      [1, 9.114203856790777e-5],
      [20, 0.001995983886278345],
      [21, 0.001999689183244088],
      [22, 0.001996194713312953],
      [40, 0.0013537106547903026],
      [71, 8e-9],
    ]);
    for (const [step, rate] of expected) {
      expect(learningRate("one-cycle", 0.002, step, 72) / rate).toBeCloseTo(1, 9);
    }
  });

  it("is a positive number at every step of every length", () => {
    for (let steps = 1; steps < 200; steps++) {
      for (const rate of rates("one-cycle", 1, steps)) {
        expect(rate).toBeGreaterThan(0);
        expect(rate).toBeLessThanOrEqual(1);
      }
    }
  });
});

it("decay is that of Keras 2 at CNNC's 1e-6", () => {
  expect(learningRate("decay", 0.01, 0, 100)).toBe(0.01);
  expect(learningRate("decay", 0.01, 1_000_000, 2_000_000)).toBeCloseTo(0.005, 15);
  expect(learningRate("decay", 0.01, 3_000_000, 4_000_000)).toBeCloseTo(0.0025, 15);
});

it("constant is the peak", () => {
  expect(rates("constant", 0.3, 3)).toEqual([0.3, 0.3, 0.3]);
});

it("few pairs are shown more often, up to 60 times, many 12 times", () => {
  // 1,000 steps are enough: 40 an epoch make 25 epochs.
  expect(usualEpochs(40 * 128, 128)).toBe(25);
  expect(usualEpochs(40 * 128 - 127, 128)).toBe(25);
  expect(usualEpochs(40 * 128 + 1, 128)).toBe(25);
  expect(usualEpochs(1_000_000, 128)).toBe(12);
  expect(usualEpochs(20, 128)).toBe(60);
});
