import { describe, expect, it } from "vitest";
import { expected, fixture, openForTest, readMatrix } from "./helpers.js";

const fixtures = Object.entries(expected.files);

it("covers every kind of file", () => {
  expect(fixtures.map(([name]) => name).sort()).toEqual([
    "10x-v2.h5",
    "10x-v3.h5",
    "ExpressionData.csv",
    "ExpressionData.csv.gz",
    "matrices.h5ad",
    "tables-0.5.h5ad",
    "tables-0.7.h5ad",
    "tables-modern.h5ad",
    "write-table.tsv",
  ]);
});

describe.each(fixtures)("%s", (name, facts) => {
  it("has the names, matrices and orientation that were written", async () => {
    const file = await openForTest(fixture(name));
    expect(file.obs.names).toEqual(facts.obs);
    expect(file.obs.length).toBe(facts.obs.length);
    expect(file.var.names).toEqual(facts.var);
    expect(file.matrices.map((matrix) => matrix.name).sort()).toEqual(Object.keys(facts.matrices).sort());
    for (const matrix of file.matrices) {
      const { content, ...info } = facts.matrices[matrix.name];
      const rows = expected.matrices[content];
      expect({ ...matrix, stored: matrix.storedValues }).toMatchObject({
        ...info,
        shape: [rows.length, rows[0].length],
      });
      const names = matrix.name === "raw/X" ? facts.rawVar : facts.var;
      expect(file.varOf(matrix).names).toEqual(names);
    }
  });

  it.each([{ maxEntries: 1, workers: 1 }, { maxEntries: 7, workers: 2 }, { maxEntries: 50, workers: 3 }, {}])(
    "streams the same content with %o",
    async (options) => {
      const file = await openForTest(fixture(name));
      for (const matrix of file.matrices) {
        const content = await readMatrix(file, matrix, options);
        expect(content, matrix.name).toEqual(expected.matrices[facts.matrices[matrix.name].content]);
      }
    },
  );
});

it("keeps to maxEntries, but gives a larger cell a block of its own", async () => {
  const file = await openForTest(fixture("matrices.h5ad"));
  const perCell = expected.matrices.counts.map((row) => row.filter((value) => value !== 0).length);
  const maxEntries = 6;
  expect(Math.max(...perCell)).toBeGreaterThan(maxEntries);
  const sizes: [cells: number, entries: number][] = [];
  for await (const block of file.blocks(file.matrices[0], { maxEntries })) {
    sizes.push([block.count, block.values.length]);
  }
  for (const [cells, entries] of sizes) expect(cells === 1 || entries <= maxEntries).toBe(true);
  // As few blocks as possible: two neighbours never fit into one.
  for (let i = 1; i < sizes.length; i++) {
    const first = sizes.slice(0, i).reduce((sum, [cells]) => sum + cells, 0);
    expect(sizes[i - 1][1] + perCell[first]).toBeGreaterThan(maxEntries);
  }
});

it("reads two matrices and a column at the same time", async () => {
  const file = await openForTest(fixture("tables-0.5.h5ad"));
  const [x, raw] = file.matrices;
  const [xContent, rawContent, column] = await Promise.all([
    readMatrix(file, x, { maxEntries: 5, workers: 2 }),
    readMatrix(file, raw, { maxEntries: 9, workers: 2 }),
    file.obs.column("type"),
  ]);
  expect(xContent).toEqual(expected.matrices.counts);
  expect(rawContent).toEqual(expected.matrices.raw);
  expect(column.kind).toBe("categorical");
});

it("says what wrote the file", async () => {
  const details = await Promise.all(
    ["matrices.h5ad", "tables-0.7.h5ad", "tables-0.5.h5ad", "10x-v3.h5", "10x-v2.h5", "write-table.tsv"].map(
      async (name) => {
        const { format, formatDetail } = await openForTest(fixture(name));
        return `${format}: ${formatDetail}`;
      },
    ),
  );
  expect(details).toEqual([
    "h5ad: AnnData 0.1.0",
    "h5ad: legacy AnnData (before 0.8)",
    "h5ad: legacy AnnData (compound obs)",
    "10x-h5: 10x Genomics, Cell Ranger 3 or later",
    "10x-h5: 10x Genomics, Cell Ranger 2, genome GRCh38",
    "beeline-csv: genes x cells, separated by tabs",
  ]);
});
