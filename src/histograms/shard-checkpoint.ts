import { open, readFile, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { CnncError } from "../errors.js";
import { guardWrites, type PlacedArray, writeWhole } from "../io/index.js";
import { checkStopped, damagedShard, type ShardIdentity } from "../pairs/index.js";
import type { ProgressListener } from "../progress.js";
import { sealed, sumInFile, unsealed } from "./histogram-shard.js";

/** The first images of a shard. */
export interface DoneImages {
  /** How many. */
  readonly pairs: number;
  /** Their CRC-32. */
  readonly sum: number;
}

export const NOTHING_DONE: DoneImages = { pairs: 0, sum: 0 };

interface CheckpointNote extends ShardIdentity {
  readonly done: DoneImages;
}

/** A shard that is being written, in a folder of its own. */
export interface PartialShard {
  readonly folder: string;
  /** The file that is to be the shard. */
  readonly data: string;
}

export const partialShard = (folder: string): PartialShard => ({
  folder,
  data: join(folder, "histograms.h5"),
});

const checkpointPath = ({ folder }: PartialShard): string => join(folder, "checkpoint.json");

/** Whether there is something to go on with. */
export const hasCheckpoint = async (partial: PartialShard): Promise<boolean> =>
  (await stat(checkpointPath(partial)).catch(() => undefined)) !== undefined;

/** Deletes what nobody can go on with. */
export async function removeUnsaved({ folder, data }: PartialShard): Promise<void> {
  await rm(data, { force: true }).catch(() => {});
  await rmdir(folder).catch(() => {});
}

/** Says on disk how far the file is, whose bytes must be there already. */
export async function saveCheckpoint(
  partial: PartialShard,
  { shard, run }: ShardIdentity,
  done: DoneImages,
): Promise<void> {
  const path = checkpointPath(partial);
  const text = sealed({ shard, run, done } satisfies CheckpointNote);
  await guardWrites(path, () =>
    writeWhole(path, async (temporary) => {
      const file = await open(temporary, "w");
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
    }),
  );
}

interface DoneOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  readonly onNotice?: (line: string) => void;
}

/**
 * Finds how far an earlier process has come with the same shard. What is damaged is told of and left out.
 *
 * @param images where they are in the file
 * @throws CnncError `SHARD_MISMATCH` if it is another shard, or of another run; `SHARD_NEWER`, `CANCELLED`
 */
export async function doneBefore(
  partial: PartialShard,
  wanted: ShardIdentity,
  images: PlacedArray,
  options: DoneOptions,
): Promise<DoneImages> {
  if (!(await hasCheckpoint(partial))) return NOTHING_DONE;
  const path = checkpointPath(partial);
  try {
    const note = unsealed<CheckpointNote>(path, await readFile(path, "utf8"));
    checkStopped(partial.folder, note, wanted);
    await checkImages(partial.data, images, note.done, options);
    return note.done;
  } catch (error) {
    if (!(error instanceof CnncError && error.code === "SHARD_DAMAGED")) throw error;
    options.onNotice?.(`${partial.folder} is damaged, so its histograms are built again.`);
    return NOTHING_DONE;
  }
}

/** @throws CnncError `SHARD_DAMAGED`, `CANCELLED` */
async function checkImages(
  path: string,
  { at, bytes, shape: [rows] }: PlacedArray,
  done: DoneImages,
  { signal, onProgress }: DoneOptions,
): Promise<void> {
  if (done.pairs === 0) return;
  const rowBytes = bytes / rows;
  const onBytes = (read: number) =>
    onProgress?.({
      phase: "Checking what is done",
      done: Math.floor(read / rowBytes),
      total: done.pairs,
      unit: "pairs",
    });
  const sum = await sumInFile(path, at, done.pairs * rowBytes, signal, onBytes);
  if (sum !== done.sum) throw damagedShard(path);
}

/** Saves checkpoints while work goes on: what disks take seconds for holds nobody up. */
export interface Checkpointing {
  /**
   * Begins to save how far the work is, if it is time and the last one is saved.
   *
   * @throws whatever `save` has thrown since
   */
  offer(done: DoneImages): void;
  /** Waits until nothing is being saved any more. */
  settle(): Promise<void>;
}

export function checkpointing(seconds: number, save: (done: DoneImages) => Promise<void>): Checkpointing {
  let begun = performance.now();
  let saving: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  return {
    offer(done) {
      if (failure) throw failure.error;
      const now = performance.now();
      if (saving || now - begun < 1000 * seconds) return;
      begun = now;
      saving = save(done)
        .catch((error: unknown) => {
          failure = { error };
        })
        .finally(() => {
          saving = undefined;
        });
    },
    settle: async () => saving,
  };
}
