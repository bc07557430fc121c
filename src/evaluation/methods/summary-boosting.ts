import { boostClasses } from "../boosting.js";
import { oneClassError } from "../logistic.js";
import type { Method } from "../method.js";
import { featuresOf, foldScores, foldTable, type SummaryContext } from "./summary-table.js";

/** Chosen on folds of hhep and mdc; few, shallow trees because positives are few and labels noisy. */
const GROWTH = { rounds: 200, depth: 4, rate: 0.05, rowShare: 0.8, columnShare: 0.5, minChildWeight: 5 };
const BAGS = 2;

/**
 * Gradient boosting on the summary features of all pairs. Cannot be had where boostingProblem says why.
 *
 * @throws (score) CnncError of pairFeatures and boostClasses; `TRAINING_ONE_CLASS`
 */
export function createBoosting(context: SummaryContext): Method {
  return {
    name: "boosting",
    label: "gradient boosting on summary features",
    group: "summary",
    learns: true,
    async score(fold, { signal, onProgress }) {
      const features = await featuresOf(fold.pairs, context, signal);
      const table = foldTable(fold, features);
      if (new Set(table.labels).size === 1) throw oneClassError(fold.training.length, table.labels[0]);
      const { threads } = context;
      const probabilities = await boostClasses(table, { ...GROWTH, seed: fold.seed }, BAGS, {
        threads,
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
      });
      return foldScores(fold, probabilities);
    },
  };
}
