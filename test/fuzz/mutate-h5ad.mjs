/**
 * Feeds damaged expression files to the whole way from a file to histograms, in processes of its own. Each
 * must be read or refused with a CnncError. A crash, another error, more than 10 seconds or more than 1 GB
 * is a finding; exit code 1.
 *
 *   node test/fuzz/mutate-h5ad.mjs [--count 10000] [--seed 1] [--json]
 *
 * Mutation n is made from seed + n, so `--seed SEED --count 1` repeats a finding.
 */
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const SECONDS_PER_FILE = 10;
const MEGABYTES = 1024;
/** A process is replaced after so many files, so that what it has used so far says something about the next. */
const FILES_PER_PROCESS = 100;
/** HDF5 goes round in circles in about one damaged file of a hundred; cnnc gives up on it after this long. */
const READ_TIMEOUT = "2";

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
  },
});
const first = Number(options.seed);
const count = Number(options.count);

const folder = mkdtempSync(join(tmpdir(), "cnnc-fuzz-"));
const outcomes = { read: 0, refused: {}, findings: [] };
let next = first;

try {
  // One more than there are processors, because one in a hundred files does nothing but wait.
  const lanes = Math.min(availableParallelism() + 1, count);
  await Promise.all(Array.from({ length: lanes }, (_, lane) => runLane(lane)));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report();
process.exitCode = outcomes.findings.length > 0 ? 1 : 0;

/** Processes mutations, one at a time, until there are none left. */
async function runLane(lane) {
  let reader;
  let files = 0;
  while (next < first + count) {
    const seed = next++;
    reader ??= startReader();
    const { codes, mutation, finding } = await read(reader, seed, join(folder, `${lane}.h5ad`));
    if (finding !== undefined) outcomes.findings.push({ seed, finding, ...mutation });
    else if (codes.length === 0) outcomes.read++;
    else outcomes.refused[codes[0]] = (outcomes.refused[codes[0]] ?? 0) + 1;
    if (++files === FILES_PER_PROCESS || finding !== undefined) {
      reader.kill("SIGKILL");
      reader = undefined;
      files = 0;
    }
    if ((seed - first + 1) % 500 === 0) process.stderr.write(`${seed - first + 1} of ${count}\n`);
  }
  reader?.kill("SIGKILL");
}

function startReader() {
  return fork(new URL("./read-everything.mjs", import.meta.url), {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { ...process.env, CNNC_READ_TIMEOUT: READ_TIMEOUT },
  });
}

/** Has one mutation read: resolves with how it ended, whatever becomes of the process. */
function read(reader, seed, path) {
  return new Promise((resolve) => {
    let mutation;
    let stderr = "";
    const collect = (text) => {
      stderr = `${stderr}${text}`.slice(-2000);
    };
    const end = (outcome) => {
      clearTimeout(timer);
      reader.removeAllListeners();
      reader.stderr.removeListener("data", collect);
      resolve({ mutation, ...outcome });
    };
    const timer = setTimeout(() => end({ finding: "hung" }), SECONDS_PER_FILE * 1000);
    reader.stderr.on("data", collect);
    reader.on("close", (code, signal) => end({ finding: `died (${signal ?? code}): ${stderr.trim()}` }));
    reader.on("message", ({ started, done }) => {
      if (started !== undefined) mutation = started;
      else if (done.peakMegabytes > MEGABYTES) end({ finding: `took ${Math.round(done.peakMegabytes)} MB` });
      else end({ codes: done.codes });
    });
    reader.send({ seed, path }, (error) => error && end({ finding: "died after the file before" }));
  });
}

function report() {
  if (options.json) {
    process.stdout.write(`${JSON.stringify(outcomes, null, 2)}\n`);
    return;
  }
  console.log(`read       ${outcomes.read}`);
  const codes = Object.entries(outcomes.refused).sort(([, one], [, other]) => other - one);
  for (const [code, files] of codes) console.log(`refused    ${files} ${code}`);
  console.log(`findings   ${outcomes.findings.length}`);
  for (const { seed, finding, original, changes } of outcomes.findings) {
    console.log(`  seed ${seed}: ${finding}\n    ${original}; ${changes?.join("; ")}`);
  }
}
