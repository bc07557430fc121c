import type { DatasetNode } from "../io/hdf5-node.js";
import { createHdf5, type Hdf5Writer, type WritableNumbers, writeWhole } from "../io/index.js";
import { readAhead } from "../io/read-ahead.js";
import { damagedShard, type RunFacts, wholeSet } from "../pairs/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import { type HistogramShard, openHistogramShard, shardSums } from "./histogram-shard.js";
import { genesDigest } from "./session-facts.js";
import { imagesDataset, pairsDataset } from "./write-hdf5.js";

/** Images read and written at a time: 16 MB of 16-bit counts or of NEPDFs. */
const BATCH_COUNTS = 8192;
const BATCH_NEPDFS = 4096;

export interface MergedHistograms {
  readonly pairs: number;
  readonly kind: "counts" | "nepdf";
  readonly run: RunFacts;
}

/**
 * Puts the files of all shards of one run together into the file that writeHistogramsHdf5 writes without shards: the
 * same datasets, with the same values, and the same attributes. Memory is a few blocks of images, and the labels.
 *
 * @throws CnncError of openHistogramShard and wholeSet; `SHARD_DAMAGED`, `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`;
 *   nothing is left at `output` then.
 */
export async function mergeHistogramShards(
  paths: readonly string[],
  output: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: ProgressListener } = {},
): Promise<MergedHistograms> {
  const opened: HistogramShard[] = [];
  try {
    for (const path of paths) opened.push(await openHistogramShard(path));
    const shards = wholeSet(opened);
    const [{ pairs, nepdf, run }] = shards;
    await writeWhole(output, async (temporary) => {
      const target = await createHdf5(temporary);
      try {
        await writeMerged(target, shards, options);
        target.finish();
      } catch (error) {
        target.abandon();
        throw error;
      }
    });
    return { pairs, kind: nepdf ? "nepdf" : "counts", run };
  } finally {
    for (const { file } of opened) file.close();
  }
}

async function writeMerged(
  target: Hdf5Writer,
  shards: readonly HistogramShard[],
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: ProgressListener },
): Promise<void> {
  const [first] = shards;
  await copyGenes(target, first);
  const sums = shards.map(() => shardSums());
  if (first.hasLabels) target.write("labels", await allLabels(shards, sums));
  const images = imagesDataset(target, first.nepdf);
  const pairs = pairsDataset(target);
  let done = 0;
  for (const [index, shard] of shards.entries()) {
    for await (const block of blocksOf(shard)) {
      throwIfAborted(signal);
      images.append(sums[index].images(block.images));
      pairs.append(sums[index].pairs(block.pairs));
      done += block.pairs.length / 2;
      onProgress?.({ phase: "Merging histograms", done, total: shard.pairs, unit: "pairs" });
    }
    const found = sums[index].result();
    const { sums: expected } = shard;
    const isSame =
      found.images === expected.images && found.pairs === expected.pairs && found.labels === expected.labels;
    if (!isSame) throw damagedShard(shard.path);
  }
  throwIfAborted(signal);
  for (const [name, value] of Object.entries(first.attributes)) target.attribute("/", name, value);
}

/** They are the same in all shards. */
async function copyGenes(target: Hdf5Writer, { path, file, run }: HistogramShard): Promise<void> {
  const names = await file.node("genes");
  const edgesNode = await file.node("edges");
  const expressingNode = await file.node("expressing");
  if (!isDataset(names) || !isDataset(edgesNode) || !isDataset(expressingNode)) throw damagedShard(path);
  const geneNames = (await file.readAll(names)) as string[];
  const edges = (await file.read("edges", [
    [0, geneNames.length],
    [0, 33],
  ])) as Float64Array;
  const expressing = (await file.readAll(expressingNode)) as Uint32Array;
  if (genesDigest({ geneNames, edges, expressing }) !== run.genes) throw damagedShard(path);
  target.write("genes", geneNames);
  target.write("edges", edges, [geneNames.length, 33]);
  target.write("expressing", expressing);
}

const isDataset = (node: unknown): node is DatasetNode =>
  (node as DatasetNode | undefined)?.kind === "dataset";

async function allLabels(
  shards: readonly HistogramShard[],
  sums: readonly ReturnType<typeof shardSums>[],
): Promise<Int32Array> {
  const labels = new Int32Array(shards[0].pairs);
  let filled = 0;
  for (const [index, { file, count }] of shards.entries()) {
    if (count === 0) continue;
    const part = sums[index].labels((await file.read("labels", [[0, count]])) as Int32Array);
    labels.set(part, filled);
    filled += count;
  }
  return labels;
}

interface Block {
  readonly images: WritableNumbers;
  readonly pairs: Uint32Array;
}

function blocksOf({ file, count, nepdf }: HistogramShard): AsyncIterable<Block> {
  const size = nepdf ? BATCH_NEPDFS : BATCH_COUNTS;
  return readAhead(Math.ceil(count / size), 1, async (position) => {
    const range: [number, number] = [position * size, Math.min(count, (position + 1) * size)];
    const whole: [number, number] = [0, 32];
    const [images, pairs] = await Promise.all([
      file.read(nepdf ? "nepdf" : "counts", [range, whole, whole]),
      file.read("pairs", [range, [0, 2]]),
    ]);
    return { images: images as WritableNumbers, pairs: pairs as Uint32Array };
  });
}
