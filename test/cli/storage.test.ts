import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { expectOneSentence } from "../support/one-sentence.js";
import { CNNC, contents, type Outcome, outcomeOf, runCnnc, testFolder } from "../support/run-cnnc.js";
import { csr, TINY_COUNTS, writeTinyH5ad } from "../support/tiny-h5ad.js";

/** A mount of our own, gone with the process; Linux allows it to all users or to root only, or not at all. */
const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;

const FOLDER = testFolder();
const DATA = join(FOLDER, "data.h5ad");
/** 80 genes, 3,160 pairs: 3 MB of counts, 13 MB of NEPDFs. */
const GENES = 80;

beforeAll(async () => {
  const counts = TINY_COUNTS.map((row) => Array.from({ length: GENES }, (_, gene) => row[gene % 5]));
  await writeTinyH5ad(DATA, (parts) => {
    parts.X = csr(counts);
    parts.genes = Array.from({ length: GENES }, (_, gene) => `g${gene}`);
    parts.var = {};
  });
});

const outputs = [
  { format: "hdf5", output: "disk/out.h5" },
  { format: "npy", output: "disk/out" },
];

describe.skipIf(!canMount)("a disk of its own (needs unshare -rm)", () => {
  // Room for the first file, some of the counts, and all but the end of the file.
  it.each([
    ...["8k", "1m", "3200k"].map((size) => ({ size, ...outputs[0] })),
    ...["8k", "6m"].map((size) => ({ size, ...outputs[1] })),
  ])(
    "that is full after $size of $format: one clear sentence, nothing left",
    async ({ size, format, output }) => {
      const { left, ...outcome } = await runOnDisk(`size=${size}`, format, output);
      expectOneSentence(outcome, { says: /disk is full: disk\/out/, remedy: /space/ });
      expect(left).toBe("");
    },
  );

  it("that is full after 1m of a shard: the same", async () => {
    const { left, ...outcome } = await runOnDisk("size=1m", "hdf5", "disk/out.h5", ["--shard", "1/1"]);
    expectOneSentence(outcome, { says: /disk is full: disk\/out\.h5/, remedy: /space/ });
    expect(left).toBe("");
  });

  it.each(outputs)("that is read-only, for $format: one clear sentence", async ({ format, output }) => {
    const { left, ...outcome } = await runOnDisk("ro", format, output);
    expectOneSentence(outcome, { says: /folder .*disk cannot be written to/, remedy: /-o/ });
    expect(left).toBe("");
  });
});

describe.skipIf(process.getuid?.() === 0)(
  "a folder without write permission (needs a user other than root)",
  () => {
    it.each(outputs)("for $format: one clear sentence", async ({ format, output }) => {
      const folder = testFolder();
      mkdirSync(join(folder, "disk"), { mode: 0o500 });
      const outcome = await runCnnc(commandLine(format, output), folder);
      chmodSync(join(folder, "disk"), 0o700);
      expectOneSentence(outcome, { says: /folder .*disk cannot be written to/, remedy: /-o/ });
      expect(contents(join(folder, "disk"))).toEqual([]);
    });
  },
);

describe.skipIf(process.platform === "win32")("a limit on the size of files (needs ulimit)", () => {
  it.each(outputs)("stops $format: one clear sentence, nothing left", async ({ format, output }) => {
    const folder = testFolder();
    mkdirSync(join(folder, "disk"));
    // Blocks of 512 or 1024 bytes, by shell: 100 or 200 kB.
    const outcome = await inShell('ulimit -f 200; exec "$@"', commandLine(format, output), folder);
    expectOneSentence(outcome, { says: /disk\/out.*cannot be written: .*file too large/i, remedy: /^$/ });
    expect(contents(join(folder, "disk"))).toEqual([]);
  });
});

const commandLine = (format: string, output: string) => [
  "build-histograms",
  DATA,
  "--all-pairs",
  "--format",
  format,
  "-o",
  output,
];

/** Runs the command with an empty small file system as its folder `disk`, and lists what is left there. */
async function runOnDisk(
  mount: string,
  format: string,
  output: string,
  options: string[] = [],
): Promise<Outcome & { left: string }> {
  const folder = testFolder();
  mkdirSync(join(folder, "disk"));
  const script = `mount -t tmpfs -o ${mount} tmpfs disk || exit 99
    "$@"; code=$?; echo LEFT; ls -A disk; exit $code`;
  const { stdout, ...outcome } = await inShell(script, [...commandLine(format, output), ...options], folder, [
    "unshare",
    "-rm",
  ]);
  const [printed, left] = stdout.split("LEFT\n");
  return { ...outcome, stdout: printed, left };
}

function inShell(
  script: string,
  args: readonly string[],
  cwd: string,
  around: readonly string[] = [],
): Promise<Outcome> {
  const [program, ...words] = [...around, "sh", "-c", script, "sh", process.execPath, CNNC, ...args];
  return outcomeOf(spawn(program, words, { cwd, stdio: ["ignore", "pipe", "pipe"] }));
}
