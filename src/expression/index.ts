export * from "./cell-filter.js";
export * from "./inspect.js";
export * from "./scale.js";
export * from "./select.js";
export * from "./store.js";
