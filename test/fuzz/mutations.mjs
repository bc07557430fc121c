/** Makes damaged expression files, the same for the same seed. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Dataset, File, Module, ready } from "h5wasm/node";
import { randomIntegers } from "./random.mjs";

/** Relative to test/fixtures; those with many matrices are listed more than once. */
const ORIGINALS = [
  "io/10x-v2.h5",
  "io/10x-v3.h5",
  "io/corrupt-chunk.h5ad",
  "io/matrices.h5ad",
  "io/matrices.h5ad",
  "io/matrices.h5ad",
  "io/no-x.h5ad",
  "io/tables-0.5.h5ad",
  "io/tables-0.7.h5ad",
  "io/tables-modern.h5ad",
  "oracle/expression.h5ad",
  "oracle/expression.h5ad",
  "oracle/log2.h5ad",
];

/** What makes a matrix or a table; these are hit most. */
const VITAL = /\/(indptr|indices|data|shape|codes|categories|X)$/;

const BAD_NUMBERS = [
  -1,
  0,
  1,
  16,
  17,
  127,
  255,
  65536,
  -(2 ** 31),
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 63),
  0.5,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
];

const BAD_TEXTS = [
  "",
  "/",
  "X",
  "_index",
  "nonsense",
  "csr_matrix",
  "csc_matrix",
  "csr",
  "array",
  "null",
  "dataframe",
  "categorical",
  "string-array",
  "nullable-integer",
  "0.1.0",
  "\u0000\uffff",
];

const BAD_SHAPES = [
  [],
  [0],
  [0, 0],
  [-1, 17],
  [17, 23],
  [23, 18],
  [2 ** 31, 2 ** 31],
  [1, 2 ** 53],
  [23, 17, 1],
];

/**
 * Writes a damaged copy of one of the fixtures.
 *
 * @param {number} seed
 * @param {string} path
 * @returns {Promise<{original: string, changes: string[]}>}
 */
export async function writeMutation(seed, path) {
  const random = randomIntegers(seed);
  const original = ORIGINALS[random(ORIGINALS.length)];
  copyFileSync(fileURLToPath(new URL(`../fixtures/${original}`, import.meta.url)), path);
  const changes = [];
  const targeted = random(3);
  if (targeted > 0) changes.push(...(await changeContents(path, random, targeted)));
  if (targeted === 0 || random(4) === 0) changes.push(...changeBytes(path, random));
  return { original, changes };
}

/** Damages datasets and attributes through the HDF5 library, so that the file stays sound HDF5. */
async function changeContents(path, random, count) {
  await ready;
  Module.activate_throwing_error_handler();
  const file = new File(path, "a");
  const changes = [];
  try {
    const places = file.paths();
    const vital = places.filter((place) => VITAL.test(place));
    for (let i = 0; i < count; i++) {
      const pool = vital.length > 0 && random(10) < 7 ? vital : places;
      const place = pool[random(pool.length)];
      changes.push(`${place}: ${changeAt(file, place, random)}`);
    }
  } catch (cause) {
    // A dataset that cannot be read cannot be changed this way either (unknown filter, damaged chunk).
    changes.push(`given up: ${firstLine(cause)}`);
  } finally {
    file.close();
  }
  return changes;
}

function changeAt(file, place, random) {
  const entity = file.get(place);
  const isNumeric = entity instanceof Dataset && ["i", "u", "f"].includes(numberKind(entity.dtype));
  if (isNumeric && random(5) > 0) return changeValues(entity, random);
  const owner = Object.keys(entity.attrs).length > 0 ? entity : file;
  return changeAttribute(owner, random);
}

/** `i`, `u` or `f` for numbers: h5wasm's dtypes look like `<f`, `<B`, `>q`. */
function numberKind(dtype) {
  const letter = typeof dtype === "string" ? dtype.at(-1) : "";
  if ("bhilq".includes(letter)) return "i";
  if ("BHILQ".includes(letter)) return "u";
  return "fd".includes(letter) ? "f" : "";
}

function changeValues(dataset, random) {
  const { shape, maxshape } = dataset.metadata;
  if (maxshape?.includes(null) && random(4) === 0) {
    const longer = shape.map((side) => Math.max(0, side + random(5) - 2));
    dataset.resize(longer);
    return `resized to ${longer}`;
  }
  const length = shape.reduce((product, side) => product * side, 1);
  if (length === 0) return "empty";
  const cell = shape.map((side) => random(side));
  const ranges = cell.map((start) => [start, start + 1]);
  const values = dataset.slice(ranges);
  const wide = values instanceof BigInt64Array || values instanceof BigUint64Array;
  const bad = random(3) === 0 ? Number(values[0]) + random(5) - 2 : BAD_NUMBERS[random(BAD_NUMBERS.length)];
  values[0] = wide ? BigInt(Math.trunc(Number.isFinite(bad) ? bad : -1)) : bad;
  dataset.write_slice(ranges, values);
  return `[${cell}] = ${values[0]}`;
}

function changeAttribute(entity, random) {
  const names = Object.keys(entity.attrs);
  if (names.length === 0) return "no attributes";
  const shape = names.find((name) => /shape$/.test(name));
  const name = shape !== undefined && random(2) === 0 ? shape : names[random(names.length)];
  entity.delete_attribute(name);
  if (random(5) === 0) return `attribute ${name} deleted`;
  const value = badAttribute(random);
  entity.create_attribute(name, value);
  return `attribute ${name} = ${typeof value === "object" ? `[${value}]` : JSON.stringify(value)}`;
}

function badAttribute(random) {
  switch (random(5)) {
    case 0:
      return BAD_NUMBERS[random(BAD_NUMBERS.length)];
    case 1:
      return [BAD_TEXTS[random(BAD_TEXTS.length)], BAD_TEXTS[random(BAD_TEXTS.length)]];
    case 2:
      return BigInt64Array.from(BAD_SHAPES[random(BAD_SHAPES.length - 1) + 1], BigInt);
    default:
      return BAD_TEXTS[random(BAD_TEXTS.length)];
  }
}

/** Damages the file as storage and transfers do, whatever stands there. */
function changeBytes(path, random) {
  let bytes = Buffer.from(readFileSync(path));
  // The superblock is hit often enough otherwise; damage to what lies behind it goes deeper.
  const position = () => 96 + random(bytes.length - 96);
  const range = () => {
    const start = position();
    return [start, Math.min(bytes.length, start + 1 + random(random(4) === 0 ? 8192 : 16))];
  };
  switch (random(8)) {
    case 0: {
      const length = random(bytes.length);
      bytes = bytes.subarray(0, length);
      writeFileSync(path, bytes);
      return [`cut to ${length} bytes`];
    }
    case 1: {
      const [start, end] = range();
      bytes.fill(0, start, end);
      writeFileSync(path, bytes);
      return [`bytes ${start} to ${end} zeroed`];
    }
    case 2: {
      const [start, end] = range();
      bytes.fill(0xff, start, end);
      writeFileSync(path, bytes);
      return [`bytes ${start} to ${end} set`];
    }
    case 3: {
      const [start, end] = range();
      const to = position();
      bytes.copy(bytes, to, start, end);
      writeFileSync(path, bytes);
      return [`bytes ${start} to ${end} copied to ${to}`];
    }
    default: {
      const flips = Array.from({ length: 1 + random(8) }, () => [position(), random(8)]);
      for (const [at, bit] of flips) bytes[at] ^= 1 << bit;
      writeFileSync(path, bytes);
      return [`bits flipped: ${flips.map((flip) => flip.join("."))}`];
    }
  }
}

function firstLine(cause) {
  return String(cause?.message ?? cause).split("\n", 1)[0];
}
