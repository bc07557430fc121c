import type { LabelledPairs } from "../../pairs/index.js";
import type { FoldTask, Method } from "../method.js";

/** How often a gene acts, or is acted on, among the training pairs. */
interface Rate {
  pairs: number;
  positives: number;
}

/** Pairs that the overall rate counts for, beside a gene's own. */
const PRIOR_PAIRS = 1;

/**
 * How often each gene was a regulator, and each a target, among the training pairs: log-odds of the two rates added
 * up. It never looks at expression, so what it reaches is what the choice of pairs gives away. A gene that training
 * does not know has the overall rate.
 *
 * For causality, the two directions of a pair are asked about: interaction is the better one, direction their
 * difference.
 */
export function degreeMethod(): Method {
  return {
    name: "degree",
    label: "how often the two genes interact in training",
    group: "control",
    learns: true,
    async score({ task, pairs, training, test }: FoldTask) {
      const logOdds = actingOdds(pairs, training, task === "causality");
      const forth = Float64Array.from(test, (row) => logOdds(pairs.a[row], pairs.b[row]));
      if (task === "interaction") return { interaction: forth };
      const back = Float64Array.from(test, (row) => logOdds(pairs.b[row], pairs.a[row]));
      return {
        interaction: forth.map((one, i) => Math.max(one, back[i])),
        direction: forth.map((one, i) => one - back[i]),
      };
    },
  };
}

/** @returns the log-odds that the first gene acts on the second */
function actingOdds({ a, b, labels }: LabelledPairs, training: Uint32Array, bothWays: boolean) {
  const all: Rate = { pairs: 0, positives: 0 };
  const acting = new Map<number, Rate>();
  const actedOn = new Map<number, Rate>();
  const count = (from: number, to: number, isPositive: boolean) => {
    for (const rate of [all, rateOf(acting, from), rateOf(actedOn, to)]) {
      rate.pairs++;
      if (isPositive) rate.positives++;
    }
  };
  for (const row of training) {
    count(a[row], b[row], labels[row] === 1);
    if (bothWays) count(b[row], a[row], labels[row] === 2);
  }
  const overall = all.positives / all.pairs;
  const odds = ({ pairs, positives }: Rate) => {
    const share = (positives + PRIOR_PAIRS * overall) / (pairs + PRIOR_PAIRS);
    return Math.log(share / (1 - share));
  };
  const unknown: Rate = { pairs: 0, positives: 0 };
  return (from: number, to: number) => odds(acting.get(from) ?? unknown) + odds(actedOn.get(to) ?? unknown);
}

function rateOf(rates: Map<number, Rate>, gene: number): Rate {
  const known = rates.get(gene);
  if (known) return known;
  const rate = { pairs: 0, positives: 0 };
  rates.set(gene, rate);
  return rate;
}
