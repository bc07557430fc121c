import { onTestFinished } from "vitest";
import {
  type HistogramOptions,
  type HistogramSession,
  openHistograms,
  type PairRequest,
} from "../../dist/histograms/index.js";
import type { PairFile } from "../../dist/pairs/index.js";

/** Pairs as if a file had listed them. */
export function listed(
  pairs: readonly (readonly [string, string])[],
  labels?: readonly number[],
): PairRequest {
  const file: PairFile = {
    path: "pairs.tsv",
    a: pairs.map(([a]) => a),
    b: pairs.map(([, b]) => b),
    ...(labels && { labels: Int32Array.from(labels) }),
    extra: new Map(),
    lines: Uint32Array.from(pairs.keys(), (row) => row + 1),
    header: undefined,
  };
  return { kind: "list", file };
}

/** A session on the CPU that is closed when the test ends. */
export async function openSession(
  path: string,
  request: PairRequest,
  options: HistogramOptions = {},
): Promise<HistogramSession> {
  const session = await openHistograms(path, request, { device: "cpu", ...options });
  onTestFinished(() => session.close());
  return session;
}

/** Images of all batches, one after the other. */
export async function allImages(
  session: HistogramSession,
  options?: Parameters<HistogramSession["batches"]>[0],
): Promise<number[]> {
  const images: number[] = [];
  for await (const batch of session.batches(options)) for (const value of batch.images) images.push(value);
  return images;
}
