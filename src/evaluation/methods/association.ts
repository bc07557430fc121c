import type { ExpressionStore } from "../../expression/index.js";
import type { LabelledPairs } from "../../pairs/index.js";
import { associationScores, partialCorrelations } from "../../scoring/index.js";
import type { FoldTask, Method, MethodOptions } from "../method.js";

/** Measures of dependence by name, with what people call them. */
const LABELS = {
  pearson: "|Pearson| of log10(x + 0.01)",
  spearman: "|Spearman|",
  "mutual-information": "mutual information of the histogram",
} as const;

export type AssociationName = keyof typeof LABELS;

/**
 * How strongly the two genes depend on each other, whatever the sign; nothing is learned, so that all pairs are worked
 * out once.
 *
 * @param store built with `keepValues`
 * @throws (score) CnncError of associationScores
 */
export function associationMethod(name: AssociationName, store: ExpressionStore, threads: number): Method {
  return {
    name,
    label: LABELS[name],
    group: "association",
    learns: false,
    score: scoredOnce(({ a, b }, { signal }) =>
      associationScores(store, name, a, b, { threads, ...(signal && { signal }) }),
    ),
  };
}

/** Correlations that are shrunk further than this tell next to nothing, and the user is told. */
const NEARLY_ALL = 0.99;

/**
 * Dependence of the two genes that no other gene of the labelled pairs explains.
 *
 * @param store built with `keepValues`
 * @throws (score) CnncError of partialCorrelations
 */
export function partialCorrelationMethod(store: ExpressionStore, threads: number): Method {
  return {
    name: "partial-correlation",
    label: "|partial correlation|, shrunk (Schäfer & Strimmer)",
    group: "association",
    learns: false,
    score: scoredOnce(async ({ a, b }, { signal, onProgress, onNotice }) => {
      const genes = Uint32Array.from(new Set([...a, ...b]));
      const { scores, lambda } = await partialCorrelations(store, genes, a, b, {
        threads,
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
      });
      if (lambda > NEARLY_ALL) {
        const share = `${Math.floor(lambda * 1000) / 10} %`;
        onNotice?.(
          `partial-correlation: the cells are too few to tell correlations from chance, which were shrunk by ${share}.`,
        );
      }
      return scores;
    }),
  };
}

/** The `score` of a method whose answer about a pair is the same in every fold: |score| of all pairs, kept. */
export function scoredOnce(
  scoreAll: (pairs: LabelledPairs, options: MethodOptions) => Promise<Float32Array>,
): Method["score"] {
  let kept: { readonly pairs: LabelledPairs; readonly scores: Float32Array } | undefined;
  return async ({ pairs, test }: FoldTask, options) => {
    if (kept?.pairs !== pairs) kept = { pairs, scores: await scoreAll(pairs, options) };
    const { scores } = kept;
    return { interaction: Float64Array.from(test, (row) => Math.abs(scores[row])) };
  };
}
