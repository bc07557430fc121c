export * from "./merge-score-shards.js";
export { isRecordFile, notAShard } from "./record-file.js";
export * from "./score-shard.js";
export type { ShardedRun } from "./score-shard-file.js";
