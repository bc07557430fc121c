import type { PairBatch, PairSource } from "../../pairs/index.js";
import type { ScoredBatch } from "../../scoring/index.js";

/** Pairs of the first batch of a sample, which warms up. */
const FIRST_BATCH = 256;
/** Pairs at a time of a sample from a file of histograms. */
export const SAMPLE_FILE_BATCH = 2048;
/** A batch that takes this long tells the rate. */
const ENOUGH_SECONDS = 0.5;
/** A file of histograms is not read further than this. */
const MOST_BATCHES = 12;

/**
 * Runs of consecutive pairs from all over a source, each twice as long as the one before, up to `largest`: small
 * batches have a low rate, and a large one may take long.
 */
export function sampleOf(source: PairSource, largest: number): PairSource {
  const lengths = [Math.min(FIRST_BATCH, largest, source.count)];
  while (lengths.length < 2 || lengths[lengths.length - 1] < Math.min(largest, source.count)) {
    lengths.push(Math.min(2 * lengths[lengths.length - 1], largest, source.count));
  }
  function* runs(): Generator<PairBatch> {
    for (const [run, length] of lengths.entries()) {
      const first = Math.floor((run / (lengths.length - 1)) * (source.count - length));
      yield* source.batches(length, first, first + length);
    }
  }
  const count = lengths.reduce((sum, length) => sum + length, 0);
  return { count, batches: () => ({ [Symbol.iterator]: runs }) };
}

export interface Rate {
  /** Pairs that it was measured on. */
  readonly pairs: number;
  readonly pairsPerSecond: number;
}

/** Pairs per second of the last batch that is needed to know it. */
export async function measureRate(batches: AsyncIterable<ScoredBatch>): Promise<Rate> {
  let started = performance.now();
  let rate: Rate = { pairs: 0, pairsPerSecond: Number.POSITIVE_INFINITY };
  let count = 0;
  for await (const { a } of batches) {
    const now = performance.now();
    const seconds = (now - started) / 1000;
    started = now;
    rate = { pairs: a.length, pairsPerSecond: a.length / Math.max(seconds, 1e-6) };
    count++;
    if (count > 1 && (seconds > ENOUGH_SECONDS || count === MOST_BATCHES)) break;
  }
  return rate;
}
