import { describe, expect, it } from "vitest";
import { streamDataset } from "../../dist/io/dataset-stream.js";
import { openDenseMatrix } from "../../dist/io/dense-matrix.js";
import type { Hdf5File } from "../../dist/io/hdf5-file.js";
import type { DatasetNode } from "../../dist/io/hdf5-node.js";

type Ranges = [start: number, stop: number][];

/** A file whose only dataset holds 0, 1, 2, ... and that remembers what was read, and how much at once. */
function countingFile(shape: number[]) {
  const reads: Ranges[] = [];
  const load = { now: 0, most: 0 };
  const file = {
    async read(_path: string, ranges: Ranges) {
      reads.push(ranges);
      load.most = Math.max(load.most, ++load.now);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      load.now--;
      const [[top, bottom], [left, right] = [0, 1]] = ranges;
      const width = right - left;
      return Float64Array.from(
        { length: (bottom - top) * width },
        (_, i) => (top + Math.floor(i / width)) * (shape[1] ?? 1) + left + (i % width),
      );
    },
  };
  return { file: file as unknown as Hdf5File, reads, load };
}

function dataset(shape: number[], chunks: number[] | null): DatasetNode {
  const storage = { attributes: {}, dtype: "float64", itemBytes: 8, filters: [], fields: [] };
  return { kind: "dataset", path: "/d", shape, chunks, ...storage };
}

describe("a 1-D dataset", () => {
  it.each([
    ["small chunks", 1_000_003, 31_250],
    ["chunks larger than a read", 1_000_003, 300_007],
    ["one chunk", 1000, 1000],
    ["no chunks", 1_000_003, null],
  ])("of %s: every chunk is read once, whole, wherever the consumer cuts", async (_, length, chunk) => {
    const { file, reads, load } = countingFile([length]);
    const workers = 2;
    const node = dataset([length], chunk === null ? null : [chunk]);
    const stream = streamDataset(file, node, { workers, signal: undefined });
    const steps = [1, 0, 7, 31_249, 400_000, 2, 262_144];
    for (let taken = 0, turn = 0; taken < length; turn++) {
      const count = Math.min(length - taken, steps[turn % steps.length]);
      const values = await stream.take(count);
      expect(values).toHaveLength(count);
      if (count > 0) expect([values[0], values.at(-1)]).toEqual([taken, taken + count - 1]);
      taken += count;
    }
    let end = 0;
    for (const [[start, stop]] of reads) {
      expect(start).toBe(end);
      if (chunk !== null) expect(start % chunk).toBe(0);
      end = stop;
    }
    expect(end).toBe(length);
    expect(load.most).toBeLessThanOrEqual(workers + 2);
    if (reads.length > workers) expect(load.most).toBeGreaterThan(1);
  });
});

describe("a dense matrix", () => {
  it.each<[layout: string, chunks: [number, number] | null, maxEntries: number]>([
    ["not chunked", null, 1000],
    ["in small chunks", [7, 9], 1000],
    ["in chunks taller than a block", [100, 50], 1000],
    ["in chunks as wide as the matrix", [4, 333], 5000],
  ])("%s: every chunk is read once, and blocks follow one another", async (_, chunks, maxEntries) => {
    const [cells, genes] = [1003, 333];
    const { file, reads } = countingFile([cells, genes]);
    const matrix = openDenseMatrix(file, { name: "X", path: "/X" }, dataset([cells, genes], chunks));
    let next = 0;
    for await (const block of matrix.blocks({ maxEntries, workers: 2, signal: undefined })) {
      expect(block.first).toBe(next);
      expect(block.values).toHaveLength(block.count * genes);
      expect(block.values.length).toBeLessThanOrEqual(maxEntries);
      expect(Array.from(block.values as Float64Array)).toEqual(
        Array.from({ length: block.values.length }, (_, i) => next * genes + i),
      );
      next += block.count;
    }
    expect(next).toBe(cells);
    const area = reads.reduce(
      (sum, [[top, bottom], [left, right]]) => sum + (bottom - top) * (right - left),
      0,
    );
    expect(area).toBe(cells * genes);
    for (const [[top], [left]] of reads) {
      if (chunks !== null) expect([top % chunks[0], left % chunks[1]]).toEqual([0, 0]);
    }
  });

  it("reads a wide band as tiles of whole chunk columns", async () => {
    const [cells, genes] = [512, 9000];
    const { file, reads } = countingFile([cells, genes]);
    const matrix = openDenseMatrix(file, { name: "X", path: "/X" }, dataset([cells, genes], [512, 512]));
    let next = 0;
    for await (const block of matrix.blocks({ maxEntries: 1 << 20, workers: 2, signal: undefined })) {
      expect(block.values.every((value, i) => value === next * genes + i)).toBe(true);
      next += block.count;
    }
    expect(next).toBe(cells);
    expect(reads.length).toBeGreaterThan(1);
    for (const [[top, bottom], [left, right]] of reads) {
      expect([top, bottom, left % 512]).toEqual([0, cells, 0]);
      expect((right - left) * cells * 8).toBeLessThanOrEqual(1 << 24);
    }
  });
});
