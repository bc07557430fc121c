import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildModel } from "../../dist/model/index.js";
import { type Outcome, outcomeOf } from "../support/run-cnnc.js";
import { saveTestModel } from "../support/test-models.js";

const place = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export const WORKFLOW = place("../../workflow");
export const SAMPLE = place("../../data-samples/expression.h5ad");

const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

/** For the names of tests: which of these programs keep them from running; empty if they are all there. */
export function missing(...programs: string[]): string {
  const lacking = programs.filter(
    (program) => spawnSync("sh", ["-c", `command -v ${program}`], { env: { PATH } }).status !== 0,
  );
  return lacking.length === 0
    ? ""
    : ` (left out: ${lacking.join(", ")} not installed; npm run test:workflow)`;
}

export const NO_SNAKEMAKE = missing("snakemake");
export const NO_SLURM = missing("munged", "slurmctld", "slurmd", "sbatch");

/** Starts a program in a process group of its own, so that it can be sent signals as a terminal and Slurm do. */
export function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  return spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true, ...options });
}

/** Runs a program to its end. */
export const run = (command: string, args: readonly string[], options: SpawnOptions): Promise<Outcome> =>
  outcomeOf(start(command, args, options));

/** @throws Error with what it printed, unless it ended well */
export function successful({ code, stdout, stderr }: Outcome): void {
  if (code !== 0) throw new Error(`it ended with ${code}:\n${stdout}\n${stderr}`);
}

/** The arguments of snakemake for a configuration, which is written to `folder`/run.yaml; YAML reads JSON. */
export function snakemakeArgs(profile: string, folder: string, config: object): string[] {
  const file = join(folder, "run.yaml");
  writeFileSync(file, JSON.stringify(config));
  return [
    ...["--snakefile", join(WORKFLOW, "Snakefile"), "--profile", join(WORKFLOW, "profiles", profile)],
    ...["--configfile", file, "--latency-wait", "2", "--nocolor"],
  ];
}

/**
 * An untrained network that takes a second or two for each half of the sample's pairs, in several batches, so that there
 * is time to kill it.
 */
export async function saveSlowModel(folder: string): Promise<void> {
  const network = await buildModel("cnnc", { task: "interaction", channels: 1, seed: 3, widthDivisor: 4 });
  await saveTestModel(folder, { architecture: "cnnc" }, network);
}

export interface Slurm {
  /** With which sbatch, squeue and the rest reach it. */
  readonly env: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

/** A cluster of two nodes on this machine; it ends with this process in any case. */
export async function startSlurm(): Promise<Slurm> {
  const parent = realpathSync(mkdtempSync(join(tmpdir(), "cnnc-slurm-")));
  chmodSync(parent, 0o755);
  const folder = join(parent, "cluster");
  const cluster = spawn("bash", [place("slurm-on-loopback.sh"), folder], {
    stdio: "pipe",
    env: { ...process.env, PATH },
  });
  const ended = outcomeOf(cluster);
  await Promise.race([
    new Promise<void>((resolve) =>
      cluster.stdout.on("data", (text) => `${text}`.includes("ready") && resolve()),
    ),
    ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
  ]);
  return {
    env: { ...process.env, SLURM_CONF: join(folder, "slurm.conf") },
    async stop() {
      cluster.stdin.end();
      await ended;
      const left = processes(({ environment }) => environment.includes(`SLURM_CONF=${folder}/slurm.conf`));
      rmSync(parent, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`processes ${left} of the cluster go on running`);
    },
  };
}

/** Waits for what `find` finds. */
export async function waitFor<T>(find: () => T | undefined | false | "", what: string): Promise<T> {
  for (let waited = 0; waited < 120_000; waited += 20) {
    const found = find();
    if (found) return found;
    await sleep(20);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Waits until a shard has been scored to a part, and tells the process that is at it. */
export async function processOfShard(shardFile: string): Promise<number> {
  const folder = `${shardFile}.partial`;
  await waitFor(
    () => entries(folder).some((name) => /^pairs-\d+-\d+$/.test(name)),
    `a checkpoint in ${folder}`,
  );
  const [found] = processes(
    ({ words }) =>
      /\bnode$/.test(words[0]) && words.some((word) => shardFile.endsWith(word) && word.endsWith(".cnnc")),
  );
  return found;
}

export function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

interface Running {
  readonly words: readonly string[];
  readonly environment: readonly string[];
}

/** The processes of this machine that a test is true for, zombies left out. */
function processes(test: (running: Running) => boolean): number[] {
  const read = (id: string, name: string) => readFileSync(`/proc/${id}/${name}`, "utf8").split("\0");
  return entries("/proc")
    .filter((id) => {
      try {
        return /^\d+$/.test(id) && test({ words: read(id, "cmdline"), environment: read(id, "environ") });
      } catch {
        return false;
      }
    })
    .map(Number);
}
