import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

/** For thousands run the program itself. */
const MUTATIONS = 300;

it(
  `${MUTATIONS} damaged files are read or refused on the way to histograms, without a crash, a hang or a waste of memory`,
  () => {
    const program = fileURLToPath(new URL("mutate-h5ad.mjs", import.meta.url));
    const args = [program, "--count", String(MUTATIONS), "--seed", "1", "--json"];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    const { read, refused, findings } = JSON.parse(stdout || JSON.stringify({ findings: [stderr] }));
    expect(findings).toEqual([]);
    // Both happen, so the damage is neither harmless nor all in one place.
    expect(read).toBeGreaterThan(MUTATIONS / 10);
    expect(Object.keys(refused).length).toBeGreaterThan(5);
    const files = Object.values(refused as Record<string, number>).reduce((sum, count) => sum + count, read);
    expect(files).toBe(MUTATIONS);
  },
  60_000 + 1000 * MUTATIONS,
);
