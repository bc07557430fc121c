/**
 * Large data on this machine: from h5ad to a prepared store and back into memory; histograms and scores per second of
 * all pairs; and `predict-pairs` with half the memory that the store takes.
 *
 *   node bench/large.mjs [--only 1300000x5000,100000x20000] [--scale 0.01] [--seconds 15] [--json]
 *
 * Every step is a process of its own, on all processors granted. Speeds are of a sample of pairs, `--seconds` long, and
 * of all cells, of which `--scale` takes fewer. Networks are untrained, which makes no difference to the time. Where others
 * use the machine, look at what is said per second of processors; `others at work` is the load before it began.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { addon } from "../dist/native/addon.js";
import { benchPath, inputFolder, machine, printTable, run, runJson, say } from "./support.mjs";
import { writeUntrainedModel } from "./untrained-model.mjs";

const CASES = "1300000x5000,100000x20000";
const DENSITY = 0.05;
/** That which h5py chooses by itself for this many values. */
const CHUNK = 31250;
const GZIP = 4;
/** Of simulated counts, with their genes, in the h5ad; and of a prepared store. */
const H5AD_BYTES_PER_ENTRY = 2.3;
const STORE_BYTES_PER_ENTRY = 5.1;
/** What `--memory` leaves for the program itself. */
const PROGRAM_BYTES = 512 * 2 ** 20;
/** Regulators that are counted together. */
const BAND = 8;

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: CASES },
    scale: { type: "string", default: "1" },
    seconds: { type: "string", default: "15" },
    json: { type: "boolean", default: false },
  },
});
const cases = options.only.split(",").map((name) => {
  const [cells, genes] = name.split("x").map(Number);
  return { cells: Math.round(cells * Number(options.scale)), genes };
});
const precisions = addon().systemInfo().bf16 ? ["bf16", "f32"] : ["f32"];
const folder = mkdtempSync(join(inputFolder(), "large-"));

try {
  requireDisk();
  for (const architecture of ["compact", "cnnc"])
    await writeUntrainedModel(model(architecture), architecture);
  report(cases.map(measure));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Says what the files take, before hours are spent on them. */
function requireDisk() {
  const needed = cases.reduce((sum, { cells, genes }) => {
    const entries = cells * genes * DENSITY;
    const h5ad = existsSync(h5adOf({ cells, genes })) ? 0 : H5AD_BYTES_PER_ENTRY * entries;
    return sum + h5ad + STORE_BYTES_PER_ENTRY * entries;
  }, 0);
  const { bavail, bsize } = statfsSync(inputFolder());
  const free = bavail * bsize;
  say(`needs ${gigabytes(needed)} in ${inputFolder()}, where ${gigabytes(free)} are free`);
  if (needed > free) throw new Error(`There is no room for ${gigabytes(needed)} in ${inputFolder()}.`);
}

function h5adOf({ cells, genes }) {
  return join(inputFolder(), `large-${cells}-${genes}-${DENSITY}.h5ad`);
}

function model(architecture) {
  return join(folder, architecture);
}

function measure({ cells, genes }) {
  const name = `${cells.toLocaleString("en-US")} x ${genes.toLocaleString("en-US")}`;
  const step = (text) => say(`${name}: ${text}`);
  const h5ad = h5adOf({ cells, genes });
  const store = h5ad.replace(/\.h5ad$/, ".cnnc.h5");
  if (!existsSync(h5ad)) {
    step(`making ${h5ad}`);
    run(process.execPath, [benchPath("make-h5ad.mjs"), h5ad, "csr", cells, genes, DENSITY, CHUNK, GZIP]);
  }
  const load = loadavg()[0];
  step("preparing");
  const prepared = runScript("prepare-store.mjs", h5ad, store);
  step("loading");
  const loaded = runScript("load-store.mjs", store);
  const rates = rateCases().map(({ what, args }) => {
    step(what);
    return { what, ...runScript("sampled-rate.mjs", store, options.seconds, ...args) };
  });
  const files = { h5adBytes: statSync(h5ad).size, preparedBytes: statSync(store).size };
  return { name, cells, genes, load, ...files, prepared, loaded, rates, predictions: predict() };

  /** So many regulators with all genes that it takes about as long as the other steps; with all memory, and with half. */
  function predict() {
    const { rate } = rates.find(({ what }) => what === `compact ${precisions[0]}, one order`);
    const bands = Math.min(genes / BAND, Math.ceil((rate * Number(options.seconds)) / genes / BAND));
    const regulators = join(folder, "regulators.txt");
    writeFileSync(regulators, evenlySpread(BAND * Math.floor(bands), genes).join("\n"));
    const limit = Math.floor((PROGRAM_BYTES + loaded.storeBytes / 2) / 1024);
    const ways = [
      { what: "as much as it takes", args: [] },
      { what: `--memory ${Math.round(limit / 1024)}M`, args: ["--memory", `${limit}K`] },
    ];
    return ways.map(({ what, args }) => {
      step(`predict-pairs, ${what}`);
      const out = join(folder, "ranked.tsv");
      const command = ["predict-pairs", store, "--model", model("compact"), "--regulators", regulators];
      const printed = run(process.execPath, [
        benchPath("run-cnnc.mjs"),
        ...[...command, ...args, "-o", out, "--json"],
      ]);
      rmSync(out);
      return { what, ...parsePrediction(printed) };
    });
  }
}

/** Names of that many genes. */
function evenlySpread(count, genes) {
  return Array.from({ length: count }, (_, i) => `var${Math.floor((i * genes) / count)}`);
}

/** Of sampled-rate.mjs. */
function rateCases() {
  const scores = ["compact", "cnnc"].flatMap((architecture) =>
    precisions.flatMap((precision) =>
      ["one", "both"].map((orders) => ({
        what: `${architecture} ${precision}, ${orders === "one" ? "one order" : "both orders"}`,
        args: [model(architecture), precision, orders],
      })),
    ),
  );
  return [{ what: "histograms alone", args: [] }, ...scores];
}

/** What `--json` prints, and the line of run-cnnc.mjs after it. */
function parsePrediction(printed) {
  const lines = printed.trimEnd().split("\n");
  const { pairs, scoringSeconds } = JSON.parse(lines.slice(0, -1).join("\n"));
  const { seconds, peakBytes } = JSON.parse(lines.at(-1));
  return { pairs, scoringSeconds, rate: pairs / scoringSeconds, seconds, peakBytes };
}

function runScript(name, ...args) {
  return runJson(process.execPath, [benchPath(name), ...args]);
}

function gigabytes(bytes) {
  return `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`;
}

function report(results) {
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), density: DENSITY, results }, null, 2));
    return;
  }
  const seconds = (value) => `${value.toFixed(1)} s`;
  console.log(machine());
  console.log(`Density ${100 * DENSITY} %`);
  printTable("From a gzip h5ad to a prepared store, and from that into memory, process start included", [
    [
      "cells x genes",
      "entries",
      "h5ad",
      "store",
      "prepare",
      "of processors",
      "peak",
      "load",
      "of processors",
      "peak",
      "others at work",
    ],
    ...results.map(({ name, h5adBytes, preparedBytes, prepared, loaded, load }) => [
      name,
      loaded.entries.toLocaleString("en-US"),
      gigabytes(h5adBytes),
      gigabytes(preparedBytes),
      seconds(prepared.seconds),
      seconds(prepared.processorSeconds),
      gigabytes(prepared.peakBytes),
      seconds(loaded.seconds),
      seconds(loaded.processorSeconds),
      gigabytes(loaded.peakBytes),
      load.toFixed(1),
    ]),
  ]);
  for (const { name, rates, predictions } of results) {
    printTable(`${name}: pairs per second over a sample of all pairs, ${rates[0].threads} threads`, [
      ["", "on the clock", "per second of one processor", "pairs", "peak"],
      ...rates.map(({ what, rate, rateOfProcessor, pairs, peakBytes }) => [
        what,
        rate,
        rateOfProcessor,
        pairs,
        gigabytes(peakBytes),
      ]),
    ]);
    printTable(
      `${name}: predict-pairs --regulators, compact ${precisions[0]}; the store in memory, and in parts`,
      [
        ["memory", "pairs", "time", "of which scoring and reading parts", "pairs/s", "peak"],
        ...predictions.map((found) => [
          found.what,
          found.pairs,
          seconds(found.seconds),
          seconds(found.scoringSeconds),
          found.rate,
          gigabytes(found.peakBytes),
        ]),
      ],
    );
  }
}
