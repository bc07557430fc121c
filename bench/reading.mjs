/**
 * Time from an h5ad file to a ready store of all its genes, beside h5wasm alone, which only reads the values once.
 *
 *   node bench/reading.mjs [--rounds 3] [--cells 40000] [--json]
 *
 * The files are made once and kept in the system's folder for temporary files. Ours uses all processors that the
 * process has, h5wasm one thread; they take turns, each time in a new process. Medians of the rounds.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  benchPath,
  inputFolder,
  machine,
  median,
  medians,
  printTable,
  run,
  runJson,
  say,
} from "./support.mjs";

const GENES = 20_000;
const DENSITY = 0.08;
/** Chunks are those that h5py chooses by itself for 64 million values, and for 10,000 x 20,000. */
const CASES = [
  { name: "CSR, gzip", encoding: "csr", chunk: "31250", gzip: 4, share: 1 },
  { name: "CSR, not compressed", encoding: "csr", chunk: "31250", gzip: 0, share: 1 },
  { name: "CSC, gzip", encoding: "csc", chunk: "31250", gzip: 4, share: 1 },
  { name: "dense, gzip", encoding: "dense", chunk: "79x313", gzip: 4, share: 0.25 },
];

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    cells: { type: "string", default: "40000" },
    json: { type: "boolean", default: false },
  },
});
const results = CASES.map(measure);
report();

function measure({ name, encoding, chunk, gzip, share }) {
  const cells = Math.round(Number(options.cells) * share);
  const path = join(inputFolder(), `${encoding}-${cells}-${GENES}-gzip${gzip}.h5ad`);
  if (!existsSync(path)) {
    say(`making ${path}`);
    run(process.execPath, [benchPath("make-h5ad.mjs"), path, encoding, cells, GENES, DENSITY, chunk, gzip]);
  }
  const datasets = encoding === "dense" ? ["X"] : ["X/data", "X/indices"];
  const ours = [];
  const peers = [];
  const rounds = Number(options.rounds);
  // Once before it counts, so that no round finds the file on disk only.
  for (let round = 0; round <= rounds; round++) {
    say(round === 0 ? `${name}: warming up` : `${name}: round ${round} of ${rounds}`);
    const peer = runJson(process.execPath, [benchPath("peers/h5wasm_read.mjs"), path, ...datasets]);
    if (round === 0) continue;
    peers.push(peer);
    ours.push(runJson(process.execPath, [benchPath("read-store.mjs"), path]));
  }
  return {
    name,
    cells,
    genes: GENES,
    fileBytes: statSync(path).size,
    ...medians(ours),
    valueBytes: peers[0].bytes,
    peerSeconds: median(peers.map(({ seconds }) => seconds)),
  };
}

function report() {
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), results }, null, 2));
    return;
  }
  console.log(machine());
  const megabytes = (bytes) => `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
  printTable("From h5ad to a ready store, beside h5wasm reading the values once", [
    ["", "cells x genes", "file", "values", "store", "h5wasm", "cnnc", "ratio", "peak memory"],
    ...results.map((result) => [
      result.name,
      `${result.cells} x ${result.genes}`,
      megabytes(result.fileBytes),
      megabytes(result.valueBytes),
      megabytes(result.storeBytes),
      `${result.peerSeconds.toFixed(2)} s`,
      `${result.seconds.toFixed(2)} s`,
      (result.seconds / result.peerSeconds).toFixed(2),
      megabytes(result.peakBytes),
    ]),
  ]);
}
