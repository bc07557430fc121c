export * from "./evaluate-ranking.js";
