import type { Numbers } from "./types.js";

type NumbersConstructor = (new (length: number) => Numbers) & (new (buffer: ArrayBuffer) => Numbers);

const CONSTRUCTORS: Readonly<Record<string, NumbersConstructor>> = {
  bool: Int8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** Whether values of this numpy dtype can be read as `Numbers` (float16 and longdouble, for example, cannot). */
export function isNumericDtype(dtype: string): boolean {
  return Object.hasOwn(CONSTRUCTORS, dtype);
}

/** `length` zeros of a numeric dtype. */
export function allocateNumbers(dtype: string, length: number): Numbers {
  return new CONSTRUCTORS[dtype](length);
}

/** Views bytes as numbers of a numeric dtype. */
export function numbersFromBytes(dtype: string, bytes: ArrayBuffer): Numbers {
  return new CONSTRUCTORS[dtype](bytes);
}

/** Copies `source[start, stop)` to `target` at `offset`; both are of the same dtype. */
export function copyNumbers(
  target: Numbers,
  offset: number,
  source: Numbers,
  start: number,
  stop: number,
): void {
  // One dtype gives one array type on both sides; the union type cannot say so.
  (target as Float64Array).set(source.subarray(start, stop) as Float64Array, offset);
}

/** Widens to float64; 64-bit integers beyond 2^53 are rounded. */
export function toFloat64(values: Numbers): Float64Array {
  return Float64Array.from(values as ArrayLike<number | bigint>, Number);
}
