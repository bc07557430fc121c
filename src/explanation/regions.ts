import { IMAGE_SIZE } from "../histograms/index.js";

const SIDE = Math.sqrt(IMAGE_SIZE);

/** First and last bin, both included. */
export type BinRange = readonly [first: number, last: number];

/** Neighbouring bins that push the explained number the same way. */
export interface BinRegion {
  readonly binsA: BinRange;
  readonly binsB: BinRange;
  /** Sum of their attributions. */
  readonly attribution: number;
}

export interface RegionOptions {
  /** The lowest bin of the gene holds the cells that do not express it and no others: a state of its own. */
  readonly separateA: boolean;
  readonly separateB: boolean;
  /** Default 5. */
  readonly most?: number;
}

const MOST_REGIONS = 5;
/** Further regions with less than this share of all attributions, signs aside, are not worth telling. */
const LEAST_SHARE = 0.05;

/**
 * The rectangles of bins that matter most, strongest first. They are chosen one by one, each being the one with the largest sum, of either sign, among
 * the bins that those before it left, where every bin costs the mean strength of all 1024, so that rectangles end
 * where little is going on.
 *
 * @param attribution 32 x 32, row = bin of gene b
 */
export function strongestRegions(attribution: Float64Array, options: RegionOptions): BinRegion[] {
  const total = attribution.reduce((sum, value) => sum + Math.abs(value), 0);
  const cost = total / IMAGE_SIZE;
  const free = new Uint8Array(IMAGE_SIZE).fill(1);
  const regions: BinRegion[] = [];
  while (total > 0 && regions.length < (options.most ?? MOST_REGIONS)) {
    const region = strongest(attribution, free, cost, options);
    if (region === undefined) break;
    if (regions.length > 0 && Math.abs(region.attribution) < LEAST_SHARE * total) break;
    regions.push(region);
    forEachBin(region, (bin) => {
      free[bin] = 0;
    });
  }
  return regions.sort((one, other) => Math.abs(other.attribution) - Math.abs(one.attribution));
}

/** Calls `use` with every bin of a region, 32 * bin of b + bin of a. */
export function forEachBin(
  { binsA, binsB }: Pick<BinRegion, "binsA" | "binsB">,
  use: (bin: number) => void,
): void {
  for (let row = binsB[0]; row <= binsB[1]; row++) {
    for (let column = binsA[0]; column <= binsA[1]; column++) use(row * SIDE + column);
  }
}

interface Candidate extends Pick<BinRegion, "binsA" | "binsB"> {
  readonly gain: number;
}

function strongest(
  attribution: Float64Array,
  free: Uint8Array,
  cost: number,
  { separateA, separateB }: RegionOptions,
): BinRegion | undefined {
  let best: Candidate | undefined;
  for (const sign of [1, -1]) {
    const gains = attribution.map((value, bin) =>
      free[bin] ? sign * value - cost : Number.NEGATIVE_INFINITY,
    );
    for (const rows of bands(separateB)) {
      for (const columns of bands(separateA)) {
        const candidate = bestRectangle(gains, rows, columns);
        if (candidate.gain > (best?.gain ?? 0)) best = candidate;
      }
    }
  }
  if (best === undefined) return undefined;
  const { binsA, binsB } = best;
  let sum = 0;
  forEachBin(best, (bin) => {
    sum += attribution[bin];
  });
  return { binsA, binsB, attribution: sum };
}

const bands = (separate: boolean): BinRange[] =>
  separate
    ? [
        [0, 0],
        [1, SIDE - 1],
      ]
    : [[0, SIDE - 1]];

/** The rectangle with the largest sum: for every range of rows, Kadane's search over the columns' sums. */
function bestRectangle(gains: Float64Array, rows: BinRange, columns: BinRange): Candidate {
  let best: Candidate = { gain: Number.NEGATIVE_INFINITY, binsA: columns, binsB: rows };
  for (let top = rows[0]; top <= rows[1]; top++) {
    const sums = new Float64Array(SIDE);
    for (let bottom = top; bottom <= rows[1]; bottom++) {
      let gain = Number.NEGATIVE_INFINITY;
      let first = columns[0];
      for (let column = columns[0]; column <= columns[1]; column++) {
        sums[column] += gains[bottom * SIDE + column];
        if (gain <= 0) {
          gain = 0;
          first = column;
        }
        gain += sums[column];
        if (gain > best.gain) best = { gain, binsA: [first, column], binsB: [top, bottom] };
      }
    }
  }
  return best;
}
