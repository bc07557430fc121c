import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { contents, type Outcome, outcomeOf, startCnnc, testFolder } from "../support/run-cnnc.js";
import { STOPPING_MS } from "../support/stopping.js";
import { writeHdf5, writeTable } from "../support/tiny-h5ad.js";

const DATA = testFolder();
const LARGE = join(DATA, "large.h5ad");
const MANY_GENES = join(DATA, "many-genes.h5ad");

beforeAll(async () => {
  // 4 GB to read, nearly all of it chunks that were never written: the file is small.
  await writeZeros(LARGE, 100_000, 10_000);
  // 2 million pairs, 4 GB to write.
  await writeZeros(MANY_GENES, 300, 2000);
});

const formats = [
  { format: "hdf5", output: "out.h5" },
  { format: "npy", output: "out" },
];
const signals = ["SIGINT", "SIGTERM"] as const;

describe("a signal in the middle of build-histograms", () => {
  it.each(signals)("%s while reading: stops soon, nothing left", { retry: 2 }, async (signal) => {
    const folder = testFolder();
    const child = start(LARGE, folder, []);
    const outcome = outcomeOf(child);
    await shows(child, /^Reading X \(pass/m);
    expectCleanStop(await stop(child, outcome, signal));
    expect(contents(folder)).toEqual([]);
  });

  it.each(formats.flatMap((format) => signals.map((signal) => ({ ...format, signal }))))(
    "$signal while writing $format: the same",
    { retry: 2 },
    async ({ format, output, signal }) => {
      const folder = testFolder();
      const child = start(MANY_GENES, folder, ["--format", format, "-o", output]);
      const outcome = outcomeOf(child);
      await appears(folder, `${output}.partial-${child.pid}`);
      await sleep(200);
      expectCleanStop(await stop(child, outcome, signal));
      expect(contents(folder)).toEqual([]);
    },
  );

  it("counts two signals at once, as npx sends them, as one", { retry: 2 }, async () => {
    const folder = testFolder();
    const child = start(MANY_GENES, folder, []);
    const outcome = outcomeOf(child);
    await appears(folder, `out.h5.partial-${child.pid}`);
    child.kill("SIGINT");
    await sleep(10);
    expectCleanStop(await stop(child, outcome, "SIGINT"));
    expect(contents(folder)).toEqual([]);
  });
});

describe("a signal in the middle of prepare", () => {
  it.each(signals)("%s: stops soon, nothing left", { retry: 2 }, async (signal) => {
    const folder = testFolder();
    const child = startCnnc(["prepare", LARGE, "-o", "store.cnnc.h5"], folder);
    const outcome = outcomeOf(child);
    await shows(child, /^Reading X \(pass/m);
    expectCleanStop(await stop(child, outcome, signal));
    expect(contents(folder)).toEqual([]);
  });
});

function start(data: string, folder: string, options: readonly string[]): ChildProcess {
  const output = options.includes("-o") ? [] : ["-o", "out.h5"];
  return startCnnc(["build-histograms", data, "--all-pairs", ...output, ...options], folder);
}

/** Sends the signal and measures how long the process lives on. */
async function stop(
  child: ChildProcess,
  outcome: Promise<Outcome>,
  signal: NodeJS.Signals,
): Promise<Outcome & { milliseconds: number }> {
  const sent = performance.now();
  child.kill(signal);
  const { ...result } = await outcome;
  return { ...result, milliseconds: performance.now() - sent };
}

function expectCleanStop({
  code,
  signal,
  stdout,
  stderr,
  milliseconds,
}: Outcome & { milliseconds: number }): void {
  expect({ code, signal, stdout }).toEqual({ code: 130, signal: null, stdout: "" });
  expect(stderr).toMatch(/^Stopped; nothing was written\.$/m);
  expect(stderr).not.toMatch(/error/i);
  expect(milliseconds).toBeLessThan(STOPPING_MS);
}

/** Waits until the process prints something; fails if it ends before. */
function shows(child: ChildProcess, what: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let printed = "";
    child.stderr?.on("data", (chunk) => {
      printed += chunk;
      if (what.test(printed)) resolve();
    });
    child.on("close", () => reject(new Error(`It ended before it showed ${what}: ${printed}`)));
  });
}

async function appears(folder: string, name: string): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += 20) {
    if (contents(folder).includes(name)) return;
    await sleep(20);
  }
  throw new Error(`${name} did not appear.`);
}

/** An h5ad of zeros: only its first chunk is in the file. */
function writeZeros(path: string, cells: number, genes: number): Promise<string> {
  const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  return writeHdf5(path, (root) => {
    const matrix = root.create_dataset({
      name: "X",
      data: new Float32Array(genes),
      shape: [1, genes],
      maxshape: [null, genes],
      chunks: [64, genes],
    });
    matrix.resize([cells, genes]);
    writeTable(root, "obs", names("c", cells), {});
    writeTable(root, "var", names("g", genes), {});
  });
}
