/** A stream of random numbers that its seed and name decide. */
export interface RandomNumbers {
  /** Uniform on [0, 1), with 53 random bits. */
  next(): number;
  /** Uniform whole number from 0 to `count` - 1; `count` is 1 to 2^32. */
  below(count: number): number;
  /** Puts the first `count` (default: all) places of `items` in random order, drawn from all of `items`. */
  shuffle(items: Uint32Array, count?: number): void;
}

/**
 * Random numbers for sampling and splitting: sfc32 (Doty-Humphrey), the same on every machine. Streams of one
 * seed but different names are independent, so that one more draw here changes nothing elsewhere.
 *
 * @param seed a whole number from 0 to 2^53 - 1
 * @param stream what the numbers are for, e.g. `negatives`
 * @throws RangeError for any other seed.
 */
export function randomNumbers(seed: number, stream = ""): RandomNumbers {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`the seed ${seed}`);
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32);
  let c = hash(stream);
  let counter = 1;

  const bits = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  };
  for (let round = 0; round < 15; round++) bits();

  const next = () => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53;
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    shuffle(items, count = items.length) {
      for (let i = 0; i < count; i++) {
        const j = i + below(items.length - i);
        const item = items[i];
        items[i] = items[j];
        items[j] = item;
      }
    },
  };
}

/** FNV-1a over UTF-16 code units. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value | 0;
}
