import { CnncError } from "../errors.js";
import type { PairSource } from "./pair-source.js";

/** One of the parts that work on a source of pairs is cut into. */
export interface Shard {
  /** From 1 to `of`. */
  readonly index: number;
  readonly of: number;
}

/** Positions [from, to) of a source. */
export interface PairRange {
  readonly from: number;
  readonly to: number;
}

/** More parts than these are a slip of the hand: each reads the data and has a file. */
const MOST_SHARDS = 100_000;

/**
 * Reads `I/N`.
 *
 * @throws CnncError `BAD_USAGE`
 */
export function parseShard(text: string): Shard {
  const [, index, of] = (/^([0-9]+)\/([0-9]+)$/.exec(text) ?? []).map(Number);
  if (index >= 1 && index <= of && of <= MOST_SHARDS) return { index, of };
  throw new CnncError(
    "BAD_USAGE",
    `--shard ${text} is none of several parts.`,
    `Give two whole numbers, as in --shard 2/8: the second of eight parts, of ${MOST_SHARDS} at most.`,
  );
}

/** Cuts are at multiples of this many pairs where that leaves the parts about equal. */
const LARGEST_STEP = 2 ** 16;
/** Parts differ by a step, and have at least this many of them. */
const LEAST_STEPS = 32;

/**
 * The pairs of one part: `of` parts together have all pairs, each once, in their order. Depends on nothing but the
 * numbers. Parts differ by 3 % at most, but for roundings of tiny sources, where some may be empty.
 *
 * Cuts are at multiples of a power of two, as large as can be, so that parts of large sources consist of the batches
 * that the whole is worked on in.
 */
export function shardRange(pairs: number, { index, of }: Shard): PairRange {
  const wanted = pairs / (LEAST_STEPS * of);
  let step = 1;
  while (step < LARGEST_STEP && 2 * step <= wanted) step *= 2;
  // Fractions first: the product of pairs and parts may be beyond what float64 holds exactly.
  const cut = (part: number) => (part === of ? pairs : step * Math.floor((pairs / step) * (part / of) + 0.5));
  return { from: cut(index - 1), to: cut(index) };
}

/** The pairs of a range as a source of their own, with positions of their own. */
export function sliceOf(source: PairSource, { from, to }: PairRange): PairSource {
  const count = to - from;
  return {
    count,
    *batches(size, first = 0, last = count) {
      if (last > count) throw new RangeError(`pairs ${first} to ${last} of ${count}`);
      for (const batch of source.batches(size, from + first, from + last)) {
        yield { ...batch, first: batch.first - from };
      }
    },
  };
}
