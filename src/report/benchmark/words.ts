import type { BenchmarkResults, MethodResult, SplitResult } from "../../evaluation/results.js";

type Group = MethodResult["group"];

/** Groups in the order of the tables. */
export const GROUPS: readonly Group[] = ["network", "summary", "association", "control", "external"];

/** What a group is, for people. */
export const GROUP_NAMES: Readonly<Record<Group, string>> = {
  network: "Networks that read the image",
  summary: "Models of summary numbers",
  association: "Association, nothing learned",
  control: "Controls",
  external: "Scores of other tools",
};

/** The same in a word or two, for figures. */
export const SHORT_GROUP_NAMES: Readonly<Record<Group, string>> = {
  network: "Networks",
  summary: "Summary models",
  association: "Association",
  control: "Controls",
  external: "Other tools",
};

const HELD_OUT: Readonly<Record<SplitResult["mode"], { name: string; sentence: string }>> = {
  "random-pairs": {
    name: "Unseen pairs of known genes",
    sentence:
      "Pairs were dealt into folds at random. The genes of a test pair are mostly known from other pairs of the " +
      "training data, so that a method can score well by knowing which genes have many partners.",
  },
  "regulator-disjoint": {
    name: "Unseen regulators",
    sentence:
      "Every regulator has all its pairs in one fold: no method has seen a test regulator regulate. The targets, " +
      "though, are known from training.",
  },
  "target-disjoint": {
    name: "Unseen targets",
    sentence:
      "Every target has all its pairs in one fold: no method has seen a test target being regulated. The " +
      "regulators, though, are known from training.",
  },
  "both-disjoint": {
    name: "Unseen regulators and targets",
    sentence:
      "Regulators and targets were both dealt into groups, and each fold is one group of regulators against one of " +
      "targets. Training knows neither side; pairs that share a gene with both parts are left out.",
  },
};

/** Heading of a split. */
export function nameOfSplit({ name, mode, given }: SplitResult): string {
  return given ? `Folds of ${name}: ${HELD_OUT[mode].name.toLowerCase()}` : HELD_OUT[mode].name;
}

/** What was held out, in a sentence or two. */
export function heldOut({ mode, given, name }: SplitResult): string {
  const found = given ? `The folds were given (${name}); what follows was found to hold for them. ` : "";
  return found + HELD_OUT[mode].sentence;
}

/** Names of the classes, by task, in the order of their labels. */
export const CLASS_WORDS: Readonly<Record<BenchmarkResults["task"], readonly string[]>> = {
  interaction: ["not listed as interacting", "listed as interacting"],
  causality: ["not listed as interacting", "a acts on b", "b acts on a"],
};

/** In the middle, if longer than `longest` characters. */
export function shorten(text: string, longest: number): string {
  const characters = Array.from(text);
  if (characters.length <= longest) return text;
  const head = Math.ceil((longest - 1) / 2);
  return [...characters.slice(0, head), "…", ...characters.slice(1 + head - longest)].join("");
}

/** Small letters, digits and hyphens: for names of files. */
export function slug(text: string): string {
  return (
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 60) || "x"
  );
}
