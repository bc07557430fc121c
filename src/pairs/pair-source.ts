/** Consecutive pairs of a {@link PairSource}; `a` and `b` are equally long. */
export interface PairBatch {
  /** Position of the first pair in the source. */
  readonly first: number;
  /** Gene column of the first gene of each pair; the batch owns its arrays. */
  readonly a: Uint32Array;
  /** Gene column of the second gene of each pair. */
  readonly b: Uint32Array;
}

/** An ordered sequence of gene pairs that need not exist in memory. */
export interface PairSource {
  /** Exact number of pairs. */
  readonly count: number;
  /**
   * The pairs from position `from` (default 0) up to but without `to` (default `count`), `size` at a time;
   * the last batch may be shorter. Can be called any number of times.
   *
   * @throws RangeError unless `size` is a positive and the positions are ordered integers within the source.
   */
  batches(size: number, from?: number, to?: number): Iterable<PairBatch>;
}

/** Pairs that are listed one by one: gene columns `a[i]`, `b[i]`. */
export function listSource(a: Uint32Array, b: Uint32Array): PairSource {
  if (a.length !== b.length) throw new RangeError(`${a.length} first genes and ${b.length} second genes`);
  return pairSource(a.length, (first, batchA, batchB) => {
    batchA.set(a.subarray(first, first + batchA.length));
    batchB.set(b.subarray(first, first + batchB.length));
  });
}

/**
 * First genes whose pairs come together, column by column, because counting shares the work between them: as many
 * as the histogram engine holds side by side (kLanes of native/core/histogram_plan.hpp).
 */
const BAND = 8;

export interface OrderOptions {
  /** One first gene after the other, instead of bands of 8: the order of CNNC's own files. Default false. */
  readonly byFirstGene?: boolean;
}

/**
 * All ordered pairs regulator × target, without those of a gene with itself. The order is that of bands of 8
 * regulators: all pairs of the first target with the band's regulators, all of the second target, ...
 */
export function productSource(
  regulators: Uint32Array,
  targets: Uint32Array,
  { byFirstGene = false }: OrderOptions = {},
): PairSource {
  const size = byFirstGene ? 1 : BAND;
  const timesTarget = new Map<number, number>();
  for (const target of targets) timesTarget.set(target, (timesTarget.get(target) ?? 0) + 1);

  /** Position of each band's first pair; Float64Array, because there may be more than 2^32 pairs. */
  const bands = Math.ceil(regulators.length / size);
  const starts = new Float64Array(bands + 1);
  regulators.forEach((regulator, row) => {
    starts[Math.floor(row / size) + 1] += targets.length - (timesTarget.get(regulator) ?? 0);
  });
  for (let band = 0; band < bands; band++) starts[band + 1] += starts[band];

  return pairSource(starts[bands], (first, a, b) => {
    let band = lastStartAt(first, bands, (band) => starts[band]);
    let position = starts[band];
    for (let filled = 0; filled < a.length; band++) {
      const rows = regulators.subarray(size * band, size * (band + 1));
      for (let t = 0; t < targets.length && filled < a.length; t++) {
        for (let row = 0; row < rows.length && filled < a.length; row++) {
          if (rows[row] === targets[t] || position++ < first) continue;
          a[filled] = rows[row];
          b[filled++] = targets[t];
        }
      }
    }
  });
}

/**
 * All unordered pairs i < j of gene columns 0 to `genes` - 1. The order is that of bands of 8 genes i: of genes 0
 * to 7 the pairs (0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3), ... up to the last j; then of genes 8 to 15, ...
 */
export function allPairsSource(genes: number, { byFirstGene = false }: OrderOptions = {}): PairSource {
  // Up to 2^26 genes every product below is under 2^53, so exact in float64.
  if (!Number.isInteger(genes) || genes < 0 || genes > 2 ** 26) throw new RangeError(`${genes} genes`);
  const size = byFirstGene ? 1 : BAND;
  const rowStart = (i: number) => (i * (2 * genes - i - 1)) / 2;

  return pairSource((genes ** 2 - genes) / 2, (first, a, b) => {
    let i0 = size * lastStartAt(first, Math.ceil(genes / size), (band) => rowStart(size * band));
    // In a band, columns before i0 + size have as many pairs as there are genes from i0 on, all later ones `size`.
    const columnStart = (column: number) =>
      column < size ? (column * (column - 1)) / 2 : (size * (size - 1)) / 2 + (column - size) * size;
    const offset = first - rowStart(i0);
    const column = 1 + lastStartAt(offset, genes - i0 - 1, (column) => columnStart(column + 1));
    let j = i0 + column;
    let i = i0 + (offset - columnStart(column));
    for (let filled = 0; filled < a.length; filled++) {
      a[filled] = i;
      b[filled] = j;
      if (++i < Math.min(j, i0 + size)) continue;
      if (++j === genes) {
        i0 += size;
        j = i0 + 1;
      }
      i = i0;
    }
  });
}

/** The last of `count` parts that starts at or before `position`, so never an empty one; starts ascend. */
function lastStartAt(position: number, count: number, start: (part: number) => number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (start(middle) <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A source of `count` pairs whose positions from `first` on `fill` writes into arrays of any length. */
function pairSource(
  count: number,
  fill: (first: number, a: Uint32Array, b: Uint32Array) => void,
): PairSource {
  function* generate(size: number, from: number, to: number): Generator<PairBatch> {
    for (let first = from; first < to; first += size) {
      const length = Math.min(size, to - first);
      const a = new Uint32Array(length);
      const b = new Uint32Array(length);
      fill(first, a, b);
      yield { first, a, b };
    }
  }
  return {
    count,
    batches(size, from = 0, to = count) {
      if (!Number.isInteger(size) || size < 1) throw new RangeError(`batches of ${size} pairs`);
      if (!Number.isInteger(from) || !Number.isInteger(to) || from < 0 || to < from || to > count) {
        throw new RangeError(`pairs ${from} to ${to} of ${count}`);
      }
      return { [Symbol.iterator]: () => generate(size, from, to) };
    },
  };
}
