export * from "./gene-index.js";
export * from "./gene-list.js";
export * from "./labels.js";
export * from "./leakage.js";
export * from "./pair-file.js";
export * from "./pair-source.js";
export * from "./resolve.js";
export * from "./splits.js";
