import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writeCheckpoint } from "../../dist/training/checkpoint.js";
import { contents, outcomeOf, runCnnc, testFolder } from "../support/run-cnnc.js";
import {
  entries,
  NO_SNAKEMAKE,
  processOfShard,
  run,
  SAMPLE,
  saveSlowModel,
  snakemakeArgs,
  start,
  successful,
  WORKFLOW,
  waitFor,
} from "./support.js";

const GIVEN = testFolder();
const MODEL = join(GIVEN, "model");
const LABELS = join(dirname(SAMPLE), "pairs.tsv");
const REGULATORS = join(dirname(SAMPLE), "regulators.txt");

describe.skipIf(NO_SNAKEMAKE)(`the workflow on this machine${NO_SNAKEMAKE}`, { timeout: 300_000 }, () => {
  beforeAll(() => saveSlowModel(MODEL));

  it("ranks by a model as one run of predict-pairs does, and describes the run", async () => {
    const folder = testFolder();
    const config = {
      data: SAMPLE,
      shards: 3,
      prepare: { obs: ["cell_type=type1,type2"] },
      predict: { model: MODEL, regulators: REGULATORS, top: 500 },
      resources: { shard: { threads: 1 } },
    };
    const outcome = await run("snakemake", snakemakeArgs("local", folder, config), { cwd: folder });
    successful(outcome);
    const whole = [
      "--model",
      MODEL,
      "--regulators",
      REGULATORS,
      "--top",
      "500",
      "--obs",
      "cell_type=type1,type2",
    ];
    successful(await runCnnc(["predict-pairs", SAMPLE, ...whole, "-o", "whole.tsv"], folder));
    const ranked = readFileSync(join(folder, "results/ranked.tsv"), "utf8");
    expect(ranked).toBe(readFileSync(join(folder, "whole.tsv"), "utf8"));
    expect(ranked.split("\n").length).toBe(502);

    const page = readFileSync(join(folder, "results/report.html"), "utf8");
    expect(page).toContain('<a href="ranked.tsv">');
    expect(page).toContain("<td>Pairs scored</td><td>3,980</td>");
    expect(page).toContain("<td>Values read as</td><td>counts</td>");
    const [a, b] = ranked.split("\n")[1].split("\t");
    expect(page).toContain(`<td>${a}</td><td>${b}</td>`);
    expect(page.match(/src="data:image\/svg\+xml;base64,/g)).toHaveLength(4);
  });

  it("trains, compares methods and ranks by what it trained, whatever names files have", async () => {
    const folder = testFolder();
    const [data, labels, results] = ["it's my data.h5ad", 'known "pairs" & more.tsv', "it's (all) $HOME"];
    copyFileSync(SAMPLE, join(folder, data));
    copyFileSync(LABELS, join(folder, labels));
    const config = {
      data,
      results,
      shards: 2,
      train: { labels, architecture: "mlp", epochs: 2, "fold-column": "fold", "test-fold": 0 },
      benchmark: { methods: "degree,spearman", folds: 2 },
      predict: { pairs: labels },
      ranked: "the network.graphml",
    };
    // What a training with other options has left.
    mkdirSync(join(folder, results));
    const numbers = new Float32Array(4);
    await writeCheckpoint(join(folder, results, "model.checkpoint"), {
      fingerprint: "another training",
      history: [],
      learningRates: [],
      parameters: numbers,
      state: { steps: 1, first: numbers, second: numbers },
      best: { epoch: 0, parameters: numbers },
    });
    const outcome = await run("snakemake", snakemakeArgs("local", folder, config), { cwd: folder });
    successful(outcome);
    const whole = ["--model", `${results}/model`, "--pairs", labels, "-o", "whole.graphml"];
    successful(await runCnnc(["predict-pairs", data, ...whole], folder));
    const text = (name: string) => readFileSync(join(folder, name), "utf8");
    expect(text(`${results}/the network.graphml`)).toBe(text("whole.graphml"));
    expect(contents(join(folder, results, "benchmark"))).toContain("index.html");
    expect(text(`${results}/report.html`)).toContain('<a href="benchmark/index.html">');
    expect(text(`${results}/logs/train.log`)).toMatch(
      /belongs to a training with other data[\s\S]*^train\.sh: that checkpoint is removed, and the training starts anew\.$/m,
    );
    expect(contents(join(folder, results))).not.toContain("model.checkpoint");
  });

  it("ends cleanly on SIGTERM to all its processes, and goes on when it is started again", async () => {
    const folder = testFolder();
    const predict = { model: MODEL, "all-pairs": true, precision: "f32", checkpoint: 0.05 };
    const config = { data: SAMPLE, shards: 2, predict, resources: { shard: { threads: 1 } } };
    const args = [...snakemakeArgs("local", folder, config), "--cores", "1"];
    const child = start("snakemake", args, { cwd: folder });
    const ended = outcomeOf(child);
    const shards = await waitFor(() => entries(join(folder, "results/shards"))[0], "shards");
    const at = join(folder, "results/shards", shards);
    const first = await waitFor(() => /[12]\.cnnc/.exec(entries(at).join(" "))?.[0], "a shard");
    await processOfShard(join(at, first));
    process.kill(-(child.pid as number), "SIGTERM");
    expect((await ended).code).not.toBe(0);
    expect(readFileSync(join(folder, "results/logs", `shard-${first[0]}.log`), "utf8")).toMatch(
      /^Stopped\b/m,
    );
    expect(contents(at)).toEqual([`${first}.partial`]);
    for (const name of contents(join(at, `${first}.partial`))) expect(name).toMatch(/^pairs-\d+-\d+$/);
    expect(contents(join(folder, "results"))).toEqual(["data.cnnc.h5", "logs", "shards", "summaries"]);

    successful(await run("snakemake", args, { cwd: folder }));
    expect(readFileSync(join(folder, "results/logs", `shard-${first[0]}.log`), "utf8")).toMatch(
      /Went on after/,
    );
    const whole = ["--model", MODEL, "--all-pairs", "--precision", "f32", "-o", "whole.tsv"];
    successful(await runCnnc(["predict-pairs", SAMPLE, ...whole], folder));
    expect(readFileSync(join(folder, "results/ranked.tsv"))).toEqual(readFileSync(join(folder, "whole.tsv")));
  });

  it("comes with a configuration that is right", async () => {
    const folder = testFolder();
    symlinkSync(dirname(SAMPLE), join(folder, "data-samples"));
    const args = ["--snakefile", join(WORKFLOW, "Snakefile"), "--configfile", join(WORKFLOW, "config.yaml")];
    const outcome = await run("snakemake", [...args, "--dry-run", "--quiet"], { cwd: folder });
    successful(outcome);
    for (const step of ["prepare +1", "train +1", "shard +4", "merge +1", "report +1"]) {
      expect(outcome.stdout + outcome.stderr).toMatch(new RegExp(`^${step} `, "m"));
    }
  });

  it("takes the text of options as it is", async () => {
    const folder = testFolder();
    const config = {
      data: SAMPLE,
      prepare: { obs: ["cell_type={i} of 'a'"] },
      predict: { model: MODEL, "all-pairs": true },
    };
    const args = [...snakemakeArgs("local", folder, config), "--dry-run", "--printshellcmds"];
    const outcome = await run("snakemake", args, { cwd: folder });
    successful(outcome);
    expect(outcome.stdout + outcome.stderr).toContain(`--obs 'cell_type={i} of '"'"'a'"'"''`);
  });

  it("says in one sentence what is wrong with a configuration", async () => {
    const folder = testFolder();
    const outcome = await run("snakemake", snakemakeArgs("local", folder, { data: SAMPLE, shard: 3 }), {
      cwd: folder,
    });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain(
      "\nthe configuration has shard, which is not known. Did you mean shards?\n",
    );
  });
});
