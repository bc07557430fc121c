import { auprc, auroc, bootstrapClusteredMean, perRegulator } from "../metrics/index.js";
import { median } from "../metrics/median.js";
import type { JudgedFold } from "./judged-fold.js";
import type { Difference, MethodResult, PerRegulatorMetrics, RegulatorValue } from "./results.js";

/**
 * Judges each regulator by its own test pairs of a fold, where it has at least 5 positive and 5 negative ones. Means
 * and the median are over all such pairs of a regulator and a fold. The intervals draw regulators anew, each with all
 * its folds, so they are about other regulators of the same kind, not about other pairs of these.
 *
 * @param geneNames name of each gene column
 * @param seed decides the draws; the same for all methods, so that their intervals are comparable
 */
export function perRegulatorMetrics(
  folds: readonly JudgedFold[],
  geneNames: readonly string[],
  seed: number,
): PerRegulatorMetrics {
  const values = folds.flatMap(({ name, scores, positive, regulators }): RegulatorValue[] => {
    const areas = perRegulator(auroc, scores.interaction, positive, regulators);
    const precisions = perRegulator(auprc, scores.interaction, positive, regulators);
    return Array.from(areas.regulators, (gene, i) => ({
      regulator: geneNames[gene],
      fold: name,
      positives: areas.positives[i],
      pairs: areas.pairs[i],
      auroc: areas.values[i],
      auprc: precisions.values[i],
    }));
  });
  const names = values.map(({ regulator }) => regulator);
  const all = new Set(folds.flatMap(({ regulators }) => [...regulators])).size;
  const judged = new Set(names).size;
  return {
    auroc: bootstrapClusteredMean(
      values.map(({ auroc }) => auroc),
      names,
      { seed },
    ),
    auprc: bootstrapClusteredMean(
      values.map(({ auprc }) => auprc),
      names,
      { seed },
    ),
    medianAuroc: median(values.map(({ auroc }) => auroc)),
    regulators: judged,
    skipped: all - judged,
    values,
  };
}

/** What is needed of a method to compare it with others. */
export type Compared = Pick<MethodResult, "name" | "perRegulator">;

/**
 * How much better a method is than each of some others: its AUROC less the other's, regulator by regulator and fold by
 * fold, so that what makes a regulator easy or hard for both cancels out. Only what both could judge counts. The mean's
 * interval draws regulators anew, each with all its folds.
 *
 * @param seed the same for all methods
 */
export function differencesAgainst(
  method: Compared,
  others: readonly Compared[],
  seed: number,
): Difference[] {
  return others.map((other) => {
    const shared = sharedValues(method, other);
    return {
      against: other.name,
      auroc: bootstrapClusteredMean(
        shared.map(([mine, theirs]) => mine.auroc - theirs.auroc),
        shared.map(([{ regulator }]) => regulator),
        { seed },
      ),
    };
  });
}

/** Values of two methods for each regulator in a fold that both judged. */
export function sharedValues(one: Compared, other: Compared): [RegulatorValue, RegulatorValue][] {
  const keyOf = ({ regulator, fold }: RegulatorValue) => JSON.stringify([regulator, fold]);
  const others = new Map(other.perRegulator.values.map((value) => [keyOf(value), value]));
  return one.perRegulator.values.flatMap((value): [RegulatorValue, RegulatorValue][] => {
    const theirs = others.get(keyOf(value));
    return theirs === undefined ? [] : [[value, theirs]];
  });
}
