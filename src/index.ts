export * from "./errors.js";
export * from "./explanation/index.js";
export * from "./expression/index.js";
export * from "./histograms/index.js";
export * from "./io/index.js";
export * from "./metrics/index.js";
export * from "./model/index.js";
export type { CountArray, HistogramArray, SystemInfo } from "./native/addon-types.js";
export * from "./native/device.js";
export * from "./pairs/index.js";
export * from "./progress.js";
export {
  type ExplanationImageOptions,
  type ExplanationOverlay,
  renderExplanationSvg,
} from "./report/explanation-image.js";
export { type PairImage, renderPairSvg } from "./report/pair-image.js";
export { svgToPng } from "./report/svg-to-png.js";
export * from "./scoring/index.js";
export * from "./simulation/index.js";
