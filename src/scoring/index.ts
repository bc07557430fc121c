export {
  ASSOCIATION_MEASURES,
  type AssociationBatchOptions,
  type AssociationOptions,
  associationBatches,
  associationColumns,
  associationScores,
  withAssociation,
} from "./association.js";
export * from "./formats.js";
export * from "./ranking.js";
