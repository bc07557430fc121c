import { listSource, type PairSource } from "../../pairs/index.js";
import type { ScoredBatch } from "../../scoring/index.js";

/** Pairs that a rate is measured on. */
const SAMPLE_PAIRS = 2000;
export const SAMPLE_BATCH = 500;
const SAMPLE_SECONDS = 3;

/** Runs of consecutive pairs, from all over a source: as many as a rate is measured on. */
export function sampleOf(source: PairSource): PairSource {
  if (source.count <= SAMPLE_PAIRS) return source;
  const runs = SAMPLE_PAIRS / SAMPLE_BATCH;
  const a = new Uint32Array(SAMPLE_PAIRS);
  const b = new Uint32Array(SAMPLE_PAIRS);
  for (let run = 0; run < runs; run++) {
    const first = Math.floor((run * (source.count - SAMPLE_BATCH)) / (runs - 1));
    for (const pairs of source.batches(SAMPLE_BATCH, first, first + SAMPLE_BATCH)) {
      a.set(pairs.a, run * SAMPLE_BATCH);
      b.set(pairs.b, run * SAMPLE_BATCH);
    }
  }
  return listSource(a, b);
}

export interface Rate {
  /** Pairs that were scored to find it out. */
  readonly pairs: number;
  readonly pairsPerSecond: number;
}

/** Pairs per second of the first batches; the very first one only warms up if there are more. */
export async function measureRate(batches: AsyncIterable<ScoredBatch>): Promise<Rate> {
  let started = performance.now();
  let pairs = 0;
  let timed = 0;
  let seconds = 0;
  for await (const { a } of batches) {
    const now = performance.now();
    seconds = (now - started) / 1000;
    timed += a.length;
    if (pairs === 0) {
      // Replaced by the time of the batches after it, if any follow.
      timed = 0;
      started = now;
      pairs = a.length;
      continue;
    }
    pairs += a.length;
    if (pairs >= SAMPLE_PAIRS || seconds > SAMPLE_SECONDS) break;
  }
  return { pairs, pairsPerSecond: (timed === 0 ? pairs : timed) / Math.max(seconds, 1e-6) };
}
