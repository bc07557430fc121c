/**
 * Pairs per second of one way of scoring or training, as JSON.
 *
 *   node network-rate.mjs score|train DATA cnnc|compact|mlp f32|bf16 THREADS SECONDS
 *
 * `score` is end to end: from the store, histograms included. `train` starts from histograms in memory.
 */
import { openHistograms } from "../dist/histograms/index.js";
import { buildModel, flatParameters, networkSpec } from "../dist/model/index.js";
import { addon } from "../dist/native/addon.js";
import { createNativeEngine, trainingImages } from "../dist/training/index.js";

const [task, data, architecture, precision, threadText, secondText] = process.argv.slice(2);
const threads = Number(threadText);
const seconds = Number(secondText);
const images = architecture === "cnnc" ? ["nepdf"] : ["residual", "margins"];
const BATCH = 128;
const SCORED = 8192;

const session = await openHistograms(data, { kind: "all" }, { device: "cpu", threads });
const model = await buildModel(architecture, { task: "interaction", channels: images.length, seed: 1 });
const spec = networkSpec(model);
const parameters = flatParameters(model);
const rate = task === "score" ? await scoring() : await training();
session.close();
console.log(JSON.stringify({ rate }));

async function scoring() {
  const predictor = new (addon().Predictor)(spec, { precision, threads, batch: BATCH });
  predictor.setParameters(parameters);
  const batches = [...session.source.batches(SCORED)];
  let next = 0;
  return measure(async () => {
    const { a, b } = batches[next++ % batches.length];
    const out = new Float32Array(a.length);
    await predictor.scorePairs(session.store.native, a, b, images, false, out, new (addon().Job)());
    return a.length;
  });
}

async function training() {
  const optimizer = { kind: "sgd", momentum: 0.9, nesterov: true };
  const engine = createNativeEngine({
    spec,
    parameters,
    optimizer,
    precision,
    threads,
    batchSize: BATCH,
    seed: 1,
  });
  const { a, b } = session.source
    .batches(8 * BATCH)
    [Symbol.iterator]()
    .next().value;
  const source = await trainingImages(
    session.store,
    { a, b },
    { kinds: images, device: "cpu", threads, cacheBytes: 1e9 },
  );
  const targets = Uint8Array.from({ length: BATCH }, (_, i) => i % 2);
  const weights = new Float32Array(BATCH).fill(1);
  let first = 0;
  const next = () => {
    first = (first + BATCH) % a.length;
    return source.images(
      Uint32Array.from({ length: BATCH }, (_, i) => first + i),
      new Uint8Array(BATCH),
    );
  };
  let ahead = next();
  return measure(async () => {
    const running = engine.step({ images: await ahead, targets, weights }, 0.001);
    ahead = next();
    await running;
    return BATCH;
  });
}

async function measure(work) {
  await work();
  let done = 0;
  const start = performance.now();
  while (performance.now() - start < 1000 * seconds) done += await work();
  return (1000 * done) / (performance.now() - start);
}
