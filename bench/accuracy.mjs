/**
 * AUROC of trained networks on real data with the given folds.
 *
 *   node bench/accuracy.mjs DATA_FOLDER [--only hhep,mdc] [--networks compact:residual+margins,cnnc:nepdf]
 *     [--folds fold_gene5,fold_pair5] [--seeds 5] [--precision f32] [--out results.jsonl] [--json]
 *
 * DATA_FOLDER has, for each set, `expression.h5ad` and a file of labelled pairs with fold columns. Every fold is tested
 * once for each seed; training pairs whose mirror is tested are dropped. Settings are the same for all: AdamW with
 * decay 0.01, one-cycle to 0.002, batches of 128, 12 epochs, the last weights; several image kinds are scaled alike at
 * the start. What is done is kept in --out, and not done again.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openHistograms } from "../dist/histograms/index.js";
import { readPairFile } from "../dist/pairs/index.js";
import { trainModel } from "../dist/training/index.js";
import { machine, printTable, say } from "./support.mjs";

const SETS = {
  hhep: { folder: "hhep", pairs: "pairs_STRING.tsv.gz", scale: "linear", negativesPerPositive: 5 },
  mdc: { folder: "mdc", pairs: "pairs_STRING.tsv.gz", scale: "linear", negativesPerPositive: 5 },
  bone_marrow: {
    folder: "bone_marrow",
    pairs: "pairs_NonSpecific_ChIP.tsv.gz",
    scale: "counts",
    negativesPerPositive: 3,
  },
};
const FOLDS = ["0", "1", "2", "3", "4"];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: Object.keys(SETS).join() },
    networks: { type: "string", default: "compact:residual+margins,cnnc:nepdf" },
    folds: { type: "string", default: "fold_gene5,fold_pair5" },
    seeds: { type: "string", default: "5" },
    precision: { type: "string", default: "f32" },
    out: { type: "string", default: join(tmpdir(), "cnnc-bench", "accuracy.jsonl") },
    json: { type: "boolean", default: false },
  },
});
const done = existsSync(options.out)
  ? readFileSync(options.out, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  : [];
const rows = [];
for (const name of options.only.split(",")) {
  const session = await openSet(name);
  for (const network of options.networks.split(",")) {
    for (const column of options.folds.split(",")) rows.push(await measure(name, session, network, column));
  }
  session.histograms.close();
}
report();

async function openSet(name) {
  const { folder, pairs, scale } = SETS[name];
  const file = await readPairFile(join(positionals[0], folder, pairs));
  const data = join(positionals[0], folder, "expression.h5ad");
  return { file, histograms: await openHistograms(data, { kind: "list", file }, { scale, device: "cpu" }) };
}

/** All seeds and folds of one network on one set. */
async function measure(set, session, network, column) {
  const perSeed = [];
  for (let seed = 1; seed <= Number(options.seeds); seed++) {
    const folds = [];
    for (const fold of FOLDS) {
      const key = [set, network, column, options.precision, seed, fold].join(" ");
      let result = done.find((one) => one.key === key);
      if (result === undefined) {
        result = { key, ...(await trainAndTest(set, session, network, column, fold, seed)) };
        appendFileSync(options.out, `${JSON.stringify(result)}\n`);
        say(`${key}: AUROC ${result.auroc.toFixed(3)}, per regulator ${result.aurocPerRegulator.toFixed(3)}`);
      }
      folds.push(result);
    }
    const regulators = folds.reduce((sum, one) => sum + one.regulators, 0);
    perSeed.push({
      pooled: mean(folds.map(({ auroc }) => auroc)),
      perRegulator: folds.reduce((sum, one) => sum + one.aurocPerRegulator * one.regulators, 0) / regulators,
      seconds: mean(folds.map(({ seconds }) => seconds)),
    });
  }
  return { set, network, column, perSeed };
}

async function trainAndTest(set, { file, histograms }, network, column, fold, seed) {
  const [architecture, images] = network.split(":");
  const started = performance.now();
  const { test } = await trainModel(histograms, file, {
    architecture,
    images: images.split("+"),
    optimizer: { kind: "adamw", weightDecay: 0.01 },
    learningRate: 0.002,
    schedule: "one-cycle",
    epochs: 12,
    batchSize: 128,
    balanceClasses: true,
    negativesPerPositive: SETS[set].negativesPerPositive,
    scaleChannels: images.includes("+"),
    split: "target-disjoint",
    validationShare: 0,
    test: { column, fold },
    engine: "native",
    precision: options.precision,
    threads: availableParallelism(),
    cacheBytes: 4e9,
    seed,
  });
  const { auroc, auprc, aurocPerRegulator, regulators, pairs, positives } = test;
  const seconds = (performance.now() - started) / 1000;
  return { auroc, auprc, aurocPerRegulator, regulators, pairs, positives, seconds };
}

function report() {
  const summary = rows.map(({ set, network, column, perSeed }) => ({
    set,
    network,
    column,
    precision: options.precision,
    pooled: spread(perSeed.map(({ pooled }) => pooled)),
    perRegulator: spread(perSeed.map(({ perRegulator }) => perRegulator)),
    secondsPerFold: mean(perSeed.map(({ seconds }) => seconds)),
  }));
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), seeds: Number(options.seeds), summary }, null, 2));
    return;
  }
  console.log(machine());
  const text = ({ mean, deviation }) => `${mean.toFixed(3)} (${deviation.toFixed(3)})`;
  printTable(`AUROC, mean (standard deviation) of ${options.seeds} seeds, ${options.precision}`, [
    ["set", "network", "folds", "pooled", "mean per regulator", "s per fold"],
    ...summary.map(({ set, network, column, pooled, perRegulator, secondsPerFold }) => [
      set,
      network,
      column,
      text(pooled),
      text(perRegulator),
      secondsPerFold,
    ]),
  ]);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function spread(values) {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return { mean: center, deviation: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}
