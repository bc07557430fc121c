import { type RunFacts, type Shard, shardRange } from "../../pairs/index.js";
import { type ScoreShardOptions, type ShardOutcome, scoreShard } from "../../scoring/index.js";
import { formatCount, formatDuration, plural } from "../text.js";
import { type BatchHooks, columnsWithout, lateOf, type PredictionWork, thresholdColumn } from "./work.js";

export interface ShardRequest {
  readonly shard: Shard;
  readonly top?: number;
}

/** Scores one shard of the pairs of some work into a file. */
export async function runShard(
  path: string,
  work: PredictionWork,
  request: ShardRequest,
  options: Pick<ScoreShardOptions, "checkpointSeconds" | "memoryBudget" | "onNotice"> & BatchHooks,
): Promise<ShardOutcome> {
  const { shard, top } = request;
  const { pairs, names, columns, main, directed } = work;
  const run = await runFacts(work, top, options.signal);
  const { from, to } = shardRange(pairs, shard);
  const late = lateOf(work, to - from, top);
  const flag = thresholdColumn(columnsWithout(columns, late));
  return scoreShard(
    path,
    { shard, run, pairs, names, columns, main, directed, ...(top !== undefined && { top }) },
    (range, done) => {
      const { signal, onProgress } = options;
      return work.batches({ signal, onProgress, range, done, withoutLate: late !== undefined });
    },
    {
      ...options,
      ...(late && { late }),
      ...(work.order && { order: work.order }),
      ...(flag >= 0 && { counted: flag }),
    },
  );
}

/** All that decides the scores and which of them are kept. */
async function runFacts(
  work: PredictionWork,
  top: number | undefined,
  signal: AbortSignal,
): Promise<RunFacts> {
  const { model, engine, precision, instructionSet, columns, main } = work;
  return {
    ...(await work.facts(signal)),
    ...(model && { model: await model.digest() }),
    engine: engine.replace(/ \((float32|bfloat16)\)$/, ""),
    ...(precision !== undefined && { precision }),
    ...(instructionSet !== undefined && { "instruction set": instructionSet }),
    "--rank-by": columns[main].name,
    "--top": `${top ?? "all"}`,
  };
}

/** What came of it, for people. */
export function describeShard(
  path: string,
  { index, of }: Shard,
  { pairs, resumed, kept, finishedBefore }: ShardOutcome,
  seconds: number,
): string[] {
  const best = kept < pairs ? `the best ${formatCount(kept)} of ` : "";
  const what = `shard ${index} of ${of}, ${best}${plural(pairs, "pair")}`;
  if (finishedBefore) return [`${path}: ${what}, was there already`];
  return [
    `${path}: ${what}, in ${formatDuration(seconds)}`,
    ...(resumed > 0 ? [`Went on after ${plural(resumed, "pair")} that had been scored before`] : []),
  ];
}
