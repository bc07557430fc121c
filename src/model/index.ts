export * from "./architectures.js";
export * from "./describe-model.js";
export * from "./engine.js";
export * from "./engine-choice.js";
export * from "./folder.js";
export * from "./image-kinds.js";
export * from "./import-keras.js";
export * from "./initial-parameters.js";
export * from "./model-digest.js";
export {
  CLASS_NAMES,
  digestNames,
  FORMAT_VERSION,
  type ModelFacts,
  type ModelInfo,
  type NamesDigest,
  parseModelInfo,
} from "./model-info.js";
export * from "./network-spec.js";
export * from "./parameters.js";
export * from "./reading-differences.js";
export { loadTfjs, type Tfjs, type TfjsOptions } from "./tfjs-backend.js";
