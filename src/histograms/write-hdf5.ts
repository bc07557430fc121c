import { dirname } from "node:path";
import { createHdf5, type GrowingDataset, type Hdf5Writer, writeWhole } from "../io/index.js";
import { type Shard, shardRange } from "../pairs/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import { imageArray } from "./batches.js";
import { shardNote, shardSums } from "./histogram-shard.js";
import { provenance } from "./provenance.js";
import type { HistogramSession } from "./session.js";
import { sessionFacts } from "./session-facts.js";

/** Images per HDF5 chunk: 512 KB of 16-bit counts. */
const CHUNK_IMAGES = 256;
/** Images built and written at a time: 16 MB of 16-bit counts, or of NEPDFs. Large writes are the fast ones. */
const BATCH_COUNTS = 8192;
const BATCH_NEPDFS = 4096;

export interface WriteOptions {
  /** float32 NEPDFs instead of counts. */
  readonly nepdf?: boolean;
  /** Only the pairs of this part, for mergeHistogramShards. */
  readonly shard?: Shard;
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
 * - attributes that say how it was made, and of a shard also `shard`; see histogram-shard.ts.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`; nothing is left at `path` then.
 */
export async function writeHistogramsHdf5(
  session: HistogramSession,
  path: string,
  { nepdf = false, shard, signal, onProgress }: WriteOptions = {},
): Promise<void> {
  const { store, source, labels } = session;
  const range = shard ? shardRange(source.count, shard) : { from: 0, to: source.count };
  const sums = shardSums();
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
      if (labels) file.write("labels", sums.labels(labels.slice(range.from, range.to)));
      const images = imagesDataset(file, nepdf);
      const pairs = pairsDataset(file);
      for await (const batch of session.batches({
        nepdf,
        batchSize: nepdf ? BATCH_NEPDFS : BATCH_COUNTS,
        reuseImages: true,
        range,
        temporaryFolder: dirname(path),
        ...(signal && { signal }),
      })) {
        images.append(shard ? sums.images(batch.images) : batch.images);
        pairs.append(sums.pairs(interleave(batch.a, batch.b)));
        const done = batch.first + batch.a.length;
        onProgress?.({ phase: "Building histograms", done, total: range.to - range.from, unit: "pairs" });
      }
      if (range.from === range.to) {
        images.append(imageArray(store.cells, 0, nepdf));
        pairs.append(new Uint32Array(0));
      }
      // Whoever stopped the writing in its last moment wants no file either.
      throwIfAborted(signal);
      const attributes = { ...provenance(session, await origin), kind: nepdf ? "nepdf" : "counts" };
      for (const [name, value] of Object.entries(attributes)) file.attribute("/", name, value);
      if (shard) {
        const run = { ...(await sessionFacts(session, signal)), content: attributes.kind };
        const note = { shard, run, pairs: source.count, attributes, sums: sums.result() };
        file.attribute("/", "shard", shardNote(note));
      }
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

function interleave(a: Uint32Array, b: Uint32Array): Uint32Array {
  const pairs = new Uint32Array(2 * a.length);
  for (let i = 0; i < a.length; i++) {
    pairs[2 * i] = a[i];
    pairs[2 * i + 1] = b[i];
  }
  return pairs;
}
