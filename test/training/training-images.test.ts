import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { CnncError } from "../../dist/errors.js";
import type { ExpressionStore } from "../../dist/expression/index.js";
import type { ImageKind } from "../../dist/model/index.js";
import { type ImageOptions, trainingImages } from "../../dist/training/training-images.js";
import { errorOf } from "../support/errors.js";
import { allImages, openSession } from "../support/sessions.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const KINDS: readonly ImageKind[] = ["nepdf", "residual", "margins"];
const UNCACHED = 0;
const CACHED = 1e9;

/** All pairs of the file, and their histograms as build-histograms makes them. */
async function everything() {
  const session = await openSession(DATA, { kind: "all" });
  const [{ a, b }] = session.source.batches(session.source.count);
  return { store: session.store, pairs: { a, b }, counts: await allImages(session) };
}

const open = (
  store: ExpressionStore,
  pairs: { a: Uint32Array; b: Uint32Array },
  cacheBytes: number,
  options: Partial<ImageOptions> = {},
) => trainingImages(store, pairs, { kinds: KINDS, device: "cpu", threads: 2, cacheBytes, ...options });

/** The image kinds by their definitions, in float64: of histogram[row = bin of b][column = bin of a]. */
function naiveImage(histogram: readonly number[], kinds: readonly ImageKind[], swapped: boolean): number[] {
  const at = (row: number, column: number) =>
    swapped ? histogram[column * 32 + row] : histogram[row * 32 + column];
  const cells = histogram.reduce((sum, count) => sum + count, 0);
  const image: number[] = [];
  for (let row = 0; row < 32; row++) {
    for (let column = 0; column < 32; column++) {
      let [ofRow, ofColumn] = [0, 0];
      for (let k = 0; k < 32; k++) {
        ofRow += at(row, k) / cells;
        ofColumn += at(k, column) / cells;
      }
      const share = at(row, column) / cells;
      const product = ofRow * ofColumn;
      const values: Record<ImageKind, number> = {
        nepdf: (Math.log10(share + 1e-4) + 4) / 4,
        residual: Math.min(3, Math.max(-3, (0.5 * (share - product)) / Math.sqrt(product + 1 / cells))),
        margins: (Math.log10(product + 1e-4) + 4) / 4,
      };
      for (const kind of kinds) image.push(values[kind]);
    }
  }
  return image;
}

const largestDifference = (one: ArrayLike<number>, other: ArrayLike<number>) =>
  Array.from(one).reduce((most, value, i) => Math.max(most, Math.abs(value - other[i])), 0);

const ROWS = Uint32Array.of(3, 200, 3, 434, 0);
const SWAPPED = Uint8Array.of(0, 1, 1, 0, 1);

describe.each([
  ["in memory", CACHED],
  ["built anew", UNCACHED],
])("images %s", (_, cacheBytes) => {
  it.each<{ kinds: readonly ImageKind[] }>([
    { kinds: KINDS },
    { kinds: ["nepdf"] },
    { kinds: ["residual"] },
    { kinds: ["margins", "residual"] },
  ])("are $kinds as defined", async ({ kinds }) => {
    const { store, pairs, counts } = await everything();
    const images = await open(store, pairs, cacheBytes, { kinds });
    expect(images.counts !== undefined).toBe(cacheBytes === CACHED);
    const given = await images.images(ROWS, SWAPPED);
    const expected = Array.from(ROWS, (row, i) =>
      naiveImage(counts.slice(1024 * row, 1024 * (row + 1)), kinds, SWAPPED[i] === 1),
    ).flat();
    expect(given).toHaveLength(expected.length);
    expect(largestDifference(given, expected)).toBeLessThan(1e-6);
    expect(largestDifference(given, new Float32Array(given.length))).toBeGreaterThan(0.01);
  });

  it("of a swapped pair are those of the pair listed the other way round", async () => {
    const { store, pairs } = await everything();
    const rows = Uint32Array.from(pairs.a.keys());
    const images = await open(store, pairs, cacheBytes);
    const mirrors = await open(store, { a: pairs.b, b: pairs.a }, cacheBytes);
    const swapped = await images.images(rows, new Uint8Array(rows.length).fill(1));
    expect(
      Buffer.compare(bytes(swapped), bytes(await mirrors.images(rows, new Uint8Array(rows.length)))),
    ).toBe(0);
  });
});

const bytes = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe("trainingImages", () => {
  it("gives the same bits from memory, built anew, and with any number of threads", async () => {
    const { store, pairs } = await everything();
    const [cached, anew, other] = await Promise.all([
      open(store, pairs, CACHED),
      open(store, pairs, UNCACHED),
      open(store, pairs, UNCACHED, { threads: 1 }),
    ]);
    const expected = await cached.images(ROWS, SWAPPED);
    expect(await anew.images(ROWS, SWAPPED)).toEqual(expected);
    expect(await other.images(ROWS, SWAPPED)).toEqual(expected);
  });

  it("keeps histograms where they just fit the budget", async () => {
    const { store, pairs } = await everything();
    // The fixture has more than 255 and less than 65,536 cells: two bytes a count.
    const needed = pairs.a.length * 1024 * 2;
    expect((await open(store, pairs, needed)).counts).toBeDefined();
    expect((await open(store, pairs, needed - 1)).counts).toBeUndefined();
  });

  it("tells how far it is, and can be stopped", async () => {
    const { store, pairs } = await everything();
    const onProgress = vi.fn();
    await open(store, pairs, CACHED, { onProgress });
    expect(onProgress).toHaveBeenLastCalledWith(
      expect.objectContaining({ done: pairs.a.length, total: pairs.a.length }),
    );
    const signal = AbortSignal.abort(new CnncError("CANCELLED", "Stopped."));
    expect((await errorOf(() => open(store, pairs, CACHED, { signal }))).code).toBe("CANCELLED");
    const anew = await open(store, pairs, UNCACHED, { signal });
    expect((await errorOf(() => anew.images(ROWS, SWAPPED))).code).toBe("CANCELLED");
  });
});
