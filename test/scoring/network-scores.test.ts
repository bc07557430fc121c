import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import {
  type HistogramSession,
  openHistogramFile,
  openHistograms,
  writeHistogramsHdf5,
} from "../../dist/histograms/index.js";
import { ARCHITECTURES, type LoadedModel, nativeEngineProblem } from "../../dist/model/index.js";
import { listSource } from "../../dist/pairs/index.js";
import {
  associationScores,
  countBatches,
  type NetworkBatchOptions,
  networkBatches,
  networkColumns,
  openScorer,
  type ScoredBatch,
  type Scorer,
  type ScorerOptions,
  settingsOfModel,
} from "../../dist/scoring/index.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";
import { type TestModel, tanhNetwork, testModel } from "../support/test-models.js";

const DATA = fileURLToPath(new URL("../../data-samples/expression.h5ad", import.meta.url));
const problem = nativeEngineProblem();
const noBf16 = nativeEngineProblem("bf16");

const TASKS = ["interaction", "causality"] as const;
const cases: TestModel[] = ARCHITECTURES.flatMap((architecture) =>
  TASKS.map((task) => ({
    architecture,
    task,
    images: architecture === "cnnc" ? ["nepdf"] : ["residual", "margins"],
  })),
);
let compared = 0;
afterAll(() => {
  if (problem === undefined) expect(compared).toBe(6);
});

describe.skipIf(problem !== undefined)("a native scorer", () => {
  it.each(cases)("agrees with TensorFlow.js on real pairs: $architecture, $task", async (options) => {
    const model = await testModel(options);
    const { store, source } = await openSome();
    const { a, b } = somePairs(source, 6);
    const judge = await open(model, { engine: "tfjs" });
    const expected = await judge.score(store, a, b, true);
    expect(judge).toMatchObject({ name: expect.stringContaining("tfjs"), precision: "f32" });
    expect(expected).toHaveLength(6 * 2 * judge.outputs);
    expect(new Set(expected).size).toBeGreaterThan(10);

    const native = await open(model, { precision: "f32" });
    expect(native.name).toMatch(/^oneDNN .*float32/);
    expect(largestDifference(await native.score(store, a, b, true), expected)).toBeLessThan(1e-5);
    compared++;
    if (noBf16 !== undefined) return;
    const fast = await open(model, { precision: "auto" });
    expect(fast).toMatchObject({ precision: "bf16", name: expect.stringContaining("bfloat16") });
    expect(largestDifference(await fast.score(store, a, b, true), expected)).toBeLessThan(0.01);
  });

  it.each(["f32", "bf16"] as const)(
    "gives the same bits whatever the threads and batches, in %s",
    async (precision) => {
      if (nativeEngineProblem(precision) !== undefined) return;
      const model = await testModel({ task: "causality" });
      const session = await openSome();
      const settings = { ...settingsOfModel(model.info), threshold: 0.6 };
      const runs = [];
      for (const [threads, batchSize, slab] of [
        [1, 4000, 1],
        [2, 333, 600],
        [3, 57, 100],
      ]) {
        const scorer = await open(model, { precision, threads });
        runs.push(
          await collect(
            networkBatches(scorer, session.store, session.source, { ...settings, threads, batchSize, slab }),
          ),
        );
      }
      expect(runs[0].a).toHaveLength(600);
      expect(runs[1]).toEqual(runs[0]);
      expect(runs[2]).toEqual(runs[0]);
    },
  );
});

describe.each(["native", "tfjs"] as const)("%s scores", (engine) => {
  it.skipIf(engine === "native" && problem !== undefined)(
    "the swapped pair as that pair itself",
    async () => {
      const model = await testModel({ task: "causality", images: ["nepdf", "residual"] });
      const { store, source } = await openSome();
      const { a, b } = somePairs(source, 10);
      const scorer = await open(model, { engine });
      const both = await scorer.score(store, a, b, true);
      const [own, swapped] = [await scorer.score(store, a, b, false), await scorer.score(store, b, a, false)];
      for (let i = 0; i < 10; i++) {
        expect(both.subarray(6 * i, 6 * i + 3)).toEqual(own.subarray(3 * i, 3 * i + 3));
        expect(both.subarray(6 * i + 3, 6 * i + 6)).toEqual(swapped.subarray(3 * i, 3 * i + 3));
      }
      expect(own).not.toEqual(swapped);
    },
  );

  it.skipIf(engine === "native" && problem !== undefined)(
    "histograms in a file as the pairs that they came from",
    async () => {
      const model = await testModel({ task: "causality" });
      const session = await openSome();
      const path = join(testFolder(), "histograms.h5");
      await writeHistogramsHdf5(
        { ...session, source: firstPairs(session, 24), labels: undefined } as never,
        path,
      );
      const file = await openHistogramFile(path);
      onTestFinished(() => file.close());
      const scorer = await open(model, { engine });
      const settings = settingsOfModel(model.info);
      const fromFile = await collect(countBatches(scorer, file, { ...settings, batchSize: 10 }));
      const direct = await collect(
        networkBatches(scorer, session.store, firstPairs(session, fromFile.a.length), {
          ...settings,
          threads: 2,
        }),
      );
      expect(file).toMatchObject({ cells: 2000, scale: "counts", transform: "log10" });
      expect(fromFile.a.map((gene) => file.geneNames[gene])).toEqual(
        direct.a.map((gene) => session.store.geneNames[gene]),
      );
      expect(fromFile.b).toEqual(direct.b);
      expect(fromFile.scores).toEqual(direct.scores.slice(0, -1));
    },
  );

  it.skipIf(engine === "native" && problem !== undefined)("nothing after it was stopped", async () => {
    const model = await testModel();
    const { store, source } = await openSome();
    const scorer = await open(model, { engine });
    const stop = new AbortController();
    const batches = networkBatches(scorer, store, source, {
      ...settingsOfModel(model.info),
      threads: 2,
      batchSize: 8,
      signal: stop.signal,
    });
    await batches.next();
    stop.abort();
    const error = await errorOf(async () => {
      for await (const _ of batches);
    });
    expect(error.code).toBe("CANCELLED");
  });
});

describe("columns", () => {
  /** Answers with given probabilities. */
  const scorer = (answers: number[], outputs: number, asked?: (both: boolean) => void): Scorer => ({
    name: "given",
    precision: "f32",
    outputs,
    batchSize: 10,
    score: async (_store, _a, _b, both) => {
      asked?.(both);
      return Float32Array.from(answers);
    },
    scoreCounts: async () => Float32Array.from(answers),
    close: () => {},
  });

  async function columnsOf(given: Scorer, settings: Omit<NetworkBatchOptions, "threads">) {
    const session = await openSome();
    const source = firstPairs(session, 2);
    const { a, b, scores } = await collect(
      networkBatches(given, session.store, source, { ...settings, threads: 1 }),
    );
    const names = networkColumns(settings, { spearman: true }).map(({ name }) => name);
    expect(scores).toHaveLength(names.length);
    const spearman = await associationScores(
      session.store,
      "spearman",
      Uint32Array.from(a),
      Uint32Array.from(b),
      {
        threads: 1,
      },
    );
    expect(scores[names.indexOf("spearman")]).toEqual(Array.from(spearman));
    return Object.fromEntries(
      names.map((name, i) => [name, scores[i].map((value) => Number(value.toFixed(6)))]),
    );
  }

  it("of an interaction model: the probability of the pair as it is ordered", async () => {
    const asked: boolean[] = [];
    const given = scorer([0.25, 0.75], 1, (both) => asked.push(both));
    const columns = await columnsOf(given, { task: "interaction", threshold: 0.75 });
    expect(columns).toMatchObject({ p_interaction: [0.25, 0.75], above_threshold: [0, 1] });
    expect(asked).toEqual([false]);
  });

  it("of pairs without an order: the mean of both", async () => {
    const columns = await columnsOf(scorer([0.25, 0.5, 0.75, 0.25], 1), {
      task: "interaction",
      unordered: true,
    });
    expect(columns).toMatchObject({ p_interaction: [0.375, 0.5] });
    expect(columns).not.toHaveProperty("above_threshold");
  });

  // none, a->b, b->a; then the swapped image, where a->b means b->a of the pair.
  const THREE = [
    [0.125, 0.625, 0.25, 0.25, 0.25, 0.5],
    [0.5, 0.375, 0.125, 0.25, 0.5, 0.25],
  ].flat();

  it("of a causality model: direction, and whether the swapped image agrees", async () => {
    expect(await columnsOf(scorer(THREE, 3), { task: "causality", threshold: 0.6 })).toMatchObject({
      p_interaction: [0.875, 0.5],
      p_a_to_b: [0.625, 0.375],
      p_b_to_a: [0.25, 0.125],
      direction: [1, 0],
      swap_agrees: [1, 0],
      above_threshold: [1, 0],
    });
  });

  it("of a causality model and pairs without an order: the means of both", async () => {
    expect(await columnsOf(scorer(THREE, 3), { task: "causality", unordered: true })).toMatchObject({
      p_interaction: [0.8125, 0.625],
      p_a_to_b: [0.5625, 0.3125],
      p_b_to_a: [0.25, 0.3125],
      direction: [1, 0],
      swap_agrees: [1, 0],
    });
  });
});

describe("the choice of an engine", () => {
  it("falls back on TensorFlow.js, with a notice, for a model that the native engine cannot express", async () => {
    const model = await testModel({}, await tanhNetwork());
    const notices: string[] = [];
    const scorer = await open(model, { onNotice: (line) => notices.push(line) });
    expect(scorer.name).toMatch(/^tfjs/);
    expect(notices.filter((line) => /slower/.test(line))).toEqual([
      expect.stringMatching(/^Scoring in TensorFlow\.js, which is slower: .*tanh.*[^.]\.$/),
    ]);
    const { store, source } = await openSome();
    const { a, b } = somePairs(source, 9);
    const [together, alone] = [
      await scorer.score(store, a, b, false),
      await scorer.score(store, a.slice(8), b.slice(8), false),
    ];
    expect(together).toHaveLength(9);
    expect(together[8]).toBe(alone[0]);
  });

  it.each([
    { engine: "native", precision: "auto", says: /run natively: .*tanh/ },
    { engine: "auto", precision: "bf16", says: /run natively in bfloat16: .*tanh/ },
  ] as const)("refuses $engine in $precision for it", async ({ engine, precision, says }) => {
    const model = await testModel({}, await tanhNetwork());
    const error = await errorOf(() => open(model, { engine, precision }));
    expect(error.code).toBe("ENGINE_UNAVAILABLE");
    expect(error.message).toMatch(says);
  });

  it("refuses bfloat16 in TensorFlow.js", async () => {
    const model = await testModel();
    const error = await errorOf(() => open(model, { engine: "tfjs", precision: "bf16" }));
    expect(error).toMatchObject({
      code: "ENGINE_UNAVAILABLE",
      message: expect.stringContaining("--engine tfjs"),
    });
  });
});

let opened: Promise<HistogramSession> | undefined;
afterAll(async () => (await opened)?.close());

/** Pairs of 6 regulators of the sample with 100 targets: 600. */
function openSome(): Promise<HistogramSession> {
  const regulators = Array.from({ length: 6 }, (_, i) => `TF0${i + 1}`);
  const targets = Array.from({ length: 100 }, (_, i) => `G${`${i + 1}`.padStart(3, "0")}`);
  opened ??= openHistograms(
    DATA,
    { kind: "product", regulators, targets },
    { device: "cpu", keepValues: true },
  );
  return opened;
}

function somePairs(
  { batches }: HistogramSession["source"],
  count: number,
): { a: Uint32Array; b: Uint32Array } {
  const [{ a, b }] = batches(count);
  return { a, b };
}

function firstPairs({ source }: HistogramSession, count: number) {
  const { a, b } = somePairs(source, count);
  return listSource(a, b);
}

async function open(model: LoadedModel, options: Partial<ScorerOptions> = {}): Promise<Scorer> {
  const scorer = await openScorer(model, { threads: 2, ...options });
  onTestFinished(() => scorer.close());
  return scorer;
}

/** All batches end to end, as plain numbers. */
async function collect(
  batches: AsyncIterable<ScoredBatch>,
): Promise<{ a: number[]; b: number[]; scores: number[][] }> {
  const all = { a: [] as number[], b: [] as number[], scores: [] as number[][] };
  for await (const { a, b, scores } of batches) {
    all.a.push(...a);
    all.b.push(...b);
    scores.forEach((column, i) => {
      all.scores[i] ??= [];
      all.scores[i].push(...column);
    });
  }
  return all;
}

function largestDifference(given: Float32Array, expected: Float32Array): number {
  expect(given).toHaveLength(expected.length);
  return given.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
}
