import type { MethodResult, SplitResult } from "../../evaluation/results.js";
import { GROUPS } from "./words.js";

/** How a method is drawn: never told apart by colour alone. */
export interface MethodStyle {
  readonly color: string;
  readonly dash: readonly number[];
  /** A symbol of Vega. */
  readonly shape: string;
}

/** Okabe and Ito's palette, which readers with any colour vision can tell apart, the best visible first. */
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00"];
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [14, 4], [4, 4]];
const SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down"];

/** Methods that share a figure at most; more of a group go to a figure of their own. */
export const METHODS_PER_PANEL = COLORS.length;

/** One style for each method, the same in all figures of all splits; different within a group. */
export function methodStyles(splits: readonly SplitResult[]): ReadonlyMap<string, MethodStyle> {
  const styles = new Map<string, MethodStyle>();
  for (const group of GROUPS) {
    const names = new Set(splits.flatMap(({ methods }) => ofGroup(methods, group).map(({ name }) => name)));
    [...names].forEach((name, i) => {
      const place = i % METHODS_PER_PANEL;
      styles.set(name, { color: COLORS[place], dash: DASHES[place], shape: SHAPES[place] });
    });
  }
  return styles;
}

export function ofGroup(
  methods: readonly MethodResult[],
  group: MethodResult["group"],
): readonly MethodResult[] {
  return methods.filter((method) => method.group === group);
}
