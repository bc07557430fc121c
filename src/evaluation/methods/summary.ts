import { fitLogistic } from "../logistic.js";
import type { Method } from "../method.js";
import { featuresOf, foldScores, foldTable, type SummaryContext } from "./summary-table.js";

/**
 * One logistic regression on the summary features of all pairs; multinomial for causality.
 *
 * @throws (score) CnncError of pairFeatures and fitLogistic
 */
export function createSummary(context: SummaryContext): Method {
  return {
    name: "summary",
    label: "logistic regression on summary features",
    group: "summary",
    learns: true,
    async score(fold, { signal }) {
      const features = await featuresOf(fold.pairs, context, signal);
      const { training, labels, classes, test } = foldTable(fold, features);
      const model = await fitLogistic(training, labels, { classes, ...(signal && { signal }) });
      return foldScores(fold, model.probabilities(test));
    },
  };
}
