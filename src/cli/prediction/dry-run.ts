import { formatBytes, formatCount, formatDuration, plural } from "../text.js";
import { measureRate, type Rate } from "./sample.js";
import { lateOf, type PredictionWork } from "./work.js";

/** What a prediction would cost. */
export interface Estimate {
  readonly pairs: number;
  /** Of the expression in memory, at most. */
  readonly storeBytes: number;
  /** Most that the process is expected to need, the store included. */
  readonly memoryBytes: number;
  /** Of a temporary file beside the output, to sort in. */
  readonly diskBytes: number;
  /** Pairs that the rate was measured on. */
  readonly samplePairs: number;
  readonly pairsPerSecond: number;
  /** Scoring all pairs. */
  readonly seconds: number;
}

export interface SortingSettings {
  /** Bytes to sort in. */
  readonly memoryBudget: number;
  readonly top?: number;
}

/** Bytes of a gene pair while it is sorted: its main score and its genes, and each further score. */
const recordBytes = (columns: number) => 12 + 4 * (columns - 1);
/** Spearman's ranks, per stored value, once all genes have been met. */
const RANK_BYTES = 4;

/** Scores a sample and tells what scoring everything would take. */
export async function estimate(
  work: PredictionWork,
  { memoryBudget, top }: SortingSettings,
  signal: AbortSignal,
): Promise<Estimate> {
  const rate = await wholeRate(work, top, signal);
  const { storeBytes = 0, store } = work.session ?? {};
  const kept = Math.min(work.pairs, top === undefined ? Number.POSITIVE_INFINITY : 3 * top);
  const sorting = kept * recordBytes(work.columns.length);
  return {
    pairs: work.pairs,
    storeBytes,
    memoryBytes:
      1024 * process.resourceUsage().maxRSS +
      RANK_BYTES * (store?.native.entries ?? 0) +
      Math.min(memoryBudget, sorting),
    diskBytes: sorting > memoryBudget ? work.pairs * recordBytes(work.columns.length) : 0,
    samplePairs: rate.pairs,
    pairsPerSecond: rate.pairsPerSecond,
    seconds: work.pairs / rate.pairsPerSecond,
  };
}

/** Of all columns that are worked out for every pair. */
async function wholeRate(work: PredictionWork, top: number | undefined, signal: AbortSignal): Promise<Rate> {
  const rate = await measureRate(work.sample(signal));
  if (work.late === undefined || lateOf(work, work.pairs, top)) return rate;
  const { pairsPerSecond } = await work.late.rate(signal);
  return { ...rate, pairsPerSecond: 1 / (1 / rate.pairsPerSecond + 1 / pairsPerSecond) };
}

export function describeEstimate(found: Estimate, engine: string): string[] {
  return [
    `Dry run: ${plural(found.pairs, "pair")} with ${engine}; nothing is written`,
    `Expected time: ${formatDuration(found.seconds)} of scoring, at ${formatCount(Math.round(found.pairsPerSecond))} pairs/s (measured on ${plural(found.samplePairs, "pair")})`,
    `Expected memory: ${formatBytes(found.memoryBytes)}, of which the expression store is ${formatBytes(found.storeBytes)}`,
    ...(found.diskBytes > 0
      ? [`Expected disk: ${formatBytes(found.diskBytes)} beside the output, while the pairs are sorted`]
      : []),
  ];
}
