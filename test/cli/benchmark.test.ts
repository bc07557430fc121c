import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fingerprintOf } from "../../dist/cli/benchmark/facts.js";
import { nativeEngineProblem } from "../../dist/model/index.js";
import { expectOneSentence } from "../support/one-sentence.js";
import { contents, outcomeOf, runCnnc, startCnnc, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";

const SAMPLES = fileURLToPath(new URL("../../data-samples/", import.meta.url));
const DATA = join(SAMPLES, "expression.h5ad");
const PAIRS = join(SAMPLES, "pairs.tsv");
const LINES = readFileSync(PAIRS, "utf8").trim().split("\n");

const benchmark = (options: readonly string[], labels = PAIRS) => [
  "benchmark",
  DATA,
  "--labels",
  labels,
  "-o",
  "report",
  "--threads",
  "2",
  ...options,
];
/** Methods that take no time. */
const QUICK = ["--methods", "pearson,degree"];

const resultsOf = (folder: string) =>
  JSON.parse(readFileSync(join(folder, "report", "results.json"), "utf8"));

describe("cnnc benchmark", () => {
  it("writes a report, results, figures and every score", async () => {
    const folder = testFolder();
    const { code, stdout } = await runMain(
      benchmark([...QUICK, "--split", "target-disjoint,random-pairs", "--folds", "3"]),
      folder,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^report\/index\.html: the report/);
    expect(stdout).toMatch(/On unseen targets, .*\nWhole targets are held out: .*\n\nmethod +AUROC per reg/);
    expect(contents(folder)).toEqual(["report"]);
    expect(contents(join(folder, "report"))).toEqual([
      "figures",
      "index.html",
      "results.json",
      "scores.tsv.gz",
    ]);
    const page = readFileSync(join(folder, "report", "index.html"), "utf8");
    for (const text of ["On unseen targets", "On random pairs", "pearson", "degree"]) {
      expect(page).toContain(text);
    }
    const { splits, run, labels } = resultsOf(folder);
    expect(splits.map(({ name, folds }: { name: string; folds: unknown[] }) => [name, folds.length])).toEqual(
      [
        ["target-disjoint", 3],
        ["random-pairs", 3],
      ],
    );
    expect(labels).toMatchObject({ pairs: 752, classCounts: [376, 376], regulators: 20 });
    expect(run).toMatchObject({ command: ["cnnc"], seed: 1, threads: 2, notices: [] });
    const hashes = splits.flatMap(({ folds }: { folds: { testSha256: string }[] }) =>
      folds.map(({ testSha256 }) => testSha256),
    );
    expect(new Set(hashes).size).toBe(6);
    expect(splits[0].folds[0].leakage.targets.shared).toBe(0);
    expect(splits[1].folds[0].leakage.targets.shared).toBeGreaterThan(0);

    const scores = gunzipSync(readFileSync(join(folder, "report", "scores.tsv.gz"))).toString();
    const [header, ...rows] = scores.trim().split("\n");
    expect(header.split("\t")).toEqual(["split", "fold", "gene_a", "gene_b", "label", "pearson", "degree"]);
    // Every pair is tested once in each split.
    expect(rows).toHaveLength(2 * 752);
    const listed = new Set(LINES.slice(1).map((line) => line.split("\t").slice(0, 3).join(" ")));
    for (const split of ["target-disjoint", "random-pairs"]) {
      const own = rows.map((row) => row.split("\t")).filter(([name]) => name === split);
      expect(new Set(own.map((row) => row.slice(2, 5).join(" ")))).toEqual(listed);
    }
  });

  it("takes given folds, saved scores and says what is missing", async () => {
    const folder = testFolder();
    const rows = LINES.slice(1).map((line) => line.split("\t"));
    // A tool that knows the truth but for the last two pairs.
    writeFileSync(
      join(folder, "oracle.tsv"),
      [
        "TF\ttarget\timportance",
        ...rows.slice(0, -2).map(([a, b, label]) => `${a}\t${b}\t${1 + Number(label)}`),
      ].join("\n"),
    );
    const { code, stdout, stderr } = await runMain(
      benchmark(["--methods", "degree", "--add", "scores:oracle.tsv", "--fold-column", "fold", "--json"]),
      folder,
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/oracle\.tsv has no score for 2 of \d+ test pairs/);
    const { splits, run } = JSON.parse(stdout);
    expect(splits).toHaveLength(1);
    expect(splits[0]).toMatchObject({ name: "fold", given: true, mode: "regulator-disjoint" });
    const [degree, oracle] = splits[0].methods;
    expect(degree).toMatchObject({ name: "degree", unscored: 0 });
    expect(oracle).toMatchObject({ name: "scores:oracle.tsv", unscored: 2 });
    expect(oracle.pooled.auroc).toBeGreaterThan(0.98);
    expect(oracle.differences[0]).toMatchObject({ against: "degree" });
    expect(oracle.differences[0].auroc.low).toBeGreaterThan(0.1);
    expect(run.notices.join()).toContain("oracle.tsv");
  });

  it.skipIf(nativeEngineProblem() !== undefined)(
    "trains networks, shows their surest pairs, and goes on after it was killed",
    async () => {
      const whole = testFolder();
      const options = ["--methods", "mlp,degree", "--folds", "2", "--epochs", "3"];
      const { code } = await runMain(benchmark(options), whole);
      expect(code).toBe(0);
      expect(readFileSync(join(whole, "report", "index.html"), "utf8")).toMatch(/Surest pairs/);

      const killed = testFolder();
      const child = startCnnc(benchmark(options), killed);
      child.stderr?.on("data", (text) => `${text}`.includes("; 1 of 4") && child.kill("SIGKILL"));
      expect((await outcomeOf(child)).signal).toBe("SIGKILL");
      expect(contents(killed)).toEqual(["report.partial"]);
      const { stderr } = await runMain(benchmark(options), killed);
      expect(stderr).toMatch(/Going on with what report\.partial has/);
      expect(stderr).toMatch(/fold 1: mlp done before/);
      const scoresOf = (folder: string) =>
        gunzipSync(readFileSync(join(folder, "report", "scores.tsv.gz"))).toString();
      expect(scoresOf(killed)).toBe(scoresOf(whole));
      expect(contents(killed)).toEqual(["report"]);
    },
  );

  it("does not go on with another benchmark's folds", async () => {
    const folder = testFolder();
    mkdirSync(join(folder, "report.partial"));
    writeFileSync(join(folder, "report.partial", "benchmark.json"), "{}\n");
    const outcome = await runMain(benchmark(QUICK), folder);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(/report\.partial holds a benchmark that was stopped, of other data/);
  });

  it("knows a benchmark by what is in its files, not by where they lie", () => {
    const print = (args: object, labels = "bb", cells = 10) =>
      fingerprintOf(args as Parameters<typeof fingerprintOf>[0], { data: "aa", labels }, {
        store: { cells },
      } as Parameters<typeof fingerprintOf>[2]);
    const one = print({ data: "x.h5ad", labels: "x.tsv", seed: 1, folds: 5 });
    expect(print({ folds: 5, seed: 1, data: "./x.h5ad", labels: "/tmp/x.tsv", methods: "degree" })).toBe(one);
    const others = [
      print({ seed: 2, folds: 5 }),
      print({ seed: 1, folds: 4 }),
      print({ seed: 1, folds: 5, epochs: 3 }),
      print({ seed: 1, folds: 5 }, "cc"),
      print({ seed: 1, folds: 5 }, "bb", 9),
    ];
    expect(new Set([one, ...others]).size).toBe(6);
  });

  it("ends at once and says how to go on when it is interrupted", async () => {
    const folder = testFolder();
    const child = startCnnc(benchmark(["--methods", "degree,cnnc"]), folder);
    child.stderr?.on("data", (text) => `${text}`.includes("; 1 of 10") && child.kill("SIGINT"));
    const { code, stderr } = await outcomeOf(child);
    expect(code).toBe(130);
    expect(stderr).toMatch(/Stopped\. .*the same command goes on/);
    expect(contents(folder)).toEqual(["report.partial"]);
  });

  it("puts two runs side by side", async () => {
    const folder = testFolder();
    await runMain(benchmark([...QUICK, "--folds", "2"]), folder);
    const results = join("report", "results.json");
    const { code, stdout } = await runMain(
      ["benchmark", "--compare", results, results, "-o", "both.html"],
      folder,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/target-disjoint +pearson +(0\.\d+) +\1 +0\.000 \[0\.000, 0\.000\]/);
    expect(readFileSync(join(folder, "both.html"), "utf8")).toContain("pearson");
  });

  describe("says in one sentence what is wrong:", () => {
    it.each([
      ["no labels", ["benchmark", DATA, "-o", "report"], /needs --labels/, /Write: cnnc benchmark/],
      [
        "an unknown method",
        benchmark(["--methods", "pearson,genie3"]),
        /no method genie3/,
        /compact, cnnc, mlp/,
      ],
      ["a method twice", benchmark(["--methods", "degree,degree"]), /degree is named twice/, /once/],
      [
        "an unknown split",
        benchmark(["--split", "leave-one-out"]),
        /no split leave-one-out/,
        /target-disjoint/,
      ],
      [
        "one fold",
        benchmark([...QUICK, "--folds", "1"]),
        /--folds must be a whole number of at least 2/,
        /.*/,
      ],
      [
        "more folds than pairs fill",
        benchmark([...QUICK, "--split", "both-disjoint", "--folds", "19"]),
        /do not fill 19 x 19 folds/,
        /Ask for \d+ folds or fewer/,
      ],
      ["a column that is not there", benchmark([...QUICK, "--fold-column", "cv"]), /no column cv/, /fold/],
      ["a model that is none", benchmark(["--methods", "model:nowhere"]), /no folder nowhere/, /cnnc train/],
      ["one file to compare", ["benchmark", "--compare", "a.json"], /No value follows --compare/, /--help/],
      ["results that are none", ["benchmark", "--compare", PAIRS, PAIRS], /is no JSON/, /results\.json/],
      [
        "a page of another kind",
        ["benchmark", "--compare", PAIRS, PAIRS, "-o", "x.pdf"],
        /not an \.html/,
        /\.html/,
      ],
    ] as const)("%s", async (_, args, says, remedy) => {
      const folder = testFolder();
      expectOneSentence(await runCnnc(args, folder), { says, remedy });
      expect(contents(folder)).toEqual([]);
    });

    it("few pairs", async () => {
      const folder = testFolder();
      writeFileSync(join(folder, "few.tsv"), LINES.slice(0, 11).join("\n"));
      const outcome = await runCnnc(benchmark(QUICK, "few.tsv"), folder);
      expectOneSentence(outcome, { says: /few\.tsv/, remedy: /.*/ });
    });

    it("a report that is there already", async () => {
      const folder = testFolder();
      mkdirSync(join(folder, "report"));
      const outcome = await runCnnc(benchmark(QUICK), folder);
      expectOneSentence(outcome, { says: /report exists already/, remedy: /-o/ });
    });

    it("folds of which one leaves a single class to learn from", async () => {
      const folder = testFolder();
      const path = join(folder, "labels.tsv");
      const rows = LINES.slice(1).map((line) => line.split("\t"));
      const byClass = rows.map(([a, b, label]) => [a, b, label, label].join("\t"));
      writeFileSync(path, [LINES[0], ...byClass].join("\n"));
      const outcome = await runCnnc(benchmark([...QUICK, "--fold-column", "fold"], path), folder);
      expectOneSentence(outcome, { says: /fold, fold 0: .* all/, remedy: /other folds/ });
    });
  });
});
