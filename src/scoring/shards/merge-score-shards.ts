import { wholeSet } from "../../pairs/index.js";
import type { ProgressListener } from "../../progress.js";
import { mergeRuns } from "../external-sort-merge.js";
import { type RankedBatch, recordCoder } from "../ranked-records.js";
import { openScoreShard, type ScoreShard, type ShardHead } from "./score-shard-file.js";

export interface MergeShardsOptions {
  /** Bytes for blocks of the shards. Default 32 MiB. */
  readonly memoryBudget?: number;
  /** Folder for temporary files, which hundreds of shards need. */
  readonly temporaryFolder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/** The ranking of a whole run. */
export interface MergedShards
  extends Pick<ShardHead, "cnnc" | "run" | "pairs" | "names" | "columns" | "main" | "directed"> {
  readonly shards: number;
  /** Pairs of all shards that are marked in the column that was counted. */
  readonly marked: number;
  /** Pairs of the ranking. */
  readonly kept: number;
  /** As rankPairs gives it for all pairs at once. */
  readonly ranking: AsyncGenerator<RankedBatch, void, void>;
}

const DEFAULT_MEMORY_BUDGET = 32 * 2 ** 20;

/**
 * Checks that files are all shards of one run, undamaged, and puts their pairs together into one ranking.
 *
 * @throws CnncError of wholeSet and openRecordFile; `CANCELLED`; the ranking also `DISK_FULL`, `WRITE_FAILED`
 */
export async function mergeScoreShards(
  paths: readonly string[],
  options: MergeShardsOptions,
): Promise<MergedShards> {
  const { shards, names } = await openAll(paths);
  await verifyAll(shards, options);
  const { cnnc, run, pairs, columns, main, directed, top } = shards[0].head;
  const all = shards.reduce((sum, { head }) => sum + head.records, 0);
  return {
    ...{ cnnc, run, pairs, names, columns, main, directed },
    shards: shards.length,
    marked: shards.reduce((sum, { head }) => sum + head.marked, 0),
    kept: Math.min(all, top ?? all),
    ranking: ranked(shards, names, options),
  };
}

/** All shards of one run, in order. The names of the genes are the same in all, and kept once: they take megabytes. */
async function openAll(paths: readonly string[]) {
  const opened: ScoreShard[] = [];
  let names: readonly string[] = [];
  for (const path of paths) {
    const shard = await openScoreShard(path);
    if (opened.length === 0) ({ names } = shard.head);
    opened.push({ ...shard, head: { ...shard.head, names: [] } });
  }
  return { shards: wholeSet(opened), names };
}

async function verifyAll(shards: readonly ScoreShard[], { signal, onProgress }: MergeShardsOptions) {
  const total = shards.reduce((sum, { words }) => sum + 4 * words, 0);
  let done = 0;
  for (const shard of shards) {
    await shard.verify(signal, (bytes) => {
      done += bytes;
      onProgress?.({ phase: "Checking shards", done, total, unit: "bytes" });
    });
  }
}

async function* ranked(
  shards: readonly ScoreShard[],
  names: readonly string[],
  { memoryBudget = DEFAULT_MEMORY_BUDGET, temporaryFolder, signal, onProgress }: MergeShardsOptions,
): AsyncGenerator<RankedBatch, void, void> {
  const { columns, main, top } = shards[0].head;
  const coder = recordCoder({ names, columns: columns.length, main });
  const blocks = mergeRuns(shards, {
    words: coder.words,
    buffer: new Uint32Array(Math.max(memoryBudget >> 2, 2 * coder.words)),
    folder: temporaryFolder,
    ...(top !== undefined && { limit: top }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  let rank = 0;
  for await (const block of blocks) {
    const batch = coder.decode(block, rank);
    rank += batch.a.length;
    yield batch;
  }
}
