/**
 * Time of association measures of all gene pairs of 3,000 genes in 3,000 cells, beside numpy, scipy and scikit-learn.
 *
 *   node bench/association.mjs [--rounds 3] [--only DENSITY] [--threads N] [--python PYTHON] [--json]
 *
 * Both begin with expression in memory, ours in the store, theirs a dense float64 matrix. They take turns, each time in
 * a new process; medians of the rounds. scikit-learn's mutual information is measured on some pairs and extrapolated.
 * Results are compared, too.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { File, ready } from "h5wasm/node";
import { benchPath, inputFolder, machine, median, printTable, run, runJson, say } from "./support.mjs";

const CELLS = 3000;
const GENES = 3000;
const PAIRS = (GENES * (GENES - 1)) / 2;
/** Shares of the matrix that are not 0. */
const DENSITIES = [0.1, 0.3];
/** What each measure is compared with. */
const MEASURES = {
  pearson: "numpy",
  spearman: "scipy, numpy",
  "mutual-information": "scikit-learn, extrapolated",
  "partial-correlation": "numpy",
};
/** Pairs of which scikit-learn's mutual information is measured. */
const SAMPLE = 300;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    python: { type: "string", multiple: true, default: ["python3", "/usr/bin/python3"] },
    json: { type: "boolean", default: false },
  },
});
process.env.OPENBLAS_NUM_THREADS = options.threads;
process.env.MKL_NUM_THREADS = options.threads;

const python = options.python.find(
  (command) => spawnSync(command, ["-c", "import numpy, scipy, sklearn"], { stdio: "ignore" }).status === 0,
);
let versions;
const results = [];
for (const density of DENSITIES.filter((one) => options.only === undefined || Number(options.only) === one)) {
  results.push(...(await measureDensity(density)));
}
report();

async function measureDensity(density) {
  const data = await inputOf(density);
  const times = Object.keys(MEASURES).map((measure) => ({ measure, ours: [], theirs: [] }));
  const out = {
    ours: join(inputFolder(), "association-cnnc.f32"),
    theirs: join(inputFolder(), "association-numpy.f32"),
  };
  for (let round = 1; round <= Number(options.rounds); round++) {
    say(`density ${density}, round ${round} of ${options.rounds}`);
    for (const time of times) {
      const { measure } = time;
      const program = benchPath("association-rate.mjs");
      time.ours.push(
        runJson(process.execPath, [program, measure, data.file, options.threads, out.ours]).seconds,
      );
      if (!python) continue;
      const peer = benchPath("peers/numpy_association.py");
      const found = runJson(python, [peer, measure, data.counts, CELLS, GENES, SAMPLE, out.theirs]);
      time.theirs.push(found.seconds);
      versions = found.version;
      time.difference ??= largestDifference(readFloats(out.ours), readFloats(out.theirs));
    }
  }
  for (const path of Object.values(out)) rmSync(path, { force: true });
  return times.map(({ measure, ours, theirs, difference }) => ({
    density,
    measure,
    seconds: median(ours),
    ...(python && {
      peerSeconds: median(theirs),
      ratio: median(theirs.map((time, round) => time / ours[round])),
      difference,
    }),
  }));
}

/** The h5ad file, and its counts as they are, cells x genes, for numpy; made once. */
async function inputOf(density) {
  const name = join(inputFolder(), `association-${CELLS}-${GENES}-${density}`);
  const [file, counts] = [`${name}.h5ad`, `${name}.f32`];
  if (!existsSync(file)) {
    say(`making ${file}`);
    run(process.execPath, [benchPath("make-h5ad.mjs"), file, "csr", CELLS, GENES, density, "31250", 0]);
  }
  if (!existsSync(counts)) {
    writeFileSync(`${counts}.partial`, await denseCounts(file));
    renameSync(`${counts}.partial`, counts);
  }
  return { file, counts };
}

async function denseCounts(path) {
  await ready;
  const file = new File(path, "r");
  const [data, indices, indptr] = ["data", "indices", "indptr"].map((name) => file.get(`X/${name}`).value);
  file.close();
  const dense = new Float32Array(CELLS * GENES);
  for (let cell = 0; cell < CELLS; cell++) {
    for (let i = indptr[cell]; i < indptr[cell + 1]; i++) dense[cell * GENES + indices[i]] = data[i];
  }
  return new Uint8Array(dense.buffer);
}

function readFloats(path) {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Theirs may be of every so-many-th pair; a gene with one value has NaN there. */
function largestDifference(ours, theirs) {
  const step = theirs.length === ours.length ? 1 : Math.floor(ours.length / SAMPLE);
  return theirs.reduce(
    (most, value, i) => Math.max(most, Number.isNaN(value) ? 0 : Math.abs(value - ours[i * step])),
    0,
  );
}

function report() {
  if (options.json) {
    console.log(
      JSON.stringify({ machine: machine(), threads: Number(options.threads), versions, results }, null, 2),
    );
    return;
  }
  console.log(`${machine()}, ${options.threads} threads${versions ? `, ${versions}` : ""}`);
  for (const density of new Set(results.map((one) => one.density))) {
    printTable(`${PAIRS.toLocaleString("en-US")} pairs, density ${density}, seconds`, [
      ["", "cnnc", "peer", "peer / cnnc", "largest difference", "peer is"],
      ...results
        .filter((one) => one.density === density)
        .map(({ measure, seconds, peerSeconds, ratio, difference }) => [
          measure,
          seconds,
          peerSeconds ?? "",
          ratio === undefined ? "" : `${ratio.toPrecision(3)} x`,
          difference === undefined ? "" : difference.toExponential(1),
          MEASURES[measure],
        ]),
    ]);
  }
}
