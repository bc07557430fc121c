/** A process that reads damaged files, one after the other, and says how each ended. */
import { rmSync } from "node:fs";
import { CnncError } from "../../dist/errors.js";
import { buildStore, decideScale, inspectFile } from "../../dist/expression/index.js";
import { histogramBatches, IMAGE_SIZE } from "../../dist/histograms/index.js";
import { openExpressionFile } from "../../dist/io/index.js";
import { listSource } from "../../dist/pairs/index.js";
import { writeMutation } from "./mutations.mjs";

/** Matrices tried in one file, the damaged ones first. */
const MATRICES = 4;
const PAIRS = 20;

process.on("message", async ({ seed, path }) => {
  const { original, changes } = await writeMutation(seed, path);
  // Before reading, so that it is known even if this process does not live to tell.
  process.send({ started: { original, changes } });
  const codes = await readEverything(path, changes);
  rmSync(path);
  process.send({ done: { codes, peakMegabytes: process.resourceUsage().maxRSS / 1024 } });
});

/**
 * Goes the whole way from a file to histograms.
 *
 * @param {string} path
 * @param {string[]} changes what was damaged; matrices named there come first
 * @returns {Promise<string[]>} codes of the refusals; none when everything was read
 * @throws anything that is not a CnncError
 */
async function readEverything(path, changes) {
  const codes = [];
  const attempt = async (action) => {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof CnncError)) throw error;
      if (!/^[A-Z0-9_]+$/.test(error.code) || error.message === "") throw new Error("an empty CnncError");
      codes.push(error.code);
      return undefined;
    }
  };
  const file = await attempt(() => openExpressionFile(path));
  if (file === undefined) return codes;
  try {
    await attempt(() => inspectFile(file));
    const damaged = (matrix) => changes.some((change) => change.startsWith(matrix.path));
    const matrices = [...file.matrices].sort((one, other) => damaged(other) - damaged(one));
    for (const matrix of matrices.slice(0, MATRICES)) {
      // A file that HDF5 gets lost in will lose it again, each time until the time limit.
      if (codes.includes("READ_TIMEOUT")) break;
      await attempt(() => buildAndCheck(file, matrix));
    }
    return codes;
  } finally {
    file.close();
  }
}

async function buildAndCheck(file, matrix) {
  const [cells, genes] = matrix.shape;
  const store = await buildStore(
    {
      file,
      matrix,
      geneNames: file.varOf(matrix).names,
      geneNameSource: "var index",
      cellOf: Int32Array.from({ length: cells }, (_, cell) => cell),
      cells,
      obs: [],
      scale: await decideScale(file, matrix, "auto"),
      transform: "log10",
    },
    { threads: 2 },
  );
  const stored = store.geneNames.length;
  const gene = (step) => Uint32Array.from({ length: PAIRS }, (_, pair) => (pair * step) % stored);
  const source = listSource(gene(1), gene(7));
  for await (const { images } of histogramBatches(store, source, { device: "cpu", threads: 2 })) {
    for (let first = 0; first < images.length; first += IMAGE_SIZE) {
      const sum = images.subarray(first, first + IMAGE_SIZE).reduce((total, count) => total + count, 0);
      if (sum !== cells)
        throw new Error(`${matrix.name}: ${sum} cells are counted of ${cells}, ${genes} genes`);
    }
  }
}
