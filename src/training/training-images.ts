import { CnncError } from "../errors.js";
import type { ExpressionStore } from "../expression/index.js";
import { countArray, IMAGE_SIZE } from "../histograms/index.js";
import type { ImageKind } from "../model/index.js";
import { addon } from "../native/addon.js";
import type { CountArray } from "../native/addon-types.js";
import type { Device } from "../native/device.js";
import { abortError, type ProgressListener, throwIfAborted } from "../progress.js";

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
  /** Whether all histograms are in memory. */
  readonly cached: boolean;
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

/** Images of pairs of a store's genes, given as two columns. */
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
      cached: false,
      images: async (rows, swapped) => {
        const counts = countArray(store.cells, rows.length * IMAGE_SIZE);
        await build(
          store,
          rows.map((row) => pairs.a[row]),
          rows.map((row) => pairs.b[row]),
          counts,
          options,
        );
        return toImages(counts, Uint32Array.from(rows.keys()), swapped);
      },
    };
  }
  const counts = countArray(store.cells, count * IMAGE_SIZE);
  for (let first = 0; first < count; first += BUILD_BATCH) {
    const end = Math.min(count, first + BUILD_BATCH);
    const part = counts.subarray(first * IMAGE_SIZE, end * IMAGE_SIZE);
    await build(store, pairs.a.subarray(first, end), pairs.b.subarray(first, end), part, options);
    onProgress?.({ phase: "Building histograms", done: end, total: count, unit: "pairs" });
  }
  return { cached: true, images: async (rows, swapped) => toImages(counts, rows, swapped) };
}

async function build(
  store: ExpressionStore,
  a: Uint32Array,
  b: Uint32Array,
  counts: CountArray,
  { device, threads, signal }: ImageOptions,
): Promise<void> {
  throwIfAborted(signal);
  const job = new (addon().Job)();
  const cancel = () => job.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    await addon().buildHistograms(store.native, a, b, counts, device, threads, job);
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    const { code, message } = error as { code?: string; message: string };
    throw code ? new CnncError(code, `Histograms: ${message}.`, "", { cause: error }) : error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}
