import type { HistogramSession, StorePart } from "../../histograms/index.js";
import type { ScoredBatch } from "../../scoring/index.js";
import type { BatchHooks } from "./work.js";

type PartHooks = Omit<BatchHooks, "range" | "done">;

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
  for await (const part of session.parts(range, done)) {
    const hooks: PartHooks = {
      signal,
      onProgress: (progress) => onProgress({ ...progress, done: before + progress.done, total }),
    };
    for await (const batch of score(part, hooks)) yield inSession(batch, part);
    before += part.source.count;
  }
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
