import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { openHistograms } from "../../dist/histograms/index.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";
import { allImages, listed, openSession } from "../support/sessions.js";
import { csr, TINY_COUNTS, writeTinyH5ad } from "../support/tiny-h5ad.js";

const DATA = join(testFolder(), "data.h5ad");
const DUPLICATES = join(testFolder(), "duplicates.h5ad");

beforeAll(async () => {
  await writeTinyH5ad(DATA);
  await writeTinyH5ad(DUPLICATES, (parts) => {
    parts.X = csr(TINY_COUNTS.map((row) => [...row, row[0], row[2]]));
    parts.genes = [...parts.genes, "dup", "dup"];
    parts.var = {};
  });
});

describe("openHistograms, for listed pairs", () => {
  it("stores just their genes, and keeps labels and rows beside the pairs that are left", async () => {
    const pairs = [
      ["g1", "g2"],
      ["g1", "g1"],
      ["g9", "g1"],
      ["g3", "g1"],
    ] as const;
    const session = await openSession(DATA, listed(pairs, [1, 1, 0, 0]), { skipMissing: true });
    expect(session.store.geneNames).toEqual(["g1", "g2", "g3"]);
    expect([...session.store.columns]).toEqual([0, 1, 2]);
    expect([...(session.labels ?? [])]).toEqual([1, 0]);
    expect([...(session.rows ?? [])]).toEqual([0, 3]);
    expect(session.report).toEqual({
      pairs: 2,
      missingGenes: ["g9"],
      pairsLeftOut: 1,
      selfPairsDropped: 1,
      duplicatePairs: 0,
      duplicateNames: 0,
      constantGenes: 0,
      rareGenes: 0,
      rarePairs: 0,
    });
  });

  it("keeps a pair of a gene with itself where there are no labels", async () => {
    const session = await openSession(DATA, listed([["g1", "g1"]]));
    expect(session.labels).toBeUndefined();
    const image = await allImages(session);
    image.forEach((count, i) => {
      expect(count).toBe(i >> 5 === i % 32 ? session.store.marginal[i >> 5] : 0);
    });
  });

  it("leaves out rare genes, with their pairs, labels and rows", async () => {
    const pairs = [
      ["g1", "g5"],
      ["g1", "g2"],
      ["g5", "g2"],
    ] as const;
    const session = await openSession(DATA, listed(pairs, [1, 0, 1]), { minCells: 3 });
    expect(session.store.geneNames).toEqual(["g1", "g2"]);
    expect([...(session.labels ?? [])]).toEqual([0]);
    expect([...(session.rows ?? [])]).toEqual([1]);
    expect(session.report).toMatchObject({ pairs: 1, rareGenes: 1, rarePairs: 2 });
  });
});

describe("openHistograms, for products and all pairs", () => {
  it("pairs each regulator with each target", async () => {
    const request = { kind: "product", regulators: ["g3", "g1"], targets: ["g1", "g5"] } as const;
    const session = await openSession(DATA, request);
    expect(session.store.geneNames).toEqual(["g1", "g3", "g5"]);
    const [{ a, b }] = session.source.batches(10);
    const name = (gene: number) => session.store.geneNames[gene];
    expect(Array.from(a, (gene, i) => `${name(gene)}-${name(b[i])}`)).toEqual(["g3-g1", "g3-g5", "g1-g5"]);
    expect(session.report).toMatchObject({ pairs: 3, selfPairsDropped: 1 });
  });

  it("takes all genes as targets when there are none, also two of one name", async () => {
    const session = await openSession(DUPLICATES, { kind: "product", regulators: ["g2"] });
    expect(session.store.geneNames).toHaveLength(7);
    expect(session.report).toMatchObject({ pairs: 6, duplicateNames: 1 });
    const images = await allImages(session);
    // The second `dup` is a copy of g3, the first of g1.
    const image = (pair: number) => images.slice(1024 * pair, 1024 * (pair + 1));
    expect(image(4)).toEqual(image(0));
    expect(image(5)).toEqual(image(1));
    expect(image(5)).not.toEqual(image(4));
  });

  it("needs two genes for all pairs", async () => {
    const path = join(testFolder(), "one-gene.h5ad");
    await writeTinyH5ad(path, (parts) => {
      parts.X = csr(TINY_COUNTS.map(([count]) => [count]));
      parts.genes = ["g1"];
      parts.var = {};
    });
    const error = await errorOf(() => openHistograms(path, { kind: "all" }));
    expect(error.code).toBe("NO_PAIRS_LEFT");
    expect(error.message).toMatch(/one-gene\.h5ad has 1 gene, and a pair needs 2/);
  });
});

describe("openHistograms, aborted", () => {
  it.each([
    ["before it begins", AbortSignal.abort(), "CANCELLED"],
    ["with a reason of its own", AbortSignal.abort(new CnncError("TIMED_OUT", "Too long.")), "TIMED_OUT"],
  ])("%s: ends in a CnncError", async (_, signal, code) => {
    expect((await errorOf(() => openHistograms(DATA, { kind: "all" }, { signal }))).code).toBe(code);
  });

  it("while it reads: ends in a CnncError", async () => {
    const controller = new AbortController();
    const phases: string[] = [];
    const error = await errorOf(() =>
      openHistograms(
        DATA,
        { kind: "all" },
        {
          signal: controller.signal,
          onProgress({ phase }) {
            phases.push(phase);
            controller.abort();
          },
        },
      ),
    );
    expect(error.code).toBe("CANCELLED");
    expect(phases).toEqual(["Reading X (pass 1 of 2)"]);
  });
});
