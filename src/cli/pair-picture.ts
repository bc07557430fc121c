import { describeFilter, expressionUnits } from "../expression/index.js";
import type { HistogramSession } from "../histograms/index.js";
import type { HistogramArray } from "../native/addon-types.js";
import type { PairImage } from "../report/pair-image.js";

/** Bin edges of a gene. */
const EDGES = 33;

/**
 * What a picture of a pair's histogram shows.
 *
 * @param a gene of the store
 * @param counts 32 x 32
 * @param source name of the file, for the caption
 */
export function pairPicture(
  { selection, store }: Pick<HistogramSession, "selection" | "store">,
  a: number,
  b: number,
  counts: HistogramArray,
  source: string,
): PairImage {
  const edgesOf = (gene: number) => store.edges.subarray(EDGES * gene, EDGES * (gene + 1));
  return {
    geneA: store.geneNames[a],
    geneB: store.geneNames[b],
    cells: store.cells,
    counts,
    edgesA: edgesOf(a),
    edgesB: edgesOf(b),
    units: expressionUnits(selection.scale.name, selection.transform),
    note: [source, selection.matrix.name, ...selection.obs.map(describeFilter)].join(", "),
  };
}
