/**
 * Kills shards with SIGKILL at random moments until they are done, and compares what comes of them with that of runs
 * that nobody disturbed: of predict-pairs the merged ranking, of build-histograms the shards. By hand, because it takes
 * minutes:
 *
 *   node test/kill/kill-shards.mjs [--kills 50] [--shards 3] [--seed 1] [--method pearson] [--genes 2000]
 *   node test/kill/kill-shards.mjs --histograms --genes 1000
 *
 * Data are simulated once, in a folder of its own that goes in the end. Moments are spread over the whole life of a
 * process: reading, working, writing checkpoints, finishing.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const CNNC = fileURLToPath(new URL("../../bin/cnnc.js", import.meta.url));
const { values: options } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    shards: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    method: { type: "string", default: "pearson" },
    genes: { type: "string", default: "2000" },
    histograms: { type: "boolean", default: false },
  },
});
const wanted = Number(options.kills);
const shards = Number(options.shards);
const random = randomSequence(Number(options.seed));
const folder = mkdtempSync(join(tmpdir(), "cnnc-kill-"));

try {
  run("simulate", "-o", "data", "--cells", 400, "--genes", options.genes, "--regulators", 100);
  const work = options.histograms ? histogramWork() : rankingWork();
  const started = performance.now();
  work.runUndisturbed();
  const life = (performance.now() - started) / work.undisturbedRuns;
  let kills = 0;
  let resumed = 0;
  let round = 0;
  for (; kills < wanted; round++) {
    const parts = [];
    for (let index = 1; index <= shards; index++) {
      const part = `round-${round}-part-${index}.${work.extension}`;
      parts.push(part);
      const args = [...work.command, "--shard", `${index}/${shards}`, "--checkpoint", "0", "-o", part];
      // Until it is done; the more often it has been killed the longer it may live, so that there is an end.
      for (let attempt = 1; ; attempt++) {
        const mayLive = kills < wanted ? random() * life * (0.5 + attempt / 4) : Number.POSITIVE_INFINITY;
        const outcome = await startAndKill(args, mayLive);
        if (outcome.killed) {
          kills++;
          continue;
        }
        if (outcome.code !== 0) throw new Error(`exit code ${outcome.code}: ${outcome.text}`);
        if (/^Went on after/m.test(outcome.text)) resumed++;
        break;
      }
      const left = readdirSync(folder).filter((name) => name.startsWith(part) && name !== part);
      if (left.length > 0) throw new Error(`${left} is left`);
    }
    work.compare(parts);
    for (const part of parts) rmSync(join(folder, part));
    process.stderr.write(`round ${round + 1}: ${kills} kills, the same bytes\n`);
  }
  console.log(JSON.stringify({ kills, rounds: round, shards, shardsThatWentOn: resumed, same: true }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function rankingWork() {
  const command = ["predict-pairs", "data/expression.h5ad", "--method", options.method, "--all-pairs"];
  return {
    command,
    extension: "cnnc",
    undisturbedRuns: 1,
    runUndisturbed: () => run(...command, "-o", "whole.tsv"),
    compare(parts) {
      run("merge", ...parts, "-o", "merged.tsv");
      requireSame("merged.tsv", "whole.tsv");
    },
  };
}

function histogramWork() {
  const command = ["build-histograms", "data/expression.h5ad", "--all-pairs"];
  const wholePart = (i) => `whole-part-${i + 1}.h5`;
  return {
    command,
    extension: "h5",
    undisturbedRuns: shards,
    runUndisturbed() {
      for (let i = 0; i < shards; i++) run(...command, "--shard", `${i + 1}/${shards}`, "-o", wholePart(i));
    },
    compare(parts) {
      for (const [i, part] of parts.entries()) requireSame(part, wholePart(i));
    },
  };
}

function requireSame(one, other) {
  const [a, b] = [one, other].map((name) => readFileSync(join(folder, name)));
  if (!a.equals(b)) throw new Error(`${one} has other bytes than ${other}`);
}

function run(...args) {
  const { status, stderr } = spawnSync(process.execPath, [CNNC, ...args.map(String)], {
    cwd: folder,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`cnnc ${args.join(" ")}: ${stderr}`);
}

async function startAndKill(args, mayLive) {
  const child = spawn(process.execPath, [CNNC, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (text += chunk));
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
  const timer = new AbortController();
  const timeout = Number.isFinite(mayLive)
    ? sleep(mayLive, undefined, { signal: timer.signal }).then(
        () => child.kill("SIGKILL"),
        () => {},
      )
    : undefined;
  const { code, signal } = await ended;
  timer.abort();
  await timeout;
  return { killed: signal === "SIGKILL", code, text };
}

/** The same numbers in [0, 1) for the same seed. */
function randomSequence(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
