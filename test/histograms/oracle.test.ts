import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseCellFilter } from "../../dist/expression/index.js";
import type { HistogramOptions } from "../../dist/histograms/index.js";
import { readNpy, readUint16Npy } from "../support/npy.js";
import { allImages, listed, openSession } from "../support/sessions.js";

const SHARED = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
const OWN = fileURLToPath(new URL("../fixtures/oracle/", import.meta.url));

/** One line of oracle.json; see make_oracle.py. */
interface OracleCase {
  file: string;
  matrix: string;
  scale: "counts" | "linear" | "log1p";
  transform: "log10" | "log1p" | "none";
  obs: string[];
  cells: number;
  pairs: [string, string][];
  edges: number[][];
}

const cases: OracleCase[] = JSON.parse(readFileSync(`${OWN}oracle.json`, "utf8"));
const bytes = gunzipSync(readFileSync(`${OWN}counts.u16.gz`));
const counts = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);

describe("our own oracle, made with numpy", () => {
  it("has all its cases", () => {
    expect(cases).toHaveLength(28);
    expect(counts).toHaveLength(cases.reduce((sum, { pairs }) => sum + pairs.length, 0) * 1024);
  });

  const numbered = cases.map((oracle, index) => ({
    ...oracle,
    index,
    how: [oracle.scale, oracle.transform, ...oracle.obs],
  }));
  it.each(numbered)("$file $matrix $how: the same counts, edges and NEPDFs", async (oracle) => {
    const session = await openSession(`${OWN}${oracle.file}`, listed(oracle.pairs), optionsOf(oracle));
    expect(session.store.cells).toBe(oracle.cells);

    const before = cases.slice(0, oracle.index).reduce((sum, { pairs }) => sum + pairs.length, 0);
    const expected = counts.subarray(1024 * before, 1024 * (before + oracle.pairs.length));
    expect(await allImages(session)).toEqual(Array.from(expected));

    const nepdfs = await allImages(session, { nepdf: true });
    expect(
      largestDifference(
        nepdfs,
        Array.from(expected, (count) => nepdf(count, oracle.cells)),
      ),
    ).toBeLessThan(1e-6);

    oracle.pairs.forEach(([gene], pair) => {
      const position = session.store.geneNames.indexOf(gene);
      const edges = Array.from(session.store.edges.subarray(33 * position, 33 * position + 33));
      expect(largestDifference(edges, oracle.edges[pair])).toBeLessThan(
        1e-12 * Math.max(1, ...oracle.edges[pair]),
      );
    });
  });
});

describe.skipIf(!existsSync(SHARED))("the shared oracle (needs ../shared/data)", () => {
  it.each(["hhep", "bone_marrow"])("%s: all 300 histograms bit for bit, NEPDFs within 1e-6", async (name) => {
    const oracle = `${SHARED}nepdf-oracle/${name}`;
    const [, ...rows] = readFileSync(`${oracle}.pairs.tsv`, "utf8").trim().split("\n");
    const pairs = rows.map((row) => row.split("\t").slice(0, 2) as [string, string]);
    expect(pairs).toHaveLength(300);
    const session = await openSession(`${SHARED}${name}/expression.h5ad`, listed(pairs), { scale: "linear" });

    const expected = readUint16Npy(`${oracle}.counts.npy`);
    expect(await allImages(session)).toEqual(Array.from(expected));

    const nepdfs = readNpy(`${oracle}.nepdf.npy`);
    expect(nepdfs).toMatchObject({ dtype: "<f4", shape: [300, 32, 32] });
    const found = await allImages(session, { nepdf: true });
    expect(largestDifference(found, Array.from(new Float32Array(nepdfs.bytes.buffer)))).toBeLessThan(1e-6);
  });
});

function optionsOf({ matrix, scale, transform, obs }: OracleCase): HistogramOptions {
  return {
    ...(matrix === "raw/X" && { raw: true }),
    ...(matrix.startsWith("layers/") && { layer: matrix.slice("layers/".length) }),
    obs: obs.map(parseCellFilter),
    scale,
    transform,
  };
}

/** CNNC's normalisation. */
const nepdf = (count: number, cells: number) => (Math.log10(count / cells + 1e-4) + 4) / 4;

function largestDifference(found: readonly number[], expected: readonly number[]): number {
  expect(found.length).toBe(expected.length);
  return found.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i])), 0);
}
