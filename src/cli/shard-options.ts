import type { InferredOptionTypes } from "yargs";
import { CnncError } from "../errors.js";
import { parseShard, type Shard } from "../pairs/index.js";

/** Options that leave most of the work to others, and to later. */
export const shardOptions = {
  shard: {
    type: "string",
    describe: "Only the I-th of N parts, as in 2/8, for cnnc merge",
    group: "Shards:",
  },
  checkpoint: {
    type: "number",
    describe: "With --shard: seconds of work that a kill costs at most, 30 by default",
    group: "Shards:",
  },
} as const;

type ShardArguments = InferredOptionTypes<typeof shardOptions>;

/** @throws CnncError `BAD_USAGE` */
export const shardFrom = ({ shard }: Pick<ShardArguments, "shard">): Shard | undefined =>
  shard === undefined ? undefined : parseShard(shard);

/** @throws CnncError `BAD_USAGE` for checkpoints that cannot be meant */
export function checkCheckpoint({ shard, checkpoint }: ShardArguments): void {
  if (checkpoint === undefined) return;
  if (shard === undefined) {
    throw new CnncError(
      "BAD_USAGE",
      "--checkpoint is given without --shard.",
      "Add --shard 1/1 for a run that survives a kill.",
    );
  }
  if (!(checkpoint >= 0)) {
    throw new CnncError("BAD_USAGE", "--checkpoint must be a number of seconds.", "Give 0 or more.");
  }
}
