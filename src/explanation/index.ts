export { describeExplanation } from "./describe.js";
export * from "./explain-pair.js";
export { EXPLAINED_OUTPUTS, type ExplainedOutput } from "./explained-output.js";
export * from "./explanation-json.js";
export type { AttributionOptions } from "./integrated-gradients.js";
export type { Occlusion } from "./occlusion.js";
export type { NetworkOptions } from "./open-network.js";
export type { BinRange, BinRegion } from "./regions.js";
