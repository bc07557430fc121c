import { describe, expect, test } from "vitest";
import {
  assignFolds,
  type Folds,
  givenFolds,
  leakage,
  type PairColumns,
  regulatorsOf,
  SPLIT_MODES,
  type SplitMode,
  targetsOf,
  trainTest,
  validationSplit,
} from "../../dist/pairs/index.js";
import { randomNumbers } from "../../dist/random.js";
import { errorOf } from "./helpers.js";

/** 20 regulators of very different size with some of 300 targets; regulators are genes 0 to 19 and targets too. */
function network(): Required<PairColumns> {
  const random = randomNumbers(11);
  const pairs: [number, number, number][] = [];
  for (let regulator = 0; regulator < 20; regulator++) {
    for (let target = 0; target < 300; target++) {
      if (target === regulator || random.next() > 0.05 * (regulator + 1)) continue;
      pairs.push([regulator, target, random.next() < 0.2 ? 1 : 0]);
    }
  }
  return columns(pairs);
}

function columns(pairs: (readonly [number, number, number])[]): Required<PairColumns> {
  return {
    a: Uint32Array.from(pairs, ([a]) => a),
    b: Uint32Array.from(pairs, ([, b]) => b),
    labels: Uint8Array.from(pairs, ([, , label]) => label),
  };
}

const pairs = network();
const rowsOf = ({ a }: PairColumns) => [...a.keys()];
const nameOf = ({ a, b }: PairColumns, row: number) => `${a[row]}>${b[row]}`;
const mirrorOf = ({ a, b }: PairColumns, row: number) => `${b[row]}>${a[row]}`;

/** What must be in training, by the definition: one pair against all tested ones. */
function naiveTrainTest(pairs: PairColumns, folds: Folds, fold: number) {
  const test = rowsOf(pairs).filter((row) => folds.of[row] === fold);
  const others = rowsOf(pairs).filter((row) => folds.of[row] !== fold);
  const regulators = regulatorsOf(pairs);
  const targets = targetsOf(pairs);
  const left = others.filter(
    (row) =>
      folds.mode === "both-disjoint" &&
      (test.some((tested) => regulators[tested] === regulators[row]) ||
        test.some((tested) => targets[tested] === targets[row])),
  );
  const tested = new Set(test.map((row) => nameOf(pairs, row)));
  const isKnown = (row: number) => tested.has(nameOf(pairs, row)) || tested.has(mirrorOf(pairs, row));
  const rest = others.filter((row) => !left.includes(row));
  return {
    train: Uint32Array.from(rest.filter((row) => !isKnown(row))),
    test: Uint32Array.from(test),
    mirrorsDropped: rest.filter(isKnown).length,
    leftOut: left.length,
  };
}

describe("folds", () => {
  test.each(SPLIT_MODES)("%s: training is what the definition says, for every fold", (mode) => {
    const folds = assignFolds(pairs, { mode, folds: mode === "both-disjoint" ? 3 : 5, seed: 1 });
    expect(folds.names).toHaveLength(mode === "both-disjoint" ? 9 : 5);
    folds.names.forEach((_, fold) => {
      expect(trainTest(pairs, folds, fold)).toEqual(naiveTrainTest(pairs, folds, fold));
    });
  });

  test.each(SPLIT_MODES)("%s: shares what it may, and nothing else", (mode) => {
    const folds = assignFolds(pairs, { mode, folds: 3, seed: 2 });
    folds.names.forEach((_, fold) => {
      const { train, test } = trainTest(pairs, folds, fold);
      const shared = leakage(pairs, train, test);
      expect(shared.pairs.shared).toBe(0);
      expect(shared.mirrors.shared).toBe(0);
      const disjointRegulators = mode === "regulator-disjoint" || mode === "both-disjoint";
      const disjointTargets = mode === "target-disjoint" || mode === "both-disjoint";
      expect(shared.regulators.shared === 0).toBe(disjointRegulators);
      expect(shared.targets.shared === 0).toBe(disjointTargets);
    });
  });

  const limits: [SplitMode, number][] = [
    ["random-pairs", 0.001],
    ["regulator-disjoint", 0.1],
    ["target-disjoint", 0.03],
    ["both-disjoint", 0.35],
  ];
  test.each(limits)("%s: are balanced in pairs and positives", (mode, tolerance) => {
    const folds = assignFolds(pairs, { mode, folds: 3, seed: 3 });
    const count = (isCounted: (row: number) => boolean) => {
      const counts = folds.names.map(
        (_, fold) => folds.of.filter((f, row) => f === fold && isCounted(row)).length,
      );
      const mean = counts.reduce((sum, n) => sum + n, 0) / counts.length;
      return counts.map((n) => Math.abs(n - mean) - 1).every((far) => far <= tolerance * mean);
    };
    expect(count(() => true)).toBe(true);
    expect(count((row) => pairs.labels[row] === 1)).toBe(true);
  });

  test("random pairs: no two folds differ by more than one pair of a class", () => {
    const { of } = assignFolds(pairs, { mode: "random-pairs", folds: 7, seed: 4 });
    for (const label of [0, 1]) {
      const counts = Array.from(
        { length: 7 },
        (_, f) => of.filter((fold, i) => fold === f && pairs.labels[i] === label).length,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  test.each(SPLIT_MODES)("%s: the seed decides", (mode) => {
    const assign = (seed: number) => assignFolds(pairs, { mode, folds: 3, seed }).of;
    expect(assign(5)).toEqual(assign(5));
    expect(assign(5)).not.toEqual(assign(6));
  });

  test("work without labels", () => {
    const { a, b } = pairs;
    const folds = assignFolds({ a, b }, { mode: "target-disjoint", folds: 4, seed: 1 });
    const { train, test } = trainTest({ a, b }, folds, 0);
    expect(leakage({ a, b }, train, test).targets.shared).toBe(0);
  });

  test("of blocks are named by row and column", () => {
    expect(assignFolds(pairs, { mode: "both-disjoint", folds: 2, seed: 1 }).names).toEqual([
      "1x1",
      "1x2",
      "2x1",
      "2x2",
    ]);
  });

  test("of CNNC's triples keep an edge and its mirror together, because both have one regulator", () => {
    const triples = columns(
      Array.from({ length: 30 }, (_, i): [number, number, number][] => [
        [i % 6, 10 + i, 1],
        [10 + i, i % 6, 2],
        [i % 6, 40 + i, 0],
      ]).flat(),
    );
    expect([...regulatorsOf(triples).subarray(0, 3)]).toEqual([0, 0, 0]);
    expect([...targetsOf(triples).subarray(0, 3)]).toEqual([10, 10, 40]);
    for (const mode of ["regulator-disjoint", "target-disjoint"] as const) {
      const folds = assignFolds(triples, { mode, folds: 3, seed: 1 });
      for (let i = 0; i < 90; i += 3) expect(folds.of[i]).toBe(folds.of[i + 1]);
      expect(trainTest(triples, folds, 0).mirrorsDropped).toBe(0);
    }
  });
});

describe("mirrors", () => {
  // Genes 0 to 9, all against all, undirected.
  const undirected = columns(
    Array.from(
      { length: 100 },
      (_, i) => [Math.floor(i / 10), i % 10, (i + Math.floor(i / 10)) % 2] as const,
    ).filter(([a, b]) => a !== b),
  );

  test("of tested pairs are not learned", () => {
    const folds = assignFolds(undirected, { mode: "target-disjoint", folds: 5, seed: 1 });
    const { train, test, mirrorsDropped } = trainTest(undirected, folds, 0);
    // Two targets with 9 regulators each are tested; 2 of these pairs are each other's mirrors.
    expect(test).toHaveLength(18);
    expect(mirrorsDropped).toBe(16);
    expect(train).toHaveLength(90 - 18 - 16);
    const learned = new Set([...train].map((row) => nameOf(undirected, row)));
    for (const row of test) expect(learned.has(mirrorOf(undirected, row))).toBe(false);
  });

  test("of validation pairs are not learned either", () => {
    const rows = Uint32Array.from(undirected.a.keys());
    const split = validationSplit(undirected, rows, { mode: "target-disjoint", share: 0.2, seed: 1 });
    expect(split.validation).toHaveLength(18);
    expect(split.mirrorsDropped).toBe(16);
    expect(leakage(undirected, split.train, split.validation).mirrors.shared).toBe(0);
  });

  test("a pair that is listed twice is not learned where it is tested", () => {
    const twice = columns([
      [0, 1, 1],
      [0, 1, 1],
      [0, 2, 0],
      [0, 3, 0],
    ]);
    const folds = givenFolds(twice, ["a", "b", "b", "a"], () => "");
    expect(trainTest(twice, folds, 0)).toEqual({
      train: Uint32Array.of(2),
      test: Uint32Array.of(0, 3),
      mirrorsDropped: 1,
      leftOut: 0,
    });
  });
});

describe("given folds", () => {
  const four = columns([
    [0, 10, 1],
    [0, 11, 0],
    [1, 10, 1],
    [1, 11, 0],
  ]);
  const modeOf = (column: string[]) => givenFolds(four, column, () => "").mode;

  test("are named as in the file, in the order of numbers", () => {
    const folds = givenFolds(four, ["10", "9", "train", "9"], () => "");
    expect(folds.names).toEqual(["9", "10", "train"]);
    expect([...folds.of]).toEqual([1, 0, 2, 0]);
  });

  test("show what they have disjoint", () => {
    expect(modeOf(["0", "0", "1", "1"])).toBe("regulator-disjoint");
    expect(modeOf(["0", "1", "0", "1"])).toBe("target-disjoint");
    expect(modeOf(["0", "1", "1", "0"])).toBe("random-pairs");
    const two = columns([
      [0, 10, 1],
      [1, 11, 0],
    ]);
    expect(givenFolds(two, ["0", "1"], () => "").mode).toBe("both-disjoint");
  });

  test("must be there", async () => {
    const missing = await errorOf(() =>
      givenFolds(four, ["1", "", "2", "1"], (row) => `pairs.tsv, line ${row + 2}`),
    );
    expect(missing.code).toBe("FOLD_MISSING");
    expect(missing.message).toBe("pairs.tsv, line 3: the pair is in no fold.");
    const one = await errorOf(() => givenFolds(four, ["1", "1", "1", "1"], () => ""));
    expect(one.code).toBe("FOLDS_IMPOSSIBLE");
    expect(one.message).toContain("All pairs are in one fold, 1");
  });
});

describe("leakage", () => {
  test("counts what test pairs share with training", () => {
    const some = columns([
      [0, 1, 1],
      [0, 2, 0],
      [3, 1, 1],
      [4, 5, 0],
      [1, 0, 1],
      [2, 4, 0],
      [0, 2, 1],
      [5, 4, 1],
    ]);
    // Learned: 0>1, 0>2, 3>1, 4>5. Tested: 1>0 and 5>4 (mirrors), 2>4, 0>2 (a pair).
    expect(leakage(some, Uint32Array.of(0, 1, 2, 3), Uint32Array.of(4, 5, 6, 7))).toEqual({
      regulators: { inTest: 4, shared: 1, share: 1 / 4 },
      targets: { inTest: 3, shared: 1, share: 1 / 3 },
      genes: { inTest: 5, shared: 5, share: 1 },
      pairs: { inTest: 4, shared: 1, share: 1 / 4 },
      mirrors: { inTest: 4, shared: 2, share: 1 / 2 },
    });
    expect(leakage(some, Uint32Array.of(0), new Uint32Array()).pairs).toEqual({
      inTest: 0,
      shared: 0,
      share: 0,
    });
  });
});

describe("validation", () => {
  const training = Uint32Array.from(pairs.a.keys()).filter((row) => row % 3 > 0);

  test.each(SPLIT_MODES)("%s: is apart from training, about as large as asked", (mode) => {
    const { train, validation, mirrorsDropped, leftOut } = validationSplit(pairs, training, {
      mode,
      share: 0.2,
      seed: 1,
    });
    expect([...train, ...validation].every((row) => training.includes(row))).toBe(true);
    expect(train.length + validation.length + mirrorsDropped + leftOut).toBe(training.length);
    const shared = leakage(pairs, train, validation);
    expect([shared.pairs.shared, shared.mirrors.shared]).toEqual([0, 0]);
    if (mode !== "random-pairs" && mode !== "target-disjoint") expect(shared.regulators.shared).toBe(0);
    if (mode !== "random-pairs" && mode !== "regulator-disjoint") expect(shared.targets.shared).toBe(0);

    const positives = (rows: Uint32Array) => rows.filter((row) => pairs.labels[row] === 1).length;
    expect(Math.abs(validation.length / training.length - 0.2)).toBeLessThan(0.03);
    expect(Math.abs(positives(validation) / positives(training) - 0.2)).toBeLessThan(0.05);
  });

  test("the seed decides", () => {
    const split = (seed: number) =>
      validationSplit(pairs, training, { mode: "target-disjoint", share: 0.1, seed }).validation;
    expect(split(1)).toEqual(split(1));
    expect(split(1)).not.toEqual(split(2));
  });

  test("of random pairs has one of each class at least", () => {
    const rare = columns(Array.from({ length: 100 }, (_, i) => [i % 7, 10 + i, i < 2 ? 1 : 0] as const));
    const rows = Uint32Array.from(rare.a.keys());
    const { train, validation } = validationSplit(rare, rows, { mode: "random-pairs", share: 0.1, seed: 1 });
    expect(validation.filter((row) => rare.labels[row] === 1)).toHaveLength(1);
    expect([train.length, validation.length]).toEqual([89, 11]);
  });

  test("of few large regulators takes the smallest", () => {
    const few = columns(Array.from({ length: 100 }, (_, i) => [i < 60 ? 0 : 1, 10 + i, i % 2] as const));
    const rows = Uint32Array.from(few.a.keys());
    const { train, validation } = validationSplit(few, rows, {
      mode: "regulator-disjoint",
      share: 0.05,
      seed: 1,
    });
    expect([...new Set(train.map((row) => few.a[row]))]).toEqual([0]);
    expect([...new Set(validation.map((row) => few.a[row]))]).toEqual([1]);
  });

  test.each([
    [
      "one regulator",
      [
        [0, 1, 1],
        [0, 2, 0],
        [0, 3, 1],
      ],
      "No pairs are left for training",
    ],
    [
      "a regulator without negatives",
      [
        [0, 1, 1],
        [0, 2, 0],
        [0, 3, 1],
        [1, 4, 1],
      ],
      "No negative pairs are left for validation",
    ],
    [
      "a regulator without positives",
      [
        [0, 1, 1],
        [0, 2, 0],
        [0, 3, 1],
        [1, 4, 0],
      ],
      "No positive pairs are left for validation",
    ],
  ] as [string, [number, number, number][], string][])("is impossible with %s", async (_, rows, message) => {
    const few = columns(rows);
    const all = Uint32Array.from(few.a.keys());
    const error = await errorOf(() =>
      validationSplit(few, all, { mode: "regulator-disjoint", share: 0.1, seed: 1 }),
    );
    expect(error.code).toBe("VALIDATION_IMPOSSIBLE");
    expect(error.message).toContain(message);
  });
});

describe("impossible folds", () => {
  const star = columns(Array.from({ length: 30 }, (_, i) => [i % 3, 10 + i, i % 2] as const));

  test.each([
    [
      "regulator-disjoint",
      5,
      "30 pairs of 3 regulators and 30 targets do not fill 5 folds",
      "Ask for 3 folds or fewer.",
    ],
    ["target-disjoint", 31, "do not fill 31 folds that are target-disjoint", "Ask for 30 folds or fewer."],
    ["both-disjoint", 4, "do not fill 4 x 4 folds", "Ask for 3 folds or fewer."],
    ["random-pairs", 1, "1 folds cannot be made", "Ask for 2 folds or more."],
  ] as [SplitMode, number, string, string][])("%s, %d", async (mode, folds, message, remedy) => {
    const error = await errorOf(() => assignFolds(star, { mode, folds, seed: 1 }));
    expect(error.code).toBe("FOLDS_IMPOSSIBLE");
    expect(error.message).toContain(message);
    expect(error.remedy).toBe(remedy);
  });

  test("that nothing can mend", async () => {
    const one = columns([
      [0, 1, 1],
      [0, 2, 0],
    ]);
    const error = await errorOf(() => assignFolds(one, { mode: "regulator-disjoint", folds: 2, seed: 1 }));
    expect(error.remedy).toContain("Choose another way to split");
  });
});
