import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openForTest, readMatrix } from "./helpers.js";

const folder = fileURLToPath(new URL("../../../shared/data/h5ad-conformance/", import.meta.url));
const hasData = existsSync(folder);

interface ExpectedMatrix {
  encoding: string;
  dtype: string;
  shape: [number, number];
  nnz: number;
  sum: number;
  max: number;
  col_sums_first5: number[];
}

interface ExpectedFile {
  n_obs: number;
  n_var: number;
  obs_first3: string[];
  var_first3: string[];
  obs_columns: string[];
  X: ExpectedMatrix | null;
  "raw.X": ExpectedMatrix | null;
  layers: Record<string, ExpectedMatrix>;
}

const files: [string, ExpectedFile][] = hasData
  ? Object.entries(JSON.parse(readFileSync(`${folder}expected.json`, "utf8")))
  : [];

describe.skipIf(!hasData)("files by other software, 2017 to 2025 (needs ../shared/data)", () => {
  it("has all nine", () => {
    expect(files).toHaveLength(9);
  });

  it.each(files)("%s holds what an independent reader found", async (name, facts) => {
    const file = await openForTest(folder + name);
    expect(file.obs.length).toBe(facts.n_obs);
    expect(file.var.length).toBe(facts.n_var);
    expect(file.obs.names.slice(0, 3)).toEqual(facts.obs_first3);
    expect(file.var.names.slice(0, 3)).toEqual(facts.var_first3);
    expect([...file.obs.columns].sort()).toEqual([...facts.obs_columns].sort());
    for (const column of file.obs.columns) await file.obs.column(column);
    expect(file.unreadable).toEqual([]);

    const matrices: Record<string, ExpectedMatrix> = {
      ...(facts.X && { X: facts.X }),
      ...(facts["raw.X"] && { "raw/X": facts["raw.X"] }),
      ...Object.fromEntries(
        Object.entries(facts.layers).map(([layer, matrix]) => [`layers/${layer}`, matrix]),
      ),
    };
    expect(file.matrices.map((matrix) => matrix.name).sort()).toEqual(Object.keys(matrices).sort());
    for (const matrix of file.matrices) {
      const truth = matrices[matrix.name];
      expect(matrix.encoding).toBe(truth.encoding.replace("_matrix", ""));
      expect(matrix.dtype).toBe(truth.dtype);
      expect(matrix.shape).toEqual(truth.shape);
      const reference = await readMatrix(file, matrix);
      const all = reference.flat();
      const sumOf = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0);
      expect(all.filter((value) => value !== 0)).toHaveLength(truth.nnz);
      expect(Math.max(...reference.map((row) => Math.max(...row)))).toBe(truth.max);
      expect(Math.abs(sumOf(all) - truth.sum)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(truth.sum)));
      truth.col_sums_first5.forEach((truthSum, gene) => {
        const sum = sumOf(reference.map((row) => row[gene]));
        expect(Math.abs(sum - truthSum)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(truthSum)));
      });
      for (const options of [
        { maxEntries: 1000, workers: 1 },
        { maxEntries: 4097, workers: 3 },
      ]) {
        expect(await readMatrix(file, matrix, options)).toEqual(reference);
      }
    }
  });
});
