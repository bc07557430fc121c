import type { SplitAnswers } from "./benchmark.js";
import { foldResults } from "./benchmark.js";
import { type MeasureContext, measureMethod } from "./measure.js";
import type { Method } from "./method.js";
import { differencesAgainst } from "./regulators.js";
import type { SplitResult } from "./results.js";
import { leakageStatement } from "./statement.js";

/** Methods that every other one is compared with, where they are among them. */
const REFERENCES = ["degree", "margins-only"];

/**
 * Judges what all methods said in all folds of a split.
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
  const references = measured.filter(({ name }) => REFERENCES.includes(name));
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
