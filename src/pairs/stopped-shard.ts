import { CnncError } from "../errors.js";
import { shellQuoted } from "../shell-quote.js";
import type { Shard } from "./shard.js";
import { differencesOf, type RunFacts } from "./shard-set.js";

/** What work on a shard that is kept can be gone on with for. */
export interface ShardIdentity {
  readonly shard: Shard;
  readonly run: RunFacts;
}

/** Where what a stopped process has done is kept until the shard is whole. */
export const partialFolder = (path: string): string => `${path}.partial`;

export const isSameShard = (one: ShardIdentity, other: ShardIdentity): boolean =>
  one.shard.index === other.shard.index &&
  one.shard.of === other.shard.of &&
  differencesOf(one.run, other.run).length === 0;

/**
 * Checks that what a stopped process has left in `folder` is of the shard that is wanted.
 *
 * @throws CnncError `SHARD_MISMATCH`
 */
export function checkStopped(folder: string, found: ShardIdentity, wanted: ShardIdentity): void {
  if (isSameShard(found, wanted)) return;
  const [part, other] = [found, wanted].map(({ shard }) => `${shard.index} of ${shard.of}`);
  const differences = [
    ...(part === other ? [] : [`shard ${part} and ${other}`]),
    ...differencesOf(found.run, wanted.run),
  ];
  throw new CnncError(
    "SHARD_MISMATCH",
    `${folder} holds a shard that was stopped, of another run: ${differences.join("; ")}.`,
    `Repeat its command to go on with it, delete it with \`rm -r ${shellQuoted(folder)}\`, or name another file with -o.`,
  );
}

/** What a cancelled shard ends with: `CANCELLED`, saying how to go on if anything is done. */
export function stoppedShard(
  folder: string,
  { done, pairs }: { readonly done: number; readonly pairs: number },
  cause: CnncError,
): CnncError {
  if (done === 0) return cause;
  const kept = `${done} of ${pairs} pairs are done and kept in ${folder}: give the same command again to go on.`;
  return new CnncError("CANCELLED", "Stopped.", kept, { cause });
}
