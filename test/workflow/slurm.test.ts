import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contents, outcomeOf, runCnnc, testFolder } from "../support/run-cnnc.js";
import {
  entries,
  NO_SLURM,
  NO_SNAKEMAKE,
  processOfShard,
  run,
  SAMPLE,
  type Slurm,
  saveSlowModel,
  snakemakeArgs,
  start,
  startSlurm,
  successful,
  WORKFLOW,
  waitFor,
} from "./support.js";

const GIVEN = testFolder();
const MODEL = join(GIVEN, "model");
const STORE = join(GIVEN, "data.cnnc.h5");
const SCORING = ["--model", MODEL, "--all-pairs", "--precision", "f32", "--checkpoint", "0.05"];
const SHARDS = 2;
const RESULTS = "it's my results";

describe.skipIf(NO_SLURM)(`on Slurm${NO_SLURM}`, { timeout: 300_000 }, () => {
  let slurm: Slurm;
  let whole: Buffer;

  beforeAll(async () => {
    await saveSlowModel(MODEL);
    successful(await runCnnc(["prepare", SAMPLE, "--values", "-o", STORE], GIVEN));
    const options = ["--model", MODEL, "--all-pairs", "--precision", "f32", "-o", "whole.tsv"];
    successful(await runCnnc(["predict-pairs", SAMPLE, ...options], GIVEN));
    whole = readFileSync(join(GIVEN, "whole.tsv"));
    slurm = await startSlurm();
  });
  afterAll(() => slurm?.stop());

  describe.skipIf(NO_SNAKEMAKE)(`the workflow${NO_SNAKEMAKE}`, () => {
    const config = {
      data: STORE,
      results: RESULTS,
      shards: SHARDS,
      predict: { model: MODEL, "all-pairs": true, precision: "f32", checkpoint: 0.05 },
      resources: {
        // As much memory as the store takes.
        shard: { threads: 1, hours: 0.1, gpus: 1 },
        merge: { threads: 1, "memory-gb": 0.5, hours: 0.1 },
      },
      sbatch: "--partition=all --comment='two words'",
    };

    it("is the same as one run, though a job is killed in the middle", async () => {
      const folder = testFolder();
      const options = { cwd: folder, env: slurm.env };
      const ended = outcomeOf(start("snakemake", snakemakeArgs("slurm", folder, config), options));
      const killed = await someShard(join(folder, RESULTS, "shards"));
      process.kill(await processOfShard(killed), "SIGKILL");
      const outcome = await ended;
      successful(outcome);
      expect(outcome.stderr).toMatch(/Trying to restart job/);
      // Two shards, one of them twice, and the merge.
      expect(outcome.stderr.match(/with external jobid/g)).toHaveLength(4);
      expect(shardLog(folder, killed)).toMatch(/Went on after/);
      expect(readFileSync(join(folder, RESULTS, "ranked.tsv"))).toEqual(whole);
    });

    it("takes its jobs out of the queue on Ctrl-C", async () => {
      const folder = testFolder();
      const options = { cwd: folder, env: slurm.env };
      const snakemake = start("snakemake", snakemakeArgs("slurm", folder, config), options);
      const ended = outcomeOf(snakemake);
      const stopped = await someShard(join(folder, RESULTS, "shards"));
      await processOfShard(stopped);
      process.kill(-(snakemake.pid as number), "SIGINT");
      expect((await ended).code).not.toBe(0);
      await waitFor(() => squeue() === "", "an empty queue");
      expect(shardLog(folder, stopped)).toMatch(/^Stopped\b/m);
      expect(contents(join(folder, RESULTS))).toEqual(["logs", "shards"]);
    });
  });

  describe("the job array", () => {
    it("is the same as one run, though a job is killed in the middle", async () => {
      const folder = testFolder();
      await submit(folder);
      const killed = await someShard(folder);
      process.kill(await processOfShard(killed), "SIGKILL");
      await waitFor(() => entries(folder).includes("ranked.tsv"), "the merge");
      expect(readFileSync(join(folder, "ranked.tsv"))).toEqual(whole);
      expect(arrayLog(folder, killed)).toMatch(/once more[\s\S]*Went on after/);
    });

    it("goes on in another job when its time is over", async () => {
      const folder = testFolder();
      const job = await submit(folder);
      const late = await someShard(folder);
      await processOfShard(late);
      // As Slurm does a minute before the end.
      const task = `${job}_${parseInt(basename(late), 10)}`;
      successful(await run("scancel", ["--batch", "--signal=USR1", task], { cwd: folder, env: slurm.env }));
      await waitFor(() => entries(folder).includes("ranked.tsv"), "the merge");
      expect(readFileSync(join(folder, "ranked.tsv"))).toEqual(whole);
      expect(arrayLog(folder, late)).toMatch(/^Stopped\b[\s\S]*once more[\s\S]*Went on after/m);
    });

    it("ends cleanly on scancel, and goes on when it is submitted again", async () => {
      const folder = testFolder();
      const job = await submit(folder);
      const cancelled = await someShard(folder);
      await processOfShard(cancelled);
      await run("scancel", [job], { cwd: folder, env: slurm.env });
      await waitFor(() => /^Stopped\b/m.test(arrayLog(folder, cancelled)), "its end");
      const left = contents(`${cancelled}.partial`);
      for (const name of left) expect(name).toMatch(/^pairs-\d+-\d+$/);
      expect(contents(folder)).not.toContain("ranked.tsv");
      // The merge that waited for the cancelled jobs has gone, too.
      await waitFor(() => squeue() === "", "an empty queue");
      await submit(folder);
      await waitFor(() => entries(folder).includes("ranked.tsv"), "the merge");
      expect(readFileSync(join(folder, "ranked.tsv"))).toEqual(whole);
    });

    it("says what is missing", async () => {
      const script = join(WORKFLOW, "slurm-array.sh");
      const outcome = await run("bash", [script, "many", "ranked.tsv", STORE, "--model", MODEL], {
        env: slurm.env,
      });
      expect(outcome).toMatchObject({
        code: 2,
        stderr: "slurm-array.sh: SHARDS must be a whole number, and is many\n",
      });
    });
  });

  /** Submits the array and tells its number. */
  async function submit(folder: string): Promise<string> {
    const args = [join(WORKFLOW, "slurm-array.sh"), `${SHARDS}`, "ranked.tsv", STORE, ...SCORING];
    const env = { ...slurm.env, SBATCH_MEM_PER_NODE: "1G" };
    const { code, stdout, stderr } = await run("bash", args, { cwd: folder, env });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return /^submitted (\d+): 2 shards, then job \d+ writes ranked\.tsv$/m.exec(stdout)?.[1] as string;
  }

  const squeue = () => spawnSync("squeue", ["--noheader"], { env: slurm.env, encoding: "utf8" }).stdout;
});

/** The file that some shard is being made for, below a folder. */
async function someShard(folder: string): Promise<string> {
  const find = () => partialBelow(folder)?.replace(/\.partial$/, "");
  return waitFor(find, `a shard in ${folder}`);
}

function partialBelow(folder: string): string | undefined {
  for (const name of entries(folder)) {
    const path = join(folder, name);
    const found = name.endsWith(".cnnc.partial") ? path : partialBelow(path);
    if (found) return found;
  }
}

const shardLog = (folder: string, shard: string) =>
  readFileSync(join(folder, RESULTS, `logs/shard-${parseInt(basename(shard), 10)}.log`), "utf8");

function arrayLog(folder: string, shard: string): string {
  const ending = `_${parseInt(basename(shard), 10)}.txt`;
  const name = readdirSync(folder).find((name) => name.endsWith(ending)) as string;
  return readFileSync(join(folder, name), "utf8");
}
