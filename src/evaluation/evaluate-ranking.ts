import { CnncError } from "../errors.js";
import { auprc, auprcRatio, auroc, earlyPrecision, perRegulator } from "../metrics/index.js";
import type { PairFile } from "../pairs/index.js";
import { scoreColumn } from "./score-column.js";

/** How well a ranking finds the edges of a known network. */
export interface RankingEvaluation {
  /** Pairs that were judged. */
  readonly pairs: number;
  /** True edges among them. */
  readonly edges: number;
  /** Pairs that were not judged, because their regulator has no edge in the truth. */
  readonly unknownRegulators: number;
  /** True edges that the ranking lacks. */
  readonly edgesNotRanked: number;
  readonly auroc: number;
  readonly auprc: number;
  /** AUPRC over the share of edges: 1 is chance. */
  readonly auprcRatio: number;
  /** BEELINE's early precision over the share of edges. */
  readonly earlyPrecisionRatio: number;
  /** Mean and number of the AUROCs of single regulators with at least 5 edges and 5 other pairs. */
  readonly aurocPerRegulator: number;
  readonly regulators: number;
}

/**
 * Judges a ranking by a network that is known. A pair of a regulator that the network knows is an edge if it is
 * listed there, else none; pairs of other regulators are not judged. Of a network with labels, 0 is no edge, and 2 one
 * from the second gene to the first.
 *
 * @param score column of `ranked` with the scores; by default the first after the genes
 * @throws CnncError `COLUMN_NOT_FOUND`, `SCORE_NOT_A_NUMBER` with the line, `NOTHING_TO_JUDGE`
 */
export function evaluateRanking(ranked: PairFile, truth: PairFile, score?: string): RankingEvaluation {
  const edges = new Map<string, Set<string>>();
  let edgeCount = 0;
  truth.a.forEach((first, row) => {
    const label = truth.labels?.[row];
    if (label === 0) return;
    const [regulator, target] = label === 2 ? [truth.b[row], first] : [first, truth.b[row]];
    const targets = edges.get(regulator) ?? new Set();
    edges.set(regulator, targets);
    if (!targets.has(target)) edgeCount++;
    targets.add(target);
  });
  const all = scoreColumn(ranked, score);
  const judged = Array.from(ranked.a.keys()).filter((row) => edges.has(ranked.a[row]));
  const scores = Float64Array.from(judged, (row) => all[row]);
  const labels = Uint8Array.from(judged, (row) => (edges.get(ranked.a[row])?.has(ranked.b[row]) ? 1 : 0));
  const found = labels.reduce((sum, label) => sum + label, 0);
  if (found === 0 || found === judged.length) {
    throw new CnncError(
      "NOTHING_TO_JUDGE",
      `${ranked.path} and ${truth.path} have ${found === 0 ? "no edge" : "nothing but edges"} in common.`,
      "Check that both use the same gene names, and that the regulator stands first.",
    );
  }
  const numbers = new Map([...edges.keys()].map((name, number) => [name, number]));
  const each = perRegulator(
    auroc,
    scores,
    labels,
    Uint32Array.from(judged, (row) => numbers.get(ranked.a[row]) as number),
  );
  return {
    pairs: judged.length,
    edges: found,
    unknownRegulators: ranked.a.length - judged.length,
    edgesNotRanked: edgeCount - found,
    auroc: auroc(scores, labels),
    auprc: auprc(scores, labels),
    auprcRatio: auprcRatio(scores, labels),
    earlyPrecisionRatio: earlyPrecision(scores, labels).ratio,
    aurocPerRegulator: each.mean,
    regulators: each.values.length,
  };
}
