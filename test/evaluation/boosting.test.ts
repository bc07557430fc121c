import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  boostClasses,
  boostingProblem,
  type TreeGrowth,
  treeImportances,
} from "../../dist/evaluation/boosting.js";
import type { HistogramSession } from "../../dist/histograms/index.js";
import { addon } from "../../dist/native/addon.js";
import type { Progress } from "../../dist/progress.js";
import { randomNumbers } from "../../dist/random.js";
import { errorOf } from "../support/errors.js";
import { PYTHON, runPython } from "../support/python.js";
import { openSession } from "../support/sessions.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
const missing = addon().systemInfo().xgboost === "";
const pythonLacksXgboost = PYTHON === undefined || spawnSync(PYTHON, ["-c", "import xgboost"]).status !== 0;

/** Without any draws, so that another caller of XGBoost gets the same trees. */
const GROWTH: TreeGrowth = {
  rounds: 30,
  depth: 3,
  rate: 0.2,
  rowShare: 1,
  columnShare: 1,
  minChildWeight: 1,
  seed: 7,
};

afterEach(() => vi.restoreAllMocks());

describe("boostingProblem", () => {
  it("says what is missing, and what to do", () => {
    const info = addon().systemInfo();
    vi.spyOn(addon(), "systemInfo").mockReturnValue({ ...info, xgboost: "" });
    expect(boostingProblem()).toMatch(
      /^cnnc was built without XGBoost; install it \(libxgboost-dev.*build again/,
    );
    vi.spyOn(addon(), "systemInfo").mockReturnValue({ ...info, xgboost: "1.7.4" });
    expect(boostingProblem()).toBeUndefined();
  });
});

describe.runIf(missing)("a build without XGBoost", () => {
  it("refuses to boost", async () => {
    const error = await errorOf(() => boostClasses(toy(1, 2), GROWTH, 1, { threads: 1 }));
    expect(error).toMatchObject({ code: "XGBOOST_MISSING" });
  });
});

describe.skipIf(missing)("boostClasses", () => {
  it("learns what no single column tells", async () => {
    const task = toy(1, 2);
    const found = await boostClasses(task, GROWTH, 2, { threads: 2 });
    const right = found.filter((probability, row) => probability > 0.5 === (task.truth[row] === 1));
    expect(right.length).toBeGreaterThan(0.9 * found.length);
  });

  it.skipIf(pythonLacksXgboost)("equals XGBoost from Python, with two classes and three", async () => {
    const tasks = [toy(1, 2), toy(1, 3)];
    const problems = tasks.map(({ training, labels, classes, test }) => ({
      training: [...training.values],
      labels: [...labels],
      test: [...test.values],
      classes,
    }));
    const expected = runPython(PYTHON_BOOSTING, [JSON.stringify({ problems, growth: GROWTH })]) as number[][];
    for (const [i, task] of tasks.entries()) {
      const found = await boostClasses(task, GROWTH, 1, { threads: 1 });
      expect([...found]).toEqual(expected[i]);
    }
  });

  it("depends on the seed, not on the threads", async () => {
    const growth = { ...GROWTH, rowShare: 0.7, columnShare: 0.7 };
    const boost = (seed: number, threads: number) =>
      boostClasses(toy(1, 2), { ...growth, seed }, 3, { threads });
    const one = await boost(1, 1);
    expect(await boost(1, 3)).toEqual(one);
    expect(await boost(2, 1)).not.toEqual(one);
  });

  it("tells how far it is, and stops when it is aborted", async () => {
    const seen: Progress[] = [];
    const options = { threads: 1, onProgress: (progress: Progress) => seen.push(progress) };
    await boostClasses(toy(1, 2), GROWTH, 2, options);
    expect(seen.at(-1)).toEqual({ phase: "Boosting", unit: "trees", done: 60, total: 60 });

    const controller = new AbortController();
    const endless = { ...GROWTH, rounds: 1_000_000 };
    const work = errorOf(() =>
      boostClasses(toy(1, 2), endless, 1, { threads: 1, signal: controller.signal }),
    );
    setTimeout(() => controller.abort(), 50);
    expect(await work).toMatchObject({ code: "CANCELLED" });
  });

  it("refuses what does not fit", async () => {
    const task = toy(1, 2);
    const boost = (change: Partial<typeof task>, growth = {}, bags = 1) =>
      errorOf(() => boostClasses({ ...task, ...change }, { ...GROWTH, ...growth }, bags, { threads: 1 }));
    const narrow = { values: task.test.values, columns: 1 };
    expect(await boost({ test: narrow, training: narrow })).toMatchObject({ code: "BAD_LABELS" });
    expect(await boost({ labels: new Uint8Array(300) })).toMatchObject({
      code: "BAD_LABELS",
      message: "Gradient boosting: all rows to learn from are of one class.",
    });
    expect(await boost({}, { rate: 0 })).toMatchObject({ code: "BAD_OPTIONS" });
    expect(await boost({}, {}, 0)).toMatchObject({ code: "BAD_OPTIONS" });
  });
});

describe.skipIf(missing)("treeImportances", () => {
  const growth = { ...GROWTH, rowShare: 0.9, columnShare: 0.5 };
  const all = Uint32Array.from({ length: 30 }, (_, gene) => gene);

  it("gives shares of variance, none to a gene itself, the same on any threads", async () => {
    const { store } = await openCounts();
    const allRows = { ...growth, rowShare: 1 };
    const grow = (threads: number) => treeImportances(store, all, all, allRows, 10, { threads });
    const found = await grow(1);
    expect(found).toHaveLength(900);
    expect(Math.min(...found)).toBe(0);
    expect(Math.max(...found)).toBeGreaterThan(0);
    for (const gene of all) {
      const own = found.subarray(gene * 30, gene * 30 + 30);
      expect(own[gene]).toBe(0);
      expect(own.reduce((sum, share) => sum + share, 0)).toBeLessThan(1);
    }
    expect(await grow(2)).toEqual(found);
  });

  it("reports its progress, and names what it cannot use", async () => {
    const { store } = await openCounts();
    const seen: Progress[] = [];
    const two = Uint32Array.of(0, 1);
    await treeImportances(store, two, all, growth, 10, { threads: 1, onProgress: (one) => seen.push(one) });
    expect(seen.at(-1)).toEqual({ phase: "Growing trees", unit: "genes", done: 30, total: 30 });

    const refuse = async (session: Promise<HistogramSession>, regulators: Uint32Array) =>
      errorOf(async () =>
        treeImportances((await session).store, regulators, two, growth, 10, { threads: 1 }),
      );
    const scaled = openCounts({ layer: "scaled", scale: "linear", transform: "none" });
    expect(await refuse(scaled, two)).toMatchObject({
      code: "NEGATIVE_VALUE",
      message: expect.stringMatching(/, in gene \S+\.$/),
    });
    expect(await refuse(openCounts({ keepValues: false }), two)).toMatchObject({ code: "VALUES_MISSING" });
    expect(await refuse(openCounts(), Uint32Array.of(30))).toMatchObject({ code: "BAD_PAIRS" });
    expect(await refuse(openCounts(), new Uint32Array(0))).toMatchObject({ code: "BAD_PAIRS" });
  });
});

describe("the addon's boosting", () => {
  it("refuses arguments of a wrong type", async () => {
    const native = addon() as unknown as Record<string, (...args: unknown[]) => Promise<void>>;
    const job = new (addon().Job)();
    const [one, out] = [Float32Array.of(1), new Float32Array(1)];
    const boost = async (training: unknown, labels: unknown) =>
      native.boostClasses(training, labels, 2, one, 1, 1, GROWTH, out, 1, job);
    await expect(boost([1], Uint8Array.of(1))).rejects.toThrow(TypeError);
    await expect(boost(one, [1])).rejects.toThrow(TypeError);
    const grow = async (store: unknown) =>
      native.treeImportances(store, Uint32Array.of(0), Uint32Array.of(1), GROWTH, 1, out, 1, job);
    await expect(grow({})).rejects.toThrow(TypeError);
  });
});

function openCounts(options: Parameters<typeof openSession>[2] = {}) {
  return openSession(DATA, { kind: "all" }, { keepValues: true, scale: "counts", ...options });
}

/** 300 rows to learn from and 300 others: signs of two columns decide the class, alone they say nothing of class 1. */
function toy(seed: number, classes: number) {
  const random = randomNumbers(seed, "toy");
  const draw = () => {
    const values = Float32Array.from({ length: 900 }, () => 2 * random.next() - 1);
    const labels = Uint8Array.from({ length: 300 }, (_, row) => {
      const [x, y] = values.subarray(3 * row);
      return x > 0 === y > 0 ? 1 : classes === 2 || x > 0 ? 0 : 2;
    });
    return { table: { values, columns: 3 }, labels };
  };
  const [training, test] = [draw(), draw()];
  return { training: training.table, labels: training.labels, classes, test: test.table, truth: test.labels };
}

const PYTHON_BOOSTING = `
import json, sys
import numpy as np, xgboost
tasks = json.loads(sys.argv[1])
growth = tasks["growth"]

def predict(task):
    table = lambda name: np.array(task[name], dtype=np.float32).reshape(-1, 3)
    labels = np.array(task["labels"], dtype=float)
    parameters = dict(
        max_depth=growth["depth"], eta=growth["rate"], min_child_weight=growth["minChildWeight"],
        tree_method="hist", nthread=1, verbosity=0,
    )
    if task["classes"] == 2:
        parameters |= dict(objective="binary:logistic", base_score=labels.mean())
    else:
        parameters |= dict(objective="multi:softprob", num_class=task["classes"])
    booster = xgboost.train(parameters, xgboost.DMatrix(table("training"), labels), growth["rounds"])
    return booster.predict(xgboost.DMatrix(table("test"))).ravel().astype(float).tolist()

print(json.dumps([predict(task) for task in tasks["problems"]]))
`;
