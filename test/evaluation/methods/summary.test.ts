import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fitLogistic } from "../../../dist/evaluation/logistic.js";
import type { FoldScores, FoldTask, Method } from "../../../dist/evaluation/method.js";
import { createSummary } from "../../../dist/evaluation/methods/summary.js";
import { createBoosting } from "../../../dist/evaluation/methods/summary-boosting.js";
import { createSummaryPerRegulator } from "../../../dist/evaluation/methods/summary-per-regulator.js";
import type { SummaryContext } from "../../../dist/evaluation/methods/summary-table.js";
import { createTreeEnsemble, treesProblem } from "../../../dist/evaluation/methods/tree-ensemble.js";
import { pairFeatures } from "../../../dist/evaluation/pair-features.js";
import { type HistogramSession, openHistograms } from "../../../dist/histograms/index.js";
import { addon } from "../../../dist/native/addon.js";
import { errorOf } from "../../support/errors.js";

const DATA = fileURLToPath(new URL("../../fixtures/oracle/expression.h5ad", import.meta.url));
const GENES = 30;
const OPTIONS = { folder: "" };
const missing = addon().systemInfo().xgboost === "";

let session: HistogramSession;
beforeAll(async () => {
  session = await openHistograms(DATA, { kind: "all" }, { keepValues: true, scale: "counts", device: "cpu" });
});
afterAll(() => session.close());

type Create = (context: SummaryContext) => Method;
const LEARNING: [string, Create][] = [
  ["summary", createSummary],
  ["summary-per-regulator", createSummaryPerRegulator],
  ...(missing ? [] : [["boosting", createBoosting] as [string, Create]]),
];

describe.each(LEARNING)("%s", (name, create) => {
  it("introduces itself", () => {
    expect(create(context())).toMatchObject({ name, group: "summary", learns: true });
  });

  it("finds again what expression decides, and looks at no label of the test rows", async () => {
    const method = create(context());
    const fold = learnable("interaction");
    const { interaction, probabilities } = await method.score(fold, OPTIONS);
    expect(probabilities).toEqual(interaction);
    expect(Math.min(...interaction)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...interaction)).toBeLessThanOrEqual(1);
    const wins = fold.test.map((row, i) => (interaction[i] > 0.5 === (fold.pairs.labels[row] === 1) ? 1 : 0));
    expect(wins.reduce((sum, win) => sum + win, 0)).toBeGreaterThan(0.8 * wins.length);
    expect((await method.score(withOtherTestLabels(fold), OPTIONS)).interaction).toEqual(interaction);
  });

  it("gives probabilities of both orders for causality", async () => {
    const method = create(context());
    const fold = learnable("causality");
    const forth = await method.score(fold, OPTIONS);
    const swapped = forth.swapped as Float64Array;
    expectShares(forth, fold.test.length);
    const back = await method.score(turned(fold), OPTIONS);
    // Turning all pairs, their labels with them, must turn the answers.
    (back.probabilities as Float64Array).forEach((probability, i) => {
      expect(probability).toBeCloseTo(swapped[i], name === "boosting" ? 1 : 6);
    });
    expect((await method.score(withOtherTestLabels(fold), OPTIONS)).probabilities).toEqual(
      forth.probabilities,
    );
  });

  it("refuses training pairs of one class", async () => {
    const fold = learnable("interaction");
    const labels = fold.pairs.labels.map(() => 0);
    const method = create(context());
    const error = await errorOf(() => method.score({ ...fold, pairs: { ...fold.pairs, labels } }, OPTIONS));
    expect(error.code).toBe("TRAINING_ONE_CLASS");
  });

  it("stops when it is aborted", async () => {
    const method = create(context());
    const fold = learnable("interaction");
    const error = await errorOf(() => method.score(fold, { ...OPTIONS, signal: AbortSignal.abort() }));
    expect(error.code).toBe("CANCELLED");
  });
});

describe("summary-per-regulator", () => {
  it("learns a regulator by itself where 5 of its pairs are positive and 5 are not, else all together", async () => {
    const { store } = context();
    const whole = learnable("interaction");
    // Of regulator 1, training keeps 4 positives.
    let left = 4;
    const training = whole.training.filter(
      (row) => whole.pairs.a[row] !== 1 || whole.pairs.labels[row] === 0 || left-- > 0,
    );
    const fold = { ...whole, training };
    const { interaction } = await createSummaryPerRegulator({ store, threads: 1 }).score(fold, OPTIONS);
    const { interaction: global } = await createSummary({ store, threads: 1 }).score(fold, OPTIONS);

    const { a, b, labels } = fold.pairs;
    const { values } = await pairFeatures(store, a, b, { threads: 1 });
    const own = await fitLogistic(
      tableOf(
        values,
        training.filter((row) => a[row] === 2),
      ),
      labels.filter((_, row) => a[row] === 2 && training.includes(row)),
      { classes: 2, inverseStrength: 0.1 },
    );
    fold.test.forEach((row, i) => {
      if (a[row] === 1) expect(interaction[i]).toBe(global[i]);
      if (a[row] !== 2) return;
      const [expected] = own.probabilities(tableOf(values, Uint32Array.of(row)));
      expect(interaction[i]).toBeCloseTo(expected, 12);
      expect(interaction[i]).not.toBeCloseTo(global[i], 6);
    });
  });
});

describe.skipIf(missing)("trees", () => {
  it("scores by importance, grown once for all folds", async () => {
    const grow = vi.spyOn(addon(), "treeImportances");
    const method = createTreeEnsemble(context());
    expect(method).toMatchObject({ name: "trees", learns: false });
    const fold = learnable("interaction");
    const { interaction, direction } = await method.score(fold, OPTIONS);
    expect(direction).toBeUndefined();
    const again = await method.score({ ...fold, test: fold.training, training: fold.test }, OPTIONS);
    expect(again.interaction).toHaveLength(fold.training.length);
    expect(grow).toHaveBeenCalledTimes(1);
    const [, regulators, targets, , , importances] = grow.mock.calls[0];
    expect(regulators).toEqual(Uint32Array.of(0, 1, 2, 3));
    const { a, b } = fold.pairs;
    fold.test.forEach((row, i) => {
      const at = targets.indexOf(b[row]) * regulators.length + regulators.indexOf(a[row]);
      expect(interaction[i]).toBe(importances[at]);
    });
    vi.restoreAllMocks();
  });

  it("has the better direction and their difference for causality, from all genes", async () => {
    const grow = vi.spyOn(addon(), "treeImportances");
    const fold = learnable("causality");
    const { interaction, direction } = await createTreeEnsemble(context()).score(fold, OPTIONS);
    const [, regulators, targets, , , importances] = grow.mock.calls[0];
    expect(regulators).toEqual(targets);
    expect(new Set(regulators)).toEqual(new Set([...fold.pairs.a, ...fold.pairs.b]));
    const of = (from: number, to: number) =>
      importances[targets.indexOf(to) * regulators.length + regulators.indexOf(from)];
    const { a, b } = fold.pairs;
    fold.test.forEach((row, i) => {
      const [forth, back] = [of(a[row], b[row]), of(b[row], a[row])];
      expect(interaction[i]).toBe(Math.max(forth, back));
      expect(direction?.[i]).toBe(forth - back);
    });
    vi.restoreAllMocks();
  });
});

function context(): SummaryContext {
  return { store: session.store, threads: 2 };
}

/**
 * Pairs of genes 0 to 3 with all others, which interact where the other gene is expressed in more cells than most;
 * for causality every other pair stands in the opposite order. Every third other gene is tested.
 */
function learnable(task: FoldTask["task"]): FoldTask {
  const { store } = context();
  const others = Array.from({ length: GENES - 4 }, (_, i) => i + 4);
  const middle = [...others].sort((i, j) => store.expressing[i] - store.expressing[j])[others.length / 2];
  const pairs = [0, 1, 2, 3].flatMap((regulator) =>
    others.map((gene) => {
      const acts = store.expressing[gene] >= store.expressing[middle] ? 1 : 0;
      const turn = task === "causality" && (regulator + gene) % 2 === 1;
      return turn ? [gene, regulator, 2 * acts] : [regulator, gene, acts];
    }),
  );
  const isTest = ([a, b]: number[]) => Math.max(a, b) % 3 === 0;
  const rows = Uint32Array.from(pairs.keys());
  return {
    task,
    pairs: {
      a: Uint32Array.from(pairs, ([a]) => a),
      b: Uint32Array.from(pairs, ([, b]) => b),
      labels: Uint8Array.from(pairs, ([, , label]) => label),
    },
    training: rows.filter((row) => !isTest(pairs[row])),
    test: rows.filter((row) => isTest(pairs[row])),
    seed: 1,
  };
}

function withOtherTestLabels(fold: FoldTask): FoldTask {
  const labels = fold.pairs.labels.slice();
  for (const row of fold.test) labels[row] = labels[row] === 0 ? 1 : 0;
  return { ...fold, pairs: { ...fold.pairs, labels } };
}

/** (b, a) for (a, b), 2 for 1 and 1 for 2. */
function turned(fold: FoldTask): FoldTask {
  const { a, b, labels } = fold.pairs;
  return { ...fold, pairs: { a: b, b: a, labels: labels.map((label) => [0, 2, 1][label]) } };
}

function expectShares({ interaction, direction, probabilities, swapped }: FoldScores, rows: number): void {
  expect([interaction, direction].map((column) => column?.length)).toEqual([rows, rows]);
  for (const columns of [probabilities, swapped] as Float64Array[]) {
    expect(columns).toHaveLength(3 * rows);
    for (let row = 0; row < rows; row++) {
      const [none, forth, back] = columns.subarray(3 * row);
      expect(none + forth + back).toBeCloseTo(1, 5);
      if (columns !== probabilities) continue;
      expect(interaction[row]).toBe(1 - none);
      expect(direction?.[row]).toBe(forth - back);
    }
  }
}

/** What is known of the target and of the pair: the last 13 of 21 features. */
function tableOf(values: Float32Array, rows: Uint32Array) {
  return {
    values: Float32Array.from([...rows].flatMap((row) => [...values.subarray(21 * row + 8, 21 * row + 21)])),
    columns: 13,
  };
}

describe("treesProblem", () => {
  const pairs = { a: Uint32Array.of(0, 0, 1), b: Uint32Array.of(1, 2, 2), labels: Uint8Array.of(0, 1, 1) };

  it("says when the regulators do not fit into memory: 20 bytes of each cell and thread", () => {
    const { store } = session;
    const problem = (task: FoldTask["task"], threads: number, available: number) =>
      treesProblem(task, pairs, { store, threads }, available);
    const each = 20 * store.cells;
    expect(problem("interaction", 1, 2 * each)).toBeUndefined();
    expect(problem("interaction", 1, 2 * each - 1)).toMatch(
      /^2 regulators in 300 cells take 1 MB with --threads 1,/,
    );
    expect(problem("interaction", 3, 6 * each - 1)).toBeDefined();
    // Either gene may act: 0, 1 and 2.
    expect(problem("causality", 1, 3 * each - 1)).toMatch(/^3 regulators/);
    expect(problem("causality", 1, 3 * each)).toBeUndefined();
  });
});
