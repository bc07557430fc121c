import { CnncError } from "../errors.js";
import type { Hdf5File } from "./hdf5-file.js";
import type { Attributes, DatasetNode, GroupNode, Hdf5Node } from "./hdf5-node.js";
import { toFloat64 } from "./numbers.js";
import type { Column, Numbers, Table } from "./types.js";

/** What a dataframe consists of, known before any of its values is read. */
export interface TableLayout {
  readonly node: Hdf5Node;
  readonly length: number;
  readonly index: string;
  readonly columns: readonly string[];
}

/**
 * Looks at the obs- or var-like element at `path`: a group with a dataset per column (anndata 0.6.17 and later),
 * or a compound dataset (before). Reads no values.
 *
 * @throws CnncError `TABLE_CORRUPT`.
 */
export async function inspectTable(file: Hdf5File, path: string): Promise<TableLayout> {
  const node = await file.node(path);
  if (node === undefined) throw tableCorrupt(file, path, "it is missing");
  return node.kind === "dataset" ? inspectCompound(file, node) : await inspectGroup(file, node);
}

function inspectCompound(file: Hdf5File, node: DatasetNode): TableLayout {
  if (node.fields.length === 0 || node.shape?.length !== 1) {
    throw tableCorrupt(file, node.path, "it is neither a group nor a 1-D compound dataset");
  }
  const names = node.fields.map(({ name }) => name);
  const index = names.find((name) => name === "index" || name === "_index") ?? names[0];
  return { node, length: node.shape[0], index, columns: names.filter((name) => name !== index) };
}

async function inspectGroup(file: Hdf5File, node: GroupNode): Promise<TableLayout> {
  const index =
    textAttribute(node.attributes, "_index") ??
    ["_index", "index"].find((name) => node.children.includes(name));
  if (index === undefined) throw tableCorrupt(file, node.path, "it has no index");
  const order = node.attributes["column-order"];
  const columns = Array.isArray(order)
    ? order.map(String)
    : node.children.filter((name) => name !== index && name !== "__categories");
  const length = await columnLength(file, `${node.path}/${index}`);
  return { node, length, index, columns };
}

/** Length of a column stored as a dataset, or as a group of equally long `codes`/`values` and others. */
async function columnLength(file: Hdf5File, path: string): Promise<number> {
  const node = await file.node(path);
  if (node?.kind === "dataset" && node.shape?.length === 1) return node.shape[0];
  if (node?.kind === "group") {
    const member = ["codes", "values"].find((name) => node.children.includes(name));
    if (member !== undefined) return columnLength(file, `${path}/${member}`);
  }
  throw tableCorrupt(file, path, node === undefined ? "it is missing" : "it is not a column");
}

/** Reads the names (the index) of a table; its columns are read when they are asked for. */
export async function openTable(file: Hdf5File, layout: TableLayout): Promise<Table> {
  const { node, length, index, columns } = layout;
  const read = (name: string) =>
    node.kind === "dataset" ? readCompoundColumn(file, node, name) : readGroupColumn(file, node, name);
  const names = columnToStrings(await read(index));
  assertLength(file, `${node.path}/${index}`, names.length, length);
  return {
    length,
    names,
    columns,
    async column(name) {
      if (!columns.includes(name)) throw noSuchColumn(file.path, node.path, name, columns);
      const column = await read(name);
      assertLength(file, `${node.path}/${name}`, lengthOf(column), length);
      return column;
    },
  };
}

/** A `NO_SUCH_COLUMN` error that lists the columns there are. */
export function noSuchColumn(
  file: string,
  table: string,
  name: string,
  columns: readonly string[],
): CnncError {
  return new CnncError(
    "NO_SUCH_COLUMN",
    `${table} in ${file} has no column "${name}".`,
    columns.length === 0 ? "It has no columns at all." : `It has: ${columns.join(", ")}.`,
  );
}

function assertLength(file: Hdf5File, path: string, found: number, expected: number): void {
  if (found !== expected) {
    throw tableCorrupt(file, path, `it has ${found} elements where the table has ${expected} rows`);
  }
}

function tableCorrupt(file: Hdf5File, path: string, problem: string): CnncError {
  return new CnncError(
    "TABLE_CORRUPT",
    `${path} in ${file.path} is not a sound table: ${problem}.`,
    "The file is damaged or was written by a faulty program; write it again with a current version of anndata.",
  );
}

function unknownEncoding(file: Hdf5File, path: string, found: string): CnncError {
  return new CnncError(
    "UNKNOWN_ENCODING",
    `${path} in ${file.path} has the encoding "${found}", which is unknown here.`,
    "Convert it to strings, numbers or a categorical and write the file again.",
  );
}

function textAttribute(attributes: Attributes, name: keyof Attributes): string | undefined {
  const value = attributes[name];
  return typeof value === "string" ? value : undefined;
}

async function readCompoundColumn(file: Hdf5File, node: DatasetNode, name: string): Promise<Column> {
  const values = await file.readAll(node, name);
  const field = node.fields.find((candidate) => candidate.name === name);
  if (isText(values) || !/^u?int/.test(field?.dtype ?? "")) return plainColumn(values, field?.dtype);
  // anndata before 0.6.17 kept the categories of a column of codes in uns.
  const path = `/uns/${name}_categories`;
  const categories = (await file.node("/uns"))?.kind === "group" ? await file.node(path) : undefined;
  if (categories?.kind !== "dataset") return plainColumn(values, field?.dtype);
  return categorical(file, `${node.path} (field ${name})`, values, await file.readAll(categories));
}

async function readGroupColumn(file: Hdf5File, table: GroupNode, name: string): Promise<Column> {
  const path = `${table.path}/${name}`;
  const node = await file.node(path);
  if (node === undefined) throw tableCorrupt(file, path, "it is missing");
  const encoding = textAttribute(node.attributes, "encoding-type");
  if (node.kind === "group") {
    switch (encoding) {
      case "categorical":
        return categorical(
          file,
          path,
          await readMember(file, node, "codes"),
          await readMember(file, node, "categories"),
        );
      case "nullable-integer":
      case "nullable-boolean":
      case "nullable-string-array":
        return readNullable(file, node);
      default:
        throw unknownEncoding(file, path, encoding ?? "none");
    }
  }
  if (encoding !== undefined && encoding !== "array" && encoding !== "string-array") {
    throw unknownEncoding(file, path, encoding);
  }
  const values = await file.readAll(node);
  const categories = await categoriesOf(file, table, node, name);
  return categories === undefined || isText(values)
    ? plainColumn(values, node.dtype)
    : categorical(file, path, values, await file.readAll(categories));
}

/** anndata 0.6.17 to 0.7: codes refer to a dataset under `__categories`, by reference and by name. */
async function categoriesOf(
  file: Hdf5File,
  table: GroupNode,
  column: DatasetNode,
  name: string,
): Promise<DatasetNode | undefined> {
  const reference = textAttribute(column.attributes, "categories");
  if (reference === undefined && !table.children.includes("__categories")) return undefined;
  const node = await file.node(reference ?? `${table.path}/__categories/${name}`);
  if (node?.kind === "dataset") return node;
  if (reference === undefined) return undefined;
  throw tableCorrupt(file, column.path, `its categories, ${reference}, are missing`);
}

async function readNullable(file: Hdf5File, node: GroupNode): Promise<Column> {
  const values = await memberNode(file, node, "values");
  const column = plainColumn(await file.readAll(values), values.dtype);
  const mask = await readMember(file, node, "mask");
  assertLength(file, `${node.path}/mask`, mask.length, lengthOf(column));
  mask.forEach((isMissing: string | number | bigint, row: number) => {
    if (!isMissing) return;
    if (column.kind === "numbers") column.values[row] = Number.NaN;
    else if (column.kind !== "categorical") column.values[row] = null;
  });
  return column;
}

async function memberNode(file: Hdf5File, group: GroupNode, name: string): Promise<DatasetNode> {
  const node = await file.node(`${group.path}/${name}`);
  if (node?.kind !== "dataset") throw tableCorrupt(file, group.path, `it has no dataset "${name}"`);
  return node;
}

async function readMember(file: Hdf5File, group: GroupNode, name: string): Promise<Numbers | string[]> {
  return file.readAll(await memberNode(file, group, name));
}

function isText(values: Numbers | string[]): values is string[] {
  return Array.isArray(values);
}

function plainColumn(values: Numbers | string[], dtype: string | undefined): Column {
  if (isText(values)) return { kind: "strings", values };
  const numbers = toFloat64(values);
  if (dtype === "bool") return { kind: "booleans", values: Array.from(numbers, (value) => value !== 0) };
  return { kind: "numbers", values: numbers };
}

function categorical(
  file: Hdf5File,
  path: string,
  codes: Numbers | string[],
  categories: Numbers | string[],
): Column {
  if (isText(codes)) throw tableCorrupt(file, path, "its codes are not numbers");
  const checked = Int32Array.from(codes as ArrayLike<number | bigint>, Number);
  const bad = checked.findIndex((code) => code < -1 || code >= categories.length);
  if (bad !== -1) {
    throw tableCorrupt(
      file,
      path,
      `the code ${codes[bad]} in row ${bad} (counted from 0) is not one of its ${categories.length} categories`,
    );
  }
  return {
    kind: "categorical",
    categories: Array.from(categories as ArrayLike<unknown>, String),
    codes: checked,
  };
}

function lengthOf(column: Column): number {
  return column.kind === "categorical" ? column.codes.length : column.values.length;
}

/** A column as text; a missing value becomes an empty string. */
function columnToStrings(column: Column): string[] {
  switch (column.kind) {
    case "categorical":
      return Array.from(column.codes, (code) => column.categories[code] ?? "");
    case "strings":
      return column.values.map((value) => value ?? "");
    default:
      return Array.from(column.values as ArrayLike<number | boolean | null>, (value) => String(value ?? ""));
  }
}
