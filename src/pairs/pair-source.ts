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

/** All ordered pairs regulator × target, one regulator after the other, without those of a gene with itself. */
export function productSource(regulators: Uint32Array, targets: Uint32Array): PairSource {
  const timesTarget = new Map<number, number>();
  for (const target of targets) timesTarget.set(target, (timesTarget.get(target) ?? 0) + 1);

  /** Position of each regulator's first pair; Float64Array, because there may be more than 2^32 pairs. */
  const starts = new Float64Array(regulators.length + 1);
  regulators.forEach((regulator, row) => {
    starts[row + 1] = starts[row] + targets.length - (timesTarget.get(regulator) ?? 0);
  });

  return pairSource(starts[regulators.length], (first, a, b) => {
    let row = rowOf(first, regulators.length, (row) => starts[row]);
    let position = starts[row];
    for (let filled = 0; filled < a.length; row++) {
      const regulator = regulators[row];
      for (let t = 0; t < targets.length && filled < a.length; t++) {
        if (targets[t] === regulator || position++ < first) continue;
        a[filled] = regulator;
        b[filled++] = targets[t];
      }
    }
  });
}

/** All unordered pairs i < j of gene columns 0 to `genes` - 1: (0, 1), (0, 2), ..., (1, 2), ... */
export function allPairsSource(genes: number): PairSource {
  // Up to 2^26 genes every product below is under 2^53, so exact in float64.
  if (!Number.isInteger(genes) || genes < 0 || genes > 2 ** 26) throw new RangeError(`${genes} genes`);
  const rowStart = (i: number) => (i * (2 * genes - i - 1)) / 2;

  return pairSource((genes ** 2 - genes) / 2, (first, a, b) => {
    let i = rowOf(first, genes, rowStart);
    let j = i + 1 + (first - rowStart(i));
    for (let filled = 0; filled < a.length; filled++) {
      a[filled] = i;
      b[filled] = j++;
      if (j === genes) j = ++i + 1;
    }
  });
}

/** The last of `rows` rows that starts at or before `position`, so never an empty one; starts ascend. */
function rowOf(position: number, rows: number, start: (row: number) => number): number {
  let low = 0;
  let high = rows - 1;
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
