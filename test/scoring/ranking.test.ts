import { readdirSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { type RankedBatch, rankPairs, type ScoredBatch } from "../../dist/scoring/ranking.js";
import { errorOf } from "../support/errors.js";
import { contents, testFolder } from "../support/run-cnnc.js";

afterEach(() => vi.unstubAllGlobals());

type Row = readonly [a: string, b: string, ...scores: number[]];

/** Bytes so few that only 64 pairs are sorted at a time and two runs merged. */
const TINY = 1;

describe("rankPairs", () => {
  it("puts the highest score first, then breaks ties by the names of a and of b", async () => {
    const names = ["beta", "alpha", "Gamma"];
    const rows: Row[] = [
      ["beta", "alpha", 0.5],
      ["alpha", "beta", 0.5],
      ["alpha", "Gamma", 0.5],
      ["Gamma", "beta", 0.9],
      ["beta", "Gamma", -1],
    ];
    expect(await ranked([rows], { names })).toEqual([
      ["Gamma", "beta", Math.fround(0.9)],
      ["alpha", "Gamma", 0.5],
      ["alpha", "beta", 0.5],
      ["beta", "alpha", 0.5],
      ["beta", "Gamma", -1],
    ]);
  });

  it("orders all kinds of numbers, and keeps the bits of the other columns", async () => {
    const numbers = [0, -0, 1e-45, -1e-45, 3.4e38, -3.4e38, Infinity, -Infinity, 1, -1, 1 + 2 ** -23];
    const rows = numbers.map((score, i): Row => [`g${i}`, "x", NaN, score, -0]);
    const names = [...numbers.map((_, i) => `g${i}`), "x"];
    const found = await ranked([rows], { names, main: 1 });
    expect(found.map(([, , , score]) => score)).toEqual(
      [...numbers].map((score) => Math.fround(score) + 0).sort((a, b) => (a === b ? 0 : b - a)),
    );
    expect(found.every((row) => Number.isNaN(row[2]) && Object.is(row[4], -0))).toBe(true);
  });

  it("equals a plain sort, for any budget, batch size, main column and top", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `g${(i * 7919) % 101}`);
    const rows = randomRows(1500, names, 5);
    for (const main of [0, 2]) {
      const expected = sorted(rows, main);
      for (const batchSize of [1, 700, 5000]) {
        for (const top of [undefined, 1, 32, 33, 65, 1499, 9999]) {
          for (const memoryBudget of [TINY, 400_000]) {
            const found = await ranked(cut(rows, batchSize), { names, main, top, memoryBudget });
            expect(same(found, expected.slice(0, top))).toBe(true);
          }
        }
      }
    }
  });

  it("tells apart genes with one name, and keeps the order of pairs that occur twice", async () => {
    const names = ["same", "same", "other"];
    const batch = {
      a: Uint32Array.of(2, 1, 0, 2, 2, 0),
      b: Uint32Array.of(1, 2, 2, 0, 1, 2),
      scores: [new Float32Array(6), Float32Array.of(0, 1, 2, 3, 4, 5)],
    };
    const options = { main: 0, names, temporaryFolder: testFolder() };
    const [{ a, b, scores }] = await collect(rankPairs(stream([batch]), options));
    expect([...a]).toEqual([2, 2, 2, 0, 0, 1]);
    expect([...b]).toEqual([0, 1, 1, 2, 2, 2]);
    expect([...scores[1]]).toEqual([3, 0, 4, 2, 5, 1]);
  });

  it("ranks a million pairs in little memory, in several merges, and says how many there are", async () => {
    const count = 1_000_000;
    const genes = 3000;
    const names = Array.from({ length: genes }, (_, i) => `gene${i}`);
    const folder = testFolder();
    const phases = new Set<string>();
    let last = Infinity;
    let ranks = 0;
    const seen = new Uint8Array(count);
    for await (const batch of rankPairs(randomBatches(count, genes), {
      main: 1,
      names,
      memoryBudget: 600_000,
      temporaryFolder: folder,
      onProgress: ({ phase }) => phases.add(phase),
    })) {
      expect(batch.first).toBe(ranks);
      expect(batch.total).toBe(count);
      ranks += batch.a.length;
      const [pair, score] = batch.scores;
      for (let i = 0; i < pair.length; i++) {
        if (score[i] > last) throw new Error(`rank ${batch.first + i} is out of order`);
        last = score[i];
        seen[pair[i]]++;
      }
    }
    expect(ranks).toBe(count);
    expect(seen.every((times) => times === 1)).toBe(true);
    expect([...phases]).toEqual(["Merging sorted pairs"]);
    expect(contents(folder)).toEqual([]);
  });

  it("takes no more memory than it may, and no disk for a short top", async () => {
    const allocated = countAllocations();
    const names = Array.from({ length: 500 }, (_, i) => `gene${i}`);
    const folder = "/nowhere/at/all";
    const options = { main: 0, names, top: 1000, memoryBudget: 4 * 2 ** 20, temporaryFolder: folder };
    const found = await collect(rankPairs(randomBatches(400_000, 500, 1000), options));
    expect(found.map(({ a }) => a.length)).toEqual([1000]);
    expect(allocated.largest).toBeGreaterThanOrEqual(2 ** 20);
    expect(allocated.largest).toBeLessThan(4 * 2 ** 20);
  });

  it("yields nothing when there are no pairs", async () => {
    expect(await ranked([], { names: [] })).toEqual([]);
    expect(await ranked([[]], { names: [] }, 1)).toEqual([]);
  });
});

describe("rankPairs, when it does not run to its end", () => {
  const names = Array.from({ length: 50 }, (_, i) => `gene${i}`);

  it("leaves no file when the scoring fails, and passes the error on", async () => {
    const folder = testFolder();
    async function* failing() {
      yield* randomBatches(5000, 50);
      throw new CnncError("GPU_FAILED", "The GPU is gone.");
    }
    const error = await errorOf(() => collect(rankPairs(failing(), optionsIn(folder))));
    expect(error.code).toBe("GPU_FAILED");
    expect(contents(folder)).toEqual([]);
  });

  it("leaves no file when the consumer stops, and tells the scoring to stop", async () => {
    const folder = testFolder();
    let ended = false;
    async function* endless() {
      try {
        yield* randomBatches(5000, 50);
      } finally {
        ended = true;
      }
    }
    for await (const _ of rankPairs(endless(), optionsIn(folder))) break;
    expect(ended).toBe(true);
    expect(contents(folder)).toEqual([]);
  });

  it("stops when it is aborted, while scoring and while merging", async () => {
    for (const afterwards of [false, true]) {
      const folder = testFolder();
      const controller = new AbortController();
      async function* aborting() {
        yield* randomBatches(3000, 50);
        if (!afterwards) controller.abort();
        yield* randomBatches(3000, 50);
        controller.abort();
      }
      const error = await errorOf(() =>
        collect(rankPairs(aborting(), { ...optionsIn(folder), signal: controller.signal })),
      );
      expect(error.code).toBe("CANCELLED");
      expect(contents(folder)).toEqual([]);
    }
  });

  it("leaves nothing even while it is at work", async () => {
    const folder = testFolder();
    for await (const _ of rankPairs(randomBatches(5000, 50), optionsIn(folder))) {
      expect(readdirSync(folder)).toEqual([]);
      break;
    }
  });

  it("says which pair has a score that is not a number", async () => {
    const rows: Row[] = [
      ["gene1", "gene2", 1],
      ["gene3", "gene4", NaN],
    ];
    const error = await errorOf(() => ranked([rows], { names }));
    expect(error).toMatchObject({ code: "SCORE_NOT_A_NUMBER" });
    expect(error.message).toContain("gene3, gene4");
  });

  it("says when the temporary file cannot be made", async () => {
    const folder = testFolder();
    const gone = `${folder}/missing`;
    const error = await errorOf(() => collect(rankPairs(randomBatches(500, 50), optionsIn(gone))));
    expect(error.code).toBe("WRITE_FAILED");
  });

  it("refuses options and batches that make no sense", async () => {
    const batch = { a: new Uint32Array(2), b: new Uint32Array(2), scores: [new Float32Array(2)] };
    const options = { main: 0, names, temporaryFolder: "." };
    for (const [batches, change] of [
      [[batch], { top: 0 }],
      [[batch], { top: 1.5 }],
      [[batch], { main: 1 }],
      [[{ ...batch, b: new Uint32Array(1) }], {}],
      [[batch, { ...batch, scores: [] }], {}],
    ] as [ScoredBatch[], object][]) {
      await expect(collect(rankPairs(stream(batches), { ...options, ...change }))).rejects.toThrow(
        RangeError,
      );
    }
  });

  function optionsIn(temporaryFolder: string) {
    return { main: 0, names, memoryBudget: TINY, temporaryFolder };
  }
});

/** The ranking of rows, given in batches, as rows. */
async function ranked(
  batches: readonly (readonly Row[])[],
  options: { names: readonly string[]; main?: number; top?: number | undefined; memoryBudget?: number },
  columns = 1,
): Promise<Row[]> {
  const geneOf = new Map(options.names.map((name, gene) => [name, gene]));
  const scored = batches.map((rows): ScoredBatch => {
    const count = rows.length > 0 ? rows[0].length - 2 : columns;
    return {
      a: Uint32Array.from(rows, ([a]) => geneOf.get(a) as number),
      b: Uint32Array.from(rows, ([, b]) => geneOf.get(b) as number),
      scores: Array.from({ length: count }, (_, i) => Float32Array.from(rows, (row) => row[i + 2] as number)),
    };
  });
  const { top, ...rest } = options;
  const found: Row[] = [];
  for await (const { first, a, b, scores } of rankPairs(stream(scored), {
    main: 0,
    ...rest,
    ...(top !== undefined && { top }),
    temporaryFolder: testFolder(),
  })) {
    expect(first).toBe(found.length);
    a.forEach((gene, i) => {
      found.push([options.names[gene], options.names[b[i]], ...scores.map((column) => column[i])]);
    });
  }
  return found;
}

/** The same by JavaScript's own sort. */
function sorted(rows: readonly Row[], main: number): Row[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...rows].sort(
    (x, y) => (y[2 + main] as number) - (x[2 + main] as number) || compare(x[0], y[0]) || compare(x[1], y[1]),
  );
}

/** Pairs with three score columns and many ties. */
function randomRows(count: number, names: readonly string[], seed: number): Row[] {
  const random = lcg(seed);
  const name = () => names[Math.floor(random() * names.length)];
  return Array.from({ length: count }, (_, row) => [
    name(),
    name(),
    Math.fround(Math.floor(random() * 20) / 20 - 0.5),
    row,
    Math.fround(random()),
  ]);
}

/** Scored pairs: column 0 is the pair's number, column 1 a random score. */
async function* randomBatches(count: number, genes: number, size = 10_000): AsyncGenerator<ScoredBatch> {
  const random = lcg(count);
  for (let first = 0; first < count; first += size) {
    const length = Math.min(size, count - first);
    yield {
      a: Uint32Array.from({ length }, () => random() * genes),
      b: Uint32Array.from({ length }, () => random() * genes),
      scores: [
        Float32Array.from({ length }, (_, i) => first + i),
        Float32Array.from({ length }, () => random() - 0.5),
      ],
    };
  }
}

/** Follows how large the typed arrays are that are made while a test runs. */
function countAllocations(): { largest: number } {
  const seen = { largest: 0 };
  const Original = Uint32Array;
  vi.stubGlobal(
    "Uint32Array",
    new Proxy(Original, {
      construct(target, args) {
        const array = Reflect.construct(target, args) as Uint32Array;
        seen.largest = Math.max(seen.largest, array.byteLength);
        return array;
      },
    }),
  );
  return seen;
}

async function* stream(batches: readonly ScoredBatch[]): AsyncGenerator<ScoredBatch> {
  yield* batches;
}

async function collect(batches: AsyncIterable<RankedBatch>): Promise<RankedBatch[]> {
  const all: RankedBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

function cut(rows: readonly Row[], size: number): Row[][] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) =>
    rows.slice(size * i, size * (i + 1)),
  );
}

const same = (found: readonly Row[], expected: readonly Row[]) =>
  found.length === expected.length &&
  found.every((row, i) => row.every((value, c) => value === expected[i][c]));

/** Numbers in [0, 1), the same ones for a seed. */
function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
