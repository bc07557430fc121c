export * from "./render-report.js";
export type { TopPair } from "./top-pairs.js";
