/**
 * Pairs per second of histograms, or of scoring with a model (histograms included), over pieces of all pairs of a
 * prepared store, as JSON.
 *
 *   node sampled-rate.mjs STORE SECONDS
 *   node sampled-rate.mjs STORE SECONDS MODEL f32|bf16 one|both
 *
 * Pieces are the batches that a run works on, evenly spread over all pairs however many there is time for: dear and
 * cheap genes come in the right shares. `both` scores each pair in both orders, as `predict-pairs --all-pairs` does.
 */
import { openHistograms } from "../dist/histograms/index.js";
import { readModel } from "../dist/model/index.js";
import { resolveThreads } from "../dist/native/device.js";
import { openScorer } from "../dist/scoring/index.js";

const HISTOGRAMS_PER_BATCH = 4096;
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

const [path, seconds, modelFolder, precision, orders] = process.argv.slice(2);
const threads = resolveThreads(undefined);
const session = await openHistograms(path, { kind: "all" }, { device: "cpu", threads });
const { store, source } = session;
const { size, work } = modelFolder === undefined ? counting() : await scoring();
const measured = await measure();
session.close();
console.log(JSON.stringify({ threads, ...measured, peakBytes: 1024 * process.resourceUsage().maxRSS }));

function counting() {
  const work = async (range) => {
    for await (const _ of session.batches({ range, reuseImages: true }));
  };
  return { size: HISTOGRAMS_PER_BATCH, work };
}

async function scoring() {
  const scorer = await openScorer(await readModel(modelFolder), { precision, threads });
  const work = async ({ from, to }) => {
    for (const { a, b } of source.batches(to - from, from, to)) {
      await scorer.score(store, a, b, orders === "both");
    }
  };
  return { size: scorer.batchSize, work };
}

/** The first piece does not count. */
async function measure() {
  await work(piece(0));
  const processorsBefore = processorSeconds();
  const before = performance.now();
  const elapsed = () => (performance.now() - before) / 1000;
  let pairs = 0;
  for (let number = 1; elapsed() < Number(seconds); number++) {
    const { from, to } = piece(number);
    await work({ from, to });
    pairs += to - from;
  }
  return { pairs, rate: pairs / elapsed(), rateOfProcessor: pairs / (processorSeconds() - processorsBefore) };
}

function piece(number) {
  const length = Math.min(size, source.count);
  const from = Math.floor(((number * GOLDEN_RATIO) % 1) * (source.count - length + 1));
  return { from, to: from + length };
}

function processorSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
