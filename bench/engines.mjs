/**
 * The native engine judged by TensorFlow.js's cpu backend, networks at their full width.
 *
 *   node bench/engines.mjs [--architectures cnnc,compact,mlp] [--tasks interaction,causality] [--channels 1,2,3]
 *     [--batches 1,4,32] [--images random,real] [--steps 1] [--threads N] [--json]
 *
 * Prints how far outputs, gradients and the weights after optimiser steps (Nesterov, without dropout) are apart, and
 * exits with 1 where one is beyond its limit. A ReLU or a maximum that rounding tips over moves gradients by more than the
 * limit; so what is beyond it is compared with how far the native engine's own gradients go when its weights change by
 * one rounding error, and passes as `tipped` within twice that. TensorFlow.js trains a third of a `cnnc` pair per second: the whole takes
 * hours, and --steps 20 as many times longer. Real images are those of the sample data.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { openHistograms } from "../dist/histograms/index.js";
import {
  ARCHITECTURES,
  buildModel,
  flatParameters,
  IMAGE_KINDS,
  networkSpec,
  outputCount,
} from "../dist/model/index.js";
import { addon } from "../dist/native/addon.js";
import { CLASSES, TASKS } from "../dist/pairs/index.js";
import { randomNumbers } from "../dist/random.js";
import {
  compareEngines,
  createNativeEngine,
  createTfjsEngine,
  largestDifference,
  relativeDifference,
  trainingImages,
} from "../dist/training/index.js";
import { benchPath, machine, printTable, say } from "./support.mjs";

/** `outputs` and `weights` are absolute, the others relative; see EngineDifferences. */
const LIMITS = { outputs: 1e-5, gradients: 1e-4, inputGradients: 1e-4, weights: 1e-4 };
const OPTIMIZER = { kind: "sgd", momentum: 0.9, nesterov: true };
const LEARNING_RATE = 0.01;
/** A tipping point is missed by one in two or three. */
const TRIALS = 16;
const IMAGE_SOURCES = ["random", "real"];

const { values: options } = parseArgs({
  options: {
    architectures: { type: "string", default: ARCHITECTURES.join() },
    tasks: { type: "string", default: TASKS.join() },
    channels: { type: "string", default: "1,2,3" },
    batches: { type: "string", default: "1,4,32" },
    images: { type: "string", default: IMAGE_SOURCES.join() },
    steps: { type: "string", default: "1" },
    threads: { type: "string", default: String(availableParallelism()) },
    json: { type: "boolean", default: false },
  },
});
const threads = Number(options.threads);
const steps = Number(options.steps);
const cases = product({
  architecture: chosen("architectures", ARCHITECTURES),
  task: chosen("tasks", TASKS),
  channels: chosen("channels", ["1", "2", "3"]).map(Number),
  batch: options.batches.split(",").map(Number),
  images: chosen("images", IMAGE_SOURCES),
});
const sample = await openHistograms(
  benchPath("../data-samples/expression.h5ad"),
  { kind: "all" },
  { device: "cpu", threads },
);
const results = [];
for (const one of cases) {
  const started = performance.now();
  const result = { ...one, ...(await measure(one)) };
  results.push({ ...result, seconds: (performance.now() - started) / 1000 });
  say(`${results.length} of ${cases.length}: ${JSON.stringify(results.at(-1))}`);
}
sample.close();
report();

async function measure({ architecture, task, channels, batch, images }) {
  const model = await buildModel(architecture, { task, channels, seed: 1 });
  // Each engine has masks of its own.
  for (const layer of model.layers) if ("rate" in layer) layer.rate = 0;
  const spec = networkSpec(model);
  const judge = await createTfjsEngine({ model, optimizer: OPTIMIZER });
  const engine = createNativeEngine({
    spec,
    parameters: flatParameters(model),
    optimizer: OPTIMIZER,
    precision: "f32",
    threads,
    batchSize: batch,
    seed: 1,
  });
  const random = randomNumbers(batch, `${architecture} ${task} ${channels}`);
  const shown = {
    images: images === "real" ? await realImages(batch, channels) : randomImages(batch, channels, random),
    targets: Uint8Array.from({ length: batch }, () => random.below(CLASSES[task])),
    weights: Float32Array.from({ length: batch }, () => 0.2 + random.next()),
  };
  try {
    const apart = await compareEngines(spec, judge, engine, shown, { steps, learningRate: LEARNING_RATE });
    const isWithin = Object.keys(LIMITS).every((name) => apart[name] === null || apart[name] <= LIMITS[name]);
    return { ...apart, tipping: isWithin ? null : await tipping(spec, engine, flatParameters(model), shown) };
  } finally {
    judge.close();
  }
}

/** How far an engine's gradients are from themselves when every weight is a rounding error larger or smaller. */
async function tipping(spec, engine, parameters, shown) {
  const output = outputCount(spec) - 1;
  const ask = async (weights) => {
    await engine.setParameters(weights);
    const { gradients } = await engine.gradients(shown);
    return { gradients, inputGradients: await engine.inputGradient(shown.images, output) };
  };
  const own = await ask(parameters);
  const scale = own.inputGradients.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const most = { gradients: 0, inputGradients: 0 };
  for (let trial = 0; trial < TRIALS; trial++) {
    const random = randomNumbers(trial, "tipping");
    const moved = await ask(
      parameters.map((value) => value * (1 + (random.next() < 0.5 ? -1 : 1) * 2 ** -23)),
    );
    most.gradients = Math.max(most.gradients, relativeDifference(spec, moved.gradients, own.gradients));
    const byImage = largestDifference(moved.inputGradients, own.inputGradients) / scale;
    most.inputGradients = Math.max(most.inputGradients, byImage);
  }
  return most;
}

/** Mostly zeros, like histograms. */
function randomImages(batch, channels, random) {
  return Float32Array.from({ length: batch * 1024 * channels }, () =>
    random.next() < 0.3 ? random.next() : 0,
  );
}

/** Of pairs spread over all pairs of the sample's genes. */
async function realImages(batch, channels) {
  const [{ a, b }] = sample.source.batches(sample.source.count);
  const rows = Uint32Array.from({ length: batch }, (_, i) => Math.floor((i * a.length) / batch));
  const pairs = { a: rows.map((row) => a[row]), b: rows.map((row) => b[row]) };
  const kinds = IMAGE_KINDS.slice(0, channels);
  const source = await trainingImages(sample.store, pairs, {
    kinds,
    device: "cpu",
    threads,
    cacheBytes: 1e9,
  });
  return source.images(Uint32Array.from(rows.keys()), new Uint8Array(batch));
}

function report() {
  const beyond = results.filter(isBeyond);
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), steps, limits: LIMITS, results }, null, 2));
  } else {
    console.log(`${machine()}, oneDNN ${addon().systemInfo().onednn}, ${threads} threads`);
    const columns = Object.keys(LIMITS);
    printTable(`Largest differences between oneDNN and TensorFlow.js, weights after ${steps} steps`, [
      ["network", "task", "channels", "batch", "images", ...columns, "s", ""],
      ...results.map((result) => [
        result.architecture,
        result.task,
        result.channels,
        result.batch,
        result.images,
        ...columns.map((column) => result[column]?.toExponential(1) ?? "-"),
        result.seconds,
        isBeyond(result) ? "beyond" : result.tipping ? "tipped" : "",
      ]),
      ["limit", "", "", "", "", ...columns.map((column) => LIMITS[column].toExponential(1)), "", ""],
    ]);
    console.log(`\n${beyond.length} of ${results.length} cases are beyond a limit.`);
  }
  if (beyond.length > 0) process.exitCode = 1;
}

/** A difference that is not a number is beyond every limit. */
function isBeyond(result) {
  return Object.entries(LIMITS).some(([name, limit]) => {
    const allowed = Math.max(limit, 2 * (result.tipping?.[name] ?? 0));
    return result[name] !== null && !(result[name] <= allowed);
  });
}

/** The values of an option, of those that there are. */
function chosen(name, all) {
  const values = options[name].split(",");
  const unknown = values.find((value) => !all.includes(value));
  if (unknown !== undefined) throw new Error(`--${name}: ${unknown} is not one of ${all.join(", ")}.`);
  return values;
}

/** All combinations of one value of each list. */
function product(lists) {
  return Object.entries(lists).reduce(
    (partial, [name, values]) => partial.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}
