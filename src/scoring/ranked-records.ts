import { CnncError } from "../errors.js";
import type { SortedBlock } from "./external-sort.js";
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

/** What scored pairs are made of. */
export interface RecordLayout {
  /** Score columns. */
  readonly columns: number;
  /** Score column to rank by, highest first. */
  readonly main: number;
  /** Names of all genes. */
  readonly names: readonly string[];
}

/** Pairs turned into records at a time. */
const PAIRS_PER_BLOCK = 1 << 14;

/** Turns scored pairs into records whose order is that of the ranking, and back. */
export interface RecordCoder {
  /** 32-bit words of a record. */
  readonly words: number;
  /**
   * Pairs as records for sortRecords: the main score as a word that is small for high scores, the places of both
   * names, then the other score columns as they are.
   *
   * @throws CnncError `SCORE_NOT_A_NUMBER` when a main score is NaN
   */
  encode(batches: AsyncIterable<ScoredBatch>): AsyncGenerator<Uint32Array, void, void>;
  /** @param first rank of the block's first record */
  decode(block: SortedBlock, first: number): RankedBatch;
}

/** @throws RangeError when there is no such main column */
export function recordCoder(layout: RecordLayout): RecordCoder {
  const { columns, main, names } = layout;
  if (!Number.isInteger(main) || main < 0 || main >= columns) {
    throw new RangeError(`${main} is none of ${columns} score columns`);
  }
  const order = nameOrder(names);
  const words = KEY_WORDS + columns - 1;
  return {
    words,
    async *encode(batches) {
      for await (const batch of batches) {
        checkBatch(batch, layout);
        for (let from = 0; from < batch.a.length; from += PAIRS_PER_BLOCK) {
          yield encodeBlock(
            batch,
            from,
            Math.min(batch.a.length, from + PAIRS_PER_BLOCK),
            words,
            main,
            order,
          );
        }
      }
    },
    decode: (block, first) => decodeBlock(block, first, layout, words, order),
  };
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

function encodeBlock(
  { a, b, scores }: ScoredBatch,
  from: number,
  to: number,
  words: number,
  main: number,
  { placeOf }: NameOrder,
): Uint32Array {
  const records = new Uint32Array((to - from) * words);
  fillColumn(records, 0, words, wordsOf(scores[main]).subarray(from, to), highestFirst);
  fillColumn(records, 1, words, a.subarray(from, to), (gene) => placeOf[gene]);
  fillColumn(records, 2, words, b.subarray(from, to), (gene) => placeOf[gene]);
  let word = KEY_WORDS;
  for (const [column, values] of scores.entries()) {
    if (column === main) continue;
    fillColumn(records, word++, words, wordsOf(values).subarray(from, to), (bits) => bits);
  }
  return records;
}

function decodeBlock(
  { records, total }: SortedBlock,
  first: number,
  { columns, main }: RecordLayout,
  words: number,
  { geneAt }: NameOrder,
): RankedBatch {
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

function checkBatch({ a, b, scores }: ScoredBatch, { columns, main, names }: RecordLayout): void {
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
