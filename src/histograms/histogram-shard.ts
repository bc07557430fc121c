import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { type Hdf5File, openHdf5 } from "../io/hdf5-file.js";
import type { DatasetNode } from "../io/hdf5-node.js";
import {
  damagedShard,
  newerShard,
  notAShard,
  type RunFacts,
  type Shard,
  shardRange,
} from "../pairs/index.js";
import { throwIfAborted } from "../progress.js";

const FORMAT_VERSION = 1;

/** CRC-32 of all that a shard adds to the file of the whole. */
export interface ShardSums {
  readonly images: number;
  readonly pairs: number;
  readonly labels: number;
}

/** What the attribute `shard` of a file of histograms says, as JSON. */
export interface ShardNote {
  readonly shard: Shard;
  readonly run: RunFacts;
  /** Of all shards together. */
  readonly pairs: number;
  /** The attributes of the file of the whole. */
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly sums: ShardSums;
}

/** The file of one shard. */
export interface HistogramShard extends ShardNote {
  readonly path: string;
  /** Pairs in it. */
  readonly count: number;
  readonly nepdf: boolean;
  readonly hasLabels: boolean;
}

export const shardNote = (note: ShardNote): string => sealed(note);

/** A note as JSON, with a sum that tells whether it is whole. */
export const sealed = (note: object): string =>
  JSON.stringify({ format: FORMAT_VERSION, sum: sumOf(note), note } satisfies SealedNote);

interface SealedNote {
  readonly format: number;
  /** CRC-32 of the note, as JSON. */
  readonly sum: number;
  readonly note: unknown;
}

const sumOf = (note: unknown): number => crc32(JSON.stringify(note ?? null));

/** CRC-32 of an array's bytes, after others whose sum is `before`. */
export const crcOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView, before: number): number =>
  crc32(new Uint8Array(buffer, byteOffset, byteLength), before);

/** Bytes read at a time. */
const BLOCK_BYTES = 1 << 24;

/**
 * CRC-32 of some bytes of a file.
 *
 * @param onBytes is told how many have been read
 * @throws CnncError `SHARD_DAMAGED` where the file ends before, `CANCELLED`
 */
export async function sumInFile(
  path: string,
  from: number,
  length: number,
  signal?: AbortSignal,
  onBytes?: (bytes: number) => void,
): Promise<number> {
  const file = await open(path).catch((cause: unknown) => {
    throw damagedShard(path, { cause });
  });
  const block = Buffer.alloc(Math.min(BLOCK_BYTES, length));
  let sum = 0;
  try {
    for (let done = 0; done < length; ) {
      throwIfAborted(signal);
      const { bytesRead } = await file.read(block, 0, Math.min(block.length, length - done), from + done);
      if (bytesRead === 0) throw damagedShard(path);
      sum = crcOf(block.subarray(0, bytesRead), sum);
      done += bytesRead;
      onBytes?.(done);
    }
  } finally {
    await file.close();
  }
  return sum;
}

/** Sums up what passes through. */
export function shardSums() {
  const sums = { images: 0, pairs: 0, labels: 0 };
  const through =
    (name: keyof ShardSums) =>
    <T extends ArrayBufferView>(values: T): T => {
      sums[name] = crcOf(values, sums[name]);
      return values;
    };
  return {
    images: through("images"),
    pairs: through("pairs"),
    labels: through("labels"),
    result: (): ShardSums => ({ ...sums }),
  };
}

/**
 * Reads what a file that writeHistogramShard wrote says of itself; its content is not checked yet.
 *
 * @throws CnncError of openHdf5; `NOT_A_SHARD`, `SHARD_NEWER`, `SHARD_DAMAGED`
 */
export const readHistogramShard = (path: string): Promise<HistogramShard> =>
  withHdf5(path, async (file) => {
    const text = (await file.node("/"))?.attributes.shard;
    if (typeof text !== "string") throw notAShard(path);
    const note = unsealed<ShardNote>(path, text);
    const { from, to } = shardRange(note.pairs, note.shard);
    const nepdf = note.attributes.kind === "nepdf";
    const rows = async (name: string) => {
      const node = await file.node(name);
      return node?.kind === "dataset" ? node : undefined;
    };
    const images = await rows(nepdf ? "nepdf" : "counts");
    const pairs = await rows("pairs");
    const labels = await rows("labels");
    const fits = (node: DatasetNode | undefined) => node?.shape?.[0] === to - from;
    if (!fits(images) || !fits(pairs) || (labels && !fits(labels))) throw damagedShard(path);
    return { ...note, path, count: to - from, nepdf, hasLabels: labels !== undefined };
  });

/** Opens an HDF5 file for as long as it is used: its reading threads take memory. */
export async function withHdf5<T>(path: string, use: (file: Hdf5File) => Promise<T>): Promise<T> {
  const file = await openHdf5(path);
  try {
    return await use(file);
  } finally {
    file.close();
  }
}

/**
 * The note that was sealed.
 *
 * @param path where it stands
 * @throws CnncError `SHARD_NEWER`, `SHARD_DAMAGED`
 */
export function unsealed<Note extends object>(path: string, text: string): Note {
  let stored: Partial<SealedNote> | null;
  try {
    stored = JSON.parse(text);
  } catch (cause) {
    throw damagedShard(path, { cause });
  }
  const { format, sum, note } = stored ?? {};
  if (typeof format === "number" && format > FORMAT_VERSION) throw newerShard(path, format, FORMAT_VERSION);
  if (format !== FORMAT_VERSION || note === undefined || sumOf(note) !== sum) throw damagedShard(path);
  return note as Note;
}
