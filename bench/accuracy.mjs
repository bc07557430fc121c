/**
 * The accuracy of all methods on real and simulated data: methods x sets x splits, by `cnnc benchmark`.
 *
 *   node bench/accuracy.mjs --data FOLDER [--out FOLDER] [--only hhep,mdc,simulated-1000] [--methods compact,degree]
 *     [--seeds 1] [--precision f32] [--folds fold_gene5,fold_pair5] [--json]
 *
 * --data has a folder for each real set, with `expression.h5ad` and a file of labelled pairs with fold columns; without
 * it, only simulated data are used. Real sets are tested on their given folds, simulated ones (1,000 genes, 50 of them
 * regulators) on unseen targets. Networks learn for 12 epochs. Reports are kept in --out, one for each set and seed; what
 * is there is not done again, and a run that was stopped goes on with the fold it was at.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { inputFolder, machine, printTable, run, say } from "./support.mjs";

const CNNC = fileURLToPath(new URL("../bin/cnnc.js", import.meta.url));

const REAL_SETS = {
  hhep: { pairs: "pairs_STRING.tsv.gz", scale: "linear", negatives: 5 },
  mdc: { pairs: "pairs_STRING.tsv.gz", scale: "linear", negatives: 5 },
  bone_marrow: { pairs: "pairs_NonSpecific_ChIP.tsv.gz", scale: "counts", negatives: 3 },
};
const SIMULATED_CELLS = [300, 1000, 3000, 10_000];

const { values: options } = parseArgs({
  options: {
    data: { type: "string" },
    out: { type: "string", default: join(inputFolder(), "accuracy") },
    only: { type: "string" },
    methods: { type: "string" },
    seeds: { type: "string", default: "1" },
    precision: { type: "string", default: "f32" },
    folds: { type: "string", default: "fold_gene5,fold_pair5" },
    json: { type: "boolean", default: false },
  },
});

const sets = [...(options.data === undefined ? [] : realSets(options.data)), ...simulatedSets()].filter(
  ({ name }) => options.only === undefined || options.only.split(",").includes(name),
);
mkdirSync(options.out, { recursive: true });
const rows = sets.flatMap(measure);
report();

function realSets(folder) {
  return Object.entries(REAL_SETS).map(([name, { pairs, scale, negatives }]) => ({
    name,
    make: () => join(folder, name, "expression.h5ad"),
    labels: join(folder, name, pairs),
    options: ["--scale", scale, "--negatives-per-positive", negatives, "--fold-column", options.folds],
  }));
}

function simulatedSets() {
  return SIMULATED_CELLS.map((cells) => {
    const name = `simulated-${cells}`;
    const folder = join(inputFolder(), name);
    const sizes = ["--cells", cells, "--genes", 1000, "--regulators", 50, "--umis", 3000];
    return {
      name,
      make: () => {
        if (!existsSync(folder)) run(process.execPath, [CNNC, "simulate", "-o", folder, ...sizes]);
        return join(folder, "expression.h5ad");
      },
      labels: join(folder, "pairs.tsv"),
      options: ["--split", "target-disjoint"],
    };
  });
}

/** One row for each split and method, over all seeds. */
function measure(set) {
  const runs = Array.from({ length: Number(options.seeds) }, (_, i) => benchmark(set, i + 1));
  return runs[0].splits.flatMap(({ name: split, methods }, s) =>
    methods.map(({ name: method }, m) => {
      const results = runs.map(({ splits }) => splits[s].methods[m]);
      return {
        set: set.name,
        split,
        method,
        perRegulator: spread(results.map(({ perRegulator }) => perRegulator.auroc.value)),
        low: results[0].perRegulator.auroc.low,
        high: results[0].perRegulator.auroc.high,
        pooled: spread(results.map(({ pooled }) => pooled.auroc)),
        auprcRatio: spread(results.map(({ pooled }) => pooled.auprcRatio)),
        earlyPrecisionRatio: spread(results.map(({ pooled }) => pooled.earlyPrecisionRatio)),
        seconds: spread(results.map(({ seconds }) => seconds)),
      };
    }),
  );
}

function benchmark(set, seed) {
  const methods = options.methods === undefined ? "" : `-${options.methods.replaceAll(/[^a-z-]/g, "_")}`;
  const output = join(options.out, `${set.name}-${options.precision}${methods}-${seed}`);
  const results = join(output, "results.json");
  if (!existsSync(results)) {
    say(`${set.name}, seed ${seed}`);
    const common = ["--epochs", 12, "--precision", options.precision, "--seed", seed, "-o", output];
    const chosen = options.methods === undefined ? [] : ["--methods", options.methods];
    const data = set.make();
    run(process.execPath, [
      CNNC,
      "benchmark",
      data,
      "--labels",
      set.labels,
      ...set.options,
      ...common,
      ...chosen,
    ]);
  }
  return JSON.parse(readFileSync(results, "utf8"));
}

function report() {
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), seeds: Number(options.seeds), rows }, null, 2));
    return;
  }
  console.log(machine());
  const text = ({ mean, deviation }) =>
    options.seeds === "1" ? mean.toFixed(3) : `${mean.toFixed(3)} (${deviation.toFixed(3)})`;
  printTable(
    `AUROC, ${options.seeds === "1" ? "one seed" : `mean (standard deviation) of ${options.seeds} seeds`}, ${options.precision}`,
    [
      ["set", "split", "method", "per regulator", "95 %", "pooled", "AUPRC ratio", "EPR", "seconds"],
      ...rows.map((row) => [
        row.set,
        row.split,
        row.method,
        text(row.perRegulator),
        row.low === null ? "-" : `${row.low.toFixed(3)}-${row.high.toFixed(3)}`,
        text(row.pooled),
        row.auprcRatio.mean.toFixed(2),
        row.earlyPrecisionRatio.mean.toFixed(2),
        row.seconds.mean,
      ]),
    ],
  );
}

/** Values that could not be worked out are null in results.json, and 0 would be a lie. */
function spread(values) {
  const known = values.map((value) => value ?? Number.NaN);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const squares = known.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: known.length > 1 ? Math.sqrt(squares / (known.length - 1)) : 0 };
}
