import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import {
  type ExpressionFile,
  findMatrix,
  openExpressionFile,
  readGeneList,
  readPairFile,
  type SimulationOptions,
  simulate,
} from "../../dist/index.js";

const scratch = mkdtempSync(join(tmpdir(), "cnnc-simulate-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const small: SimulationOptions = {
  cells: 150,
  genes: 40,
  regulators: 8,
  cellTypes: 3,
  umisPerCell: 200,
  seed: 7,
  threads: 1,
};

async function run(name: string, options: Partial<SimulationOptions> = {}): Promise<string> {
  const folder = join(scratch, name);
  await simulate(folder, { ...small, ...options });
  return folder;
}

/** All counts of X, dense. */
async function counts(file: ExpressionFile): Promise<Float64Array> {
  const matrix = findMatrix(file, {});
  const dense = new Float64Array(matrix.shape[0] * matrix.shape[1]);
  for await (const block of file.blocks(matrix)) {
    if (block.kind !== "sparse") throw new Error("X is not sparse");
    for (let row = 0; row < block.count; row++) {
      for (let i = block.indptr[row]; i < block.indptr[row + 1]; i++) {
        dense[(block.first + row) * matrix.shape[1] + Number(block.indices[i])] = Number(block.values[i]);
      }
    }
  }
  return dense;
}

describe("simulate", () => {
  it("writes files that the readers take, and that agree with each other", async () => {
    const folder = await run("files");
    const file = await openExpressionFile(join(folder, "expression.h5ad"));
    const dense = await counts(file);
    expect(file.obs.length).toBe(150);
    expect(dense.every((count) => Number.isInteger(count) && count >= 0)).toBe(true);
    const perCell = dense.reduce((sum, count) => sum + count, 0) / 150;
    expect(perCell).toBeGreaterThan(150);
    expect(perCell).toBeLessThan(260);
    const types = await file.obs.column("cell_type");
    expect(types.kind === "strings" && new Set(types.values)).toEqual(new Set(["type1", "type2", "type3"]));
    const regulators = (await readGeneList(join(folder, "regulators.txt"))).genes;
    expect(regulators).toEqual(file.var.names.slice(0, 8));
    file.close();

    const network = await readPairFile(join(folder, "network.tsv"));
    expect(network.labels).toBeUndefined();
    const edges = new Set(network.a.map((a, i) => `${a} ${network.b[i]}`));
    expect(edges.size).toBe(network.a.length);
    expect(network.a.every((a) => regulators.includes(a))).toBe(true);
    const signs = network.extra.get("sign") ?? [];
    const strengths = network.extra.get("strength") ?? [];
    expect(signs.every((sign, i) => sign === (Number(strengths[i]) > 0 ? "+" : "-"))).toBe(true);

    const pairs = await readPairFile(join(folder, "pairs.tsv"));
    const labels = pairs.labels ?? new Int32Array();
    expect(labels.length).toBe(pairs.a.length);
    pairs.a.forEach((a, i) => {
      expect(edges.has(`${a} ${pairs.b[i]}`)).toBe(labels[i] === 1);
      expect(a).not.toBe(pairs.b[i]);
    });
    expect(labels.filter((label) => label === 1).length).toBe(edges.size);
    expect(labels.filter((label) => label === 0).length).toBeGreaterThan(0.9 * edges.size);
  });

  it("gives the same files for a seed, whatever the threads, and others for another seed", async () => {
    const read = async (folder: string) => {
      const file = await openExpressionFile(join(folder, "expression.h5ad"));
      const dense = await counts(file);
      file.close();
      return [
        ...dense,
        readFileSync(join(folder, "pairs.tsv"), "utf8"),
        readFileSync(join(folder, "network.tsv"), "utf8"),
      ];
    };
    const one = await read(await run("one"));
    expect(await read(await run("two", { threads: 3 }))).toEqual(one);
    expect(await read(await run("other", { seed: 8 }))).not.toEqual(one);
  });

  it("made the network and the pairs of data-samples", async () => {
    const folder = await run("sample", {
      cells: 2,
      genes: 200,
      regulators: 20,
      cellTypes: 4,
      umisPerCell: 1000,
      seed: 1,
    });
    for (const name of ["network.tsv", "regulators.txt", "pairs.tsv"]) {
      const shipped = fileURLToPath(new URL(`../../data-samples/${name}`, import.meta.url));
      expect(readFileSync(join(folder, name), "utf8")).toBe(readFileSync(shipped, "utf8"));
    }
  });

  it.each([
    ["no UMIs", { umisPerCell: 0 }],
    ["more regulators than genes", { regulators: 41 }],
    ["too many cell types", { cellTypes: 257 }],
  ])("refuses %s", async (name, options) => {
    await expect(run(name, options)).rejects.toMatchObject({ name: "CnncError", code: "INVALID_OPTIONS" });
  });

  it("leaves nothing when it is stopped", async () => {
    const controller = new AbortController();
    const folder = join(scratch, "stopped");
    const running = simulate(folder, { ...small, cells: 200_000, signal: controller.signal });
    setTimeout(() => controller.abort(), 200);
    await expect(running).rejects.toMatchObject({ code: "CANCELLED" });
    expect(() => readFileSync(join(folder, "expression.h5ad"))).toThrow();
  });
});
