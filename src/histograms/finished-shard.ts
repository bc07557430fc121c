import { open, stat } from "node:fs/promises";
import { CnncError } from "../errors.js";
import { type PlainFile, readPlainHdf5 } from "../io/index.js";
import { isSameShard, type ShardIdentity } from "../pairs/index.js";
import { type HistogramShard, readHistogramShard, sumInFile } from "./histogram-shard.js";

/**
 * Whether a file is the undamaged one that a run would write there; not so if it is something else, or not there.
 *
 * @throws CnncError `CANCELLED`
 */
export async function isWritten(
  path: string,
  wanted: Promise<ShardIdentity>,
  signal?: AbortSignal,
): Promise<boolean> {
  if ((await stat(path).catch(() => undefined)) === undefined) return false;
  try {
    const found = await readHistogramShard(path);
    return isSameShard(found, await wanted) && (await isSound(found, signal));
  } catch (error) {
    if (!(error instanceof CnncError) || error.code === "CANCELLED") throw error;
    return false;
  }
}

async function isSound({ path, nepdf, sums }: HistogramShard, signal?: AbortSignal): Promise<boolean> {
  const plain = await readPlain(path);
  const isSame = async (name: string, sum: number) => {
    const { at, bytes } = plain?.arrays.get(name) ?? { at: 0, bytes: 0 };
    return (await sumInFile(path, at, bytes, signal)) === sum;
  };
  return (
    plain !== undefined &&
    (await isSame("pairs", sums.pairs)) &&
    (await isSame("labels", sums.labels)) &&
    isSame(nepdf ? "nepdf" : "counts", sums.images)
  );
}

async function readPlain(path: string): Promise<PlainFile | undefined> {
  const file = await open(path);
  try {
    return await readPlainHdf5(file);
  } finally {
    await file.close();
  }
}
