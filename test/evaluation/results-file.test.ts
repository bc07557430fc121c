import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readResults, resultsJson } from "../../dist/evaluation/results-file.js";
import { errorOf } from "../support/errors.js";
import { madeMethod, madeResults, madeSplit } from "./made-results.js";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "results-"));
  path = join(folder, "results.json");
});
afterAll(() => rm(folder, { recursive: true }));

const full = madeResults([
  madeSplit([
    madeMethod("compact", [0.7, 0.8], {
      calibration: { bins: [{ predicted: 0.3, observed: 0.25, pairs: 7 }], brier: 0.1 },
      causality: {
        classAurocs: [0.6, Number.NaN, 0.7],
        directionAuroc: 0.9,
        swapConsistency: Number.NaN,
      },
      losses: [[0.7, 0.5], []],
    }),
    madeMethod("degree", [], { group: "control" }),
  ]),
]);

/** The results with something changed, as text. */
function changed(change: (results: Record<string, never>) => void): string {
  const copy = JSON.parse(resultsJson(full));
  change(copy);
  return JSON.stringify(copy);
}

describe("results.json", () => {
  test("what is written is read again, NaN included", async () => {
    const text = resultsJson(full);
    expect(text).not.toContain("NaN");
    expect(text).toContain('"aurocs":[0.7,null,0.8]');
    await writeFile(path, text);
    const read = await readResults(path);
    expect(read).toEqual(full);
    expect(read.splits[0].methods[0].causality?.swapConsistency).toBeNaN();
  });

  test("fields of later writers are let pass", async () => {
    await writeFile(path, JSON.stringify({ ...full, more: { of: "it" } }));
    expect(await readResults(path)).toMatchObject({ more: { of: "it" } });
  });

  // biome-ignore lint/suspicious/noExplicitAny: the changes break the type on purpose
  type Loose = any;
  test.each<[string, () => string, RegExp, RegExp]>([
    ["no JSON", () => "a,b\n1,2\n", /results\.json is no JSON: .*\.$/, /Give the results\.json/],
    ["cut short", () => resultsJson(full).slice(0, 300), /is no JSON/, /Give the results\.json/],
    [
      "another JSON",
      () => '{"task": "interaction"}',
      /holds no results of a benchmark/,
      /Give the results\.json/,
    ],
    ["null", () => "null", /holds no results of a benchmark/, /Give the results\.json/],
    [
      "a newer format",
      () => JSON.stringify({ ...full, formatVersion: 2 }),
      /has format version 2; this version of cnnc reads 1\./,
      /Update cnnc/,
    ],
    [
      "no version",
      () => changed((results: Loose) => delete results.formatVersion),
      /is damaged: formatVersion is missing\./,
      /repeat the benchmark/,
    ],
    [
      "a missing field",
      () => changed((results: Loose) => delete results.splits[0].methods[1].pooled.auprc),
      /is damaged: splits\[0\]\.methods\[1\]\.pooled\.auprc is missing\./,
      /Copy the file again/,
    ],
    [
      "a number that is text",
      () => changed((results: Loose) => Object.assign(results.splits[0].folds[2], { test: "100" })),
      /splits\[0\]\.folds\[2\]\.test is no number\./,
      /Copy/,
    ],
    [
      "a text that is null",
      () => changed((results: Loose) => Object.assign(results.run, { processor: null })),
      /run\.processor is no text\./,
      /Copy/,
    ],
    [
      "an unknown group",
      () => changed((results: Loose) => Object.assign(results.splits[0].methods[0], { group: "other" })),
      /methods\[0\]\.group is no one of network, summary/,
      /Copy/,
    ],
    [
      "no list",
      () => changed((results: Loose) => Object.assign(results, { splits: {} })),
      /splits is no list\./,
      /Copy/,
    ],
    [
      "no object",
      () => changed((results: Loose) => Object.assign(results, { data: [] })),
      /: data is no object\./,
      /Copy/,
    ],
  ])("%s", async (_, text, says, remedy) => {
    await writeFile(path, text());
    const error = await errorOf(() => readResults(path));
    expect(error.code).toBe("BAD_RESULTS");
    expect(error.message).toMatch(says);
    expect(error.remedy).toMatch(remedy);
  });

  test("no file, and a folder", async () => {
    expect((await errorOf(() => readResults(join(folder, "none.json")))).code).toBe("FILE_NOT_FOUND");
    expect((await errorOf(() => readResults(folder))).code).toBe("FILE_UNREADABLE");
  });
});
