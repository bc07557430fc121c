/**
 * Rate of the histogram engine, counts delivered into native memory, beside numpy on genes of the same kind.
 *
 *   node bench/histograms.mjs [--rounds 3] [--only CELLS:DENSITY] [--profile] [--json]
 *
 * Every round measures every way once, so that what else the machine does hits all alike; medians of the rounds.
 * `--profile` also samples the engine with perf and says which part takes how much.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchPath, findPython, machine, medians, printTable, runJson, say } from "./support.mjs";

/** Genes are fewer where the store would take long to simulate. `density` is the mean. */
const CASES = [
  { cells: 43_261, genes: 2000, density: 0.02 },
  { cells: 43_261, genes: 2000, density: 0.1 },
  { cells: 43_261, genes: 2000, density: 0.3 },
  { cells: 43_261, genes: 2000, density: 0.8 },
  { cells: 1_000, genes: 2000, density: 0.1 },
  { cells: 10_000, genes: 2000, density: 0.1 },
  { cells: 100_000, genes: 2000, density: 0.1 },
  { cells: 1_000_000, genes: 400, density: 0.1 },
];
const PEER_SECONDS = 2;

/** Parts of the engine by the functions of native/core and native/cpu that they consist of. */
const PARTS = {
  planning: /plan_histograms|order_by|distinct_genes/,
  spreading: /::spread\b/,
  counting: /::count(_hits|_entries|_all)?\b/,
  completing: /::complete_/,
  clearing: /memset/,
  "rest of the loop": /run_task|run_stream|parallel_for|histograms_cpu/,
};

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    profile: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const program = build();
const python = findPython();
const cases = CASES.filter(
  ({ cells, density }) => options.only === undefined || options.only === `${cells}:${density}`,
);
const results = measure();
const profile = options.profile ? cases.map(profileCase) : undefined;
report();

/** Builds the benchmark of native/ alone, without Node, into build-bench. */
function build() {
  const root = benchPath("..");
  const folder = join(root, "build-bench");
  for (const args of [
    ["-S", root, "-B", folder, "-DCNNC_TESTS=ON", "-DCNNC_CUDA=OFF"],
    ["--build", folder, "--target", "cnnc_bench_histograms"],
  ]) {
    const { status, stdout, stderr } = spawnSync("cmake", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`cmake ${args.join(" ")} failed:\n${stdout}${stderr}`);
  }
  return join(folder, "cnnc_bench_histograms");
}

function measure() {
  const rounds = Number(options.rounds);
  const measured = cases.map(() => []);
  for (let round = 1; round <= rounds; round++) {
    cases.forEach((entry, position) => {
      say(`round ${round} of ${rounds}: ${entry.cells} cells, density ${entry.density}`);
      measured[position].push(measureOnce(entry));
    });
  }
  return cases.map((entry, position) => ({ ...entry, ...medians(measured[position]) }));
}

/** Pairs per second of each way. */
function measureOnce({ cells, genes, density }) {
  const engine = (threads) => runJson(program, [cells, genes, density, threads, 1]);
  const one = engine(1);
  const two = engine(2);
  const peers =
    python && runJson(python.command, [benchPath("peers/numpy_histograms.py"), cells, density, PEER_SECONDS]);
  return {
    kernel: one.kernel,
    oneThread: one.pairsPerSecond,
    twoThreads: two.pairsPerSecond,
    ...peers,
  };
}

/** Share of the engine's time per part, sampled on one thread. */
function profileCase({ cells, genes, density }) {
  const folder = mkdtempSync(join(tmpdir(), "cnnc-perf-"));
  const data = join(folder, "perf.data");
  try {
    const recorded = spawnSync(
      "perf",
      ["record", "-q", "-o", data, program, cells, genes, density, 1, 3].map(String),
      { stdio: "ignore" },
    );
    if (recorded.error || recorded.status !== 0) return undefined;
    const { stdout } = spawnSync(
      "perf",
      ["report", "-i", data, "--stdio", "-F", "overhead,symbol", "--percent-limit", "0"],
      { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] },
    );
    return { cells, density, ...sharesOf(stdout) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Sums perf's lines per part; the simulation of the store and the kernel's own work are in none. */
function sharesOf(listing) {
  const samples = Object.fromEntries(Object.keys(PARTS).map((part) => [part, 0]));
  for (const line of listing.split("\n")) {
    const [, percent, symbol] = /^\s*([\d.]+)%\s+\[\.\] (.*)$/.exec(line) ?? [];
    const part = Object.keys(PARTS).find((name) => symbol !== undefined && PARTS[name].test(symbol));
    if (part !== undefined) samples[part] += Number(percent);
  }
  const total = Object.values(samples).reduce((sum, share) => sum + share, 0);
  return Object.fromEntries(Object.entries(samples).map(([part, share]) => [part, share / total]));
}

function report() {
  const numpy = python ? `Python ${python.python}, numpy ${python.numpy}` : undefined;
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), numpy, results, profile }, null, 2));
    return;
  }
  console.log(`${machine()}, kernel ${results[0].kernel}`);
  console.log(numpy ?? "No Python with numpy was found: its columns are left out.");
  const share = (value) => `${(100 * value).toFixed(1)} %`;
  const times = (value) => `${Math.round(value).toLocaleString("en-US")} x`;
  printTable("Pairs per second; ratios are those of two threads", [
    [
      "cells",
      "genes",
      "density",
      "1 thread",
      "2 threads",
      ...(python ? ["histogram2d", "ratio", "bincount", "ratio"] : []),
    ],
    ...results.map(({ cells, genes, density, oneThread, twoThreads, histogram2d, bincount }) => [
      cells.toLocaleString("en-US"),
      genes,
      `${100 * density} %`,
      oneThread,
      twoThreads,
      ...(python
        ? [histogram2d, times(twoThreads / histogram2d), bincount, times(twoThreads / bincount)]
        : []),
    ]),
  ]);
  if (profile?.includes(undefined)) console.log("\nNo profile: perf is not there or may not sample.");
  else if (profile !== undefined) {
    printTable("Where the time goes, one thread, sampled by perf", [
      ["cells", "density", ...Object.keys(PARTS)],
      ...profile.map(({ cells, density, ...parts }) => [
        cells.toLocaleString("en-US"),
        `${100 * density} %`,
        ...Object.values(parts).map(share),
      ]),
    ]);
  }
}
