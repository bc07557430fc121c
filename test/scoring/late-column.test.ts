import { expect, it } from "vitest";
import { type LateColumn, type RankedBatch, withLateColumn } from "../../dist/scoring/index.js";

/** Batches of consecutive ranks, `sizes` long, with two columns. */
async function* ranking(sizes: readonly number[]): AsyncGenerator<RankedBatch> {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  let first = 0;
  for (const size of sizes) {
    const numbers = Array.from({ length: size }, (_, i) => first + i);
    yield {
      first,
      total,
      a: Uint32Array.from(numbers),
      b: Uint32Array.from(numbers, (i) => 2 * i),
      scores: [Float32Array.from(numbers, (i) => -i), Float32Array.from(numbers, (i) => i / 4)],
    };
    first += size;
  }
}

it("withLateColumn scores all pairs in few calls, and puts the column to its place", async () => {
  const calls: number[] = [];
  const late: LateColumn = {
    name: "sum",
    column: 1,
    score: async (a, b) => {
      calls.push(a.length);
      return Float32Array.from(a, (gene, i) => gene + b[i]);
    },
  };
  const sizes = [3, 1, 5];
  const done: number[] = [];
  const options = { onProgress: (progress: { done: number }) => void done.push(progress.done) };
  const found: RankedBatch[] = [];
  for await (const batch of withLateColumn(ranking(sizes), late, options)) found.push(batch);
  expect(calls).toEqual([9]);
  expect(done).toEqual([9]);
  expect(found.map(({ first, total, a }) => [first, total, a.length])).toEqual([
    [0, 9, 3],
    [3, 9, 1],
    [4, 9, 5],
  ]);
  for (const { first, scores } of found) {
    expect(scores).toHaveLength(3);
    expect([...scores[1]]).toEqual(Array.from(scores[1], (_, i) => 3 * (first + i)));
    expect([...scores[2]]).toEqual(Array.from(scores[2], (_, i) => (first + i) / 4));
  }
  const none = withLateColumn(ranking([]), late);
  expect((await none.next()).done).toBe(true);
});
