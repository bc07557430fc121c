import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { CnncError } from "../../errors.js";
import { guardWrites } from "../../io/index.js";
import { type PairRange, partialFolder, type RunFacts, shardRange, stoppedShard } from "../../pairs/index.js";
import type { ProgressListener } from "../../progress.js";
import { VERSION } from "../../version.js";
import { sortRecords } from "../external-sort.js";
import { mergeRuns, type SortedBlock } from "../external-sort-merge.js";
import { type LateColumn, withLateColumn } from "../late-column.js";
import { type RecordCoder, recordCoder, type ScoredBatch } from "../ranked-records.js";
import { type Checkpoints, openCheckpoints } from "./checkpoints.js";
import { writeRecordFile } from "./record-file.js";
import { finishedShard, type ShardedRun, type ShardHead } from "./score-shard-file.js";

export interface ScoreShardOptions {
  /**
   * What decides the order of the batches, by names that users understand, if it is not that of the source: work that
   * was stopped with another one cannot be gone on with.
   */
  readonly order?: RunFacts;
  /** A column that the batches lack, to be worked out for the pairs that are kept; the run's columns have it. */
  readonly late?: LateColumn;
  /** Flag column of the batches whose marks are counted. */
  readonly counted?: number;
  /** Bytes to sort in. Default 32 MiB. */
  readonly memoryBudget?: number;
  /** Work that a kill can cost at most. Default 30. */
  readonly checkpointSeconds?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  readonly onNotice?: (line: string) => void;
}

export interface ShardOutcome {
  /** Pairs of the shard. */
  readonly pairs: number;
  /** How many of them had been scored by earlier processes. */
  readonly resumed: number;
  /** How many the file holds. */
  readonly kept: number;
  /** How many of them are marked in the column that is counted. */
  readonly marked: number;
  /** What was done before this call was all. */
  readonly finishedBefore: boolean;
}

const DEFAULT_MEMORY_BUDGET = 32 * 2 ** 20;
const DEFAULT_CHECKPOINT_SECONDS = 30;
/** Pairs after which there is a checkpoint in any case: these are sorted in memory. */
const CHECKPOINT_PAIRS = 1 << 19;

/**
 * Scores the pairs of one shard and writes them, sorted, to a file for mergeScoreShards. What is done is kept in the
 * folder `PATH.partial` and not done again when a killed process is started once more; which process did what makes
 * no difference to the file. A file that is there already for the same shard of the same run is left as it is.
 *
 * @param batches scores of the pairs of a range, but for those done, which are the first so many; in the source's order
 *   or in any other that depends on nothing but the range and `order`
 * @throws CnncError `SHARD_MISMATCH` when the folder has work for something else; `CANCELLED`, `DISK_FULL`,
 *   `WRITE_FAILED`, `SCORE_NOT_A_NUMBER`; whatever `batches` throws. What is done is kept then.
 */
export async function scoreShard(
  path: string,
  run: ShardedRun,
  batches: (range: PairRange, done: number) => AsyncIterable<ScoredBatch>,
  options: ScoreShardOptions = {},
): Promise<ShardOutcome> {
  const { signal, memoryBudget = DEFAULT_MEMORY_BUDGET } = options;
  const range = shardRange(run.pairs, run.shard);
  const pairs = range.to - range.from;
  const finished = await finishedShard(path, run, signal);
  const identity = { shard: run.shard, run: { ...run.run, ...options.order }, range };
  const checkpoints = await openCheckpoints(partialFolder(path), identity, options);
  if (finished !== undefined) {
    // A process may have been killed between naming the file and tidying up.
    await checkpoints.remove();
    const { records, marked } = finished;
    return { pairs, resumed: pairs, kept: records, marked, finishedBefore: true };
  }
  const { late } = options;
  const wholeCoder = recordCoder({ ...run, columns: run.columns.length });
  const coder = late ? recordCoder({ ...run, columns: run.columns.length - 1 }) : wholeCoder;
  const reached = () => checkpoints.done.at(-1)?.head.to ?? range.from;
  const resumed = reached() - range.from;
  // In that folder, so that what a killed process leaves of it goes in the end.
  const whole = join(checkpoints.folder, `whole-${process.pid}`);
  try {
    if (reached() < range.to) {
      const rest = batches(range, resumed);
      await scoreRest(rest, run, coder, checkpoints, range, options);
    }
    const marked = checkpoints.done.reduce((sum, { head }) => sum + head.marked, 0);
    const sorted = checkpoints.done.reduce((sum, { head }) => sum + head.records, 0);
    const kept = Math.min(sorted, run.top ?? sorted);
    const head: ShardHead = {
      kind: "scores",
      cnnc: VERSION,
      ...identityOf(run),
      ...range,
      marked,
      words: wholeCoder.words,
      records: kept,
    };
    const merged = mergeRuns(checkpoints.done, {
      words: coder.words,
      buffer: new Uint32Array(Math.max(memoryBudget >> 2, 2 * coder.words)),
      folder: checkpoints.folder,
      ...(run.top !== undefined && { limit: run.top }),
      ...(signal && { signal }),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    const blocks = late ? completed(merged, coder, wholeCoder, late, options) : merged;
    await writeRecordFile(whole, head, watched(blocks, wholeCoder.words, options.onProgress));
    await guardWrites(path, () => rename(whole, path));
    // The shard is whole. Another process at the same one may be writing checkpoints, and will find that out.
    await checkpoints.remove().catch(() => {});
    return { pairs, resumed, kept, marked, finishedBefore: false };
  } catch (error) {
    await rm(whole, { force: true });
    await checkpoints.tidy();
    if (!(error instanceof CnncError) || error.code !== "CANCELLED") throw error;
    throw stoppedShard(checkpoints.folder, { done: reached() - range.from, pairs }, error);
  }
}

/** Scores the pairs that are left, up to a checkpoint at a time. */
async function scoreRest(
  rest: AsyncIterable<ScoredBatch>,
  run: ShardedRun,
  coder: RecordCoder,
  checkpoints: Checkpoints,
  range: PairRange,
  options: ScoreShardOptions,
): Promise<void> {
  const { checkpointSeconds = DEFAULT_CHECKPOINT_SECONDS, memoryBudget = DEFAULT_MEMORY_BUDGET } = options;
  const iterator = rest[Symbol.asyncIterator]();
  async function* untilCheckpoint(told: { pairs: number; marked: number }) {
    const started = performance.now();
    const isTime = () => performance.now() - started >= 1000 * checkpointSeconds;
    do {
      const next = await iterator.next();
      if (next.done) return;
      told.pairs += next.value.a.length;
      told.marked += marksOf(next.value, options.counted);
      yield next.value;
    } while (told.pairs < CHECKPOINT_PAIRS && !isTime());
  }
  try {
    for (let from = checkpoints.done.at(-1)?.head.to ?? range.from; from < range.to; ) {
      const told = { pairs: 0, marked: 0 };
      const sorted = sortRecords(coder.encode(untilCheckpoint(told)), {
        words: coder.words,
        memoryBudget,
        folder: checkpoints.folder,
        ...(run.top !== undefined && { limit: run.top }),
        ...(options.signal && { signal: options.signal }),
      });
      // The first block comes when all batches have been taken: then it is known how many there were.
      const first = await sorted.next();
      if (first.done) throw new RangeError(`the scores ended at pair ${from} of ${range.to}`);
      from += told.pairs;
      await checkpoints.add(
        { words: coder.words, records: first.value.total, to: from, marked: told.marked },
        following(first.value, sorted),
      );
    }
  } finally {
    await iterator.return?.();
  }
}

const marksOf = ({ scores }: ScoredBatch, column: number | undefined): number =>
  column === undefined ? 0 : scores[column].reduce((sum, mark) => sum + mark, 0);

async function* following(
  first: SortedBlock,
  rest: AsyncGenerator<SortedBlock>,
): AsyncGenerator<SortedBlock, void, void> {
  yield first;
  yield* rest;
}

/** The same records with the column that they lack. */
async function* completed(
  blocks: AsyncIterable<SortedBlock>,
  coder: RecordCoder,
  wholeCoder: RecordCoder,
  late: LateColumn,
  options: ScoreShardOptions,
): AsyncGenerator<SortedBlock, void, void> {
  let total = 0;
  async function* decoded() {
    let rank = 0;
    for await (const block of blocks) {
      const batch = coder.decode(block, rank);
      rank += batch.a.length;
      ({ total } = batch);
      yield batch;
    }
  }
  for await (const records of wholeCoder.encode(withLateColumn(decoded(), late, options))) {
    yield { records, total };
  }
}

/** The same blocks; tells how far they are. */
async function* watched(
  blocks: AsyncIterable<SortedBlock>,
  words: number,
  onProgress: ProgressListener | undefined,
): AsyncGenerator<SortedBlock, void, void> {
  let done = 0;
  for await (const block of blocks) {
    yield block;
    done += block.records.length / words;
    onProgress?.({ phase: "Writing the shard", done, total: block.total, unit: "pairs" });
  }
}

function identityOf({ shard, run, pairs, names, columns, main, directed, top }: ShardedRun): ShardedRun {
  return { shard, run, pairs, names, columns, main, directed, ...(top !== undefined && { top }) };
}
