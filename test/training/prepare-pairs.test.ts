import { describe, expect, it } from "vitest";
import { listSource, type PairFile } from "../../dist/pairs/index.js";
import { type PreparationOptions, preparePairs } from "../../dist/training/prepare-pairs.js";
import { errorOf } from "../support/errors.js";

type Row = readonly [a: number, b: number, label?: number, fold?: string];

/** A session and its pair file, as openHistograms makes them of a list of genes that are all there. */
function listed(rows: readonly Row[]) {
  const name = (gene: number) => `G${gene}`;
  const labels = rows.some((row) => row[2] !== undefined)
    ? Int32Array.from(rows, (row) => row[2] ?? 0)
    : undefined;
  const folds = rows.map((row) => row[3] ?? "");
  const file: PairFile = {
    path: "labels.tsv",
    a: rows.map(([a]) => name(a)),
    b: rows.map(([, b]) => name(b)),
    ...(labels && { labels }),
    extra: new Map(folds.some((fold) => fold !== "") ? [["fold", folds]] : []),
    lines: Uint32Array.from(rows.keys(), (row) => row + 2),
    header: undefined,
  };
  const session = {
    source: listSource(
      Uint32Array.from(rows, ([a]) => a),
      Uint32Array.from(rows, ([, b]) => b),
    ),
    ...(labels && { labels }),
    rows: Uint32Array.from(rows.keys()),
    report: {
      pairs: rows.length,
      missingGenes: [],
      pairsLeftOut: 0,
      selfPairsDropped: 0,
      duplicatePairs: 0,
      duplicateNames: 0,
      constantGenes: 0,
      rareGenes: 0,
      rarePairs: 0,
    },
  };
  return { session, file };
}

const prepare = (rows: readonly Row[], options: Partial<PreparationOptions> = {}) => {
  const { session, file } = listed(rows);
  return preparePairs(session, file, { split: "target-disjoint", validationShare: 0.2, seed: 1, ...options });
};

/** 6 regulators x 20 targets; targets are in fold `target % 4`, and positives are spread over all. */
const GRID: Row[] = Array.from({ length: 120 }, (_, i) => {
  const [a, b] = [i % 6, 100 + Math.floor(i / 6)];
  return [a, b, (a + b) % 3 === 0 ? 1 : 0, `f${b % 4}`] as const;
});

/** Each pair of some rows as text. */
const pairsOf = ({ pairs }: ReturnType<typeof prepare>, rows: Uint32Array) =>
  Array.from(rows, (row) => `${pairs.a[row]} ${pairs.b[row]}`);
const genes = (texts: string[], place: 0 | 1) => new Set(texts.map((text) => text.split(" ")[place]));

describe("preparePairs", () => {
  it("gives every pair to one part, and validates on targets of its own", () => {
    const prepared = prepare(GRID);
    const [training, validation] = [prepared.training, prepared.validation].map((rows) =>
      pairsOf(prepared, rows),
    );
    expect([...training, ...validation].sort()).toEqual(GRID.map(([a, b]) => `${a} ${b}`).sort());
    expect(validation.length).toBeGreaterThan(10);

    for (const target of genes(validation, 1)) expect(genes(training, 1).has(target)).toBe(false);
    expect(prepared.task).toBe("interaction");
    expect(prepared.report.labels?.classCounts).toEqual([80, 40]);
    expect(prepared.report.mirrorsDropped).toEqual({ test: 0, validation: 0 });
  });

  it("splits otherwise with another seed, and not at all without a share", () => {
    const parts = [1, 2].map((seed) => {
      const prepared = prepare(GRID, { seed });
      return pairsOf(prepared, prepared.validation).join();
    });
    expect(parts[0]).not.toBe(parts[1]);
    const whole = prepare(GRID, { validationShare: 0 });
    expect(whole.validation).toHaveLength(0);
    expect(whole.training).toHaveLength(120);
  });

  it("never learns from or validates on the test fold", () => {
    const prepared = prepare(GRID, { test: { column: "fold", fold: "f2" } });
    expect(pairsOf(prepared, prepared.test).sort()).toEqual(
      GRID.filter(([, , , fold]) => fold === "f2")
        .map(([a, b]) => `${a} ${b}`)
        .sort(),
    );
    const others = pairsOf(prepared, Uint32Array.from([...prepared.training, ...prepared.validation]));
    expect(others).toHaveLength(90);
    for (const pair of others) expect(Number(pair.split(" ")[1]) % 4).not.toBe(2);
  });

  it("drops training pairs whose mirror is tested or validated, and counts them", () => {
    // Both directions of 60 pairs; the mirrors of fold x are in fold y.
    const rows = Array.from({ length: 60 }, (_, i): Row[] => {
      const [a, b, label] = [i % 6, 100 + Math.floor(i / 6), i % 3 === 0 ? 1 : 0];
      return [
        [a, b, label, i < 20 ? "x" : "y"],
        [b, a, label, "y"],
      ];
    }).flat();
    const prepared = prepare(rows, { test: { column: "fold", fold: "x" }, split: "random-pairs" });
    expect(prepared.test).toHaveLength(20);
    expect(prepared.report.mirrorsDropped.test).toBe(20);
    expect(prepared.report.mirrorsDropped.validation).toBeGreaterThan(0);
    const learned = new Set(pairsOf(prepared, prepared.training));
    for (const part of [prepared.test, prepared.validation]) {
      for (const pair of pairsOf(prepared, part)) {
        expect(learned.has(pair)).toBe(false);
        expect(learned.has(pair.split(" ").reverse().join(" "))).toBe(false);
      }
    }
    const { test, validation } = prepared.report.mirrorsDropped;
    expect(prepared.training.length + prepared.validation.length + 20 + test + validation).toBe(120);
  });

  it("draws negatives for interactions alone, and reports how many", () => {
    const positives = GRID.filter(([, , label]) => label === 1).map(([a, b]): Row => [a, b]);
    const prepared = prepare(positives, { negatives: { mode: "degree-matched", ratio: 1 } });
    const { pairs, report } = prepared;
    expect(report.negatives).toMatchObject({ asked: 40, drawn: 40, short: [] });
    expect(report.positives).toMatchObject({ duplicatesMerged: 0, negativesLeftOut: 0 });
    const known = new Set(positives.map(([a, b]) => `${a} ${b}`));
    pairs.labels.forEach((label, row) => {
      expect(known.has(`${pairs.a[row]} ${pairs.b[row]}`)).toBe(label === 1);
    });
    const again = prepare(positives, { negatives: { mode: "degree-matched", ratio: 1 } });
    expect(again.pairs).toEqual(pairs);
  });

  it("says which regulators got fewer negatives than asked for", () => {
    // Regulator 0 has all targets but 103, which others have.
    const positives = GRID.filter(([a, b]) => (a === 0 ? b !== 103 : b < 104)).map(([a, b]): Row => [a, b]);
    const { report } = prepare(positives, { negatives: { mode: "per-regulator", ratio: 1 } });
    expect(report.negatives?.short).toEqual([{ regulator: 0, asked: 19, drawn: 1 }]);
    expect(report.negatives?.drawn).toBeLessThan(report.negatives?.asked ?? 0);
  });

  it("leaves listed negatives out where others are drawn", () => {
    const { report, pairs } = prepare(GRID, { negatives: { mode: "random", ratio: 2 } });
    expect(report.positives?.negativesLeftOut).toBe(80);
    expect(pairs.labels.filter((label) => label === 0)).toHaveLength(80);
  });

  it("chooses the task from the labels, and obeys another", () => {
    const triples = GRID.map(
      ([a, b, label]): Row => (label === 1 && b % 2 === 0 ? [b, a, 2] : [a, b, label ?? 0]),
    );
    expect(prepare(triples).task).toBe("causality");
    const { task, report } = prepare(triples, { task: "interaction" });
    expect(task).toBe("interaction");
    expect(report.labels?.reversed).toBe(20);
  });

  const mistakes: [string, readonly Row[], Partial<PreparationOptions>, string, RegExp][] = [
    [
      "a fold that is not there",
      GRID,
      { test: { column: "fold", fold: "f9" } },
      "FOLD_NOT_FOUND",
      /f9.*f0, f1, f2, f3/,
    ],
    [
      "a column that is not there",
      GRID,
      { test: { column: "part", fold: "f1" } },
      "COLUMN_NOT_FOUND",
      /part/,
    ],
    [
      "drawn negatives with a test fold",
      GRID,
      { negatives: { mode: "random", ratio: 1 }, test: { column: "fold", fold: "f1" } },
      "BAD_USAGE",
      /in no fold/,
    ],
    ["no labels", GRID.map(([a, b]): Row => [a, b]), {}, "LABELS_MISSING", /labels\.tsv/],
    ["one class", GRID.map(([a, b]): Row => [a, b, 1]), {}, "LABELS_ONE_CLASS", /label 1/],
    ["another label", [...GRID, [0, 99, 7]], {}, "LABEL_INVALID", /line 122 \(G0 G99\).*7/],
    ["few pairs", GRID.slice(0, 19), {}, "TOO_FEW_LABELS", /19 labelled pairs/],
    [
      "contradictions",
      [...GRID, [0, 100, 1 - (GRID[0][2] ?? 0)]],
      {},
      "LABELS_CONTRADICT",
      /line 2.*line 122/,
    ],
  ];

  it.each(mistakes)("refuses %s", async (_, rows, options, code, message) => {
    const error = await errorOf(() => prepare(rows, options));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("leaves contradictions out if asked, and counts them", () => {
    const { report } = prepare([...GRID, [0, 100, 1 - (GRID[0][2] ?? 0)]], { skipContradictions: true });
    expect(report.labels?.contradictionsLeftOut).toBe(1);
  });
});
