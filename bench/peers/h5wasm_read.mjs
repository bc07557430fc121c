/**
 * Reads datasets once with h5wasm alone, in slices of at most 16 MB, and prints how long that took as JSON.
 *
 *   node h5wasm_read.mjs FILE DATASET...
 */
import { File, Module, ready } from "h5wasm/node";

const SLICE_BYTES = 1 << 24;

const [path, ...names] = process.argv.slice(2);
await ready;
Module.activate_throwing_error_handler();
const start = performance.now();
const file = new File(path, "r");
let bytes = 0;
for (const name of names) {
  const dataset = file.get(name);
  const { shape, chunks, size } = dataset.metadata;
  const [rows, ...rest] = shape;
  const rowBytes = rest.reduce((product, length) => product * length, size);
  // Whole chunks, so that none is decompressed twice.
  const chunkRows = chunks?.[0] ?? 1;
  const step = chunkRows * Math.max(1, Math.floor(SLICE_BYTES / rowBytes / chunkRows));
  for (let first = 0; first < rows; first += step) {
    const range = [first, Math.min(rows, first + step)];
    bytes += dataset.slice([range, ...rest.map((length) => [0, length])]).byteLength;
  }
}
const seconds = (performance.now() - start) / 1000;
file.close();
console.log(JSON.stringify({ seconds, bytes }));
