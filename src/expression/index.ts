export * from "./cell-filter.js";
export * from "./inspect.js";
export { describePrepared, type PreparedFacts } from "./prepared/format.js";
export { openPrepared, type PreparedFile } from "./prepared/read.js";
export { type WritePreparedOptions, writePrepared } from "./prepared/write.js";
export * from "./scale.js";
export * from "./select.js";
export * from "./source.js";
export * from "./store.js";
