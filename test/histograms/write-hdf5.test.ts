import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Dataset, File, ready } from "h5wasm/node";
import { describe, expect, it } from "vitest";
import { parseCellFilter } from "../../dist/expression/index.js";
import { type HistogramSession, writeHistogramsHdf5 } from "../../dist/histograms/index.js";
import { errorOf } from "../support/errors.js";
import { PYTHON, runPython } from "../support/python.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { allImages, listed, openSession } from "../support/sessions.js";
import { writeTinyH5ad } from "../support/tiny-h5ad.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const LOG2 = fileURLToPath(new URL("../fixtures/oracle/log2.h5ad", import.meta.url));
const PAIRS = [
  ["gene1", "gene2"],
  ["gene7", "gene0"],
  ["gene2", "gene1"],
] as const;

describe("writeHistogramsHdf5", () => {
  it("writes the batches, their genes, edges and labels", async () => {
    const session = await openSession(DATA, listed(PAIRS, [1, 0, 2]));
    const { datasets } = await writeAndRead(session);
    expect(Object.keys(datasets).sort()).toEqual([
      "counts",
      "edges",
      "expressing",
      "genes",
      "labels",
      "pairs",
    ]);
    expect(datasets.counts).toEqual({ dtype: "<H", shape: [3, 32, 32], values: await allImages(session) });
    expect(datasets.genes.values).toEqual(["gene0", "gene1", "gene2", "gene7"]);
    expect(datasets.pairs).toMatchObject({ shape: [3, 2], values: [1, 2, 3, 0, 2, 1] });
    expect(datasets.labels).toMatchObject({ dtype: "<i", values: [1, 0, 2] });
    expect(datasets.edges).toEqual({ dtype: "<d", shape: [4, 33], values: [...session.store.edges] });
    expect(datasets.expressing.values).toEqual([...session.store.expressing]);
  });

  it("says how it was made", async () => {
    const obs = ["cell_type=HSC,MPP", "batch!=2"].map(parseCellFilter);
    const session = await openSession(DATA, listed(PAIRS), { layer: "csc", transform: "log1p", obs });
    const { attributes } = await writeAndRead(session);
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect(attributes).toEqual({
      cnnc_version: version,
      source: basename(DATA),
      source_sha256: createHash("sha256").update(readFileSync(DATA)).digest("hex"),
      matrix: "layers/csc",
      gene_names: "var index",
      cells: session.store.cells,
      cell_selection: "cell_type=HSC,MPP and batch!=2",
      scale: "counts",
      scale_reason: "all values looked at are whole numbers",
      log_base: 0,
      transform: "log1p",
      bins: 32,
      ordered: 1,
      layout: "images[pair][bin of gene_b][bin of gene_a]",
      kind: "counts",
    });
  });

  it("names the base of logarithms", async () => {
    const { attributes } = await writeAndRead(await openSession(LOG2, listed(PAIRS)));
    expect(attributes).toMatchObject({ scale: "log1p", log_base: 2, cell_selection: "all" });
  });

  it("writes NEPDFs instead of counts", async () => {
    const session = await openSession(DATA, listed(PAIRS));
    const { datasets, attributes } = await writeAndRead(session, { nepdf: true });
    const values = await allImages(session, { nepdf: true });
    expect(datasets.nepdf).toEqual({ dtype: "<f", shape: [3, 32, 32], values });
    expect(datasets.counts).toBeUndefined();
    expect(datasets.labels).toBeUndefined();
    expect(attributes.kind).toBe("nepdf");
  });

  it("uses the smallest type that holds the number of cells", async () => {
    const few = join(testFolder(), "few.h5ad");
    await writeTinyH5ad(few);
    const { datasets, attributes } = await writeAndRead(await openSession(few, { kind: "all" }));
    expect(datasets.counts).toMatchObject({ dtype: "<B", shape: [10, 32, 32] });
    expect(attributes.ordered).toBe(0);

    const many = join(testFolder(), "many.h5ad");
    await writeManyCells(many, 70_000);
    const session = await openSession(many, { kind: "all" });
    const { datasets: ofMany } = await writeAndRead(session);
    expect(ofMany.counts).toMatchObject({ dtype: "<I", shape: [1, 32, 32] });
    const counts = ofMany.counts.values as number[];
    // g1 and g2 are 1 in the first cell alone, and 0 in all others.
    expect([counts[0], counts[1023]]).toEqual([69_999, 1]);
  });

  it("writes more pairs than one batch holds", async () => {
    const wide = join(testFolder(), "wide.h5ad");
    await writeManyGenes(wide, 100);
    const session = await openSession(wide, { kind: "all" });
    const { datasets } = await writeAndRead(session);
    expect(datasets.counts.shape).toEqual([4950, 32, 32]);
    expect(
      Buffer.compare(Buffer.from(datasets.counts.values as number[]), Buffer.from(await allImages(session))),
    ).toBe(0);
    const [{ a, b }] = session.source.batches(4950);
    expect(datasets.pairs.values).toEqual(Array.from(a, (gene, i) => [gene, b[i]]).flat());
  });
});

describe("writeHistogramsHdf5, when it does not run to its end", () => {
  it("leaves nothing when it is aborted, by its own signal", async () => {
    const folder = testFolder();
    const session = await openSession(DATA, { kind: "all" });
    const controller = new AbortController();
    const error = await errorOf(() =>
      writeHistogramsHdf5(session, join(folder, "out.h5"), {
        signal: controller.signal,
        onProgress: () => controller.abort(),
      }),
    );
    expect(error.code).toBe("CANCELLED");
    expect(contents(folder)).toEqual([]);
  });

  it("leaves nothing when the session's signal aborts it", async () => {
    const folder = testFolder();
    const controller = new AbortController();
    const session = await openSession(DATA, { kind: "all" }, { signal: controller.signal });
    controller.abort();
    const error = await errorOf(() => writeHistogramsHdf5(session, join(folder, "out.h5")));
    expect(error.code).toBe("CANCELLED");
    expect(contents(folder)).toEqual([]);
  });

  it("leaves nothing when the listener fails", async () => {
    const folder = testFolder();
    const session = await openSession(DATA, { kind: "all" });
    const onProgress = () => {
      throw new Error("the listener's own");
    };
    await expect(writeHistogramsHdf5(session, join(folder, "out.h5"), { onProgress })).rejects.toThrow("own");
    expect(contents(folder)).toEqual([]);
  });
});

describe.skipIf(PYTHON === undefined)("h5py (needs a python3 with h5py)", () => {
  it("reads it with the lines of the README", async () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const lines = /^import h5py\n(?:.+\n)+?(?=```)/m.exec(readme)?.[0] ?? "";
    expect(lines.trim().split("\n")).toHaveLength(3);

    const path = join(testFolder(), "histograms.h5");
    const session = await openSession(DATA, listed(PAIRS));
    await writeHistogramsHdf5(session, path);
    const script = `import json, os, sys\nos.chdir(sys.argv[1])\n${lines}\nprint(json.dumps([counts.tolist(), a, b]))`;
    const [counts, a, b] = runPython(script, [join(path, "..")]) as [number[][], string, string];
    expect(counts.flat()).toEqual((await allImages(session)).slice(0, 1024));
    expect([a, b]).toEqual(PAIRS[0]);
  });
});

interface Written {
  datasets: Record<string, { dtype: string; shape: number[]; values: (number | string)[] }>;
  attributes: Record<string, unknown>;
}

/** Writes a file and reads it with h5wasm itself. */
async function writeAndRead(session: HistogramSession, options?: { nepdf: boolean }): Promise<Written> {
  const path = join(testFolder(), "out.h5");
  await writeHistogramsHdf5(session, path, options);
  await ready;
  const file = new File(path, "r");
  const read = (name: string) => {
    const dataset = file.get(name) as Dataset;
    const values = Array.from(dataset.value as ArrayLike<number | string>);
    return [name, { dtype: String(dataset.dtype), shape: dataset.shape ?? [], values }] as const;
  };
  const attributes = Object.entries(file.attrs).map(([name, { value }]) => [name, value]);
  const written = {
    datasets: Object.fromEntries(file.keys().map(read)),
    attributes: Object.fromEntries(attributes),
  };
  file.close();
  return written;
}

function writeManyCells(path: string, cells: number): Promise<string> {
  return writeTinyH5ad(path, (parts) => {
    const indptr = new Int32Array(cells + 1).fill(2);
    indptr[0] = 0;
    const data = Float32Array.of(1, 1);
    parts.X = { encoding: "csr_matrix", shape: [cells, 2], data, indices: Int32Array.of(0, 1), indptr };
    parts.cells = Array.from({ length: cells }, (_, cell) => `c${cell}`);
    parts.genes = ["g1", "g2"];
    parts.obs = {};
    parts.var = {};
  });
}

function writeManyGenes(path: string, genes: number): Promise<string> {
  return writeTinyH5ad(path, (parts) => {
    const data = Float32Array.from({ length: 6 * genes }, (_, i) => (7 * i + (i >> 3)) % 5);
    parts.X = { encoding: "array", shape: [6, genes], data };
    parts.genes = Array.from({ length: genes }, (_, gene) => `g${gene}`);
    parts.var = {};
  });
}
