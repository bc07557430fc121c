export * from "./batches.js";
export * from "./merge-hdf5.js";
export * from "./read-hdf5.js";
export * from "./session.js";
export * from "./session-facts.js";
export type { StorePart } from "./store-parts.js";
export * from "./write-hdf5.js";
export * from "./write-npy.js";
export * from "./write-shard.js";
