import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { type Method, writeScores } from "../../dist/evaluation/index.js";
import { testFolder } from "../support/run-cnnc.js";

it("writes every score with all its digits, and none of pairs that a method does not know", async () => {
  const pairs = {
    a: Uint32Array.of(0, 0, 1),
    b: Uint32Array.of(1, 2, 2),
    labels: Uint8Array.of(1, 0, 2),
  };
  const test = Uint32Array.of(2, 0);
  const split = {
    name: "random-pairs",
    given: false,
    folds: { mode: "random-pairs" as const, names: ["1"], of: new Uint32Array(3) },
    parts: [{ train: Uint32Array.of(1), test, mirrorsDropped: 0, leftOut: 0 }],
    answers: [
      [
        // Both are .1 in float32.
        { scores: { interaction: Float64Array.of(0.1, 0.100000000001) }, seconds: 0 },
        {
          scores: {
            interaction: Float64Array.of(2, 0),
            direction: Float64Array.of(-0.5, 0),
            unscored: Uint32Array.of(0),
          },
          seconds: 0,
        },
      ],
    ],
  };
  const methods = [{ name: "summary" }, { name: "scores:x.tsv" }] as Method[];
  const path = join(testFolder(), "scores.tsv.gz");
  await writeScores(path, [split], pairs, ["A", "B", "C"], methods);
  expect(gunzipSync(readFileSync(path)).toString().split("\n")).toEqual([
    "split\tfold\tgene_a\tgene_b\tlabel\tsummary\tscores:x.tsv\tscores:x.tsv direction",
    "random-pairs\t1\tB\tC\t2\t0.1\t2\t-0.5",
    "random-pairs\t1\tA\tB\t1\t0.100000000001\t\t",
    "",
  ]);
});
