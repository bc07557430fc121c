import { describe, expect, it } from "vitest";
import type { FoldTask } from "../../../dist/evaluation/index.js";
import { degreeMethod } from "../../../dist/evaluation/methods/degree.js";
import { mirrorLookupMethod } from "../../../dist/evaluation/methods/mirror-lookup.js";

/** Rows (a, b, label); the last ones are tested. */
function foldOf(
  rows: readonly (readonly [number, number, number])[],
  tested: number,
  task: FoldTask["task"] = "interaction",
): FoldTask {
  const all = Uint32Array.from(rows.keys());
  return {
    task,
    pairs: {
      a: Uint32Array.from(rows, ([a]) => a),
      b: Uint32Array.from(rows, ([, b]) => b),
      labels: Uint8Array.from(rows, ([, , label]) => label),
    },
    training: all.slice(0, -tested),
    test: all.slice(-tested),
    seed: 1,
  };
}

const OPTIONS = { folder: "" };
const logit = (share: number) => Math.log(share / (1 - share));

describe("degreeMethod", () => {
  it("adds up how often each gene acts and is acted on in training", async () => {
    const fold = foldOf(
      [
        [0, 10, 1],
        [0, 11, 1],
        [0, 12, 0],
        [1, 10, 0],
        [1, 11, 0],
        // Tested: their labels must not matter.
        [0, 10, 0],
        [1, 12, 1],
        [2, 13, 1],
      ],
      3,
    );
    const { interaction, direction } = await degreeMethod().score(fold, OPTIONS);
    // 2 of 5 are positive; each gene's share counts with one pair of that share beside its own.
    const share = (positives: number, pairs: number) => logit((positives + 0.4) / (pairs + 1));
    expect([...interaction]).toEqual(
      [share(2, 3) + share(1, 2), share(0, 2) + share(0, 1), 2 * logit(0.4)].map((value) =>
        expect.closeTo(value, 12),
      ),
    );
    expect(direction).toBeUndefined();
  });

  it("asks about both directions for causality", async () => {
    const fold = foldOf(
      [
        [0, 10, 1],
        [11, 0, 2],
        [12, 13, 0],
        [0, 12, 0],
        [12, 0, 0],
      ],
      2,
      "causality",
    );
    const { interaction, direction } = await degreeMethod().score(fold, OPTIONS);
    // Gene 0 acted in both of its pairs, so it acts rather than being acted on, whatever the order.
    expect(direction?.[0]).toBeGreaterThan(0);
    expect(direction?.[1]).toBe(-(direction?.[0] as number));
    expect(interaction[1]).toBe(interaction[0]);
  });

  it("learns nothing from the test pairs", async () => {
    const rows = [
      [0, 10, 1],
      [1, 10, 0],
      [0, 11, 1],
    ] as const;
    const flipped = [rows[0], rows[1], [0, 11, 0]] as const;
    const one = await degreeMethod().score(foldOf(rows, 1), OPTIONS);
    const other = await degreeMethod().score(foldOf(flipped, 1), OPTIONS);
    expect(other).toEqual(one);
  });
});

describe("mirrorLookupMethod", () => {
  it("copies the label of the swapped pair", async () => {
    const fold = foldOf(
      [
        [10, 0, 1],
        [11, 0, 0],
        [0, 10, 0],
        [0, 11, 1],
        [0, 12, 1],
        [12, 0, 1],
      ],
      4,
    );
    const { interaction } = await mirrorLookupMethod().score(fold, OPTIONS);
    // (0, 12) and (12, 0) are both tested, so that neither is known.
    expect([...interaction]).toEqual([1, 0, 0.5, 0.5]);
  });

  it("sees mirrors that were dropped from training", async () => {
    const fold = foldOf(
      [
        [10, 0, 1],
        [1, 11, 0],
        [0, 10, 1],
      ],
      1,
    );
    const { interaction } = await mirrorLookupMethod().score(
      { ...fold, training: Uint32Array.of(1) },
      OPTIONS,
    );
    expect([...interaction]).toEqual([1]);
  });

  it("turns the direction round for causality", async () => {
    const fold = foldOf(
      [
        [10, 0, 1],
        [11, 0, 2],
        [12, 0, 0],
        [0, 10, 2],
        [0, 11, 1],
        [0, 12, 0],
        [0, 13, 1],
      ],
      4,
      "causality",
    );
    const { interaction, direction } = await mirrorLookupMethod().score(fold, OPTIONS);
    expect([...interaction]).toEqual([1, 1, 0, 0.5]);
    expect([...(direction ?? [])]).toEqual([-1, 1, 0, 0]);
  });
});
