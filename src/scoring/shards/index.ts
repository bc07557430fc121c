export * from "./merge-score-shards.js";
export { isRecordFile } from "./record-file.js";
export * from "./score-shard.js";
export type { ShardedRun } from "./score-shard-file.js";
