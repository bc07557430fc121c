/**
 * Scores in bfloat16 beside those in float32, of trained networks on pairs of real genes.
 *
 *   node bench/precision.mjs DATA.h5ad (--labels PAIRS.tsv | --model MODEL/ ...) [--scale linear]
 *     [--networks compact:residual+margins,cnnc:nepdf] [--epochs 12] [--labelled 4000] [--optimizer adamw|sgd]
 *     [--learning-rate R] [--pairs 4000] [--threads N] [--json]
 *
 * With --labels the networks are trained first, on at most --labelled pairs of the file and as `cnnc train` would; with
 * --model trained ones are taken. The scores are those of --pairs random pairs of the genes. Exits with 1 where two
 * scores are more than 0.01 apart or the rank correlation is below 0.999. A network that says the same of all pairs has
 * nothing to rank: its rank correlation is that of rounding errors, is marked, and not judged.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { openHistograms } from "../dist/histograms/index.js";
import { spearman } from "../dist/metrics/index.js";
import { flatParameters, networkSpec, readModel } from "../dist/model/index.js";
import { addon } from "../dist/native/addon.js";
import { readPairFile } from "../dist/pairs/index.js";
import { randomNumbers } from "../dist/random.js";
import { openScorer } from "../dist/scoring/index.js";
import { interactionScores, trainModel, usualLearningRate } from "../dist/training/index.js";
import { machine, printTable, say } from "./support.mjs";

const LARGEST_DIFFERENCE = 0.01;
const LEAST_CORRELATION = 0.999;
/** Scores of which nine tenths lie closer together than bfloat16 must keep them tell no pairs apart. */
const LEAST_SPREAD = 0.01;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    labels: { type: "string" },
    model: { type: "string", multiple: true, default: [] },
    scale: { type: "string" },
    networks: { type: "string", default: "compact:residual+margins,cnnc:nepdf" },
    epochs: { type: "string", default: "12" },
    labelled: { type: "string", default: "4000" },
    optimizer: { type: "string", default: "adamw" },
    "learning-rate": { type: "string" },
    pairs: { type: "string", default: "4000" },
    threads: { type: "string", default: String(availableParallelism()) },
    json: { type: "boolean", default: false },
  },
});
const [data] = positionals;
const threads = Number(options.threads);
if (data === undefined || (options.labels === undefined) === (options.model.length === 0)) {
  throw new Error("Give DATA.h5ad, and either --labels PAIRS.tsv or --model MODEL/.");
}
if (!addon().systemInfo().bf16) throw new Error("This processor does not compute in bfloat16.");
const results = options.labels === undefined ? await ofModels() : await ofTrainings();
report();

async function ofModels() {
  const results = [];
  for (const path of options.model) {
    const model = await readModel(path);
    const { scale, transform } = model.info;
    const settings = { scale: options.scale ?? scale, transform, device: "cpu", threads };
    const session = await openHistograms(data, { kind: "all" }, settings);
    results.push({ network: path, ...(await compare(model, session.store)) });
    session.close();
  }
  return results;
}

async function ofTrainings() {
  const file = part(await readPairFile(options.labels), Number(options.labelled));
  const scale = options.scale === undefined ? {} : { scale: options.scale };
  const session = await openHistograms(
    data,
    { kind: "list", file },
    { ...scale, skipMissing: true, device: "cpu", threads },
  );
  const results = [];
  for (const network of options.networks.split(",")) {
    const { content, validation } = await train(session, file, network);
    const { model, info } = content;
    const trained = { model, info, spec: networkSpec(model), parameters: flatParameters(model) };
    results.push({ network, auroc: validation?.auroc, ...(await compare(trained, session.store)) });
  }
  session.close();
  return results;
}

/** A file of at most so many pairs, spread over all. */
function part(file, count) {
  const total = file.a.length;
  const rows = Uint32Array.from({ length: Math.min(total, count) }, (_, i) =>
    Math.floor((i * total) / Math.min(total, count)),
  );
  const picked = (column) => Array.from(rows, (row) => column[row]);
  return {
    ...file,
    a: picked(file.a),
    b: picked(file.b),
    lines: rows.map((row) => file.lines[row]),
    ...(file.labels && { labels: Int32Array.from(rows, (row) => file.labels[row]) }),
    extra: new Map([...file.extra].map(([name, column]) => [name, picked(column)])),
  };
}

function train(session, file, network) {
  const [architecture, images] = network.split(":");
  const sgd = { kind: "sgd", momentum: 0.9, nesterov: true };
  const usual = usualLearningRate(architecture, options.optimizer);
  say(`training ${network}`);
  return trainModel(session, file, {
    architecture,
    images: images.split("+"),
    optimizer: options.optimizer === "sgd" ? sgd : { kind: "adamw", weightDecay: 0.01 },
    learningRate: Number(options["learning-rate"] ?? usual),
    schedule: "one-cycle",
    epochs: Number(options.epochs),
    batchSize: 128,
    balanceClasses: true,
    scaleChannels: images.includes("+"),
    split: "target-disjoint",
    validationShare: 0.15,
    skipContradictions: true,
    engine: "native",
    precision: "f32",
    threads,
    cacheBytes: 2e9,
    seed: 1,
  });
}

async function compare(model, store) {
  const { a, b } = randomPairs(store.geneNames.length, Number(options.pairs));
  const [exact, rounded] = [
    await scores(model, store, "f32", a, b),
    await scores(model, store, "bf16", a, b),
  ];
  const { task } = model.info;
  const [ranked, rankedToo] = [interactionScores(exact, task), interactionScores(rounded, task)];
  return {
    pairs: a.length,
    difference: exact.reduce((most, value, i) => Math.max(most, Math.abs(value - rounded[i])), 0),
    correlation: spearman(ranked, rankedToo),
    spread: spreadOf(ranked),
  };
}

async function scores(model, store, precision, a, b) {
  const scorer = await openScorer(model, { engine: "native", precision, threads });
  try {
    return await scorer.score(store, a, b, false);
  } finally {
    scorer.close();
  }
}

function randomPairs(genes, count) {
  const random = randomNumbers(1, "pairs");
  const a = Uint32Array.from({ length: count }, () => random.below(genes));
  return { a, b: a.map((gene) => (gene + 1 + random.below(genes - 1)) % genes) };
}

/** Between which nine tenths of the values lie. */
function spreadOf(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
  return at(0.95) - at(0.05);
}

function isCollapsed({ spread }) {
  return spread < LEAST_SPREAD;
}

/** A number that is none is beyond every limit. */
function isBeyond(result) {
  const isNear = result.difference <= LARGEST_DIFFERENCE;
  return !(isNear && (isCollapsed(result) || result.correlation >= LEAST_CORRELATION));
}

function report() {
  if (options.json) {
    console.log(JSON.stringify({ machine: machine(), results }, null, 2));
  } else {
    console.log(`${machine()}, oneDNN ${addon().systemInfo().onednn}`);
    printTable("bfloat16 beside float32", [
      ["network", "validation AUROC", "pairs", "scores span", "largest difference", "rank correlation", ""],
      ...results.map((result) => [
        result.network,
        result.auroc?.toFixed(3) ?? "-",
        result.pairs,
        result.spread.toFixed(4),
        result.difference.toFixed(5),
        result.correlation.toFixed(5),
        [isCollapsed(result) ? "tells no pairs apart" : "", isBeyond(result) ? "beyond" : ""]
          .join(" ")
          .trim(),
      ]),
      [
        "limit",
        "",
        "",
        LEAST_SPREAD.toFixed(4),
        LARGEST_DIFFERENCE.toFixed(5),
        LEAST_CORRELATION.toFixed(5),
        "",
      ],
    ]);
    if (results.some(isCollapsed)) {
      console.log("\nOf a network that tells no pairs apart the rank correlation means nothing.");
    }
  }
  if (results.some(isBeyond)) process.exitCode = 1;
}
