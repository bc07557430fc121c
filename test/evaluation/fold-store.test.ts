import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openFoldStore } from "../../dist/evaluation/index.js";
import { errorOf } from "../support/errors.js";
import { contents, testFolder } from "../support/run-cnnc.js";

const ANSWER = {
  scores: {
    interaction: Float64Array.of(0.1 + 0.2, -7, Number.MIN_VALUE, 1e300),
    direction: Float64Array.of(-1, 1, 0, 0.5),
    losses: [0.7, 0.1],
    unscored: Uint32Array.of(4_000_000_000),
  },
  seconds: 1.5,
  notices: ["there are few cells"],
};

describe("openFoldStore", () => {
  it("gives back to the last digit what it was given, also after it was opened again", async () => {
    const folder = join(testFolder(), "report.partial");
    const store = await openFoldStore(folder, "facts");
    expect(store.resumed).toBe(false);
    await store.write("random-pairs", "compact", "1", ANSWER);
    const again = await openFoldStore(folder, "facts");
    expect(again.resumed).toBe(true);
    expect(await again.read("random-pairs", "compact", "1")).toEqual(ANSWER);
    expect(await again.read("random-pairs", "compact", "2")).toBeUndefined();
    expect(await again.read("random-pairs", "mlp", "1")).toBeUndefined();
  });

  it("keeps names apart that look alike as file names", async () => {
    const store = await openFoldStore(join(testFolder(), "partial"), "facts");
    const names = ["a/b", "a b", "a_b", "../a", "ä", `${"x".repeat(300)}1`, `${"x".repeat(300)}2`];
    for (const [i, name] of names.entries()) {
      await store.write("s", name, "1", { ...ANSWER, seconds: i });
    }
    for (const [i, name] of names.entries()) {
      expect((await store.read("s", name, "1"))?.seconds).toBe(i);
    }
  });

  it("refuses the answers of another benchmark", async () => {
    const folder = join(testFolder(), "partial");
    await openFoldStore(folder, "facts");
    const error = await errorOf(() => openFoldStore(folder, "other facts"));
    expect(error.code).toBe("BENCHMARK_MISMATCH");
    expect(`${error.message} ${error.remedy}`).toContain(folder);
  });

  it("has a folder for what a method learns, and removes everything", async () => {
    const parent = testFolder();
    const store = await openFoldStore(join(parent, "partial"), "facts");
    const folder = await store.folderOf("s", "m", "1");
    expect(existsSync(folder)).toBe(false);
    writeFileSync(folder, "model");
    await store.remove();
    expect(contents(parent)).toEqual([]);
  });
});
