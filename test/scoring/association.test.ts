import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { HistogramOptions, HistogramSession } from "../../dist/histograms/index.js";
import { addon } from "../../dist/native/addon.js";
import type { AssociationMeasure } from "../../dist/native/addon-types.js";
import { listSource } from "../../dist/pairs/index.js";
import {
  ASSOCIATION_MEASURES,
  associationBatches,
  associationColumns,
  associationScores,
  rankPairs,
  type ScoredBatch,
} from "../../dist/scoring/index.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";
import { openSession } from "../support/sessions.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const ORACLE = fileURLToPath(new URL("../fixtures/association/oracle.json", import.meta.url));
const GENES = 30;

/** One case of oracle.json; see make_oracle.py. Values are those of all pairs i < j in order. */
type OracleCase = {
  matrix: string;
  scale: "counts" | "linear" | "log1p";
  transform: "log10" | "log1p" | "none";
} & { [Measure in AssociationMeasure]?: (number | null)[] };

const cases: OracleCase[] = JSON.parse(readFileSync(ORACLE, "utf8"));

afterEach(() => vi.restoreAllMocks());

describe("associationScores", () => {
  const each = cases.flatMap((oracle) =>
    ASSOCIATION_MEASURES.filter((measure) => oracle[measure]).map((measure) => ({ ...oracle, measure })),
  );
  it.each(each)("$matrix as $scale, $transform: $measure as scipy has it", async (oracle) => {
    const { store } = await openAll(oracle);
    const { a, b } = pairsOf(GENES);
    const found = await associationScores(store, oracle.measure, a, b, { threads: 2 });
    const expected = oracle[oracle.measure] as (number | null)[];
    expect(expected).toHaveLength(435);
    const differences = expected.map((value, pair) => Math.abs(found[pair] - (value ?? 0)));
    expect(Math.max(...differences)).toBeLessThan(2e-6);
  });

  it("was compared on genes with one value too, which count as 0", () => {
    expect(cases[0].spearman).toContain(null);
  });

  it("is the same for both orders of a pair, and 1 for a gene with itself", async () => {
    const { store } = await openAll();
    const { a, b } = pairsOf(GENES);
    const own = Uint32Array.from({ length: GENES }, (_, gene) => gene).filter((gene) => gene > 5);
    for (const measure of ASSOCIATION_MEASURES) {
      const scores = await associationScores(store, measure, a, b, { threads: 1 });
      expect(await associationScores(store, measure, b, a, { threads: 2 })).toEqual(scores);
      if (measure === "mutual-information") continue;
      const self = await associationScores(store, measure, own, own, { threads: 1 });
      expect(self.every((value) => value === 1)).toBe(true);
    }
  });

  it("names the gene whose values have no logarithm, and a way out", async () => {
    const { store } = await openAll({ matrix: "layers/scaled", scale: "linear", transform: "none" });
    const { a, b } = pairsOf(GENES);
    const error = await errorOf(() => associationScores(store, "pearson", a, b, { threads: 1 }));
    expect(error.code).toBe("NEGATIVE_VALUE");
    expect(store.geneNames.some((name) => error.message.endsWith(`in gene ${name}.`))).toBe(true);
    expect(error.remedy).toContain("spearman");
  });

  it("needs a store with values for correlations only", async () => {
    const { store } = await openAll({}, { keepValues: false });
    const { a, b } = pairsOf(GENES);
    const error = await errorOf(() => associationScores(store, "spearman", a, b, { threads: 1 }));
    expect(error).toMatchObject({ code: "VALUES_MISSING", remedy: "Build the store with keepValues." });
    await expect(associationScores(store, "mutual-information", a, b, { threads: 1 })).resolves.toHaveLength(
      435,
    );
  });

  it("does nothing when it is aborted", async () => {
    const { store } = await openAll();
    const { a, b } = pairsOf(GENES);
    const signal = AbortSignal.abort();
    const error = await errorOf(() => associationScores(store, "pearson", a, b, { threads: 1, signal }));
    expect(error.code).toBe("CANCELLED");
  });
});

describe("associationBatches", () => {
  it("yields absolute values to rank by, the signed ones, and Spearman always", async () => {
    const session = await openAll();
    for (const measure of ASSOCIATION_MEASURES) {
      const [batch] = await collect(
        associationBatches(session.store, session.source, measure, { threads: 2 }),
      );
      const { a, b, scores } = batch;
      const of = (name: AssociationMeasure) => associationScores(session.store, name, a, b, { threads: 1 });
      const names = associationColumns(measure);
      expect(scores).toHaveLength(names.length);
      expect(scores[names.indexOf("spearman")]).toEqual(await of("spearman"));
      if (measure === "mutual-information") expect(scores[0]).toEqual(await of(measure));
      else {
        expect(scores[0]).toEqual((await of(measure)).map(Math.abs));
        expect(scores[names.indexOf(measure)]).toEqual(await of(measure));
      }
    }
  });

  it("covers all pairs in order with the same numbers for any batch size and threads, telling how far it is", async () => {
    const session = await openAll();
    for (const measure of ASSOCIATION_MEASURES) {
      const reference = await collect(
        associationBatches(session.store, session.source, measure, { threads: 1 }),
      );
      for (const [batchSize, threads, slab] of [
        [1, 1, 60],
        [50, 2, 1],
        [434, 3, 1000],
      ]) {
        const done: number[] = [];
        const batches = await collect(
          associationBatches(session.store, session.source, measure, {
            threads,
            batchSize,
            slab,
            onProgress: (progress) => done.push(progress.done),
          }),
        );
        expect(flat(batches)).toEqual(flat(reference));
        expect(done).toHaveLength(batches.length);
        expect(done.at(-1)).toBe(435);
      }
    }
  });

  it("ranks to the same list for any batch size and number of threads", async () => {
    const session = await openAll();
    const names = session.store.geneNames;
    const rankings: string[] = [];
    for (const [batchSize, threads] of [
      [7, 1],
      [100, 2],
    ]) {
      const lines: string[] = [];
      const scored = associationBatches(session.store, session.source, "spearman", { threads, batchSize });
      for await (const { a, b, scores } of rankPairs(scored, {
        main: 0,
        names,
        temporaryFolder: testFolder(),
        memoryBudget: 1,
      })) {
        a.forEach((gene, i) => {
          lines.push(`${names[gene]} ${names[b[i]]} ${scores[0][i]} ${scores[1][i]}`);
        });
      }
      rankings.push(lines.join("\n"));
    }
    expect(rankings[0].split("\n")).toHaveLength(435);
    expect(rankings[1]).toBe(rankings[0]);
  });

  it("waits for the native code when the consumer stops", async () => {
    const session = await openAll();
    const work = watchNativeWork();
    for await (const _ of associationBatches(session.store, session.source, "pearson", {
      threads: 1,
      batchSize: 50,
    })) {
      break;
    }
    expect(work.running).toBe(0);
    expect(work.begun).toBeLessThan(6);
  });

  it("stops within the batches when it is aborted, and reports native failures", async () => {
    const session = await openAll();
    const controller = new AbortController();
    const options = { threads: 1, batchSize: 50, signal: controller.signal };
    const aborted = await errorOf(async () => {
      for await (const _ of associationBatches(session.store, session.source, "spearman", options)) {
        controller.abort();
      }
    });
    expect(aborted.code).toBe("CANCELLED");

    vi.spyOn(addon(), "associations").mockRejectedValue(
      Object.assign(new Error("there is not enough memory"), { code: "OUT_OF_MEMORY" }),
    );
    const failed = await errorOf(() =>
      collect(associationBatches(session.store, session.source, "spearman", { threads: 1, batchSize: 50 })),
    );
    expect(failed).toMatchObject({
      code: "OUT_OF_MEMORY",
      message: "Association (spearman): there is not enough memory.",
    });
  });
});

describe("addon().associations", () => {
  it("refuses arguments of a wrong type or size", async () => {
    const { store } = await openAll();
    const one = Uint32Array.of(1);
    const call = (change: { measure?: string; a?: unknown; out?: unknown; store?: unknown }) => {
      const args = { store: store.native, measure: "pearson", a: one, out: new Float32Array(1), ...change };
      return (addon().associations as (...args: unknown[]) => Promise<void>)(
        args.store,
        args.measure,
        args.a,
        one,
        args.out,
        1,
        new (addon().Job)(),
      );
    };
    await expect(call({})).resolves.toBeUndefined();
    for (const change of [{ measure: "kendall" }, { a: [1] }, { out: new Float64Array(1) }, { store: {} }]) {
      await expect((async () => call(change))()).rejects.toThrow(TypeError);
    }
    await expect(call({ a: Uint32Array.of(30) })).rejects.toMatchObject({ code: "BAD_PAIRS" });
    await expect(call({ out: new Float32Array(2) })).rejects.toMatchObject({ code: "BAD_OUTPUT" });
  });
});

/** All pairs of the sample, with values, unless told otherwise. */
async function openAll(
  { matrix, scale, transform }: Partial<Pick<OracleCase, "matrix" | "scale" | "transform">> = {},
  options: HistogramOptions = {},
): Promise<HistogramSession> {
  return openSession(
    DATA,
    { kind: "all" },
    {
      keepValues: true,
      scale: scale ?? "counts",
      transform: transform ?? "log10",
      ...(matrix?.startsWith("layers/") && { layer: matrix.slice("layers/".length) }),
      ...options,
    },
  );
}

/** All pairs i < j, those of the first gene first. */
function pairsOf(genes: number) {
  const pairs = Array.from({ length: genes }, (_, i) =>
    Array.from({ length: genes - i - 1 }, (_, j) => [i, i + 1 + j]),
  ).flat();
  const [source] = listSource(
    Uint32Array.from(pairs, ([a]) => a),
    Uint32Array.from(pairs, ([, b]) => b),
  ).batches(pairs.length);
  return source;
}

/** Counts the calls of the native code that have begun, and those that have not ended. */
function watchNativeWork(): { begun: number; running: number } {
  const work = { begun: 0, running: 0 };
  const original = addon().associations;
  vi.spyOn(addon(), "associations").mockImplementation(async (...args) => {
    work.begun++;
    work.running++;
    await original(...args).finally(() => work.running--);
  });
  return work;
}

async function collect(batches: AsyncIterable<ScoredBatch>): Promise<ScoredBatch[]> {
  const all: ScoredBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

/** All pairs and numbers of some batches. */
const flat = (batches: readonly ScoredBatch[]) =>
  batches.flatMap(({ a, b, scores }) =>
    Array.from(a, (gene, i) => [gene, b[i], ...scores.map((column) => column[i])]),
  );
