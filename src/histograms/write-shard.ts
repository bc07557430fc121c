import { constants } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { CnncError } from "../errors.js";
import {
  fixedText,
  guardWrites,
  type PlacedArray,
  type PlainType,
  placeArrays,
  writeAll,
  writePlainHdf5,
} from "../io/index.js";
import {
  type PairRange,
  partialFolder,
  type RunFacts,
  type Shard,
  type ShardIdentity,
  shardRange,
  stoppedShard,
} from "../pairs/index.js";
import { throwIfAborted } from "../progress.js";
import { countArray } from "./batches.js";
import { isWritten } from "./finished-shard.js";
import { crcOf, type ShardSums, shardNote, shardSums } from "./histogram-shard.js";
import { provenance } from "./provenance.js";
import type { HistogramSession } from "./session.js";
import { sessionFacts } from "./session-facts.js";
import {
  type Checkpointing,
  checkpointing,
  type DoneImages,
  doneBefore,
  hasCheckpoint,
  NOTHING_DONE,
  type PartialShard,
  partialShard,
  removeUnsaved,
  saveCheckpoint,
} from "./shard-checkpoint.js";
import { batchSizeOf, interleave, type WriteOptions } from "./write-hdf5.js";

export interface WriteShardOptions extends WriteOptions {
  /** Work that a kill can cost at most. Default 30. */
  readonly checkpointSeconds?: number;
  /** Is told in a sentence of what is damaged and done again. */
  readonly onNotice?: (line: string) => void;
}

export interface WrittenShard {
  /** Pairs of the shard. */
  readonly pairs: number;
  /** How many of them had their histograms built by earlier processes. */
  readonly resumed: number;
  /** What was done before this call was all. */
  readonly finishedBefore: boolean;
}

const DEFAULT_CHECKPOINT_SECONDS = 30;

/**
 * Writes the histograms of one part of a session's pairs into a file for mergeHistogramShards, with the datasets and
 * attributes of writeHistogramsHdf5 and an attribute `shard`; see histogram-shard.ts. Arrays are contiguous, so that
 * each image has its place from the start.
 *
 * What is done is kept in the folder `PATH.partial` and not done again when a killed process is started once more;
 * which process did what makes no difference to the file. A file that is there already for the same shard of the same
 * run is left as it is. Like other outputs it is not waited for on its way to the disk: what a machine that loses power
 * spoils, mergeHistogramShards refuses.
 *
 * @throws CnncError `SHARD_MISMATCH` when the folder has work for something else; `CANCELLED`, `DISK_FULL`,
 *   `WRITE_FAILED`; whatever the session's batches throw. What is done is kept then.
 */
export async function writeHistogramShard(
  session: HistogramSession,
  path: string,
  shard: Shard,
  options: WriteShardOptions = {},
): Promise<WrittenShard> {
  const range = shardRange(session.source.count, shard);
  const pairs = range.to - range.from;
  const partial = partialShard(partialFolder(path));
  const failed = new AbortController();
  const facts = shardFacts(session, shard, options, failed.signal);
  // Its failure is reported where it is awaited.
  facts.catch(() => {});
  try {
    if (await isWritten(path, facts, options.signal)) {
      // A process may have been killed between naming the file and tidying up.
      await rm(partial.folder, { recursive: true, force: true });
      return { pairs, resumed: pairs, finishedBefore: true };
    }
    await guardWrites(partial.folder, () => mkdir(partial.folder, { recursive: true }));
    const resumed = await writePartial({ session, path, range, facts, partial, options });
    await guardWrites(path, () => rename(partial.data, path));
    // The shard is whole. Another process at the same one may be writing a checkpoint, and will find that out.
    await rm(partial.folder, { recursive: true, force: true }).catch(() => {});
    return { pairs, resumed, finishedBefore: false };
  } catch (error) {
    failed.abort();
    if (!(await hasCheckpoint(partial))) await removeUnsaved(partial);
    throw error;
  }
}

/** What is known only when the source has been read, which goes on while histograms are built. */
interface ShardFacts extends ShardIdentity {
  /** Of the file of the whole. */
  readonly attributes: Readonly<Record<string, string | number>>;
}

async function shardFacts(
  session: HistogramSession,
  shard: Shard,
  { nepdf, signal }: WriteShardOptions,
  failed: AbortSignal,
): Promise<ShardFacts> {
  const stop = AbortSignal.any([failed, ...(signal ? [signal] : [])]);
  const kind = nepdf ? "nepdf" : "counts";
  const attributes = { ...provenance(session, await session.selection.origin(stop)), kind };
  const run: RunFacts = { ...(await sessionFacts(session, stop)), content: kind };
  return { shard, run, attributes };
}

interface Writing {
  readonly session: HistogramSession;
  readonly path: string;
  readonly range: PairRange;
  readonly facts: Promise<ShardFacts>;
  readonly partial: PartialShard;
  readonly options: WriteShardOptions;
}

/** @returns how many images were there */
async function writePartial(writing: Writing): Promise<number> {
  const { session, path, range, facts, partial, options } = writing;
  const pairs = range.to - range.from;
  const arrays = shardArrays(session, pairs, options.nepdf);
  const isBegun = await hasCheckpoint(partial);
  const before = isBegun ? await doneBefore(partial, await facts, imagesOf(arrays), options) : NOTHING_DONE;
  let saved = before;
  // What is there stays: another process at the same shard may be writing the same bytes.
  const file = await guardWrites(path, () => open(partial.data, constants.O_RDWR | constants.O_CREAT));
  const checkpoints = checkpointing(
    options.checkpointSeconds ?? DEFAULT_CHECKPOINT_SECONDS,
    async (done: DoneImages) => {
      await guardWrites(path, () => file.datasync());
      await saveCheckpoint(partial, await facts, done);
      saved = done;
    },
  );
  try {
    const sums = await writeGenesAndPairs(file, arrays, writing);
    const { sum } = await writeImages(file, imagesOf(arrays), before, writing, checkpoints);
    await checkpoints.settle();
    // Whoever stopped the writing in its last moment wants no file either.
    throwIfAborted(options.signal);
    const { shard, run, attributes } = await facts;
    const note = { shard, run, pairs: session.source.count, attributes, sums: { ...sums, images: sum } };
    await guardWrites(path, async () => {
      const end = await writePlainHdf5(file, arrays, { ...attributes, shard: shardNote(note) });
      await file.truncate(end);
    });
    return before.pairs;
  } catch (error) {
    await checkpoints.settle();
    if (!(error instanceof CnncError) || error.code !== "CANCELLED") throw error;
    throw stoppedShard(partial.folder, { done: saved.pairs, pairs }, error);
  } finally {
    await file.close();
  }
}

/** Images last: all others have their final bytes from the start. */
function shardArrays({ store, labels }: HistogramSession, pairs: number, nepdf = false): PlacedArray[] {
  const genes = store.geneNames.length;
  // At least 1: HDF5 has no text of no bytes.
  const nameBytes = store.geneNames.reduce((most, name) => Math.max(most, Buffer.byteLength(name)), 1);
  const itemBits = 8 * countArray(store.cells, 0).BYTES_PER_ELEMENT;
  return placeArrays([
    { name: "genes", type: { text: nameBytes }, shape: [genes] },
    { name: "edges", type: "float64", shape: [genes, 33] },
    { name: "expressing", type: "uint32", shape: [genes] },
    ...(labels ? [{ name: "labels", type: "int32", shape: [pairs] } as const] : []),
    { name: "pairs", type: "uint32", shape: [pairs, 2] },
    nepdf
      ? { name: "nepdf", type: "float32", shape: [pairs, 32, 32] }
      : { name: "counts", type: `uint${itemBits}` as PlainType, shape: [pairs, 32, 32] },
  ]);
}

const imagesOf = (arrays: readonly PlacedArray[]): PlacedArray => arrays[arrays.length - 1];

/** Writes all but the images, also what is there already. */
async function writeGenesAndPairs(
  file: FileHandle,
  arrays: readonly PlacedArray[],
  { session, path, range, options: { signal } }: Writing,
): Promise<Omit<ShardSums, "images">> {
  const { store, source, labels } = session;
  const sums = shardSums();
  for (const [i, { name, type, at, bytes }] of arrays.slice(0, -1).entries()) {
    let end = at;
    const append = async (data: ArrayBufferView) => {
      await guardWrites(path, () => writeAll(file, bytesOf(data), end));
      end += data.byteLength;
    };
    if (name === "genes" && typeof type === "object") {
      await append(
        fixedText(
          store.geneNames.map((gene) => Buffer.from(gene)),
          type.text,
        ),
      );
    }
    if (name === "edges") await append(store.edges);
    if (name === "expressing") await append(store.expressing);
    if (name === "labels" && labels) await append(sums.labels(labels.subarray(range.from, range.to)));
    if (name === "pairs") {
      for (const { a, b } of source.batches(1 << 16, range.from, range.to)) {
        throwIfAborted(signal);
        await append(sums.pairs(interleave(a, b)));
      }
    }
    // Another run may have left something there.
    await append(Buffer.alloc(arrays[i + 1].at - at - bytes));
  }
  return sums.result();
}

/** Writes the images after those that are there. */
async function writeImages(
  file: FileHandle,
  { at, bytes, shape: [pairs] }: PlacedArray,
  before: DoneImages,
  { session, path, range, partial, options }: Writing,
  checkpoints: Checkpointing,
): Promise<DoneImages> {
  const { nepdf = false, signal, onProgress } = options;
  let done = before;
  for await (const { images, a } of session.batches({
    nepdf,
    batchSize: batchSizeOf(nepdf),
    reuseImages: true,
    range: { from: range.from + before.pairs, to: range.to },
    temporaryFolder: partial.folder,
    ...(signal && { signal }),
  })) {
    await guardWrites(path, () => writeAll(file, bytesOf(images), at + done.pairs * (bytes / pairs)));
    done = { pairs: done.pairs + a.length, sum: crcOf(images, done.sum) };
    checkpoints.offer(done);
    onProgress?.({ phase: "Building histograms", done: done.pairs, total: pairs, unit: "pairs" });
  }
  return done;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
