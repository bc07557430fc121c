export * from "./auprc.js";
export * from "./auroc.js";
export * from "./bootstrap.js";
export * from "./early-precision.js";
export * from "./per-regulator.js";
export * from "./probabilities.js";
export * from "./spearman.js";
export * from "./thresholds.js";
export { type Metric, type Scores, type TieGroups, tieGroups } from "./tie-groups.js";
