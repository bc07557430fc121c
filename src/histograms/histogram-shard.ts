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

/** The file of one shard, open. */
export interface HistogramShard extends ShardNote {
  readonly path: string;
  readonly file: Hdf5File;
  readonly count: number;
  readonly nepdf: boolean;
  readonly hasLabels: boolean;
}

export const shardNote = (note: ShardNote): string => JSON.stringify({ format: FORMAT_VERSION, ...note });

type Bytes = Pick<Uint8Array, "buffer" | "byteOffset" | "byteLength">;

/** Sums up what passes through. */
export function shardSums() {
  const sums = { images: 0, pairs: 0, labels: 0 };
  const through =
    (name: keyof ShardSums) =>
    <T extends Bytes>(values: T): T => {
      sums[name] = crc32(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), sums[name]);
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
 * Opens a file that writeHistogramsHdf5 wrote of a shard; its content is not checked yet.
 *
 * @throws CnncError of openHdf5; `NOT_A_SHARD`, `SHARD_NEWER`, `SHARD_DAMAGED`
 */
export async function openHistogramShard(path: string): Promise<HistogramShard> {
  const file = await openHdf5(path);
  try {
    const text = (await file.node("/"))?.attributes.shard;
    if (typeof text !== "string") throw notAShard(path);
    const note = parseNote(path, text);
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
    return { ...note, path, file, count: to - from, nepdf, hasLabels: labels !== undefined };
  } catch (error) {
    file.close();
    throw error;
  }
}

function parseNote(path: string, text: string): ShardNote {
  let note: ShardNote & { readonly format: number };
  try {
    note = JSON.parse(text);
  } catch (cause) {
    throw damagedShard(path, { cause });
  }
  if (note.format > FORMAT_VERSION) throw newerShard(path, note.format, FORMAT_VERSION);
  return note;
}
