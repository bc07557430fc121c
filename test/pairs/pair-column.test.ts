import { expect, test } from "vitest";
import { pairColumn, readPairFile } from "../../dist/pairs/index.js";
import { errorOf, fileOf } from "./helpers.js";

test("a column by its name, for some rows", async () => {
  const file = await readPairFile(
    fileOf("gene_a\tgene_b\tlabel\tfold_tf3\tfold_gene5\nA\tB\t1\t0\t4\nC\tD\t0\t1\t\nE\tF\t0\t2\t3\n"),
  );
  expect(pairColumn(file, "fold_gene5", Uint32Array.of(2, 0, 1))).toEqual(["3", "4", ""]);
  const error = await errorOf(() => pairColumn(file, "fold_gene", Uint32Array.of(0)));
  expect(error.code).toBe("COLUMN_NOT_FOUND");
  expect(error.message).toBe(
    `${file.path} has no column fold_gene beside genes and labels; it has fold_tf3, fold_gene5.`,
  );
  expect(error.remedy).toContain("fold_tf3, fold_gene5");
});

test("without a header by its number; none where there is none", async () => {
  const four = await readPairFile(fileOf("A B 1 x\nC D 0 y\n"));
  expect(pairColumn(four, "column 4", Uint32Array.of(1))).toEqual(["y"]);
  const three = await readPairFile(fileOf("A B 1\nC D 0\n"));
  expect((await errorOf(() => pairColumn(three, "column 3", Uint32Array.of(0)))).message).toContain(
    "it has no other columns",
  );
});
