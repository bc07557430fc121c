import type { ExpressionStore } from "../expression/index.js";
import { type PairBatch, type PairRange, type PairSource, sliceOf } from "../pairs/index.js";

/** A store of some genes with the pairs that it can answer for. */
export interface StorePart {
  readonly store: ExpressionStore;
  /** Pairs of genes of that store. */
  readonly source: PairSource;
  /** By gene of the store: its number among all genes; undefined where the store has all of them. */
  readonly genes?: Uint32Array;
  /** Where the part's pairs are in the whole source, in their order: runs that follow one another. */
  positions(): Iterable<PairRange>;
}

/** The same as one of several that together answer for a stretch of consecutive pairs. */
export interface StretchPart extends StorePart {
  readonly genes: Uint32Array;
  /** Positions of the stretch in the whole source. */
  readonly stretch: PairRange;
  /** Whether no other part of the stretch follows. */
  readonly isLast: boolean;
}

export interface PartsOptions {
  /** Bytes that each gene takes in a store. */
  readonly sizes: Float64Array;
  /** Bytes that a store may take. */
  readonly budget: number;
  /** The store of some genes, ascending. */
  load(genes: Uint32Array): Promise<ExpressionStore>;
}

/** Pairs looked at in one go. */
const BATCH = 1 << 16;

/**
 * Stores within `budget`, one after the other, that together answer for every pair of a range once, so that pairs of
 * more genes than fit into memory can be worked on. Each is freed when the next is asked for.
 *
 * The range is cut into stretches whose first genes take half of the budget; the other half is for their second genes,
 * group by group. Stores are read about as often as is needed for all pairs of genes: twice the size of all genes,
 * squared, divided by the budget. Pairs come in an order that depends on nothing but the source, the range and the
 * options.
 *
 * @param options whose `budget` is enough for any two genes
 * @param done pairs, the first in that order, that nobody asks for
 * @throws whatever `load` throws
 */
export async function* storeParts(
  source: PairSource,
  range: PairRange,
  options: PartsOptions,
  done = 0,
): AsyncGenerator<StretchPart, void, void> {
  const { sizes, budget, load } = options;
  let before = 0;
  for (const stretch of stretches(source, range, sizes, budget / 2)) {
    const groups = groupSecondGenes(source, stretch, sizes, budget);
    for (let group = 0; group < groups.count; group++) {
      const count = groups.pairs[group];
      const skipped = Math.min(count, Math.max(0, done - before));
      before += count;
      if (skipped === count) continue;
      const genes = stretch.firstGenes.concat(groups.genes[group]).sort((one, other) => one - other);
      const localOf = new Uint32Array(sizes.length);
      genes.forEach((gene, local) => {
        localOf[gene] = local;
      });
      const chosen: ChosenPairs = { source, range: stretch, count, isIn: (b) => groups.groupOf[b] === group };
      const store = await load(Uint32Array.from(genes));
      try {
        yield {
          store,
          source: sliceOf(chosenPairs(chosen, localOf), { from: skipped, to: count }),
          genes: Uint32Array.from(genes),
          stretch,
          isLast: group === groups.count - 1,
          positions: () => positionsOf(chosen, skipped),
        };
      } finally {
        store.native.release();
      }
    }
  }
}

interface Stretch extends PairRange {
  readonly firstGenes: readonly number[];
}

/** Consecutive parts of a range whose first genes take at most `bytes`, but for single genes that take more. */
function* stretches(
  source: PairSource,
  { from, to }: PairRange,
  sizes: Float64Array,
  bytes: number,
): Generator<Stretch, void, void> {
  const stretchOf = new Int32Array(sizes.length).fill(-1);
  let number = 0;
  let start = from;
  let firstGenes: number[] = [];
  let used = 0;
  for (const { first, a } of source.batches(BATCH, from, to)) {
    for (let i = 0; i < a.length; i++) {
      if (stretchOf[a[i]] === number) continue;
      if (firstGenes.length > 0 && used + sizes[a[i]] > bytes) {
        yield { from: start, to: first + i, firstGenes };
        [start, firstGenes, used] = [first + i, [], 0];
        number++;
      }
      stretchOf[a[i]] = number;
      firstGenes.push(a[i]);
      used += sizes[a[i]];
    }
  }
  if (firstGenes.length > 0) yield { from: start, to, firstGenes };
}

interface SecondGenes {
  readonly count: number;
  /** Of each group, those that are not among the first genes too. */
  readonly genes: readonly number[][];
  /** Of each group. */
  readonly pairs: readonly number[];
  /** By gene; -1 for those that are no second genes. */
  readonly groupOf: Int32Array;
}

/** Groups of the second genes of a stretch that fit beside its first genes. */
function groupSecondGenes(
  source: PairSource,
  { from, to, firstGenes }: Stretch,
  sizes: Float64Array,
  budget: number,
): SecondGenes {
  const pairsOf = new Float64Array(sizes.length);
  for (const { b } of source.batches(BATCH, from, to)) for (const gene of b) pairsOf[gene]++;
  const room = budget - firstGenes.reduce((sum, gene) => sum + sizes[gene], 0);
  const isFirst = new Set(firstGenes);
  const groupOf = new Int32Array(sizes.length).fill(-1);
  const genes: number[][] = [[]];
  const pairs = [0];
  let used = 0;
  for (let gene = 0; gene < sizes.length; gene++) {
    if (pairsOf[gene] === 0) continue;
    if (!isFirst.has(gene)) {
      if (used > 0 && used + sizes[gene] > room) {
        genes.push([]);
        pairs.push(0);
        used = 0;
      }
      used += sizes[gene];
      genes[genes.length - 1].push(gene);
    }
    const group = isFirst.has(gene) ? 0 : genes.length - 1;
    groupOf[gene] = group;
    pairs[group] += pairsOf[gene];
  }
  return { count: genes.length, genes, pairs, groupOf };
}

/** Those pairs of a range whose second gene is chosen. */
interface ChosenPairs {
  readonly source: PairSource;
  readonly range: PairRange;
  readonly count: number;
  isIn(b: number): boolean;
}

/** They, renumbered, as a source of their own. */
function chosenPairs({ source, range, count, isIn }: ChosenPairs, localOf: Uint32Array): PairSource {
  function* generate(size: number, from: number, to: number): Generator<PairBatch, void, void> {
    let position = 0;
    let first = from;
    let a = new Uint32Array(Math.min(size, to - from));
    let b = new Uint32Array(a.length);
    let filled = 0;
    if (a.length === 0) return;
    for (const batch of source.batches(BATCH, range.from, range.to)) {
      for (let i = 0; i < batch.a.length; i++) {
        if (!isIn(batch.b[i]) || position++ < from) continue;
        a[filled] = localOf[batch.a[i]];
        b[filled++] = localOf[batch.b[i]];
        if (filled < a.length) continue;
        yield { first, a, b };
        first += filled;
        if (first === to) return;
        a = new Uint32Array(Math.min(size, to - first));
        b = new Uint32Array(a.length);
        filled = 0;
      }
    }
  }
  return {
    count,
    batches: (size, from = 0, to = count) => ({ [Symbol.iterator]: () => generate(size, from, to) }),
  };
}

/** Where they are, but for the first `skipped`. */
function* positionsOf(
  { source, range, isIn }: ChosenPairs,
  skipped: number,
): Generator<PairRange, void, void> {
  let left = skipped;
  let [from, to] = [-1, -1];
  for (const { first, b } of source.batches(BATCH, range.from, range.to)) {
    for (let i = 0; i < b.length; i++) {
      if (!isIn(b[i]) || left-- > 0) continue;
      if (to !== first + i) {
        if (to > from) yield { from, to };
        from = first + i;
      }
      to = first + i + 1;
    }
  }
  if (to > from) yield { from, to };
}
