import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type HistogramOptions, openHistograms, parseCellFilter, readPairFile } from "../../dist/index.js";
import { readUint16Npy } from "../support/npy.js";

const sample = fileURLToPath(new URL("../../data-samples/expression.h5ad", import.meta.url));
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/data-samples/${name}`, import.meta.url));

/** Made by numpy; see make_oracle.py beside them. */
const CASES: [string, HistogramOptions][] = [
  ["counts", {}],
  ["linear", { scale: "linear" }],
  ["type2_log1p", { transform: "log1p", obs: [parseCellFilter("cell_type=type2")] }],
];

describe("histograms of the sample data equal numpy's, count for count", () => {
  it.each(CASES)("%s", async (name, options) => {
    const file = await readPairFile(fixture("pairs.tsv"));
    const session = await openHistograms(sample, { kind: "list", file }, options);
    const expected = readUint16Npy(fixture(`counts.${name}.npy`));
    let compared = 0;
    for await (const { first, images } of session.batches({ batchSize: 50 })) {
      const part = expected.subarray(1024 * first, 1024 * first + images.length);
      expect(
        Buffer.compare(Buffer.from(Uint16Array.from(images).buffer), Buffer.from(part.slice().buffer)),
      ).toBe(0);
      compared += images.length;
    }
    session.close();
    expect(compared).toBe(120 * 1024);
  });
});
