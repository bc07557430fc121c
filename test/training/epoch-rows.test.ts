import { describe, expect, it } from "vitest";
import { type EpochOptions, epochRows } from "../../dist/training/epoch-rows.js";

/** 1000 pairs: every tenth a positive of class 1 or 2 in turn; the rows to learn are all but the first 100. */
const LABELS = Uint8Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 1 + ((i / 10) % 2) : 0));
const ROWS = Uint32Array.from({ length: 900 }, (_, i) => i + 100);
const POSITIVES = [...ROWS].filter((row) => row % 10 === 0);

const OPTIONS: EpochOptions = { task: "causality", seed: 4, swap: false };
const rowsOf = (epoch: number, options: Partial<EpochOptions> = {}) =>
  epochRows(ROWS, LABELS, epoch, { ...OPTIONS, ...options });
const sorted = (rows: Iterable<number>) => [...rows].sort((a, b) => a - b);

describe("epochRows", () => {
  it("shows every pair once, in another order in every epoch and for every seed", () => {
    const orders = [rowsOf(1), rowsOf(2), rowsOf(1, { seed: 5 })].map(({ rows }) => [...rows]);
    for (const order of orders) expect(sorted(order)).toEqual([...ROWS]);
    expect(new Set(orders.map((order) => order.join())).size).toBe(3);
    expect(orders[0]).not.toEqual([...ROWS]);
  });

  it("is decided by seed and epoch", () => {
    for (const options of [{}, { swap: true, negativesPerPositive: 2 }]) {
      expect(rowsOf(7, options)).toEqual(rowsOf(7, options));
    }
  });

  it("says the class of each pair as listed, where nothing is swapped", () => {
    const { rows, swapped, classes } = rowsOf(1);
    expect([...classes]).toEqual([...rows].map((row) => LABELS[row]));
    expect(swapped.every((value) => value === 0)).toBe(true);
  });

  it("swaps about half of the pairs, and the direction with them", () => {
    const { rows, swapped, classes } = rowsOf(1, { swap: true });
    const count = swapped.reduce((sum, value) => sum + value, 0);
    // 900 coins: 450, give or take 15.
    expect(Math.abs(count - 450)).toBeLessThan(75);
    rows.forEach((row, i) => {
      const other = LABELS[row] === 0 ? 0 : 3 - LABELS[row];
      expect(classes[i]).toBe(swapped[i] === 1 ? other : LABELS[row]);
    });
    expect(rowsOf(2, { swap: true }).swapped).not.toEqual(swapped);
  });

  it("keeps the class of a swapped pair where there is no direction", () => {
    const { rows, classes } = rowsOf(1, { swap: true, task: "interaction" });
    expect([...classes]).toEqual([...rows].map((row) => LABELS[row]));
  });

  it("shows all positives and so many negatives for each, other ones every time", () => {
    const negativesOf = (epoch: number) => {
      const { rows } = rowsOf(epoch, { negativesPerPositive: 1.5 });
      const positives = [...rows].filter((row) => LABELS[row] !== 0);
      expect(sorted(positives)).toEqual(POSITIVES);
      return [...rows].filter((row) => LABELS[row] === 0);
    };
    const first = new Set(negativesOf(1));
    const second = negativesOf(2);
    expect(first.size).toBe(135);
    expect(second).toHaveLength(135);
    // Of 135 that are drawn from 810, 22.5 are expected to be drawn again.
    const again = second.filter((row) => first.has(row)).length;
    expect(again).toBeGreaterThan(5);
    expect(again).toBeLessThan(45);
  });

  it("shows all negatives where more are asked for than there are", () => {
    expect(rowsOf(1, { negativesPerPositive: 50 }).rows).toHaveLength(900);
  });

  it("leaves the rows that it is given as they are", () => {
    const before = [...ROWS];
    rowsOf(1, { swap: true, negativesPerPositive: 1 });
    expect([...ROWS]).toEqual(before);
  });
});
