export {
  ASSOCIATION_MEASURES,
  type AssociationBatchOptions,
  type AssociationOptions,
  associationBatches,
  associationColumns,
  associationScores,
} from "./association.js";
export * from "./formats.js";
export * from "./late-column.js";
export * from "./network-scores.js";
export * from "./partial-correlation.js";
export * from "./ranking.js";
export * from "./scorer.js";
export * from "./shards/index.js";
