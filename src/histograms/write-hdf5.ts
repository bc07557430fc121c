import { dirname } from "node:path";
import { createHdf5, type GrowingDataset, type Hdf5Writer, writeWhole } from "../io/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import { provenance } from "./provenance.js";
import type { HistogramSession } from "./session.js";

/** Images per HDF5 chunk: 512 KB of 16-bit counts. */
const CHUNK_IMAGES = 256;
/** Images built and written at a time: 16 MB of 16-bit counts, or of NEPDFs. Large writes are the fast ones. */
export const batchSizeOf = (nepdf: boolean): number => (nepdf ? 4096 : 8192);

export interface WriteOptions {
  /** float32 NEPDFs instead of counts. */
  readonly nepdf?: boolean;
  /** Stops the writing; that of the session unless given. */
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/**
 * Writes all histograms of a session into one HDF5 file, with bounded memory (and of a session in parts, with a
 * temporary file beside it):
 *
 * - `counts` (pairs x 32 x 32, the smallest unsigned type that holds the number of cells), or `nepdf` (float32);
 * - `genes` (names), `pairs` (pairs x 2, indices into `genes`: gene a, gene b), `labels` (int32, if any);
 * - `edges` (genes x 33, float64, in transformed units), `expressing` (genes, cells that express it);
 * - attributes that say how it was made.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`; nothing is left at `path` then.
 */
export async function writeHistogramsHdf5(
  session: HistogramSession,
  path: string,
  { nepdf = false, signal, onProgress }: WriteOptions = {},
): Promise<void> {
  const { store, source, labels } = session;
  await writeWhole(path, async (temporary) => {
    const file = await createHdf5(temporary);
    const failed = new AbortController();
    const origin = session.selection.origin(AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]));
    // Its failure is reported where it is awaited.
    origin.catch(() => {});
    try {
      file.write("genes", [...store.geneNames]);
      file.write("edges", store.edges, [store.geneNames.length, 33]);
      file.write("expressing", store.expressing);
      if (labels) file.write("labels", labels);
      const images = imagesDataset(file, nepdf);
      const pairs = pairsDataset(file);
      for await (const batch of session.batches({
        nepdf,
        batchSize: batchSizeOf(nepdf),
        reuseImages: true,
        temporaryFolder: dirname(path),
        ...(signal && { signal }),
      })) {
        images.append(batch.images);
        pairs.append(interleave(batch.a, batch.b));
        const done = batch.first + batch.a.length;
        onProgress?.({ phase: "Building histograms", done, total: source.count, unit: "pairs" });
      }
      // Whoever stopped the writing in its last moment wants no file either.
      throwIfAborted(signal);
      const attributes = { ...provenance(session, await origin), kind: nepdf ? "nepdf" : "counts" };
      for (const [name, value] of Object.entries(attributes)) file.attribute("/", name, value);
      file.finish();
    } catch (error) {
      failed.abort();
      file.abandon();
      throw error;
    }
  });
}

/** The dataset that images of pairs are appended to. */
export const imagesDataset = (file: Hdf5Writer, nepdf: boolean): GrowingDataset =>
  file.growing(nepdf ? "nepdf" : "counts", { rowShape: [32, 32], chunkRows: CHUNK_IMAGES });

/** The dataset that pairs of genes are appended to. */
export const pairsDataset = (file: Hdf5Writer): GrowingDataset =>
  file.growing("pairs", { rowShape: [2], chunkRows: 1 << 14 });

/** Genes a and b of each pair, one after the other. */
export function interleave(a: Uint32Array, b: Uint32Array): Uint32Array {
  const pairs = new Uint32Array(2 * a.length);
  for (let i = 0; i < a.length; i++) {
    pairs[2 * i] = a[i];
    pairs[2 * i + 1] = b[i];
  }
  return pairs;
}
