/**
 * Speed of building histograms into an HDF5 file, beside h5wasm alone, which writes as many bytes of nothing new.
 *
 *   node bench/writing.mjs [--rounds 3] [--genes 1096] [--large] [--json]
 *
 * All pairs of the genes, 2 KB each: 1.2 GB by default, 4.5 GB with --large. Both write with the same chunks and
 * into the system's folder for temporary files, and take turns, each time in a new process. Medians of the rounds.
 */
import { existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { File, Module, ready } from "h5wasm/node";
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

const CELLS = 43_261;
const DENSITY = 0.1;
const SETTLE_MS = 20_000;
const LARGE_GENES = 2100;
/** Those of src/histograms/write-hdf5.ts. */
const IMAGES_PER_CHUNK = 256;
const IMAGES_PER_WRITE = 8192;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    genes: { type: "string", default: "1096" },
    large: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const genes = options.large ? LARGE_GENES : Number(options.genes);
const pairs = (genes * (genes - 1)) / 2;
const data = join(inputFolder(), `csr-${CELLS}-${genes}-gzip4.h5ad`);
const out = join(inputFolder(), `histograms-${process.pid}.h5`);

await ready;
Module.activate_throwing_error_handler();
const result = await measure();
report();

async function measure() {
  if (!existsSync(data)) {
    say(`making ${data}`);
    run(process.execPath, [benchPath("make-h5ad.mjs"), data, "csr", CELLS, genes, DENSITY, "31250", 4]);
  }
  const ours = [];
  const peers = [];
  const rounds = Number(options.rounds);
  try {
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round} of ${rounds}`);
      await settle();
      ours.push(runJson(process.execPath, [benchPath("write-histograms.mjs"), data, out]));
      checkEnd();
      rmSync(out);
      const peer = [benchPath("peers/h5wasm_write.mjs"), out, pairs, IMAGES_PER_CHUNK, IMAGES_PER_WRITE];
      await settle();
      peers.push(runJson(process.execPath, peer));
      rmSync(out);
    }
  } finally {
    rmSync(out, { force: true });
  }
  return {
    pairs,
    bytes: 2048 * pairs,
    ...medians(ours),
    peerSeconds: median(peers.map(({ seconds }) => seconds)),
  };
}

/**
 * Waits until a virtual machine has given the memory of the deleted file back to its host: getting it again costs
 * more than the writing, and whoever ran too soon would be spared that.
 */
function settle() {
  return setTimeout(SETTLE_MS);
}

/**
 * Reads the last pair of the written file.
 *
 * @throws Error unless it is the pair of the last two genes, with all cells counted
 */
function checkEnd() {
  const file = new File(out, "r");
  const last = [pairs - 1, pairs];
  const pair = file.get("pairs").slice([last, [0, 2]]);
  const image = file.get("counts").slice([last, [0, 32], [0, 32]]);
  file.close();
  const sum = image.reduce((total, count) => total + count, 0);
  if (pair[0] !== genes - 2 || pair[1] !== genes - 1 || sum !== CELLS) {
    throw new Error(
      `${out} (${statSync(out).size} bytes) ends with pair ${pair}, which counts ${sum} cells.`,
    );
  }
}

function report() {
  const { bytes, readSeconds, writeSeconds, peerSeconds, peakBytes } = result;
  const wholeSeconds = readSeconds + writeSeconds;
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), result }, null, 2));
    return;
  }
  console.log(machine());
  const row = (name, seconds, ...rest) => [
    name,
    `${seconds.toFixed(2)} s`,
    bytes / seconds / 1e6,
    pairs / seconds,
    (peerSeconds / seconds).toFixed(2),
    ...rest,
  ];
  printTable(`${pairs.toLocaleString("en-US")} histograms, ${(bytes / 1e9).toFixed(2)} GB`, [
    ["", "time", "MB/s", "pairs/s", "speed", "peak memory"],
    row("h5wasm, nothing computed", peerSeconds, ""),
    row("cnnc, from a ready store", writeSeconds, ""),
    row("cnnc, from the h5ad file", wholeSeconds, `${Math.round(peakBytes / 1e6)} MB`),
  ]);
}
