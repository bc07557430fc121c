import { describe, expect, it } from "vitest";
import { loadPackage, loadTfjs } from "../../dist/model/tfjs-backend.js";

describe("loading TensorFlow.js", () => {
  it("always ends in a backend that computes", async () => {
    const problems: string[] = [];
    for (const accelerated of [false, true]) {
      const { core, backend } = await loadTfjs({ accelerated, onProblem: (line) => problems.push(line) });
      expect(Array.from(core.add(core.tensor1d([1, 2]), 3).dataSync())).toEqual([4, 5]);
      expect(backend).toMatch(/^(cpu|tfjs-node|tfjs-node-gpu)$/);
    }
    for (const line of problems) expect(line).toMatch(/^@tensorflow\/\S+ is installed .*\.$/);
  });

  it("passes over a package that is not installed", async () => {
    expect(await loadPackage("@tensorflow/tfjs-of-nobody")).toBeUndefined();
  });

  it.each([
    [
      "a library that it lacks",
      "libtensorflow.so.2: cannot open shared object file\nmore",
      /: .*object file\.$/,
    ],
    ["a package of its own that it lacks", "Cannot find package 'long' imported from x", /'long'/],
  ])("says in one line what is wrong with one that does not find %s", async (_, message, says) => {
    const failing = () => Promise.reject(Object.assign(new Error(message), { code: "ERR_MODULE_NOT_FOUND" }));
    const line = await loadPackage("@tensorflow/tfjs-node", failing);
    expect(line).toMatch(/^@tensorflow\/tfjs-node is installed but does not load: [^\n]+\.$/);
    expect(line).toMatch(says);
  });

  it("says so where its backend does not start", async () => {
    const line = await loadPackage("@tensorflow/tfjs-node", async () => ({ setBackend: async () => false }));
    expect(line).toBe("@tensorflow/tfjs-node is installed, but has no working backend.");
  });
});
