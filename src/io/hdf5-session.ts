import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Dataset, File, Group, type Metadata, Module, Reference, ready } from "h5wasm/node";
import { filterName, translateHdf5Failure } from "./hdf5-errors.js";
import {
  type Attributes,
  type AttributeValue,
  type DatasetNode,
  type Hdf5Node,
  KNOWN_ATTRIBUTES,
} from "./hdf5-node.js";
import { isNumericDtype, numbersFromBytes } from "./numbers.js";
import type { Numbers } from "./types.js";

/** Half-open `[start, stop)` along one axis. */
export type Range = [start: number, stop: number];

/** An HDF5 file in this thread: synchronous, so only for a worker. After any failure, throw the thread away. */
export interface Hdf5Session {
  /** What stands at `path`; `undefined` where nothing does. */
  node(path: string): Hdf5Node | undefined;
  /** A numeric dataset, or the part of it inside `ranges` (one per axis), row-major. */
  read(path: string, ranges: Range[]): Numbers;
  /** Rows of a 1-D dataset of numbers or strings, or of one field of a compound one. */
  rows(path: string, [start, stop]: Range, field?: string): Numbers | string[];
}

/** No attribute that we read is near this large in a sound file. */
const MAX_ATTRIBUTE_BYTES = 1 << 24;

/**
 * Opens `path` with this thread's HDF5 library.
 *
 * @throws CnncError `NOT_HDF5`, `FILE_TRUNCATED`, `FILE_CORRUPT`; the methods also `UNSUPPORTED_FILTER`.
 */
export async function openSession(path: string): Promise<Hdf5Session> {
  await ready;
  // Without this, h5wasm ignores failures and hands out whatever its memory happens to hold.
  Module.activate_throwing_error_handler();
  const plugins = fileURLToPath(new URL("plugins", import.meta.resolve("h5wasm-plugins")));
  Module.insert_plugin_search_path(plugins, 0);
  const file = openFile(path);

  const datasets = new Map<string, Dataset>();
  function dataset(place: string): Dataset {
    const known = datasets.get(place) ?? (file.get(place) as Dataset);
    datasets.set(place, known);
    return known;
  }

  function attempt<T>(place: string, action: () => T): T {
    try {
      return action();
    } catch (failure) {
      throw translateHdf5Failure(failure, path, place, filtersAt(file, place));
    }
  }

  return {
    node: (place) => attempt(place, () => describe(file, place)),
    read: (place, ranges) => attempt(place, () => dataset(place).slice(ranges) as Numbers),
    rows: (place, range, field) => attempt(place, () => readRows(dataset(place), range, field)),
  };
}

function openFile(path: string): File {
  try {
    return new File(resolve(path), "r");
  } catch (failure) {
    throw translateHdf5Failure(failure, path);
  }
}

/** For messages: empty when not even the filters can be read. */
function filtersAt(file: File, path: string): string[] {
  try {
    const entity = file.get(path);
    return entity instanceof Dataset ? filtersOf(entity) : [];
  } catch {
    return [];
  }
}

function describe(file: File, path: string): Hdf5Node | undefined {
  const entity = file.get(path);
  if (entity instanceof Group) {
    return { kind: "group", path, attributes: readAttributes(entity), children: entity.keys() };
  }
  if (!(entity instanceof Dataset)) return undefined;
  const { metadata } = entity;
  return {
    kind: "dataset",
    path,
    attributes: readAttributes(entity),
    shape: metadata.shape,
    dtype: dtypeOf(metadata),
    itemBytes: metadata.size,
    chunks: metadata.chunks,
    filters: filtersOf(entity),
    fields: (metadata.compound_type?.members ?? []).map((field) => ({
      name: field.name,
      dtype: fieldDtype(field),
    })),
  };
}

function filtersOf(dataset: Dataset): string[] {
  return dataset.filters.map((filter) => filterName(filter.id, filter.name));
}

function dtypeOf({ type, size, signed, enum_type }: Metadata): DatasetNode["dtype"] {
  const classes = Module.H5T_class_t;
  const integer = `${signed ? "int" : "uint"}${8 * size}`;
  switch (type) {
    case classes.H5T_INTEGER.value:
      return integer;
    case classes.H5T_FLOAT.value:
      return `float${8 * size}`;
    case classes.H5T_ENUM.value:
      return enum_type?.members.FALSE === 0 && enum_type.members.TRUE === 1 ? "bool" : integer;
    case classes.H5T_STRING.value:
      return "string";
    case classes.H5T_COMPOUND.value:
      return "compound";
    default:
      return `HDF5 class ${type}`;
  }
}

/** h5wasm swaps the bytes of big-endian numbers, but not inside compounds: there they count as another type. */
function fieldDtype(field: Metadata): string {
  const dtype = dtypeOf(field);
  const isSwapped = isNumericDtype(dtype) && field.size > 1 && !field.littleEndian;
  return isSwapped ? `big-endian ${dtype}` : dtype;
}

function readAttributes(entity: Group | Dataset): Attributes {
  const attributes: Attributes = {};
  const present: string[] = Module.get_attribute_names(entity.file_id, entity.path);
  for (const name of KNOWN_ATTRIBUTES) {
    if (present.includes(name)) attributes[name] = readAttribute(entity, name);
  }
  return attributes;
}

function readAttribute(entity: Group | Dataset, name: string): AttributeValue {
  const { shape, size, total_size } = Module.get_attribute_metadata(entity.file_id, entity.path, name);
  if (shape === null) return [];
  if (size * total_size > MAX_ATTRIBUTE_BYTES) {
    throw new Error(`its attribute ${name} claims to have ${size * total_size} bytes`);
  }
  const value: unknown = entity.get_attribute(name, false);
  const items = (shape.length > 0 ? Array.from(value as ArrayLike<unknown>) : [value].flat()).map((item) => {
    if (item instanceof Reference) return Module.get_referenced_name(entity.file_id, item.ref_data, true);
    return typeof item === "bigint" ? Number(item) : (item as string | number);
  });
  return shape.length > 0 ? items : items[0];
}

function readRows(dataset: Dataset, [start, stop]: Range, field: string | undefined): Numbers | string[] {
  const { metadata } = dataset;
  const member =
    field === undefined ? undefined : metadata.compound_type?.members.find(({ name }) => name === field);
  const element = member ?? metadata;
  const layout = { count: stop - start, stride: metadata.size, offset: member?.offset ?? 0 };
  const bytes = metadata.size * layout.count;
  const pointer = Module._malloc(bytes);
  try {
    const isScalar = metadata.shape?.length === 0;
    const select = (value: number) => (isScalar ? null : [BigInt(value)]);
    Module.get_dataset_data(
      dataset.file_id,
      dataset.path,
      select(layout.count),
      select(start),
      select(1),
      BigInt(pointer),
    );
    const rows = Module.HEAPU8.slice(pointer, pointer + bytes);
    if (element.type !== Module.H5T_class_t.H5T_STRING.value) return numericRows(rows, element, layout);
    return element.vlen ? pointedStrings(rows, layout) : fixedStrings(rows, element, layout);
  } finally {
    Module._free(pointer);
  }
}

interface RowLayout {
  readonly count: number;
  readonly stride: number;
  readonly offset: number;
}

function numericRows(rows: Uint8Array, element: Metadata, { count, stride, offset }: RowLayout): Numbers {
  const packed = new Uint8Array(count * element.size);
  for (let row = 0; row < count; row++) {
    const from = row * stride + offset;
    packed.set(rows.subarray(from, from + element.size), row * element.size);
  }
  return numbersFromBytes(dtypeOf(element), packed.buffer);
}

/**
 * Variable-length strings: each row points to memory that HDF5 allocated for it and that is ours to free.
 * (h5wasm's own slices reclaim as many pointers as the whole dataset has, beyond the end of the slice.)
 */
function pointedStrings(rows: Uint8Array, { count, stride, offset }: RowLayout): string[] {
  const view = new DataView(rows.buffer);
  const strings: string[] = [];
  for (let row = 0; row < count; row++) {
    const pointer = view.getUint32(row * stride + offset, true);
    strings.push(pointer === 0 ? "" : Module.UTF8ToString(pointer));
    Module._free(pointer);
  }
  return strings;
}

const H5T_STR_SPACEPAD = 2;

/** Fixed-length strings, read as UTF-8 whatever the declared character set: old anndata declared ASCII. */
function fixedStrings(rows: Uint8Array, element: Metadata, { count, stride, offset }: RowLayout): string[] {
  const decoder = new TextDecoder();
  const strings: string[] = [];
  for (let row = 0; row < count; row++) {
    const from = row * stride + offset;
    const bytes = rows.subarray(from, from + element.size);
    const end = bytes.indexOf(0);
    const text = decoder.decode(end === -1 ? bytes : bytes.subarray(0, end));
    strings.push(element.strpad === H5T_STR_SPACEPAD ? text.trimEnd() : text);
  }
  return strings;
}
