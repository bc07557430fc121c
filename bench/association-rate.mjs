/**
 * Time of one association measure of all gene pairs of a file, from the store; prints one JSON line. For
 * association.mjs.
 *
 *   node association-rate.mjs MEASURE DATA THREADS OUT
 *
 * OUT gets the result of all pairs i < j in order as float32.
 */
import { writeFileSync } from "node:fs";
import { openHistograms } from "../dist/histograms/index.js";
import { associationScores, partialCorrelations } from "../dist/scoring/index.js";

const [measure, data, threadsText, out] = process.argv.slice(2);
const threads = Number(threadsText);
const session = await openHistograms(data, { kind: "all" }, { keepValues: true, scale: "counts", threads });
const { store } = session;
session.close();
const genes = Uint32Array.from({ length: store.geneNames.length }, (_, gene) => gene);
const [a, b] = allPairs(genes.length);

// Loads what is loaded late; of other genes than those of most pairs.
await associationScores(store, "mutual-information", a.subarray(0, 64), b.subarray(0, 64), { threads });
const started = performance.now();
const scores = await compute();
const seconds = (performance.now() - started) / 1000;
writeFileSync(out, new Uint8Array(scores.buffer));
console.log(JSON.stringify({ seconds }));

async function compute() {
  if (measure !== "partial-correlation") return associationScores(store, measure, a, b, { threads });
  return (await partialCorrelations(store, genes, a, b, { threads })).scores;
}

/** All pairs i < j, those of the first gene first. */
function allPairs(genes) {
  const [i, j] = [0, 1].map(() => new Uint32Array((genes * (genes - 1)) / 2));
  for (let first = 0, pair = 0; first < genes; first++) {
    for (let second = first + 1; second < genes; second++, pair++) {
      i[pair] = first;
      j[pair] = second;
    }
  }
  return [i, j];
}
