import type { ExpressionStore } from "../expression/index.js";
import { countArray, fillHistograms, IMAGE_SIZE } from "../histograms/index.js";
import type { ImageKind } from "../model/index.js";
import { addon } from "../native/addon.js";
import type { CountArray } from "../native/addon-types.js";
import type { Device } from "../native/device.js";
import type { ProgressListener } from "../progress.js";

export interface ImageOptions {
  readonly kinds: readonly ImageKind[];
  readonly device: Device;
  readonly threads: number;
  /** Histograms are kept in memory if they all fit in so many bytes, else built anew for every batch. */
  readonly cacheBytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** The network's input for some of a list of pairs. */
export interface TrainingImages {
  /** All histograms, where they are in memory. */
  readonly counts?: CountArray;
  /**
   * rows.length x 32 x 32 x kinds images.
   *
   * @param rows positions in the list of pairs
   * @param swapped 1 where the image of the swapped pair is wanted, for each of `rows`
   */
  images(rows: Uint32Array, swapped: Uint8Array): Promise<Float32Array>;
}

/** Pairs whose histograms are built in one native call. */
const BUILD_BATCH = 4096;

/**
 * Images of pairs of a store's genes, given as two columns.
 *
 * @throws CnncError of fillHistograms; so does what it returns, where histograms are not in memory.
 */
export async function trainingImages(
  store: ExpressionStore,
  pairs: { readonly a: Uint32Array; readonly b: Uint32Array },
  options: ImageOptions,
): Promise<TrainingImages> {
  const { kinds, cacheBytes, onProgress } = options;
  const count = pairs.a.length;
  const bytesEach = countArray(store.cells, IMAGE_SIZE).byteLength;
  const toImages = (counts: CountArray, rows: Uint32Array, swapped: Uint8Array): Float32Array => {
    const images = new Float32Array(rows.length * IMAGE_SIZE * kinds.length);
    addon().buildImages(counts, store.cells, kinds, rows, swapped, images);
    return images;
  };
  if (count * bytesEach > cacheBytes) {
    return {
      images: async (rows, swapped) => {
        const counts = countArray(store.cells, rows.length * IMAGE_SIZE);
        const part = { a: rows.map((row) => pairs.a[row]), b: rows.map((row) => pairs.b[row]) };
        await fillHistograms(store, part, counts, options);
        return toImages(counts, Uint32Array.from(rows.keys()), swapped);
      },
    };
  }
  const counts = countArray(store.cells, count * IMAGE_SIZE);
  for (let first = 0; first < count; first += BUILD_BATCH) {
    const end = Math.min(count, first + BUILD_BATCH);
    const part = { a: pairs.a.subarray(first, end), b: pairs.b.subarray(first, end) };
    await fillHistograms(store, part, counts.subarray(first * IMAGE_SIZE, end * IMAGE_SIZE), options);
    onProgress?.({ phase: "Building histograms", done: end, total: count, unit: "pairs" });
  }
  return { counts, images: async (rows, swapped) => toImages(counts, rows, swapped) };
}
