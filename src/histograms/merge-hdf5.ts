import type { Hdf5File } from "../io/hdf5-file.js";
import type { DatasetNode } from "../io/hdf5-node.js";
import { createHdf5, type Hdf5Writer, type WritableNumbers, writeWhole } from "../io/index.js";
import { readAhead } from "../io/read-ahead.js";
import { damagedShard, type RunFacts, wholeSet } from "../pairs/index.js";
import { type ProgressListener, throwIfAborted } from "../progress.js";
import {
  type HistogramShard,
  readHistogramShard,
  type ShardSums,
  shardSums,
  withHdf5,
} from "./histogram-shard.js";
import { genesDigest } from "./session-facts.js";
import { batchSizeOf, imagesDataset, pairsDataset } from "./write-hdf5.js";

export interface MergedHistograms {
  readonly pairs: number;
  readonly kind: "counts" | "nepdf";
  readonly run: RunFacts;
}

/**
 * Puts the files of all shards of one run together into the file that writeHistogramsHdf5 writes without shards: the
 * same datasets, with the same values, and the same attributes. Memory is a few blocks of images, and the labels.
 *
 * @throws CnncError of readHistogramShard and wholeSet; `SHARD_DAMAGED`, `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`;
 *   nothing is left at `output` then.
 */
export async function mergeHistogramShards(
  paths: readonly string[],
  output: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: ProgressListener } = {},
): Promise<MergedHistograms> {
  const found: HistogramShard[] = [];
  for (const path of paths) {
    throwIfAborted(options.signal);
    found.push(await readHistogramShard(path));
  }
  const shards = wholeSet(found);
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
}

async function writeMerged(
  target: Hdf5Writer,
  shards: readonly HistogramShard[],
  { signal, onProgress }: { readonly signal?: AbortSignal; readonly onProgress?: ProgressListener },
): Promise<void> {
  const [first] = shards;
  const images = imagesDataset(target, first.nepdf);
  const pairs = pairsDataset(target);
  const labels = first.hasLabels ? new Int32Array(first.pairs) : undefined;
  let done = 0;
  for (const shard of shards) {
    await withHdf5(shard.path, async (file) => {
      if (shard === first) await copyGenes(target, file, first.run);
      const sums = shardSums();
      if (labels && shard.count > 0) {
        labels.set(sums.labels((await file.read("labels", [[0, shard.count]])) as Int32Array), done);
      }
      for await (const block of blocksOf(file, shard)) {
        throwIfAborted(signal);
        images.append(sums.images(block.images));
        pairs.append(sums.pairs(block.pairs));
        done += block.pairs.length / 2;
        onProgress?.({ phase: "Merging histograms", done, total: shard.pairs, unit: "pairs" });
      }
      if (!isSame(sums.result(), shard.sums)) throw damagedShard(shard.path);
    });
  }
  if (labels) target.write("labels", labels);
  throwIfAborted(signal);
  for (const [name, value] of Object.entries(first.attributes)) target.attribute("/", name, value);
}

const isSame = (one: ShardSums, other: ShardSums): boolean =>
  one.images === other.images && one.pairs === other.pairs && one.labels === other.labels;

/** They are the same in all shards. */
async function copyGenes(target: Hdf5Writer, file: Hdf5File, run: RunFacts): Promise<void> {
  const { path } = file;
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

interface Block {
  readonly images: WritableNumbers;
  readonly pairs: Uint32Array;
}

function blocksOf(file: Hdf5File, { count, nepdf }: HistogramShard): AsyncIterable<Block> {
  const size = batchSizeOf(nepdf);
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
