import type { Leakage, Overlap, SplitMode } from "../pairs/index.js";
import type { FoldResult } from "./results.js";
import { count } from "./words.js";

const HELD_OUT: Readonly<Record<SplitMode, string>> = {
  "random-pairs": "Single pairs are held out",
  "regulator-disjoint": "Whole regulators are held out",
  "target-disjoint": "Whole targets are held out",
  "both-disjoint": "Whole regulators and whole targets are held out",
};

/**
 * Says in two sentences what training could know of the test pairs: which share of their genes, pairs and mirrors was
 * in training, and what was kept from training for it. Shares are of all folds together, where each fold counts its own
 * regulators, targets, genes and pairs.
 */
export function leakageStatement(
  folds: readonly Pick<FoldResult, "leakage" | "mirrorsDropped" | "leftOut">[],
  mode: SplitMode,
): string {
  const all = (part: keyof Leakage) => sumOf(folds.map(({ leakage }) => leakage[part]));
  const [pairs, mirrors] = [all("pairs"), all("mirrors")];
  const genes =
    `${HELD_OUT[mode]}: of the regulators in test pairs ${shareOf(all("regulators"))} also regulate in training ` +
    `pairs, of the targets ${shareOf(all("targets"))} are targets there, and of all genes ${shareOf(all("genes"))} ` +
    "occur there in either role.";
  const known =
    pairs.shared + mirrors.shared === 0
      ? "No test pair and no mirror (b, a) of one is in training"
      : `${count(pairs.shared)} of ${count(pairs.inTest)} test pairs and the mirrors (b, a) of ` +
        `${count(mirrors.shared)} are in training`;
  const dropped = folds.reduce((sum, { mirrorsDropped }) => sum + mirrorsDropped, 0);
  const leftOut = folds.reduce((sum, fold) => sum + fold.leftOut, 0);
  const mirrorsGone = `${dropped === 1 ? "1 mirror was" : `${count(dropped)} mirrors were`} dropped from training for that`;
  const kept =
    leftOut === 0
      ? mirrorsGone
      : `${mirrorsGone}, and ${count(leftOut)} ${leftOut === 1 ? "pair that shares" : "pairs that share"} a gene with ` +
        "test pairs";
  return `${genes} ${known}; over all folds, ${kept}.`;
}

function sumOf(overlaps: readonly Overlap[]): Overlap {
  const inTest = overlaps.reduce((sum, overlap) => sum + overlap.inTest, 0);
  const shared = overlaps.reduce((sum, overlap) => sum + overlap.shared, 0);
  return { inTest, shared, share: inTest === 0 ? 0 : shared / inTest };
}

/** `none`, `12 %`, `all`: never none for a few, nor all for most. */
function shareOf({ inTest, shared, share }: Overlap): string {
  if (shared === 0) return "none";
  if (shared === inTest) return "all";
  const percent = Math.round(100 * share);
  return percent === 0 ? "less than 1 %" : percent === 100 ? "more than 99 %" : `${percent} %`;
}
