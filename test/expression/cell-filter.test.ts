import { describe, expect, it } from "vitest";
import { chooseCells, columnLevels, describeFilter, parseCellFilter } from "../../dist/expression/index.js";
import type { Column, Table } from "../../dist/io/index.js";
import { errorOf } from "../support/errors.js";

describe("parseCellFilter", () => {
  it.each([
    ["cell_type=HSC", { column: "cell_type", levels: ["HSC"], exclude: false }],
    ["cell_type=HSC,MPP", { column: "cell_type", levels: ["HSC", "MPP"], exclude: false }],
    ["batch!=2", { column: "batch", levels: ["2"], exclude: true }],
    [" cell type = B cell , T cell ", { column: "cell type", levels: ["B cell", "T cell"], exclude: false }],
    ["marker=CD4=high", { column: "marker", levels: ["CD4=high"], exclude: false }],
  ])("reads %j", (text, filter) => {
    expect(parseCellFilter(text)).toEqual(filter);
    expect(parseCellFilter(describeFilter(filter))).toEqual(filter);
  });

  it.each(["", "cell_type", "=HSC", "!=HSC", "cell_type=", "cell_type=HSC,", "cell_type=,HSC"])(
    "refuses %j",
    async (text) => {
      const error = await errorOf(() => parseCellFilter(text));
      expect(error.code).toBe("BAD_OBS_FILTER");
      expect(error.message).toContain(`"${text}"`);
    },
  );
});

const COLUMNS: Record<string, Column> = {
  type: { kind: "categorical", categories: ["A", "B", "unused"], codes: Int32Array.of(0, 1, -1, 0, 1) },
  name: { kind: "strings", values: ["x", "y", null, "x", ""] },
  batch: { kind: "numbers", values: Float64Array.of(1, 2, Number.NaN, 0.5, 10) },
  doublet: { kind: "booleans", values: [true, false, null, false, true] },
  empty: { kind: "numbers", values: new Float64Array(5).fill(Number.NaN) },
};

const OBS: Table = {
  length: 5,
  names: ["c0", "c1", "c2", "c3", "c4"],
  columns: Object.keys(COLUMNS),
  column: async (name) => COLUMNS[name],
};

const choose = (...filters: string[]) => chooseCells(OBS, filters.map(parseCellFilter), "data.h5ad");

describe("chooseCells", () => {
  it.each([
    [[], [0, 1, 2, 3, 4]],
    [["type=A"], [0, 3]],
    [["type=A,B"], [0, 1, 3, 4]],
    [["name=x"], [0, 3]],
    [["batch=2,10"], [1, 4]],
    [["batch=0.5"], [3]],
    [["doublet=False"], [1, 3]],
    // A missing value is no level: it passes every !=.
    [["type!=A"], [1, 2, 4]],
    [["doublet!=True"], [1, 2, 3]],
    [["batch!=1,2"], [2, 3, 4]],
    [["type=A", "doublet=False"], [3]],
    [["type!=A", "type!=B"], [2]],
  ])("%j", async (filters, cells) => {
    const { cellOf, cells: count } = await choose(...filters);
    expect(count).toBe(cells.length);
    expect([...cellOf]).toEqual(OBS.names.map((_, cell) => cells.indexOf(cell)));
  });

  it.each([
    ["type=C", /No cell of data\.h5ad has type C\./, "Its levels are: A, B."],
    ["type!=unused", /has type unused\./, "Its levels are: A, B."],
    ["type=A,C,D", /has type C or D\./, "Its levels are: A, B."],
    ["doublet=true", /has doublet true\./, "Its levels are: False, True."],
    ["empty=1", /has empty 1\./, "It is missing in all cells."],
  ])("refuses %s, with what there is", async (filter, message, remedy) => {
    const error = await errorOf(() => choose(filter));
    expect(error.code).toBe("NO_SUCH_LEVEL");
    expect(error.message).toMatch(message);
    expect(error.remedy).toBe(remedy);
  });

  it("lists no more than 20 levels", async () => {
    const values = Array.from({ length: 30 }, (_, cell) => `level${String(cell).padStart(2, "0")}`);
    const obs: Table = { ...OBS, length: 30, column: async () => ({ kind: "strings", values }) };
    const error = await errorOf(() => chooseCells(obs, [parseCellFilter("name=other")], "data.h5ad"));
    expect(error.remedy).toMatch(/level00, .*level19 and 10 more\.$/);
  });

  it("refuses filters that no cell passes", async () => {
    const error = await errorOf(() => choose("type=A", "type=B"));
    expect(error).toMatchObject({
      code: "NO_CELLS_LEFT",
      message: "No cell of data.h5ad passes type=A and type=B.",
    });
  });
});

describe("columnLevels", () => {
  it("gives every kind of column as text, null where missing", () => {
    expect(Object.values(COLUMNS).map(columnLevels)).toEqual([
      ["A", "B", null, "A", "B"],
      ["x", "y", null, "x", ""],
      ["1", "2", null, "0.5", "10"],
      ["True", "False", null, "False", "True"],
      [null, null, null, null, null],
    ]);
  });
});
