/** A number for each ordered pair of gene columns, e.g. where the pair was first met. */
export interface PairMap {
  /** The pair's number, or -1. */
  find(a: number, b: number): number;
  /** Gives the pair `value`, unless it has a number already; that number, or else -1, is returned. */
  put(a: number, b: number, value: number): number;
}

const EMPTY = 0xffffffff;

/**
 * A hash table for up to `capacity` different pairs, in about 24 bytes each: a `Map` with one key per pair
 * takes several times that and ends at 16 million.
 *
 * Gene columns and values are whole numbers from 0 to 2^32 - 2.
 */
export function pairMap(capacity: number): PairMap {
  const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
  const firsts = new Uint32Array(slots).fill(EMPTY);
  const seconds = new Uint32Array(slots);
  const values = new Uint32Array(slots);
  const mask = slots - 1;
  let used = 0;

  /** The slot that holds the pair, or the empty one where it belongs. */
  const slotOf = (a: number, b: number): number => {
    let mixed = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
    let slot = (mixed ^ (mixed >>> 13)) & mask;
    while (firsts[slot] !== EMPTY && (firsts[slot] !== a || seconds[slot] !== b)) slot = (slot + 1) & mask;
    return slot;
  };
  return {
    find(a, b) {
      const slot = slotOf(a, b);
      return firsts[slot] === EMPTY ? -1 : values[slot];
    },
    put(a, b, value) {
      const slot = slotOf(a, b);
      if (firsts[slot] !== EMPTY) return values[slot];
      if (used++ === capacity) throw new RangeError(`more than ${capacity} pairs`);
      firsts[slot] = a;
      seconds[slot] = b;
      values[slot] = value;
      return -1;
    },
  };
}
