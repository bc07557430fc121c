import { CnncError } from "../errors.js";
import type { ProgressListener } from "../progress.js";
import { type SortedBlock, sortRecords } from "./external-sort.js";
import { KEY_WORDS } from "./external-sort-radix.js";

/** Scores of gene pairs; all arrays are equally long. */
export interface ScoredBatch {
  /** Genes, as positions among the names that go with the batches. */
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  /** One array per score column. */
  readonly scores: readonly Float32Array[];
}

/** Consecutive pairs of a ranking; owns its arrays. */
export interface RankedBatch extends ScoredBatch {
  /** Rank of the first pair, from 0. */
  readonly first: number;
  /** Pairs of the whole ranking. */
  readonly total: number;
}

export interface RankingOptions {
  /** Score column to rank by, highest first. */
  readonly main: number;
  /** Names of all genes. */
  readonly names: readonly string[];
  /** Keep only this many pairs, the best. Default: all. */
  readonly top?: number;
  /** Bytes to sort in; what does not fit goes to a temporary file. Default 64 MiB. */
  readonly memoryBudget?: number;
  /** Folder for that file; best the folder of the output, where there must be room for it anyway. */
  readonly temporaryFolder: string;
  readonly signal?: AbortSignal;
  /** Told about work between the last scored pair and the first ranked one, if it takes several steps. */
  readonly onProgress?: ProgressListener;
}

const DEFAULT_MEMORY_BUDGET = 64 * 2 ** 20;
/** Pairs turned into records at a time. */
const PAIRS_PER_BLOCK = 1 << 14;

/**
 * Ranks pairs, best first: by the main score, then by the names of gene a and gene b (in the order of their UTF-16
 * code units), so that the result does not depend on how the scoring was cut or threaded. Pairs that occur twice
 * keep their order. Minus zero counts as, and becomes, zero.
 *
 * Memory is `memoryBudget` and a few batches for any number of pairs. `top` up to about a third of the pairs that
 * fit it needs no disk; otherwise a temporary file takes 12 bytes per pair plus 4 for each score column but one,
 * and is gone when the ranking ends, fails or is abandoned.
 *
 * @param batches all with the same number of score columns
 * @returns nothing when there are no pairs
 * @throws CnncError `SCORE_NOT_A_NUMBER` when a main score is NaN; `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`;
 *   whatever `batches` throws. RangeError when an option makes no sense.
 */
export async function* rankPairs(
  batches: AsyncIterable<ScoredBatch>,
  options: RankingOptions,
): AsyncGenerator<RankedBatch, void, void> {
  const { names, main, top, memoryBudget = DEFAULT_MEMORY_BUDGET, temporaryFolder } = options;
  if (top !== undefined && !(Number.isInteger(top) && top > 0)) throw new RangeError(`the top ${top} pairs`);
  const order = nameOrder(names);
  const iterator = batches[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    if (first.done) return;
    const columns = first.value.scores.length;
    if (!(main in first.value.scores)) throw new RangeError(`${main} is none of ${columns} score columns`);
    const blocks = sortRecords(encode(first.value, iterator, options, order), {
      words: KEY_WORDS + columns - 1,
      memoryBudget,
      folder: temporaryFolder,
      ...(top !== undefined && { limit: top }),
      ...(options.signal && { signal: options.signal }),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    let rank = 0;
    for await (const block of blocks) {
      const batch = decode(block, rank, columns, main, order);
      rank += batch.a.length;
      yield batch;
    }
  } finally {
    await iterator.return?.();
  }
}

interface NameOrder {
  /** By gene: the place of its name among all; genes with one name by number. */
  readonly placeOf: Uint32Array;
  /** By place: the gene. */
  readonly geneAt: Uint32Array;
}

function nameOrder(names: readonly string[]): NameOrder {
  const geneAt = Uint32Array.from(names.keys()).sort((a, b) =>
    names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : a - b,
  );
  const placeOf = new Uint32Array(names.length);
  geneAt.forEach((gene, place) => {
    placeOf[gene] = place;
  });
  return { placeOf, geneAt };
}

/**
 * Pairs as records for sortRecords: the main score as a word that is small for high scores, the places of both
 * names, then the other score columns as they are.
 */
async function* encode(
  first: ScoredBatch,
  rest: AsyncIterator<ScoredBatch>,
  { main, names }: RankingOptions,
  { placeOf }: NameOrder,
): AsyncGenerator<Uint32Array, void, void> {
  const columns = first.scores.length;
  const words = KEY_WORDS + columns - 1;
  for (let next: IteratorResult<ScoredBatch> = { value: first }; !next.done; next = await rest.next()) {
    const batch = next.value;
    checkBatch(batch, columns, main, names);
    for (let from = 0; from < batch.a.length; from += PAIRS_PER_BLOCK) {
      const to = Math.min(batch.a.length, from + PAIRS_PER_BLOCK);
      const records = new Uint32Array((to - from) * words);
      fillColumn(records, 0, words, wordsOf(batch.scores[main]).subarray(from, to), highestFirst);
      fillColumn(records, 1, words, batch.a.subarray(from, to), (gene) => placeOf[gene]);
      fillColumn(records, 2, words, batch.b.subarray(from, to), (gene) => placeOf[gene]);
      let word = KEY_WORDS;
      for (let column = 0; column < columns; column++) {
        if (column === main) continue;
        fillColumn(records, word++, words, wordsOf(batch.scores[column]).subarray(from, to), (bits) => bits);
      }
      yield records;
    }
  }
}

function decode(
  { records, total }: SortedBlock,
  first: number,
  columns: number,
  main: number,
  { geneAt }: NameOrder,
): RankedBatch {
  const words = KEY_WORDS + columns - 1;
  const count = records.length / words;
  const column = (word: number, decoded: (value: number) => number) => {
    const values = new Uint32Array(count);
    for (let i = 0, at = word; i < count; i++, at += words) values[i] = decoded(records[at]);
    return values;
  };
  const scores = Array.from({ length: columns }, (_, index) => {
    const bits =
      index === main
        ? column(0, scoreOfHighestFirst)
        : column(KEY_WORDS + index - (index > main ? 1 : 0), (bits) => bits);
    return new Float32Array(bits.buffer);
  });
  return {
    first,
    total,
    a: column(1, (place) => geneAt[place]),
    b: column(2, (place) => geneAt[place]),
    scores,
  };
}

function fillColumn(
  records: Uint32Array,
  word: number,
  words: number,
  values: Uint32Array,
  encoded: (value: number) => number,
): void {
  for (let i = 0, at = word; i < values.length; i++, at += words) records[at] = encoded(values[i]);
}

function checkBatch({ a, b, scores }: ScoredBatch, columns: number, main: number, names: readonly string[]) {
  if (scores.length !== columns || [b, ...scores].some((array) => array.length !== a.length)) {
    throw new RangeError("the arrays of a batch of scored pairs do not fit together");
  }
  const wrong = scores[main].findIndex(Number.isNaN);
  if (wrong >= 0) {
    throw new CnncError(
      "SCORE_NOT_A_NUMBER",
      `The score of the pair ${names[a[wrong]]}, ${names[b[wrong]]} is not a number, so it has no rank.`,
      "The model is damaged or its training diverged: train it again.",
    );
  }
}

/** The bits of float32 numbers. */
const wordsOf = (scores: Float32Array) => new Uint32Array(scores.buffer, scores.byteOffset, scores.length);

const SIGN = 0x80000000;

/** An unsigned number that is smaller the higher a float32 is, from and to its bits. */
function highestFirst(bits: number): number {
  if (bits === SIGN) bits = 0;
  return bits >= SIGN ? bits : ~(bits | SIGN) >>> 0;
}

function scoreOfHighestFirst(word: number): number {
  return word >= SIGN ? word : ~word & 0x7fffffff;
}
