import { stat } from "node:fs/promises";
import { CnncError } from "../../errors.js";
import { isSameShard, notAShard, type RunFacts, type Shard, type ShardIdentity } from "../../pairs/index.js";
import type { ScoreColumn } from "../formats.js";
import { openRecordFile, type RecordFile, type RecordHead } from "./record-file.js";

/** What the pairs of a run are, and what their scores mean. */
export interface ShardedRun {
  readonly shard: Shard;
  /** Everything that decides the scores. */
  readonly run: RunFacts;
  /** Of all shards together. */
  readonly pairs: number;
  /** Of all genes. */
  readonly names: readonly string[];
  readonly columns: readonly ScoreColumn[];
  /** Score column to rank by. */
  readonly main: number;
  /** Gene a may act on gene b, and not the other way round. */
  readonly directed: boolean;
  /** Only this many pairs, the best, are wanted in the end. Default: all. */
  readonly top?: number;
}

/** What the file of a finished shard says of itself. */
export interface ShardHead extends RecordHead, ShardedRun {
  readonly kind: "scores";
  /** Version that wrote it. */
  readonly cnnc: string;
  /** Pairs of the source that were scored here. */
  readonly from: number;
  readonly to: number;
  /** How many of them are marked in the column that is counted. */
  readonly marked: number;
}

/** The scores of one shard, sorted. */
export interface ScoreShard extends RecordFile<ShardHead> {
  readonly shard: Shard;
  readonly run: RunFacts;
}

/**
 * Opens the file of a finished shard; its records are not checked yet.
 *
 * @throws CnncError of openRecordFile
 */
export async function openScoreShard(path: string): Promise<ScoreShard> {
  const file = await openRecordFile<ShardHead>(path);
  if (file.head.kind !== "scores") throw notAShard(path);
  return { ...file, shard: file.head.shard, run: file.head.run };
}

/**
 * What a file at `path` says of itself, if it is the one that a run would write there; undefined if it is not there,
 * of something else, or damaged.
 */
export async function finishedShard(
  path: string,
  wanted: ShardIdentity,
  signal?: AbortSignal,
): Promise<ShardHead | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  try {
    const found = await openScoreShard(path);
    if (!isSameShard(found, wanted)) return undefined;
    await found.verify(signal);
    return found.head;
  } catch (error) {
    if (!(error instanceof CnncError) || error.code === "CANCELLED") throw error;
    return undefined;
  }
}
