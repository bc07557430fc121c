import type { HistogramSession, StorePart } from "../../histograms/index.js";
import { listSource } from "../../pairs/index.js";
import { type AssociationOptions, associationScores, type ScoredBatch } from "../../scoring/index.js";
import type { Rate } from "./sample.js";
import type { BatchHooks } from "./work.js";

type PartHooks = Pick<BatchHooks, "signal" | "onProgress">;

/**
 * Scores of all pairs of a session, or those of a range, part by part of its stores.
 *
 * @param score scores all pairs of one part
 */
export async function* overParts(
  session: HistogramSession,
  { range, done = 0, signal, onProgress }: BatchHooks,
  score: (part: StorePart, hooks: PartHooks) => AsyncGenerator<ScoredBatch, void, void>,
): AsyncGenerator<ScoredBatch, void, void> {
  const total = (range ? range.to - range.from : session.source.count) - done;
  let before = 0;
  for await (const part of session.parts({ ...(range && { range }), done })) {
    const hooks: PartHooks = {
      signal,
      onProgress: (progress) => onProgress({ ...progress, done: before + progress.done, total }),
    };
    for await (const batch of score(part, hooks)) yield inSession(batch, part);
    before += part.source.count;
  }
}

/** Spearman's correlation of pairs of a session's genes, in any order. */
export async function spearmanOf(
  session: HistogramSession,
  a: Uint32Array,
  b: Uint32Array,
  options: AssociationOptions,
): Promise<Float32Array> {
  const scores = new Float32Array(a.length);
  for await (const { store, source, positions } of session.parts({ source: listSource(a, b) })) {
    const [pairs] = source.batches(Math.max(source.count, 1));
    const found = await associationScores(store, "spearman", pairs.a, pairs.b, options);
    let done = 0;
    for (const { from, to } of positions()) {
      scores.set(found.subarray(done, done + to - from), from);
      done += to - from;
    }
  }
  return scores;
}

/** Pairs that tell the rate of a correlation. */
const SAMPLE_PAIRS = 2 ** 16;

/** How many pairs a second have their Spearman's correlation, once the ranks of their genes are there. */
export async function spearmanRate(session: HistogramSession, options: AssociationOptions): Promise<Rate> {
  for await (const { store, source } of session.parts()) {
    const [{ a, b }] = source.batches(Math.max(1, Math.min(SAMPLE_PAIRS, source.count)));
    // Ranks are worked out for the first call.
    await associationScores(store, "spearman", a, b, options);
    const started = performance.now();
    await associationScores(store, "spearman", a, b, options);
    const seconds = (performance.now() - started) / 1000;
    return { pairs: a.length, pairsPerSecond: a.length / Math.max(seconds, 1e-6) };
  }
  return { pairs: 0, pairsPerSecond: Number.POSITIVE_INFINITY };
}

/** Some pairs, in one part. */
export async function* sampleOfParts(
  session: HistogramSession,
  score: (part: StorePart) => AsyncGenerator<ScoredBatch, void, void>,
): AsyncGenerator<ScoredBatch, void, void> {
  for await (const part of session.parts()) {
    for await (const batch of score(part)) yield inSession(batch, part);
    return;
  }
}

const inSession = (batch: ScoredBatch, { genes }: StorePart): ScoredBatch =>
  genes ? { ...batch, a: batch.a.map((gene) => genes[gene]), b: batch.b.map((gene) => genes[gene]) } : batch;
