/**
 * The same numbers for the same seed (Mulberry32, by Tommy Ettinger, public domain).
 *
 * @param {number} seed
 * @returns {(limit: number) => number} whole numbers in [0, limit)
 */
export function randomIntegers(seed) {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
