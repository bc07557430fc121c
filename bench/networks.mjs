/**
 * Speed of scoring and training, beside Keras on TensorFlow and PyTorch where a Python has them.
 *
 *   node bench/networks.mjs [--rounds 3] [--threads N] [--python PYTHON] [--json]
 *
 * Our scoring is end to end, from the store of 43,261 cells at 10 % density, histograms included; theirs is `predict`
 * alone, on images that are ready. All take turns, each time in a new process. Medians of the rounds.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { addon } from "../dist/native/addon.js";
import { benchPath, inputFolder, machine, median, printTable, run, runJson, say } from "./support.mjs";

const CELLS = 43_261;
const GENES = 1096;
const DENSITY = 0.1;
const SECONDS = 4;

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: String(availableParallelism()) },
    python: { type: "string", multiple: true, default: ["python3", "/usr/bin/python3"] },
    json: { type: "boolean", default: false },
  },
});

const data = join(inputFolder(), `csr-${CELLS}-${GENES}-gzip4.h5ad`);
if (!existsSync(data)) {
  say(`making ${data}`);
  run(process.execPath, [benchPath("make-h5ad.mjs"), data, "csr", CELLS, GENES, DENSITY, "31250", 4]);
}
const keras = pythonWith("tensorflow, keras");
const torch = pythonWith("torch");
const precisions = addon().systemInfo().bf16 ? ["f32", "bf16"] : ["f32"];

/** Each way: what it does, and the program that prints its rate. */
const ways = ["score", "train"].flatMap((task) => {
  const theirs = task === "score" ? "predict" : "train";
  const peer = (name, python, script, args) =>
    python ? [{ task, name, command: [python, benchPath(`peers/${script}`), theirs, ...args] }] : [];
  return [
    ...peer("Keras, cnnc", keras, "keras_networks.py", ["cnnc", options.threads, SECONDS]),
    ...peer("Keras, compact", keras, "keras_networks.py", ["compact", options.threads, SECONDS]),
    ...peer("PyTorch, cnnc", torch, "torch_networks.py", [options.threads, SECONDS]),
    ...["cnnc", "compact", "mlp"].flatMap((architecture) =>
      precisions.map((precision) => ({
        task,
        name: `cnnc ${task}, ${architecture}, ${precision}`,
        command: [
          process.execPath,
          benchPath("network-rate.mjs"),
          task,
          data,
          architecture,
          precision,
          options.threads,
          SECONDS,
        ],
      })),
    ),
  ];
});

const rates = new Map(ways.map(({ task, name }) => [`${task} ${name}`, []]));
const versions = new Map();
for (let round = 1; round <= Number(options.rounds); round++) {
  say(`round ${round} of ${options.rounds}`);
  for (const { task, name, command } of ways) {
    const { rate, version } = runJson(command[0], command.slice(1));
    rates.get(`${task} ${name}`).push(rate);
    if (version) versions.set(name.split(",")[0], version);
  }
}
const results = ways.map(({ task, name }) => ({ task, name, rate: median(rates.get(`${task} ${name}`)) }));
report();

function report() {
  if (options.json) {
    console.log(
      JSON.stringify({ machine: machine(), versions: Object.fromEntries(versions), results }, null, 2),
    );
    return;
  }
  console.log(`${machine()}, oneDNN ${addon().systemInfo().onednn}, ${options.threads} threads`);
  for (const [name, version] of versions)
    console.log(`${name}: ${name === "Keras" ? "TensorFlow " : ""}${version}`);
  for (const task of ["score", "train"]) {
    const rateOf = (name) => results.find((one) => one.task === task && one.name === name)?.rate;
    const relative = (rate, peer) => (rateOf(peer) ? `${(rate / rateOf(peer)).toFixed(2)} x` : "");
    printTable(task === "score" ? "Scoring, pairs per second" : "Training, pairs per second", [
      ["", "rate", "Keras cnnc", "Keras compact", "PyTorch cnnc"],
      ...results
        .filter((one) => one.task === task)
        .map(({ name, rate }) => [
          name,
          rate,
          relative(rate, "Keras, cnnc"),
          relative(rate, "Keras, compact"),
          relative(rate, "PyTorch, cnnc"),
        ]),
    ]);
  }
}

function pythonWith(modules) {
  return options.python.find(
    (command) => spawnSync(command, ["-c", `import ${modules}`], { stdio: "ignore" }).status === 0,
  );
}
