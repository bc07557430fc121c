export * from "./labelled-pairs.js";
export * from "./simulate.js";
