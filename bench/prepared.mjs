/**
 * Time from a prepared store to the same store in memory as from the gzip h5ad that it was prepared from, for all genes
 * and for 1,000.
 *
 *   node bench/prepared.mjs [--rounds 3] [--cells 40000] [--genes 20000] [--json]
 *
 * The files are made once and kept in the system's folder for temporary files. Both use all processors that the process
 * has; they take turns, each time in a new process, whose start counts. Medians of the rounds.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchPath, inputFolder, machine, medians, printTable, run, runJson, say } from "./support.mjs";

const DENSITY = 0.08;
/** That which h5py chooses by itself for 64 million values. */
const CHUNK = 31250;
const SOME_GENES = 1000;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    cells: { type: "string", default: "40000" },
    genes: { type: "string", default: "20000" },
    json: { type: "boolean", default: false },
  },
});
const [rounds, cells, genes] = [options.rounds, options.cells, options.genes].map(Number);
const h5ad = join(inputFolder(), `csr-${cells}-${genes}-gzip4.h5ad`);
const store = h5ad.replace(/\.h5ad$/, ".cnnc.h5");

if (!existsSync(h5ad)) {
  say(`making ${h5ad}`);
  run(process.execPath, [benchPath("make-h5ad.mjs"), h5ad, "csr", cells, genes, DENSITY, CHUNK, 4]);
}
say("preparing");
const prepared = runJson(process.execPath, [benchPath("prepare-store.mjs"), h5ad, store]);
const results = [genes, SOME_GENES].map(measure);
report();

function measure(count) {
  const load = (path) => runJson(process.execPath, [benchPath("load-store.mjs"), path, count]);
  const [fromH5ad, fromStore] = [[], []];
  // Once before it counts, so that no round finds a file on disk only.
  for (let round = 0; round <= rounds; round++) {
    say(`${count} genes: ${round === 0 ? "warming up" : `round ${round} of ${rounds}`}`);
    const both = [load(h5ad), load(store)];
    if (round === 0) continue;
    fromH5ad.push(both[0]);
    fromStore.push(both[1]);
  }
  const [slow, fast] = [medians(fromH5ad), medians(fromStore)];
  return {
    genes: count,
    entries: fast.entries,
    storeBytes: fast.storeBytes,
    h5adSeconds: slow.seconds,
    preparedSeconds: fast.seconds,
    ratio: slow.seconds / fast.seconds,
    h5adPeakBytes: slow.peakBytes,
    preparedPeakBytes: fast.peakBytes,
  };
}

function report() {
  const files = { h5adBytes: statSync(h5ad).size, preparedBytes: statSync(store).size };
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), cells, genes, ...files, prepared, results }, null, 2));
    return;
  }
  console.log(machine());
  const megabytes = (bytes) => `${Math.round(bytes / 1e6).toLocaleString("en-US")} MB`;
  const seconds = (value) => `${value.toFixed(2)} s`;
  console.log(
    `${cells} cells x ${genes} genes: ${megabytes(files.h5adBytes)} as h5ad, ${megabytes(files.preparedBytes)} prepared ` +
      `in ${seconds(prepared.seconds)} with a peak of ${megabytes(prepared.peakBytes)}`,
  );
  printTable("From a file to a ready store, process start included", [
    ["", "entries", "store", "h5ad", "prepared", "ratio", "peak of h5ad", "peak of prepared"],
    ...results.map((result) => [
      `${result.genes} genes`,
      result.entries,
      megabytes(result.storeBytes),
      seconds(result.h5adSeconds),
      seconds(result.preparedSeconds),
      result.ratio.toFixed(1),
      megabytes(result.h5adPeakBytes),
      megabytes(result.preparedPeakBytes),
    ]),
  ]);
}
