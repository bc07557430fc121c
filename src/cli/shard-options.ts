import type { InferredOptionTypes } from "yargs";
import { parseShard, type Shard } from "../pairs/index.js";

/** The option that leaves most of the work to others. */
export const shardOption = {
  shard: {
    type: "string",
    describe: "Only the I-th of N parts, as in 2/8, for cnnc merge",
    group: "Shards:",
  },
} as const;

/** @throws CnncError `BAD_USAGE` */
export const shardFrom = ({ shard }: InferredOptionTypes<typeof shardOption>): Shard | undefined =>
  shard === undefined ? undefined : parseShard(shard);
