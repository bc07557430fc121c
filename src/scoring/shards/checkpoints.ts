import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { CnncError } from "../../errors.js";
import { guardWrites, writeWhole } from "../../io/index.js";
import { checkStopped, type PairRange, type RunFacts, type Shard } from "../../pairs/index.js";
import type { SortedBlock } from "../external-sort-merge.js";
import { openRecordFile, type RecordFile, type RecordHead, writeRecordFile } from "./record-file.js";

/** What the scores of some pairs of a shard are kept with while the others are worked on. */
export interface CheckpointHead extends RecordHead {
  readonly kind: "checkpoint";
  readonly shard: Shard;
  readonly run: RunFacts;
  /** Which of the shard's pairs were scored: positions in the order of the work, plus that of the first pair. */
  readonly from: number;
  readonly to: number;
  /** How many of them are marked in the column that is counted. */
  readonly marked: number;
}

export type Checkpoint = RecordFile<CheckpointHead>;

/** Work that is done, in a folder, so that it outlives the process. */
export interface Checkpoints {
  readonly folder: string;
  /** Of one run of pairs after the other, from the shard's first one on. */
  readonly done: readonly Checkpoint[];
  /** Adds the pairs after those that are done; it is there whole or not at all. */
  add(
    head: Pick<CheckpointHead, "words" | "records" | "to" | "marked">,
    blocks: AsyncIterable<SortedBlock>,
  ): Promise<void>;
  /** Deletes everything. */
  remove(): Promise<void>;
  /** Deletes the folder if there is nothing in it. */
  tidy(): Promise<void>;
}

/**
 * Finds what an earlier process has done for the same shard. Damaged checkpoints (of a machine that lost power) are
 * told of and left out.
 *
 * @param folder is made if it is not there
 * @throws CnncError `SHARD_MISMATCH` if it holds work for another shard or run, `CANCELLED`, `DISK_FULL`, `WRITE_FAILED`
 */
export async function openCheckpoints(
  folder: string,
  identity: { readonly shard: Shard; readonly run: RunFacts; readonly range: PairRange },
  { signal, onNotice }: { readonly signal?: AbortSignal; readonly onNotice?: (line: string) => void } = {},
): Promise<Checkpoints> {
  const { shard, run, range } = identity;
  await guardWrites(folder, () => mkdir(folder, { recursive: true }));
  const found: Checkpoint[] = [];
  for (const name of await readdir(folder)) {
    if (!/^pairs-\d+-\d+$/.test(name)) continue;
    const path = join(folder, name);
    try {
      const checkpoint = await openRecordFile<CheckpointHead>(path);
      checkStopped(folder, checkpoint.head, identity);
      await checkpoint.verify(signal);
      found.push(checkpoint);
    } catch (error) {
      // Not even the first bytes of a damaged file need be what they were.
      const isDamaged = error instanceof CnncError && ["SHARD_DAMAGED", "NOT_A_SHARD"].includes(error.code);
      if (!isDamaged) throw error;
      onNotice?.(`${path} is damaged, so its pairs are scored again.`);
    }
  }
  const done = chainOf(found, range.from);
  return {
    folder,
    done,
    async add({ words, records, to, marked }, blocks) {
      const from = done.at(-1)?.head.to ?? range.from;
      const path = join(folder, `pairs-${from}-${to}`);
      const head: CheckpointHead = { kind: "checkpoint", shard, run, from, to, marked, words, records };
      await guardWrites(path, () =>
        writeWhole(path, (temporary) => writeRecordFile(temporary, head, blocks)),
      );
      done.push(await openRecordFile(path));
    },
    remove: () => rm(folder, { recursive: true, force: true }),
    tidy: () => rmdir(folder).catch(() => {}),
  };
}

/** Those that follow one another from `from` on, the longest where there is a choice. */
function chainOf(found: readonly Checkpoint[], from: number): Checkpoint[] {
  const chain: Checkpoint[] = [];
  for (let position = from; ; ) {
    const next = found
      .filter(({ head }) => head.from === position && head.to > position)
      .sort((one, other) => other.head.to - one.head.to)[0];
    if (next === undefined) return chain;
    chain.push(next);
    position = next.head.to;
  }
}
