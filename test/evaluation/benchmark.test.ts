import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { type Method, openFoldStore, planSplits, runBenchmark } from "../../dist/evaluation/index.js";
import { errorOf } from "../support/errors.js";
import { testFolder } from "../support/run-cnnc.js";

/** Four regulators and targets, all pairs of which every other one interacts. */
const PAIRS = {
  a: Uint32Array.from({ length: 16 }, (_, i) => i >> 2),
  b: Uint32Array.from({ length: 16 }, (_, i) => 4 + (i & 3)),
  labels: Uint8Array.from({ length: 16 }, (_, i) => ((i >> 2) + i) & 1),
};
const FILE = {} as Parameters<typeof planSplits>[1]["file"];
const planned = () => planSplits(PAIRS, { file: FILE }, [{ mode: "random-pairs", folds: 2 }], 1);

function methodOf(name: string, more: Partial<Method> = {}) {
  const asked: number[][] = [];
  const method: Method = {
    name,
    label: name,
    group: "association",
    learns: false,
    async score({ test }, { onNotice }) {
      asked.push([...test]);
      onNotice?.(`${name} has something to say`);
      return { interaction: Float64Array.from(test, (row) => row / 10) };
    },
    ...more,
  };
  return { method, asked };
}

async function run(folder: string, methods: readonly Method[], dispensable?: ReadonlySet<string>) {
  const notices: string[] = [];
  const kept: boolean[] = [];
  const {
    splits: [{ parts, answers }],
    methods: used,
  } = await runBenchmark(planned(), {
    task: "interaction",
    pairs: PAIRS,
    geneNames: Array.from({ length: 8 }, (_, gene) => `G${gene}`),
    methods,
    ...(dispensable && { dispensable }),
    seed: 1,
    store: await openFoldStore(folder, "facts"),
    onNotice: (line) => notices.push(line),
    onAnswer: (done) => kept.push(done.kept),
  });
  return { parts, answers, notices, kept, used: used.map(({ name }) => name) };
}

describe("runBenchmark", () => {
  it("goes on with what is done, and ends as if it had not been stopped", async () => {
    const folder = join(testFolder(), "partial");
    const whole = methodOf("m");
    const first = await run(folder, [whole.method]);
    expect(whole.asked).toEqual(first.parts.map(({ test }) => [...test]));
    const again = methodOf("m");
    const second = await run(folder, [again.method]);
    expect(again.asked).toEqual([]);
    expect([first.kept, second.kept]).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(second.answers).toEqual(first.answers);
    expect(second.notices).toEqual(["m has something to say", "m has something to say"]);
  });

  it("asks methods outside again, whose files may have changed", async () => {
    const folder = join(testFolder(), "partial");
    const { method, asked } = methodOf("scores:x.tsv", { group: "external" });
    await run(folder, [method]);
    await run(folder, [method]);
    expect(asked).toHaveLength(4);
  });

  it("leaves dispensable methods out that fail, also in a later fold", async () => {
    let calls = 0;
    const failing = methodOf("failing", {
      score: async ({ test }) => {
        if (++calls === 2) throw new CnncError("NEGATIVE_VALUE", "A value is negative.");
        return { interaction: new Float64Array(test.length) };
      },
    });
    const others = [methodOf("first"), methodOf("last")];
    const methods = [others[0].method, failing.method, others[1].method];
    const folder = join(testFolder(), "partial");
    const { answers, used, notices, parts } = await run(folder, methods, new Set(["failing"]));
    expect(used).toEqual(["first", "last"]);
    expect(notices).toContain("Left out failing: A value is negative.");
    for (const [fold, { test }] of parts.entries()) {
      const expected = Float64Array.from(test, (row) => row / 10);
      expect(answers[fold].map(({ scores }) => scores.interaction)).toEqual([expected, expected]);
    }
    calls = 1;
    const error = await errorOf(() => run(join(testFolder(), "partial"), methods));
    expect(error.code).toBe("NEGATIVE_VALUE");
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses the score %d, and does not keep it",
    async (bad) => {
      const folder = join(testFolder(), "partial");
      const { method } = methodOf("m", {
        score: async ({ test }) => ({ interaction: new Float64Array(test.length).fill(bad, 2, 3) }),
      });
      const error = await errorOf(() => run(folder, [method]));
      expect(error.code).toBe("SCORE_NOT_A_NUMBER");
      expect(error.message).toContain("m, fold 1: the score of G0 G7 is not a finite number");
      const store = await openFoldStore(folder, "facts");
      expect(await store.read("random-pairs", "m", "1")).toBeUndefined();
    },
  );
});
