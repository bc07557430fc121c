import type { ExpressionStore } from "../expression/index.js";
import { addon } from "../native/addon.js";
import type { CountArray, HistogramArray } from "../native/addon-types.js";
import type { Device } from "../native/device.js";
import { runJob } from "../native/run-job.js";
import type { PairBatch, PairSource } from "../pairs/index.js";

/** Counts per histogram: 32 x 32. */
export const IMAGE_SIZE = 32 * 32;

export interface HistogramBatch {
  /** Position of the batch's first pair in the source. */
  readonly first: number;
  /** Genes of the store, one per pair. */
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  /**
   * pairs x 32 x 32: entry 1024 k + 32 r + c is the number of cells (or the NEPDF) of pair k with gene b in
   * bin r and gene a in bin c.
   */
  readonly images: HistogramArray;
}

export interface BatchOptions {
  /** float32 NEPDFs instead of counts. Default false. */
  readonly nepdf?: boolean;
  /** Pairs per batch. Default 4096: 8 MB of 16-bit counts. */
  readonly batchSize?: number;
  /**
   * Use the memory of `images` again once the next batch is asked for, instead of allocating it for each batch.
   * Default false: every batch owns its arrays.
   */
  readonly reuseImages?: boolean;
  readonly device: Device;
  readonly threads: number;
  readonly signal?: AbortSignal;
}

/** A new array of the smallest unsigned type that counts `cells` cells. */
export function countArray(cells: number, length: number): CountArray {
  if (cells <= 0xff) return new Uint8Array(length);
  return cells <= 0xffff ? new Uint16Array(length) : new Uint32Array(length);
}

/** A new array for images of counts of `cells` cells, or of NEPDFs. */
export const imageArray = (cells: number, length: number, nepdf = false): HistogramArray =>
  nepdf ? new Float32Array(length) : countArray(cells, length);

/**
 * Histograms of all pairs of a source, in its order, batch by batch. The next batch is built while the
 * consumer works on one. Each batch owns its arrays, unless `reuseImages`.
 *
 * @param source pairs of genes of the store
 * @throws CnncError `CANCELLED`, `GPU_MEMORY`, `GPU_FAILED`, `OUT_OF_MEMORY`.
 */
export async function* histogramBatches(
  store: ExpressionStore,
  source: PairSource,
  options: BatchOptions,
): AsyncGenerator<HistogramBatch, void, void> {
  const batchSize = options.batchSize ?? 4096;
  const allocate = (length: number) => imageArray(store.cells, length, options.nepdf);
  // Two are enough: one that the consumer has, one that is being filled.
  const buffers: HistogramArray[] = [];
  let ahead: Promise<HistogramBatch> | undefined;
  try {
    for (const pairs of source.batches(batchSize)) {
      const current = ahead;
      const length = pairs.a.length * IMAGE_SIZE;
      const images = options.reuseImages
        ? (buffers.pop() ?? allocate(batchSize * IMAGE_SIZE)).subarray(0, length)
        : allocate(length);
      ahead = buildBatch(store, pairs, images, options);
      // A failure is reported when the batch is awaited, not when the one before it is being consumed.
      ahead.catch(() => {});
      if (!current) continue;
      const batch = await current;
      yield batch;
      if (options.reuseImages) buffers.push(batch.images);
    }
    if (ahead) yield await ahead;
  } finally {
    // The native code still writes into the batch: let it end before the arrays can go.
    await ahead?.catch(() => {});
  }
}

async function buildBatch(
  store: ExpressionStore,
  { first, a, b }: PairBatch,
  images: HistogramArray,
  options: BatchOptions,
): Promise<HistogramBatch> {
  await fillHistograms(store, { a, b }, images, options);
  return { first, a, b, images };
}

/**
 * Fills `images` with the histograms of some pairs, laid out as in HistogramBatch. None of the arrays may be touched
 * until the promise settles.
 *
 * @throws CnncError of histogramBatches
 */
export function fillHistograms(
  store: ExpressionStore,
  { a, b }: Pick<PairBatch, "a" | "b">,
  images: HistogramArray,
  { device, threads, signal }: Pick<BatchOptions, "device" | "threads" | "signal">,
): Promise<void> {
  return runJob("Histograms", signal, (job) =>
    addon().buildHistograms(store.native, a, b, images, device, threads, job),
  );
}
