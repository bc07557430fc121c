import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { countArray, type HistogramBatch, histogramBatches } from "../../dist/histograms/index.js";
import { addon } from "../../dist/native/addon.js";
import { listSource } from "../../dist/pairs/index.js";
import { errorOf } from "../support/errors.js";
import { allImages, openSession } from "../support/sessions.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));

afterEach(() => vi.restoreAllMocks());

describe("histogramBatches", () => {
  it("covers all pairs in order, whatever the batch size", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const [whole] = session.source.batches(session.source.count);
    for (const batchSize of [1, 7, 435, 4096]) {
      let next = 0;
      for await (const { first, a, b, images } of session.batches({ batchSize })) {
        expect(first).toBe(next);
        expect(a.length).toBe(Math.min(batchSize, 435 - first));
        expect(images.length).toBe(1024 * a.length);
        next += a.length;
        expect([...a]).toEqual([...whole.a.subarray(first, next)]);
        expect([...b]).toEqual([...whole.b.subarray(first, next)]);
      }
      expect(next).toBe(435);
    }
  });

  it("gives the same bytes for any number of threads and any batch size", async () => {
    const reference = await allImages(await openSession(DATA, { kind: "all" }, { threads: 1 }));
    for (const threads of [2, 3]) {
      const session = await openSession(DATA, { kind: "all" }, { threads });
      for (const batchSize of [1, 7, 4096]) {
        expect(equal(await allImages(session, { batchSize }), reference)).toBe(true);
      }
    }
  });

  it("turns (a, b) into (b, a) by transposing; margins and sums are those of the genes", async () => {
    const { store } = await openSession(DATA, { kind: "all" });
    const genes = store.geneNames.length;
    const pairs = Array.from({ length: genes * genes }, (_, i) => [Math.floor(i / genes), i % genes]);
    const source = listSource(
      Uint32Array.from(pairs, ([a]) => a),
      Uint32Array.from(pairs, ([, b]) => b),
    );
    const [batch] = await collect(histogramBatches(store, source, { device: "cpu", threads: 2 }));
    const image = (a: number, b: number) => [
      ...batch.images.subarray(1024 * (a * genes + b), 1024 * (a * genes + b + 1)),
    ];
    const marginal = (gene: number) => [...store.marginal.subarray(32 * gene, 32 * gene + 32)];
    for (const [a, b] of pairs) {
      const found = image(a, b);
      const mirror = image(b, a);
      const rows = Array.from({ length: 32 }, (_, row) => found.slice(32 * row, 32 * row + 32));
      expect(rows.map(sum)).toEqual(marginal(b));
      expect(rows[0].map((_, column) => sum(rows.map((row) => row[column])))).toEqual(marginal(a));
      expect(mirror.every((count, i) => count === rows[i % 32][i >> 5])).toBe(true);
      expect(sum(found)).toBe(300);
    }
  });

  it("gives every batch arrays of its own", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const batches = await collect(session.batches({ batchSize: 10 }));
    const whole = await allImages(session);
    expect(
      equal(
        batches.flatMap(({ images }) => [...images]),
        whole,
      ),
    ).toBe(true);
  });

  it.each([
    [255, Uint8Array],
    [256, Uint16Array],
    [65_535, Uint16Array],
    [65_536, Uint32Array],
  ])("counts %d cells in the smallest type", (cells, Type) => {
    expect(countArray(cells, 1)).toBeInstanceOf(Type);
  });
});

describe("histogramBatches, when it does not run to its end", () => {
  it("waits for the native code when the consumer stops", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const work = watchNativeWork();
    for await (const { first } of session.batches({ batchSize: 50 })) if (first === 50) break;
    expect(work).toEqual({ begun: 3, running: 0 });
  });

  it("waits for the native code when the consumer fails", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const work = watchNativeWork();
    const consume = async () => {
      for await (const _ of session.batches({ batchSize: 50 })) throw new Error("the consumer's own");
    };
    await expect(consume()).rejects.toThrow("the consumer's own");
    expect(work).toEqual({ begun: 2, running: 0 });
  });

  it("reports a native failure in the batch it belongs to", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const build = addon().buildHistograms;
    let calls = 0;
    vi.spyOn(addon(), "buildHistograms").mockImplementation(async (...args) => {
      if (++calls === 3) throw Object.assign(new Error("no memory on the GPU"), { code: "GPU_MEMORY" });
      return build(...args);
    });
    const firsts: number[] = [];
    const error = await errorOf(async () => {
      for await (const { first } of session.batches({ batchSize: 50 })) firsts.push(first);
    });
    expect(error).toMatchObject({ code: "GPU_MEMORY", message: "Histograms: no memory on the GPU." });
    expect(firsts).toEqual([0, 50]);
  });

  it("stops within the batches when it is aborted", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const controller = new AbortController();
    const work = watchNativeWork();
    const error = await errorOf(async () => {
      for await (const { first } of session.batches({ batchSize: 50, signal: controller.signal })) {
        if (first === 50) controller.abort();
      }
    });
    expect(error.code).toBe("CANCELLED");
    expect(work.running).toBe(0);
    expect(work.begun).toBeLessThan(9);
  });

  it("does nothing when it was aborted before, and gives the reason", async () => {
    const session = await openSession(DATA, { kind: "all" });
    const work = watchNativeWork();
    const reason = new CnncError("TIMED_OUT", "It took too long.");
    expect(await errorOf(() => allImages(session, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(work.begun).toBe(0);
  });
});

/** Counts the calls of the native engine that have begun, and those that have not ended. */
function watchNativeWork(): { begun: number; running: number } {
  const work = { begun: 0, running: 0 };
  const build = addon().buildHistograms;
  vi.spyOn(addon(), "buildHistograms").mockImplementation(async (...args) => {
    work.begun++;
    work.running++;
    await build(...args).finally(() => work.running--);
  });
  return work;
}

async function collect(batches: AsyncIterable<HistogramBatch>): Promise<HistogramBatch[]> {
  const all: HistogramBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Far faster than a deep comparison, and a difference needs no listing of half a million numbers. */
const equal = (found: readonly number[], expected: readonly number[]) =>
  found.length === expected.length && found.every((value, i) => value === expected[i]);
