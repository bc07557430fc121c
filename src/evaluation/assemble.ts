import type { SplitAnswers } from "./benchmark.js";
import { foldResults } from "./benchmark.js";
import { type MeasureContext, measureMethod } from "./measure.js";
import type { Method } from "./method.js";
import { differencesAgainst } from "./regulators.js";
import type { SplitResult } from "./results.js";
import { leakageStatement } from "./statement.js";
import { CONTROLS } from "./verdict.js";

/**
 * Judges what all methods said in all folds of a split, and compares each with the controls that are among them.
 *
 * @param methods in the order of the answers
 * @throws CnncError of measureMethod
 */
export function splitResult(
  { name, given, folds, parts, answers }: SplitAnswers,
  methods: readonly Method[],
  context: MeasureContext,
): SplitResult {
  const foldFacts = foldResults(context, { folds, parts });
  const measured = methods.map((method, m) =>
    measureMethod(
      { ...method, seconds: answers.reduce((sum, fold) => sum + fold[m].seconds, 0) },
      parts.map(({ test }, fold) => ({ name: folds.names[fold], test, scores: answers[fold][m].scores })),
      context,
    ),
  );
  const references = measured.filter(({ name }) => CONTROLS.includes(name));
  return {
    name,
    mode: folds.mode,
    given,
    folds: foldFacts,
    statement: leakageStatement(foldFacts, folds.mode),
    methods: measured.map((method) => ({
      ...method,
      differences: differencesAgainst(
        method,
        references.filter(({ name }) => name !== method.name),
        context.seed,
      ),
    })),
  };
}
