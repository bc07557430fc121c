import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PairRange } from "../../../dist/pairs/index.js";
import {
  mergeScoreShards,
  type ScoredBatch,
  type ScoreShardOptions,
  type ShardedRun,
  scoreShard,
} from "../../../dist/scoring/index.js";
import { errorOf } from "../../support/errors.js";
import { contents, testFolder } from "../../support/run-cnnc.js";

const NAMES = Array.from({ length: 40 }, (_, i) => `g${(i * 7919) % 101}`);
const COUNT = 1500;
const ALL = Array.from({ length: COUNT }, (_, i): Pair => {
  const [a, b] = [(i * 31) % 40, (i * 17 + 5) % 40];
  // A function of the pair, as every score; with many ties.
  return { a, b, score: ((a * 3 + b) % 11) / 11, second: a - b / 64, mark: (a + b) % 3 === 0 ? 1 : 0 };
});

interface Pair {
  a: number;
  b: number;
  score: number;
  second: number;
  mark: number;
}

const COLUMNS = [{ name: "second" }, { name: "score" }, { name: "mark", kind: "flag" as const }];
const RUN = {
  run: { data: "d".repeat(64), precision: "f32" },
  pairs: COUNT,
  names: NAMES,
  columns: COLUMNS,
  main: 1,
  directed: true,
};
/** Every batch is followed by a checkpoint. */
const OFTEN = { checkpointSeconds: 0, counted: 2, memoryBudget: 500_000 };

const shardOf = (index: number, of: number, more: Partial<ShardedRun> = {}): ShardedRun => ({
  shard: { index, of },
  ...RUN,
  ...more,
});

/** Scores of a range, but for the first pairs, in batches of `size`, which fail before pair `until`. */
const batchesOf = (size = 100, until = Number.POSITIVE_INFINITY, calls: PairRange[] = [], all = ALL) =>
  async function* (range: PairRange, done = 0): AsyncGenerator<ScoredBatch> {
    calls.push({ from: range.from + done, to: range.to });
    for (let from = range.from + done; from < range.to; from += size) {
      if (from >= until) throw new Error("killed");
      const part = all.slice(from, Math.min(range.to, from + size));
      yield {
        a: Uint32Array.from(part, ({ a }) => a),
        b: Uint32Array.from(part, ({ b }) => b),
        scores: [
          Float32Array.from(part, ({ second }) => second),
          Float32Array.from(part, ({ score }) => score),
          Float32Array.from(part, ({ mark }) => mark),
        ],
      };
    }
  };

type Row = [a: string, b: string, second: number, score: number, mark: number];

/** The ranking as a plain sort gives it. */
function plainRanking(top = COUNT): Row[] {
  const f = Math.fround;
  const rows = ALL.map(
    ({ a, b, second, score, mark }): Row => [NAMES[a], NAMES[b], f(second), f(score), mark],
  );
  const text = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
  return rows.sort((x, y) => y[3] - x[3] || text(x[0], y[0]) || text(x[1], y[1])).slice(0, top);
}

async function mergedRows(paths: readonly string[], memoryBudget?: number) {
  const options = { temporaryFolder: dirname(paths[0]), ...(memoryBudget && { memoryBudget }) };
  const { ranking, names, ...facts } = await mergeScoreShards(paths, options);
  const rows: Row[] = [];
  for await (const { first, a, b, scores } of ranking) {
    expect(first).toBe(rows.length);
    a.forEach((gene, i) => {
      rows.push([names[gene], names[b[i]], scores[0][i], scores[1][i], scores[2][i]]);
    });
  }
  return { ...facts, rows };
}

async function scoreAll(of: number, more: Partial<ShardedRun> = {}, options: ScoreShardOptions = OFTEN) {
  const folder = testFolder();
  const paths = Array.from({ length: of }, (_, i) => join(folder, `part-${i + 1}.cnnc`));
  for (const [i, path] of paths.entries()) {
    await scoreShard(path, shardOf(i + 1, of, more), batchesOf(), options);
  }
  expect(contents(folder)).toEqual(paths.map((path) => basename(path)).sort());
  return paths;
}

describe("scoreShard and mergeScoreShards", () => {
  it.each([1, 2, 7, 64])("rank %i shards as a plain sort ranks all pairs", async (of) => {
    const { rows, pairs, kept, marked, shards } = await mergedRows(await scoreAll(of));
    expect(rows).toEqual(plainRanking());
    expect({ pairs, kept, shards }).toEqual({ pairs: COUNT, kept: COUNT, shards: of });
    expect(marked).toBe(ALL.filter(({ mark }) => mark === 1).length);
  });

  it.each([1, 7])("keep the best of %i shards", async (of) => {
    for (const top of [1, 40, 2000]) {
      const { rows, marked } = await mergedRows(await scoreAll(of, { top }));
      expect(rows).toEqual(plainRanking(top));
      expect(marked).toBe(ALL.filter(({ mark }) => mark === 1).length);
    }
  });

  it("keep the best with a column that is worked out for them alone", async () => {
    const folder = testFolder();
    const [second, score, mark] = COLUMNS;
    const more = { top: 40, columns: [score, second, mark], main: 0 };
    /** The score first, and then these. */
    const batchesWith = (...columns: number[]) =>
      async function* (range: PairRange, done: number) {
        for await (const { scores, ...batch } of batchesOf()(range, done)) {
          yield { ...batch, scores: [1, ...columns].map((column) => scores[column]) };
        }
      };
    let scored = 0;
    const late = {
      name: "second",
      column: 1,
      score: async (a: Uint32Array, b: Uint32Array) => {
        scored += a.length;
        return Float32Array.from(a, (gene, i) => gene - b[i] / 64);
      },
    };
    for (let index = 1; index <= 7; index++) {
      const [whole, kept] = ["whole", "kept"].map((name) => join(folder, `${name}-${index}.cnnc`));
      await scoreShard(whole, shardOf(index, 7, more), batchesWith(0, 2), OFTEN);
      await scoreShard(kept, shardOf(index, 7, more), batchesWith(2), { ...OFTEN, counted: 1, late });
      expect(readFileSync(kept).equals(readFileSync(whole))).toBe(true);
    }
    expect(scored).toBe(7 * 40);
  });

  it("merge more shards than there is memory for at once", async () => {
    expect((await mergedRows(await scoreAll(7, {}, { ...OFTEN, memoryBudget: 1 }), 1)).rows).toEqual(
      plainRanking(),
    );
  });

  it("allow shards without pairs", async () => {
    const few = { pairs: 3 };
    const { rows } = await mergedRows(await scoreAll(7, few));
    expect(rows).toHaveLength(3);
  });
});

describe("scoreShard, stopped and started again", () => {
  it.each([100, 70])("goes on after its last checkpoint and ends in the same bytes, by %i", async (size) => {
    const [whole] = await scoreAll(1);
    const path = join(testFolder(), "part.cnnc");
    const calls: PairRange[] = [];
    for (let until = size; until < COUNT; until += 4 * size) {
      const stopped = scoreShard(path, shardOf(1, 1), batchesOf(size, until, calls), OFTEN);
      await expect(stopped).rejects.toThrow("killed");
      expect(contents(dirname(path))).toEqual(["part.cnnc.partial"]);
    }
    const outcome = await scoreShard(path, shardOf(1, 1), batchesOf(size, Infinity, calls), OFTEN);
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
    expect(contents(dirname(path))).toEqual(["part.cnnc"]);
    // Every pair was asked for once, but for those of the batch that failed.
    calls.slice(1).forEach(({ from }, i) => {
      expect(from).toBe(size + 4 * size * i);
    });
    expect(outcome).toMatchObject({ pairs: COUNT, resumed: calls.at(-1)?.from, finishedBefore: false });
  });

  it("does so in any order of the pairs, but not in another one than before", async () => {
    const [whole] = await scoreAll(1);
    const path = join(testFolder(), "part.cnnc");
    const backwards = ALL.toReversed();
    const options = { ...OFTEN, order: { "--memory": "4G" } };
    await expect(
      scoreShard(path, shardOf(1, 1), batchesOf(100, 500, [], backwards), options),
    ).rejects.toThrow("killed");
    const error = await errorOf(() => scoreShard(path, shardOf(1, 1), batchesOf(), OFTEN));
    expect([error.code, error.message]).toEqual([
      "SHARD_MISMATCH",
      expect.stringMatching(/another run: --memory 4G and none\.$/),
    ]);
    const rest = batchesOf(100, Number.POSITIVE_INFINITY, [], backwards);
    expect(await scoreShard(path, shardOf(1, 1), rest, options)).toMatchObject({ resumed: 500 });
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
  });

  it("leaves a finished file as it is", async () => {
    const [path] = await scoreAll(1);
    const never = () => {
      throw new Error("asked for scores");
    };
    expect(await scoreShard(path, shardOf(1, 1), never, OFTEN)).toMatchObject({
      finishedBefore: true,
      kept: COUNT,
      marked: ALL.filter(({ mark }) => mark === 1).length,
    });
  });

  it("tidies up for a process that was killed when it had all but done so", async () => {
    const [path] = await scoreAll(1);
    const other = join(testFolder(), "part.cnnc");
    await expect(scoreShard(other, shardOf(1, 1), batchesOf(100, 300), OFTEN)).rejects.toThrow("killed");
    cpSync(`${other}.partial`, `${path}.partial`, { recursive: true });
    expect(await scoreShard(path, shardOf(1, 1), batchesOf(), OFTEN)).toMatchObject({ finishedBefore: true });
    expect(contents(dirname(path))).toEqual([basename(path)]);
  });

  it("replaces a file of another run, or a damaged one", async () => {
    const [path] = await scoreAll(1, { run: { ...RUN.run, precision: "bf16" } });
    expect(await scoreShard(path, shardOf(1, 1), batchesOf(), OFTEN)).toMatchObject({
      finishedBefore: false,
    });
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, -1));
    expect(await scoreShard(path, shardOf(1, 1), batchesOf(), OFTEN)).toMatchObject({
      finishedBefore: false,
    });
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  it("says how far it is when it is cancelled, and leaves nothing when nothing is done", async () => {
    const path = join(testFolder(), "part.cnnc");
    const cancelled = async (at: number) => {
      const controller = new AbortController();
      const scores = async function* (range: PairRange) {
        for await (const batch of batchesOf()(range)) {
          if (range.from === 0 && at-- === 0) controller.abort();
          yield batch;
        }
      };
      return errorOf(() => scoreShard(path, shardOf(1, 1), scores, { ...OFTEN, signal: controller.signal }));
    };
    expect(await cancelled(0)).toMatchObject({ code: "CANCELLED", remedy: "" });
    expect(contents(dirname(path))).toEqual([]);
    const error = await cancelled(3);
    expect(error.code).toBe("CANCELLED");
    expect(error.remedy).toMatch(
      /^300 of 1,?500 pairs are done and kept in .*part\.cnnc\.partial: give the same/,
    );
  });

  it("leaves nothing but checkpoints when it is cancelled while they are merged", async () => {
    const [whole] = await scoreAll(1);
    const path = join(testFolder(), "part.cnnc");
    const controller = new AbortController();
    const scores = async function* (range: PairRange) {
      try {
        yield* batchesOf(500)(range);
      } finally {
        controller.abort();
      }
    };
    const options = { ...OFTEN, signal: controller.signal };
    const error = await errorOf(() => scoreShard(path, shardOf(1, 1), scores, options));
    expect([error.code, error.remedy]).toEqual(["CANCELLED", expect.stringMatching(/^1500 of 1500 pairs/)]);
    const left = ["pairs-0-500", "pairs-1000-1500", "pairs-500-1000"];
    expect(contents(dirname(path))).toEqual(["part.cnnc.partial"]);
    expect(contents(`${path}.partial`)).toEqual(left);
    const never = () => {
      throw new Error("asked for scores");
    };
    await scoreShard(path, shardOf(1, 1), never, OFTEN);
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
  });

  it("can be cancelled while it checks what is there", async () => {
    const path = join(testFolder(), "part.cnnc");
    await expect(scoreShard(path, shardOf(1, 1), batchesOf(100, 300), OFTEN)).rejects.toThrow("killed");
    const options = { ...OFTEN, signal: AbortSignal.abort() };
    const error = await errorOf(() => scoreShard(path, shardOf(1, 1), batchesOf(), options));
    expect([error.code, error.remedy]).toEqual(["CANCELLED", ""]);
  });

  it("refuses to go on with another run, or another shard", async () => {
    const path = join(testFolder(), "part.cnnc");
    await expect(scoreShard(path, shardOf(1, 2), batchesOf(100, 300), OFTEN)).rejects.toThrow("killed");
    const other = await errorOf(() =>
      scoreShard(path, shardOf(1, 2, { run: { ...RUN.run, precision: "bf16" } }), batchesOf(), OFTEN),
    );
    expect(other.code).toBe("SHARD_MISMATCH");
    expect(other.message).toMatch(/part\.cnnc\.partial holds .*another run: precision f32 and bf16\.$/);
    const shard = await errorOf(() => scoreShard(path, shardOf(2, 2), batchesOf(), OFTEN));
    expect(shard.message).toMatch(/: shard 1 of 2 and 2 of 2\.$/);
    expect(shard.remedy).toMatch(/rm -r .*part\.cnnc\.partial/);
  });

  it("scores again what is damaged, and ignores what is half-written", async () => {
    const [whole] = await scoreAll(1);
    const path = join(testFolder(), "part.cnnc");
    await expect(scoreShard(path, shardOf(1, 1), batchesOf(100, 500), OFTEN)).rejects.toThrow("killed");
    const partial = `${path}.partial`;
    expect(contents(partial)).toContain("pairs-200-300");
    const place = join(partial, "pairs-200-300");
    const bytes = readFileSync(place);
    bytes[bytes.length - 40] ^= 1;
    writeFileSync(place, bytes);
    writeFileSync(join(partial, "pairs-300-400"), Buffer.alloc(bytes.length));
    writeFileSync(join(partial, "pairs-500-600.partial-1"), bytes.subarray(0, 100));
    const notices: string[] = [];
    const outcome = await scoreShard(path, shardOf(1, 1), batchesOf(), {
      ...OFTEN,
      onNotice: (line) => notices.push(line),
    });
    expect(notices.sort()).toEqual(
      ["pairs-200-300", "pairs-300-400"].map((name) =>
        expect.stringContaining(`${name} is damaged, so its pairs are scored again`),
      ),
    );
    expect(outcome.resumed).toBe(200);
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
  });

  it("passes on scores that are no numbers", async () => {
    const path = join(testFolder(), "part.cnnc");
    const broken = async function* (range: PairRange) {
      for await (const batch of batchesOf()(range)) {
        batch.scores[1][3] = Number.NaN;
        yield batch;
      }
    };
    const error = await errorOf(() => scoreShard(path, shardOf(1, 1), broken, OFTEN));
    expect(error.code).toBe("SCORE_NOT_A_NUMBER");
    expect(contents(dirname(path))).toEqual([]);
  });
});

describe("mergeScoreShards", () => {
  const mergeError = (paths: string[]) =>
    errorOf(() => mergeScoreShards(paths, { temporaryFolder: testFolder() }));

  it("refuses any damage, wherever it is", async () => {
    const [path] = await scoreAll(1);
    const sound = readFileSync(path);
    for (const at of [9, 13, 20, 200, Math.floor(sound.length / 2), sound.length - 33, sound.length - 1]) {
      const bytes = Buffer.from(sound);
      bytes[at] ^= 0x40;
      writeFileSync(path, bytes);
      const error = await mergeError([path]);
      expect(error.code).toMatch(/^SHARD_(DAMAGED|NEWER)$/);
      expect(error.message).toContain(path);
    }
    for (const length of [8, 15, 40, 500, sound.length - 1]) {
      writeFileSync(path, sound.subarray(0, length));
      expect((await mergeError([path])).code).toBe("SHARD_DAMAGED");
    }
    writeFileSync(path, Buffer.concat([sound, Buffer.of(0)]));
    expect((await mergeError([path])).code).toBe("SHARD_DAMAGED");
  });

  it("refuses other files", async () => {
    const folder = testFolder();
    const text = join(folder, "ranked.tsv");
    writeFileSync(text, "gene_a\tgene_b\n");
    writeFileSync(join(folder, "empty"), "");
    mkdirSync(join(folder, "folder"));
    for (const path of [text, join(folder, "empty"), join(folder, "folder")]) {
      expect((await mergeError([path])).code).toBe("NOT_A_SHARD");
    }
    expect((await mergeError([join(folder, "gone")])).message).toMatch(/^There is no file .*gone\.$/);
  });

  it("refuses a checkpoint, which looks like a shard", async () => {
    const path = join(testFolder(), "part.cnnc");
    await expect(scoreShard(path, shardOf(1, 1), batchesOf(100, 100), OFTEN)).rejects.toThrow("killed");
    const copy = join(testFolder(), "copy.cnnc");
    copyFileSync(join(`${path}.partial`, "pairs-0-100"), copy);
    expect((await mergeError([copy])).code).toBe("NOT_A_SHARD");
  });

  it("stops when it is told to", async () => {
    const signal = AbortSignal.abort();
    const paths = await scoreAll(2);
    const error = await errorOf(() => mergeScoreShards(paths, { temporaryFolder: testFolder(), signal }));
    expect(error.code).toBe("CANCELLED");
  });
});
