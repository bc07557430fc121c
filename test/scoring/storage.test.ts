import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { testFolder } from "../support/run-cnnc.js";

/** A mount of our own, gone with the process; Linux allows it to all users or to root only, or not at all. */
const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;

const DIST = fileURLToPath(new URL("../../dist/scoring/index.js", import.meta.url));

/** Ranks and writes 100,000 pairs: 1.2 MB of sorted runs, 2.3 MB of text. */
const SCRIPT = `
  import { rankPairs, writeRanked } from ${JSON.stringify(DIST)};
  const [temporaryFolder, output] = process.argv.slice(1);
  const names = Array.from({ length: 100 }, (_, gene) => "gene" + gene);
  async function* batches() {
    for (let i = 0; i < 10; i++) {
      const a = Uint32Array.from({ length: 10_000 }, (_, pair) => pair % 100);
      const b = Uint32Array.from({ length: 10_000 }, (_, pair) => pair / 100);
      yield { a, b, scores: [Float32Array.from(a, (gene, pair) => Math.sin(pair + i))] };
    }
  }
  try {
    const sorted = rankPairs(batches(), { main: 0, names, memoryBudget: 500_000, temporaryFolder });
    console.log(await writeRanked(output, "tsv", sorted, [{ name: "p" }], names));
  } catch (error) {
    console.log(error.code + ": " + error.message + " " + error.remedy);
  }`;

describe.skipIf(!canMount)("a disk of its own (needs unshare -rm)", () => {
  it("that has room: the pairs are written", () => {
    expect(runOnDisk("10m", "disk", "disk/out.tsv")).toEqual(["100000", "out.tsv"]);
  });

  it.each([
    ["the sorted runs", "disk", "out.tsv", "500k"],
    ["the output", ".", "disk/out.tsv", "1m"],
    ["the compressed output", ".", "disk/out.tsv.gz", "100k"],
  ])("that is full while %s are written: one clear sentence, nothing left", (_, temporary, output, size) => {
    const [message, ...left] = runOnDisk(size, temporary, output);
    expect(message).toMatch(
      /^DISK_FULL: The disk is full: .*disk\/.* could not be finished\. Free some space\.$/,
    );
    expect(left).toEqual([]);
  });
});

/** What the script prints with a disk of a size mounted at `disk`, then the files there. */
function runOnDisk(size: string, temporaryFolder: string, output: string): string[] {
  const folder = testFolder();
  mkdirSync(join(folder, "disk"));
  const node = `"$0" --input-type=module -e "$1" ${temporaryFolder} ${output}`;
  const commands = `mount -t tmpfs -o size=${size} tmpfs disk && ${node}; ls -A disk`;
  const { stdout, stderr } = spawnSync("unshare", ["-rm", "sh", "-c", commands, process.execPath, SCRIPT], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.trim().split("\n");
}
