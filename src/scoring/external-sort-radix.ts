/** Words that a record is sorted by, from its start. */
export const KEY_WORDS = 3;

const DIGITS = 1 << 16;

/** Memory that a {@link RecordSorter} takes for each record, in bytes. */
export const SORTER_BYTES_PER_RECORD = 8;

/** Orders records without moving them. The order is valid until the next call. */
export type RecordSorter = (records: Uint32Array, count: number) => Uint32Array;

/**
 * A sorter of up to `capacity` records of `words` 32-bit words each: ascending by the first {@link KEY_WORDS}
 * words as unsigned numbers, records with equal ones in the order they stand in.
 *
 * The sorter returns the position of the first record, the second, ...; 8 bytes per record are allocated once.
 */
export function recordSorter(words: number, capacity: number): RecordSorter {
  const orders = [new Uint32Array(capacity), new Uint32Array(capacity)];
  const starts = new Uint32Array(DIGITS);
  return (records, count) => {
    let [order, next] = orders;
    for (let record = 0; record < count; record++) order[record] = record;
    for (let word = KEY_WORDS - 1; word >= 0; word--) {
      for (const shift of [0, 16]) {
        if (!countDigits(records, words, word, shift, count, starts)) continue;
        for (let i = 0; i < count; i++) {
          const record = order[i];
          next[starts[(records[record * words + word] >>> shift) & 0xffff]++] = record;
        }
        [order, next] = [next, order];
      }
    }
    return order.subarray(0, count);
  };
}

/** Where the records of each digit start; false when all have the same, so that there is nothing to sort. */
function countDigits(
  records: Uint32Array,
  words: number,
  word: number,
  shift: number,
  count: number,
  starts: Uint32Array,
): boolean {
  starts.fill(0);
  for (let at = word, record = 0; record < count; record++, at += words) {
    starts[(records[at] >>> shift) & 0xffff]++;
  }
  if (count === 0 || starts[(records[word] >>> shift) & 0xffff] === count) return false;
  for (let digit = 0, start = 0; digit < DIGITS; digit++) {
    const size = starts[digit];
    starts[digit] = start;
    start += size;
  }
  return true;
}
