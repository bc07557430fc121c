import { expect, it } from "vitest";
import { openForTest, readMatrix, scratchFile } from "./helpers.js";

it("understands quotes, separators inside them, spaces and scientific notation", async () => {
  const text = '"","c ""1""","c,2"\n"g,1",1e3,-2.5E-1\ng2, 7,0\n';
  const file = await openForTest(scratchFile(".csv", text));
  expect(file.obs.names).toEqual(['c "1"', "c,2"]);
  expect(file.var.names).toEqual(["g,1", "g2"]);
  expect(await readMatrix(file, file.matrices[0])).toEqual([
    [1000, 7],
    [-0.25, 0],
  ]);
});

it("ignores a byte-order mark, blank lines and a missing last newline", async () => {
  const file = await openForTest(scratchFile(".txt", "\ufeffgene\tc1\n\ng1\t1\n\r\ng2\t2"));
  expect(file.obs.names).toEqual(["c1"]);
  expect(file.var.names).toEqual(["g1", "g2"]);
  expect(await readMatrix(file, file.matrices[0])).toEqual([[1, 2]]);
});

it("reads lines that are longer than the pieces in which a file arrives", async () => {
  const cells = Array.from({ length: 30_000 }, (_, i) => `cell_${i}`);
  const row = cells.map((_, i) => i % 10);
  const text = `,${cells.join()}\nfirst,${row.join()}\nsecond,${row.toReversed().join()}\n`;
  const file = await openForTest(scratchFile(".csv", text));
  const content = await readMatrix(file, file.matrices[0]);
  expect(content.map(([first]) => first)).toEqual(row);
  expect(content.map(([, second]) => second)).toEqual(row.toReversed());
});
