/**
 * Writes an h5ad of simulated counts (float32; int32 indices), with h5wasm alone.
 *
 *   node make-h5ad.mjs FILE csr|csc|dense CELLS GENES DENSITY CHUNK GZIP
 *
 * CHUNK is the length of a chunk (`100x50` when dense), GZIP a level or 0 for none. Gene means are log-normal
 * (sigma 2) such that the share DENSITY of the matrix is not 0; a count that is not 0 is geometric.
 */
import { renameSync } from "node:fs";
import { File, Module, ready } from "h5wasm/node";

/** Values per write: at most 16 MB. */
const VALUES_PER_WRITE = 1 << 21;

const [path, encoding, ...numbers] = process.argv.slice(2);
const [cells, genes, density] = numbers.map(Number);
const chunk = numbers[3].split("x").map(Number);
const gzip = Number(numbers[4]);

const random = uniformRandom();
const genesByMean = simulatedGenes();

await ready;
Module.activate_throwing_error_handler();
const file = new File(`${path}.partial`, "w");
mark(file, "anndata", "0.1.0");
if (encoding === "dense") writeDense();
else writeSparse();
writeNames("obs", cells);
writeNames("var", genes);
file.close();
renameSync(`${path}.partial`, path);

function writeSparse() {
  const [majors, minors] = encoding === "csr" ? [cells, genes] : [genes, cells];
  const group = file.create_group("X");
  mark(group, `${encoding}_matrix`, "0.1.0");
  group.create_attribute("shape", BigInt64Array.of(BigInt(cells), BigInt(genes)));
  const data = growing("X/data");
  const indices = growing("X/indices");
  const values = new Float32Array(VALUES_PER_WRITE + minors);
  const columns = new Int32Array(VALUES_PER_WRITE + minors);
  const indptr = new Int32Array(majors + 1);
  const next = encoding === "csr" ? nextGene() : nextCell;
  let filled = 0;
  for (let major = 0; major < majors; major++) {
    const before = filled;
    for (let minor = next(major, -1); minor < minors; minor = next(major, minor)) {
      values[filled] = expressedCount(genesByMean[encoding === "csr" ? minor : major]);
      columns[filled++] = minor;
    }
    indptr[major + 1] = indptr[major] + filled - before;
    if (filled < VALUES_PER_WRITE && major < majors - 1) continue;
    data(values.subarray(0, filled));
    indices(columns.subarray(0, filled));
    filled = 0;
  }
  group.create_dataset({ name: "indptr", data: indptr });
}

/** Whole rows of chunks at a time. */
function writeDense() {
  const append = growing("X", [genes]);
  for (let first = 0; first < cells; first += chunk[0]) {
    const rows = Math.min(chunk[0], cells - first);
    append(Float32Array.from({ length: rows * genes }, (_, i) => simulatedCount(genesByMean[i % genes])));
  }
  mark(file.get("X"), "array", "0.2.0");
}

/** A dataset that grows along its first axis; returns what appends to it. */
function growing(name, rowShape = []) {
  const rowLength = rowShape.reduce((product, length) => product * length, 1);
  let rows = 0;
  return (data) => {
    const count = data.length / rowLength;
    if (rows === 0) {
      file.create_dataset({
        name,
        data,
        shape: [count, ...rowShape],
        maxshape: [null, ...rowShape],
        chunks: chunk,
        ...(gzip > 0 && { compression: "gzip", compression_opts: gzip }),
      });
    } else {
      const dataset = file.get(name);
      dataset.resize([rows + count, ...rowShape]);
      dataset.write_slice([[rows, rows + count], ...rowShape.map((length) => [0, length])], data);
    }
    rows += count;
  };
}

function writeNames(name, length) {
  const table = file.create_group(name);
  mark(table, "dataframe", "0.2.0");
  table.create_attribute("_index", "_index");
  table.create_dataset({ name: "_index", data: Array.from({ length }, (_, i) => `${name}${i}`) });
  mark(table.get("_index"), "string-array", "0.2.0");
}

function mark(entity, type, version) {
  entity.create_attribute("encoding-type", type);
  entity.create_attribute("encoding-version", version);
}

/** For each gene the probability of 0, and the logarithm that makes a uniform number a geometric one. */
function simulatedGenes() {
  const spread = Float64Array.from({ length: genes }, () => Math.exp(2 * normalRandom()));
  const expressed = (scale) => spread.reduce((sum, mean) => sum - Math.expm1(-scale * mean), 0) / genes;
  let [low, high] = [0, 1e6];
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2;
    if (expressed(middle) < density) low = middle;
    else high = middle;
  }
  return Array.from(spread, (mean) => {
    const share = -Math.expm1(-low * mean);
    // Counts have the gene's mean where its zeros are left out.
    const stop = Math.min(1 - 1e-9, share / (low * mean));
    return { zero: 1 - share, hazard: low * mean, logGoOn: Math.log1p(-stop) };
  });
}

function simulatedCount(gene) {
  return random() < gene.zero ? 0 : expressedCount(gene);
}

/** A count that is not 0. */
function expressedCount({ logGoOn }) {
  return 1 + Math.floor(Math.log(1 - random()) / logGoOn);
}

/**
 * Returns what finds the next gene after one that a cell expresses (`genes` if there is none), without asking the genes
 * in between: the probability that genes i to j - 1 are all 0 is exp(-(sum of their hazards)).
 */
function nextGene() {
  const ends = new Float64Array(genes);
  let end = 0;
  genesByMean.forEach(({ hazard }, gene) => {
    end += hazard;
    ends[gene] = end;
  });
  // By equal steps of the sum: the first gene that ends beyond. So few genes are looked at, however unlike they are.
  const steps = 4 * genes;
  const firstBeyond = new Int32Array(steps + 1);
  for (let step = 0, gene = 0; step <= steps; step++) {
    while (gene < genes && ends[gene] <= (step / steps) * end) gene++;
    firstBeyond[step] = gene;
  }
  return (_cell, gene) => {
    const at = (gene < 0 ? 0 : ends[gene]) - Math.log(1 - random());
    if (at >= end) return genes;
    let found = Math.max(gene + 1, firstBeyond[Math.floor((at / end) * steps)]);
    while (ends[found] <= at) found++;
    return found;
  };
}

/** The next cell that expresses a gene, after one; at least `cells` if there is none. */
function nextCell(gene, cell) {
  return cell + 1 + Math.floor(-Math.log(1 - random()) / genesByMean[gene].hazard);
}

/** By Box and Muller. */
function normalRandom() {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Uniform numbers in [0, 1), the same in every run (xorshift32 by Marsaglia). */
function uniformRandom() {
  let state = 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
