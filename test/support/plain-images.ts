import type { ImageKind } from "../../dist/model/index.js";

const SIDE = 32;

/** The image of a histogram by the published formulas, in float64: 32 x 32 x kinds, row = bin of gene b. */
export const plainImage = (counts: ArrayLike<number>, kinds: readonly ImageKind[]): number[] =>
  imageOf(counts, kinds, ({ share }) => share);

/** The same if the genes were independent, with the same margins. */
export const plainBaseline = (counts: ArrayLike<number>, kinds: readonly ImageKind[]): number[] =>
  imageOf(counts, kinds, ({ product }) => product);

interface Bin {
  /** Of the cells. */
  share: number;
  /** Of the two margins. */
  product: number;
}

function imageOf(
  counts: ArrayLike<number>,
  kinds: readonly ImageKind[],
  shareOf: (bin: Bin) => number,
): number[] {
  const all = Array.from(counts);
  const cells = all.reduce((sum, count) => sum + count);
  const margin = (isIn: (i: number) => boolean) =>
    all.reduce((sum, count, i) => sum + (isIn(i) ? count : 0), 0) / cells;
  const rows = Array.from({ length: SIDE }, (_, row) => margin((i) => Math.floor(i / SIDE) === row));
  const columns = Array.from({ length: SIDE }, (_, column) => margin((i) => i % SIDE === column));
  const logarithm = (share: number) => (Math.log10(share + 1e-4) + 4) / 4;
  return all.flatMap((count, i) => {
    const product = rows[Math.floor(i / SIDE)] * columns[i % SIDE];
    const share = shareOf({ share: count / cells, product });
    return kinds.map((kind) => {
      if (kind === "nepdf") return logarithm(share);
      if (kind === "margins") return logarithm(product);
      return Math.min(3, Math.max(-3, (0.5 * (share - product)) / Math.sqrt(product + 1 / cells)));
    });
  });
}
