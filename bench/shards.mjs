/**
 * What shards cost: all pairs scored in one run, and in shards one after the other with their merge, which must give the
 * same bytes; and how long a shard takes that has next to no pairs, which is its start-up.
 *
 *   node bench/shards.mjs [--rounds 3] [--cells 10000] [--genes 2000] [--shards 4] [--architecture compact] [--json]
 *   node bench/shards.mjs --method pearson
 *
 * From a prepared store, made once and kept in the system's folder for temporary files. Every round measures both once.
 * Medians of the rounds. The network is untrained, which makes no difference to the time. Where others use the machine,
 * the ratio of processor time is the one to look at.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchPath, inputFolder, machine, medians, printTable, run, runJson, say } from "./support.mjs";
import { writeUntrainedModel } from "./untrained-model.mjs";

const DENSITY = 0.08;
const CHUNK = 31250;
/** So many that none has more than a few thousand pairs. */
const TINY_SHARDS = 100_000;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    cells: { type: "string", default: "10000" },
    genes: { type: "string", default: "2000" },
    shards: { type: "string", default: "4" },
    architecture: { type: "string", default: "compact" },
    method: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const [rounds, cells, genes, shards] = [options.rounds, options.cells, options.genes, options.shards].map(
  Number,
);
const h5ad = join(inputFolder(), `csr-${cells}-${genes}-gzip4.h5ad`);
const store = h5ad.replace(/\.h5ad$/, ".values.cnnc.h5");
const folder = mkdtempSync(join(inputFolder(), "shards-"));

try {
  prepareInputs();
  const scorer = options.method ? ["--method", options.method] : ["--model", await untrainedModel()];
  const measured = [];
  for (let round = 0; round <= rounds; round++) {
    say(round === 0 ? "warming up" : `round ${round} of ${rounds}`);
    const found = measureOnce(["predict-pairs", store, ...scorer, "--all-pairs"]);
    if (round > 0) measured.push(found);
  }
  report(medians(measured));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function prepareInputs() {
  if (!existsSync(h5ad)) {
    say(`making ${h5ad}`);
    run(process.execPath, [benchPath("make-h5ad.mjs"), h5ad, "csr", cells, genes, DENSITY, CHUNK, 4]);
  }
  if (!existsSync(store)) {
    say(`making ${store}`);
    cost(["prepare", h5ad, "--values", "-o", store]);
  }
}

async function untrainedModel() {
  const path = join(folder, "model");
  await writeUntrainedModel(path, options.architecture);
  return path;
}

function measureOnce(command) {
  const file = (name) => join(folder, name);
  const parts = Array.from({ length: shards }, (_, i) => file(`part-${i + 1}.cnnc`));
  const one = cost([...command, "-o", file("whole.tsv")]);
  const each = parts.map((part, i) => cost([...command, "--shard", `${i + 1}/${shards}`, "-o", part]));
  const merge = cost(["merge", ...parts, "-o", file("merged.tsv")]);
  const tiny = ["--shard", `${TINY_SHARDS / 2}/${TINY_SHARDS}`, "-o", file("tiny.cnnc")];
  const startUp = cost([...command, ...tiny]);
  if (!sameBytes(file("whole.tsv"), file("merged.tsv")))
    throw new Error("the merged ranking has other bytes");
  const partBytes = parts.reduce((sum, part) => sum + statSync(part).size, 0);
  for (const path of [...parts, file("tiny.cnnc")]) rmSync(path);
  const sum = (name) => each.reduce((total, found) => total + found[name], 0);
  return {
    one: one.seconds,
    parts: sum("seconds"),
    merge: merge.seconds,
    ratio: (sum("seconds") + merge.seconds) / one.seconds,
    processorRatio: (sum("processorSeconds") + merge.processorSeconds) / one.processorSeconds,
    startUp: startUp.seconds,
    partBytes,
  };
}

/** Files may be larger than what one read takes. */
function sameBytes(one, other) {
  if (statSync(one).size < 2 ** 30) return readFileSync(one).equals(readFileSync(other));
  return spawnSync("cmp", [one, other]).status === 0;
}

/** Of a whole process. */
function cost(args) {
  return runJson(process.execPath, [benchPath("run-cnnc.mjs"), ...args]);
}

function report(found) {
  const pairs = (genes * (genes - 1)) / 2;
  const what = options.method ?? options.architecture;
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), what, cells, genes, pairs, shards, ...found }, null, 2));
    return;
  }
  const { one, parts, merge, ratio, processorRatio, startUp, partBytes } = found;
  console.log(machine());
  console.log(
    `${cells} cells x ${genes} genes, ${pairs.toLocaleString("en-US")} pairs, by ${what}; same bytes`,
  );
  const text = (value) => `${value.toFixed(2)} s`;
  printTable("One run, and shards one after the other; ratios are those of shards and merge to one run", [
    [
      "",
      "one run",
      "shards",
      "merge",
      "ratio",
      "of processor time",
      "start-up of a shard",
      "files of all shards",
    ],
    [
      `${shards} shards`,
      text(one),
      text(parts),
      text(merge),
      ratio.toFixed(3),
      processorRatio.toFixed(3),
      text(startUp),
      `${Math.round(partBytes / 1e6)} MB`,
    ],
  ]);
}
