import type { PairExplanation } from "./explain-pair.js";

/** An explanation as it is written to JSON: tables as arrays of rows, row = bin of gene b; NaN becomes null. */
export function explanationJson(explanation: PairExplanation): object {
  const { counts, edgesA, edgesB, attribution, occlusion, ...rest } = explanation;
  return {
    ...rest,
    edgesA: Array.from(edgesA),
    edgesB: Array.from(edgesB),
    counts: rows(counts),
    attribution: rows(attribution),
    occlusion: { ...occlusion, changes: rows(occlusion.changes) },
  };
}

function rows(square: ArrayLike<number>): number[][] {
  const side = Math.sqrt(square.length);
  const values = Array.from(square);
  return Array.from({ length: side }, (_, row) => values.slice(row * side, (row + 1) * side));
}
