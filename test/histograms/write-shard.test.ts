import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Dataset, File, ready } from "h5wasm/node";
import { beforeAll, describe, expect, it } from "vitest";
import { openExpression, writePrepared } from "../../dist/expression/index.js";
import {
  type HistogramOptions,
  mergeHistogramShards,
  openHistograms,
  type WriteShardOptions,
  writeHistogramShard,
  writeHistogramsHdf5,
} from "../../dist/histograms/index.js";
import type { Shard } from "../../dist/pairs/index.js";
import { errorOf } from "../support/errors.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { allImages, listed, openSession } from "../support/sessions.js";
import { writeTinyH5ad } from "../support/tiny-h5ad.js";

/** 17,955 pairs: 3 batches of 8,192 images at most, which have 1 KB each. */
const GENES = 190;
const PAIRS = (GENES * (GENES - 1)) / 2;
const BATCH = 8192;
const ALL: Shard = { index: 1, of: 1 };
/** A checkpoint after each batch, but where one is still being saved. */
const OFTEN: WriteShardOptions = { checkpointSeconds: 0 };

const DATA = join(testFolder(), "wide.h5ad");
const WHOLE = join(testFolder(), "whole.h5");
beforeAll(async () => {
  await writeTinyH5ad(DATA, (parts) => {
    const data = Float32Array.from({ length: 6 * GENES }, (_, i) => (7 * i + (i >> 3)) % 5);
    parts.X = { encoding: "array", shape: [6, GENES], data };
    parts.genes = Array.from({ length: GENES }, (_, gene) => `g${gene}`);
    parts.var = {};
  });
  await write(WHOLE, {});
});

/** Writes a shard of all pairs. */
async function write(
  path: string,
  options: WriteShardOptions,
  { shard = ALL, session: sessionOptions = {}, data = DATA }: Variant = {},
) {
  const session = await openHistograms(data, { kind: "all" }, { device: "cpu", ...sessionOptions });
  try {
    return await writeHistogramShard(session, path, shard, options);
  } finally {
    session.close();
  }
}

interface Variant {
  readonly shard?: Shard;
  readonly session?: HistogramOptions;
  readonly data?: string;
}

/** As if killed after so many batches: nothing is done any more, and the last checkpoint is there. */
async function killed(path: string, batches: number, variant?: Variant): Promise<void> {
  let built = 0;
  const onProgress: NonNullable<WriteShardOptions["onProgress"]> = ({ phase }) => {
    if (phase === "Building histograms" && ++built === batches) throw new Error("killed");
  };
  await expect(write(path, { ...OFTEN, onProgress }, variant)).rejects.toThrow("killed");
}

const expectWhole = (path: string) => expect(readFileSync(path).equals(readFileSync(WHOLE))).toBe(true);
const newPath = () => join(testFolder(), "part.h5");

describe("writeHistogramShard", () => {
  it("writes what is written without shards, for some of the pairs", async () => {
    await ready;
    const names = ["gene é", "g", "third"];
    const few = join(testFolder(), "few.h5ad");
    await writeTinyH5ad(few, (parts) => {
      const data = Float32Array.from({ length: 900 }, (_, i) => (i * i) % 7);
      parts.X = { encoding: "array", shape: [300, 3], data };
      parts.cells = Array.from({ length: 300 }, (_, cell) => `c${cell}`);
      parts.genes = names;
      parts.obs = {};
      parts.var = {};
    });
    const pairs = [
      [names[2], names[0]],
      [names[1], names[0]],
      [names[0], names[1]],
      [names[1], names[2]],
    ] as const;
    const session = await openSession(few, listed(pairs, [-1, 0, 7, 1]), { scale: "counts" });
    const whole = join(testFolder(), "whole.h5");
    await writeHistogramsHdf5(session, whole);
    const read = (path: string) => {
      const file = new File(path, "r");
      const values = (name: string) => (file.get(name) as Dataset).to_array();
      const dtypes = file.keys().map((name) => [name, (file.get(name) as Dataset).dtype]);
      const attributes = Object.entries(file.attrs).map(([name, { value }]) => [
        name,
        typeof value === "bigint" ? Number(value) : value,
      ]);
      const found = {
        genes: values("genes"),
        edges: values("edges"),
        expressing: values("expressing"),
        labels: values("labels") as number[],
        pairs: values("pairs") as number[],
        counts: (values("counts") as number[][]).flat(2),
        dtypes: Object.fromEntries(dtypes.filter(([name]) => name !== "genes")),
        attributes: Object.fromEntries(attributes),
      };
      file.close();
      return found;
    };
    const expected = read(whole);
    const images = await allImages(session);
    for (const index of [1, 2]) {
      const path = join(testFolder(), "part.h5");
      const written = await writeHistogramShard(session, path, { index, of: 2 });
      expect(written).toEqual({ pairs: 2, resumed: 0, finishedBefore: false });
      expect(contents(dirname(path))).toEqual(["part.h5"]);
      const { labels, pairs: rows, counts, attributes, ...rest } = read(path);
      const [from, to] = [2 * index - 2, 2 * index];
      expect(labels).toEqual([-1, 0, 7, 1].slice(from, to));
      expect(rows).toEqual(expected.pairs.slice(from, to));
      expect(counts).toEqual(images.slice(1024 * from, 1024 * to));
      const { shard, ...others } = attributes;
      expect(JSON.parse(shard as string).note.shard).toEqual({ index, of: 2 });
      expect(others).toEqual(expected.attributes);
      const { labels: _, pairs: __, counts: ___, attributes: ____, ...restExpected } = expected;
      expect(rest).toEqual(restExpected);
    }
  });

  it.each([1, 2, 3])("goes on after a kill at batch %i, and ends in the same bytes", async (batches) => {
    const path = newPath();
    await killed(path, batches);
    expect(contents(dirname(path))).toEqual(["part.h5.partial"]);
    expect(contents(`${path}.partial`)).toEqual(["checkpoint.json", "histograms.h5"]);
    const { pairs, resumed, finishedBefore } = await write(path, OFTEN);
    expect({ pairs, finishedBefore }).toEqual({ pairs: PAIRS, finishedBefore: false });
    if (batches === 1) expect(resumed).toBe(BATCH);
    if (resumed < PAIRS) expect(resumed % BATCH).toBe(0);
    expect(resumed).toBeGreaterThan(0);
    expectWhole(path);
    expect(contents(dirname(path))).toEqual(["part.h5"]);
  });

  it("goes on again and again, and with less or more memory", async () => {
    const store = join(testFolder(), "wide.cnnc.h5");
    const source = await openExpression(DATA);
    await writePrepared(store, source, await source.build({ threads: 1 }));
    source.close();
    const whole = newPath();
    await write(whole, {}, { data: store });
    const path = newPath();
    // A gene takes 542 bytes at most, and all of them 100,000.
    const inParts: Variant = { data: store, session: { memory: { bytes: 60_000 } } };
    await killed(path, 1, inParts);
    await killed(path, 1, { data: store });
    const { resumed } = await write(path, OFTEN, inParts);
    expect(resumed).toBe(2 * BATCH);
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
  });

  it("goes on with NEPDFs, and they can be merged", async () => {
    const folder = testFolder();
    const paths = [1, 2].map((index) => join(folder, `part-${index}.h5`));
    for (const [i, path] of paths.entries()) {
      const shard = { index: i + 1, of: 2 };
      const stop = write(
        path,
        {
          ...OFTEN,
          nepdf: true,
          onProgress: () => {
            throw new Error("killed");
          },
        },
        { shard },
      );
      await expect(stop).rejects.toThrow("killed");
      expect(await write(path, { nepdf: true }, { shard })).toMatchObject({ resumed: 4096 });
    }
    await mergeHistogramShards(paths, join(folder, "merged.h5"));
    await ready;
    const file = new File(join(folder, "merged.h5"), "r");
    const merged = (file.get("nepdf") as Dataset).value as Float32Array;
    file.close();
    const session = await openSession(DATA, { kind: "all" });
    let first = 0;
    for await (const { images } of session.batches({ nepdf: true })) {
      const same = Buffer.compare(bytesOf(images), bytesOf(merged.subarray(first, first + images.length)));
      expect(same).toBe(0);
      first += images.length;
    }
    expect(first).toBe(1024 * PAIRS);
  });

  it("leaves a shard as it is that is whole, and replaces one that is not", async () => {
    const path = newPath();
    writeFileSync(path, readFileSync(WHOLE));
    mkdirSync(`${path}.partial`);
    const { ino } = statSync(path);
    const written = await write(path, OFTEN);
    expect(written).toEqual({ pairs: PAIRS, resumed: PAIRS, finishedBefore: true });
    expect(statSync(path).ino).toBe(ino);
    expect(contents(dirname(path))).toEqual(["part.h5"]);
    for (const at of [9_000_000, -100]) {
      const bytes = readFileSync(WHOLE);
      bytes[at < 0 ? bytes.length + at : at] ^= 1;
      writeFileSync(path, bytes);
      expect(await write(path, OFTEN)).toMatchObject({ resumed: 0, finishedBefore: false });
      expectWhole(path);
    }
    writeFileSync(path, "something else");
    expect(await write(path, {})).toMatchObject({ finishedBefore: false });
    const other = await write(path, {}, { shard: { index: 1, of: 2 } });
    expect(other).toMatchObject({ finishedBefore: false });
  });

  it("does not mind what a process left before its first checkpoint", async () => {
    const path = newPath();
    mkdirSync(`${path}.partial`);
    // The first page has nothing before there is all.
    const garbage = Buffer.alloc(PAIRS * 1024 + 2_000_000, 7).fill(0, 0, 4096);
    writeFileSync(join(`${path}.partial`, "histograms.h5"), garbage);
    writeFileSync(join(`${path}.partial`, "checkpoint.json.partial-1"), '{"format":1,');
    expect(await write(path, {})).toMatchObject({ resumed: 0 });
    expectWhole(path);
  });

  it("may be at work twice", async () => {
    const path = newPath();
    await killed(path, 2);
    // One saves no checkpoints: in one process they would have the same temporary name.
    const outcomes = await Promise.allSettled([write(path, OFTEN), write(path, {})]);
    expect(outcomes.map(({ status }) => status)).toContain("fulfilled");
    expectWhole(path);
  });
});

describe("a shard of histograms that was stopped", () => {
  it("is refused for another run, or another shard", async () => {
    const path = newPath();
    await killed(path, 1);
    const before = readFileSync(join(`${path}.partial`, "checkpoint.json"));
    const refused = (options: WriteShardOptions, variant?: Variant) =>
      errorOf(() => write(path, { ...OFTEN, ...options }, variant));
    const nepdf = await refused({ nepdf: true });
    expect(nepdf.code).toBe("SHARD_MISMATCH");
    expect(nepdf.message).toMatch(/part\.h5\.partial holds .* another run: content counts and nepdf\.$/);
    expect(nepdf.remedy).toMatch(/rm -r .*part\.h5\.partial/);
    const other = await refused({}, { session: { transform: "log1p" } });
    expect(other.message).toMatch(/another run: transform log10 and log1p; other genes\.$/);
    const shard = await refused({}, { shard: { index: 2, of: 2 } });
    expect(shard.message).toMatch(/: shard 1 of 1 and 2 of 2\.$/);
    expect(readFileSync(join(`${path}.partial`, "checkpoint.json")).equals(before)).toBe(true);
    expect(await write(path, OFTEN)).toMatchObject({ resumed: BATCH });
    expectWhole(path);
  });

  const checkpoint = "checkpoint.json";
  const change = (name: string, at: number) => (folder: string) => {
    const bytes = readFileSync(join(folder, name));
    bytes[at] ^= 1;
    writeFileSync(join(folder, name), bytes);
  };
  it.each<[string, (folder: string) => void]>([
    ["its checkpoint", change(checkpoint, 100)],
    ["its checkpoint, of which half is there", (folder) => truncateSync(join(folder, checkpoint), 100)],
    ["its checkpoint, which is empty", (folder) => writeFileSync(join(folder, checkpoint), "")],
    ["its images", change("histograms.h5", 5_000_000)],
    [
      "its images, of which half are there",
      (folder) => truncateSync(join(folder, "histograms.h5"), 4_000_000),
    ],
    ["its images, which are gone", (folder) => rmSync(join(folder, "histograms.h5"))],
  ])("begins again where %s is damaged, and says so", async (_, damage) => {
    const path = newPath();
    await killed(path, 1);
    damage(`${path}.partial`);
    const notices: string[] = [];
    const written = await write(path, { ...OFTEN, onNotice: (line) => notices.push(line) });
    expect(written).toMatchObject({ resumed: 0 });
    expect(notices).toEqual([`${path}.partial is damaged, so its histograms are built again.`]);
    expectWhole(path);
  });

  it("is refused when a newer version wrote it", async () => {
    const path = newPath();
    await killed(path, 1);
    const place = join(`${path}.partial`, checkpoint);
    writeFileSync(place, readFileSync(place, "utf8").replace('"format":1', '"format":2'));
    expect((await errorOf(() => write(path, OFTEN))).code).toBe("SHARD_NEWER");
  });

  it("says how far it is when it is cancelled, and leaves nothing when nothing is done", async () => {
    const path = newPath();
    const cancelled = (options: WriteShardOptions) => {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      return errorOf(() => write(path, { signal: controller.signal, onProgress, ...options }));
    };
    expect(await cancelled({})).toMatchObject({ code: "CANCELLED", remedy: "" });
    expect(contents(dirname(path))).toEqual([]);
    const error = await cancelled(OFTEN);
    expect(error.code).toBe("CANCELLED");
    // A batch may be under way when it is stopped.
    const [text, done] = /^(\d+) of 17955 pairs are done and kept in (.*)$/.exec(error.remedy) ?? [];
    expect(text).toContain(`${path}.partial: give the same command again to go on.`);
    const checking = await cancelled(OFTEN);
    expect(checking).toMatchObject({ code: "CANCELLED" });
    const { resumed } = await write(path, OFTEN);
    expect(resumed).toBe(Number(done));
    expect([BATCH, 2 * BATCH, PAIRS]).toContain(resumed);
    expectWhole(path);
  });

  it("keeps no folder when its place cannot be written to", async () => {
    const path = newPath();
    writeFileSync(`${path}.partial`, "a file of somebody");
    const error = await errorOf(() => write(path, OFTEN));
    expect(error.code).toBe("WRITE_FAILED");
    expect(contents(dirname(path))).toEqual([basename(`${path}.partial`)]);
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
