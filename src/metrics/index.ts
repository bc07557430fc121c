export * from "./auprc.js";
export * from "./auroc.js";
export * from "./early-precision.js";
export * from "./per-regulator.js";
export type { Metric, Scores } from "./tie-groups.js";
