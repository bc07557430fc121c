export * from "./architectures.js";
export * from "./describe-model.js";
export * from "./engine.js";
export * from "./initial-parameters.js";
export * from "./network-spec.js";
export * from "./parameters.js";
export { loadTfjs, type Tfjs, type TfjsOptions } from "./tfjs-backend.js";
