/**
 * Plain HDF5: a file that any HDF5 library reads, of such a simple form that where each array stands can be told
 * without one. A superblock (version 2); the data of the arrays, contiguous, not compressed, each on a page of its own;
 * behind them an object header (version 2) for each array and one for the root group, which has links and attributes.
 * See "HDF5 File Format Specification Version 3.0".
 */
import type { FileHandle } from "node:fs/promises";
import { HDF5_SIGNATURE } from "./hdf5-signature.js";
import { hdf5Checksum } from "./plain-hdf5-checksum.js";

const NUMERIC = ["uint8", "uint16", "uint32", "uint64", "int32", "float32", "float64"] as const;
/** Numbers as numpy names them, or UTF-8 text of at most so many bytes, filled up with zeros. */
export type PlainType = (typeof NUMERIC)[number] | { readonly text: number };

export interface PlainArray {
  readonly name: string;
  readonly type: PlainType;
  /** Empty for a single value. */
  readonly shape: readonly number[];
}

/** An array in a file. */
export interface PlacedArray extends PlainArray {
  /** Position of its first byte. */
  readonly at: number;
  readonly bytes: number;
}

export interface PlainFile {
  readonly arrays: ReadonlyMap<string, PlacedArray>;
  /** Of the root group. */
  readonly attributes: ReadonlyMap<string, string | number>;
}

const PAGE = 4096;
const SUPERBLOCK_BYTES = 48;
/** Of what is nowhere. */
const NO_ADDRESS = 0xffff_ffff_ffff_ffffn;

const itemBytes = (type: PlainType): number =>
  typeof type === "object" ? type.text : Number(/\d+$/.exec(type)) / 8;
const bytesOf = ({ type, shape }: PlainArray): number =>
  shape.reduce((product, length) => product * length, itemBytes(type));

/** Where the data of the arrays go, one after the other. */
export function placeArrays(arrays: readonly PlainArray[]): PlacedArray[] {
  let at = PAGE;
  return arrays.map((array) => {
    const placed = { ...array, at, bytes: bytesOf(array) };
    at += Math.ceil(placed.bytes / PAGE) * PAGE;
    return placed;
  });
}

/**
 * Writes everything but the data of the arrays, which makes the file an HDF5 file. In `attributes`, whole numbers from 0
 * on become uint64, and other numbers float64.
 *
 * @returns where the file ends
 */
export async function writePlainHdf5(
  file: FileHandle,
  arrays: readonly PlacedArray[],
  attributes: Readonly<Record<string, string | number>>,
): Promise<number> {
  const start = arrays.reduce((end, { at, bytes }) => Math.max(end, at + bytes), PAGE);
  const headers: Buffer[] = [];
  let at = start;
  const place = (header: Buffer): number => {
    headers.push(header);
    at += header.length;
    return at - header.length;
  };
  const links = arrays.map((array) => link(array.name, place(objectHeader(arrayMessages(array)))));
  const root = place(
    objectHeader([
      message(LINK_INFO, Buffer.concat([bytes(0, 0), uint64(NO_ADDRESS), uint64(NO_ADDRESS)])),
      message(GROUP_INFO, bytes(0, 0)),
      ...links,
      ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    ]),
  );
  await writeAll(file, Buffer.concat(headers), start);
  await writeAll(file, superblock(root, at), 0);
  return at;
}

/** The data of an array of text: each `width` bytes. */
export function fixedText(texts: readonly Buffer[], width: number): Buffer {
  const all = Buffer.alloc(texts.length * width);
  texts.forEach((text, i) => {
    text.copy(all, i * width);
  });
  return all;
}

/** Bytes written at a time: ext4 takes twice the time for pieces of 16 MB. */
const PIECE_BYTES = 1 << 19;

/** Writes all of some bytes. */
export async function writeAll(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await file.write(
      data,
      done,
      Math.min(data.length - done, PIECE_BYTES),
      position + done,
    );
    done += bytesWritten;
  }
}

/**
 * What a plain HDF5 file holds; undefined for any other file, also a damaged one. Every array is inside the file.
 */
export async function readPlainHdf5(file: FileHandle): Promise<PlainFile | undefined> {
  const size = (await file.stat()).size;
  try {
    const start = await readAt(file, 0, SUPERBLOCK_BYTES);
    const isPlain =
      start.subarray(0, 8).equals(HDF5_SIGNATURE) && start.equals(withChecksum(start.subarray(0, -4)));
    if (!isPlain || start[8] !== 2 || start[9] !== 8 || start[10] !== 8) return undefined;
    const arrays = new Map<string, PlacedArray>();
    const attributes = new Map<string, string | number>();
    for (const { type, data } of await readMessages(file, offset(start, 36), size)) {
      if (type === ATTRIBUTE) attributes.set(...readAttribute(data));
      if (type !== LINK) continue;
      const { name, target } = readLink(data);
      const array = readArray(name, await readMessages(file, target, size));
      if (array.at + array.bytes > size) throw new NotPlain();
      arrays.set(name, array);
    }
    return { arrays, attributes };
  } catch (error) {
    // A RangeError: something ended before it was complete.
    if (error instanceof NotPlain || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The file has another form, or is damaged. */
class NotPlain extends Error {}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new NotPlain();
  return buffer;
}

function superblock(root: number, end: number): Buffer {
  return withChecksum(
    Buffer.concat([
      HDF5_SIGNATURE,
      bytes(2, 8, 8, 0),
      uint64(0n),
      uint64(NO_ADDRESS),
      uint64(end),
      uint64(root),
    ]),
  );
}

function withChecksum(data: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(hdf5Checksum(data));
  return Buffer.concat([data, sum]);
}

const HEADER_SIGNATURE = "OHDR";
/** Signature, version, flags, and the length of the messages in 4 bytes. */
const HEADER_PREFIX = 10;
/** No header of ours comes near it. */
const MAX_MESSAGE_BYTES = 1 << 24;

function objectHeader(messages: readonly Buffer[]): Buffer {
  const content = Buffer.concat(messages);
  return withChecksum(
    Buffer.concat([Buffer.from(HEADER_SIGNATURE, "latin1"), bytes(2, 2), uint32(content.length), content]),
  );
}

interface Message {
  readonly type: number;
  readonly data: Buffer;
}

async function readMessages(file: FileHandle, at: number, size: number): Promise<Message[]> {
  if (at + HEADER_PREFIX > size) throw new NotPlain();
  const prefix = await readAt(file, at, HEADER_PREFIX);
  const length = prefix.readUInt32LE(6);
  const isHeader = prefix.toString("latin1", 0, 4) === HEADER_SIGNATURE && prefix[4] === 2 && prefix[5] === 2;
  if (!isHeader || length > MAX_MESSAGE_BYTES) throw new NotPlain();
  const header = await readAt(file, at, HEADER_PREFIX + length + 4);
  const content = header.subarray(0, -4);
  if (!header.equals(withChecksum(content))) throw new NotPlain();
  const messages: Message[] = [];
  for (let position = HEADER_PREFIX; position < content.length; ) {
    const end = position + 4 + content.readUInt16LE(position + 1);
    if (end > content.length) throw new NotPlain();
    messages.push({ type: content[position], data: content.subarray(position + 4, end) });
    position = end;
  }
  return messages;
}

const DATASPACE = 1;
const LINK_INFO = 2;
const DATATYPE = 3;
const FILL_VALUE = 5;
const LINK = 6;
const LAYOUT = 8;
const GROUP_INFO = 10;
const ATTRIBUTE = 12;

/** @throws RangeError when `data` has 64 KB or more */
function message(type: number, data: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix[0] = type;
  prefix.writeUInt16LE(data.length, 1);
  return Buffer.concat([prefix, data]);
}

function arrayMessages(array: PlacedArray): Buffer[] {
  const address = array.bytes === 0 ? NO_ADDRESS : array.at;
  return [
    message(DATASPACE, dataspace(array.shape)),
    message(DATATYPE, datatype(array.type)),
    // Version 3: space allocated late, the library's own value written only when it is set.
    message(FILL_VALUE, bytes(3, 0x0a)),
    // Version 3: contiguous.
    message(LAYOUT, Buffer.concat([bytes(3, 1), uint64(address), uint64(array.bytes)])),
  ];
}

function readArray(name: string, messages: readonly Message[]): PlacedArray {
  const data = (type: number): Buffer => {
    const found = messages.find((candidate) => candidate.type === type);
    if (found === undefined) throw new NotPlain();
    return found.data;
  };
  const layout = data(LAYOUT);
  if (layout[0] !== 3 || layout[1] !== 1) throw new NotPlain();
  const array = { name, shape: readDataspace(data(DATASPACE)), type: readDatatype(data(DATATYPE)) };
  const length = offset(layout, 10);
  if (length !== bytesOf(array)) throw new NotPlain();
  return { ...array, at: length === 0 ? 0 : offset(layout, 2), bytes: length };
}

const dataspace = (shape: readonly number[]): Buffer =>
  Buffer.concat([bytes(2, shape.length, 0, shape.length === 0 ? 0 : 1), ...shape.map(uint64)]);

function readDataspace(data: Buffer): number[] {
  if (data[0] !== 2 || data[2] !== 0) throw new NotPlain();
  return Array.from({ length: data[1] }, (_, axis) => offset(data, 4 + 8 * axis));
}

/** Class and version, three bytes of flags, size, properties. */
function datatype(type: PlainType): Buffer {
  if (typeof type === "object") return Buffer.concat([bytes(0x13, 0x11, 0, 0), uint32(type.text)]);
  const size = itemBytes(type);
  if (!type.startsWith("float")) {
    const sign = type.startsWith("int") ? 0x08 : 0;
    return Buffer.concat([bytes(0x10, sign, 0, 0), uint32(size), bytes(0, 0, 8 * size, 0)]);
  }
  // Exponent and mantissa: where each begins and how many bits it has; then the bias of the exponent.
  const parts = size === 4 ? [23, 8, 0, 23] : [52, 11, 0, 52];
  const bias = size === 4 ? 127 : 1023;
  return Buffer.concat([
    bytes(0x11, 0x20, 8 * size - 1, 0),
    uint32(size),
    bytes(0, 0, 8 * size, 0, ...parts),
    uint32(bias),
  ]);
}

function readDatatype(data: Buffer): PlainType {
  const candidates: PlainType[] = [...NUMERIC, { text: data.readUInt32LE(4) }];
  const type = candidates.find((candidate) => datatype(candidate).equals(data));
  if (type === undefined) throw new NotPlain();
  return type;
}

function link(name: string, target: number): Buffer {
  const text = Buffer.from(name);
  return message(LINK, Buffer.concat([bytes(1, 0, text.length), text, uint64(target)]));
}

function readLink(data: Buffer): { name: string; target: number } {
  if (data[0] !== 1 || data[1] !== 0 || data.length !== 3 + data[2] + 8) throw new NotPlain();
  return { name: data.toString("utf8", 3, 3 + data[2]), target: offset(data, 3 + data[2]) };
}

/** Sizes of the three parts that stand between an attribute's head and its value. */
const ATTRIBUTE_HEAD = 9;

function attribute(name: string, value: string | number): Buffer {
  const text = Buffer.from(`${name}\0`);
  const { type, data } = attributeValue(value);
  const parts = [text, datatype(type), dataspace([])];
  const head = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 1]);
  parts.forEach((part, i) => {
    head.writeUInt16LE(part.length, 2 + 2 * i);
  });
  return message(ATTRIBUTE, Buffer.concat([head, ...parts, data]));
}

function attributeValue(value: string | number): { type: PlainType; data: Buffer } {
  if (typeof value === "string")
    return { type: { text: Buffer.byteLength(value) }, data: Buffer.from(value) };
  if (Number.isInteger(value) && value >= 0) return { type: "uint64", data: uint64(value) };
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return { type: "float64", data };
}

function readAttribute(data: Buffer): [name: string, value: string | number] {
  if (data[0] !== 3 || data[1] !== 0) throw new NotPlain();
  const typeAt = ATTRIBUTE_HEAD + data.readUInt16LE(2);
  const spaceAt = typeAt + data.readUInt16LE(4);
  const valueAt = spaceAt + data.readUInt16LE(6);
  const name = data.toString("utf8", ATTRIBUTE_HEAD, typeAt - 1);
  const type = readDatatype(data.subarray(typeAt, spaceAt));
  if (readDataspace(data.subarray(spaceAt, valueAt)).length > 0) throw new NotPlain();
  if (data.length !== valueAt + itemBytes(type)) throw new NotPlain();
  if (typeof type === "object") return [name, data.toString("utf8", valueAt)];
  if (type === "float64") return [name, data.readDoubleLE(valueAt)];
  if (type !== "uint64") throw new NotPlain();
  return [name, offset(data, valueAt)];
}

const bytes = (...values: number[]): Buffer => Buffer.from(values);

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}

function uint64(value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return buffer;
}

/** A 64-bit number that is a position or length in a file, so one that float64 holds exactly. */
function offset(data: Buffer, at: number): number {
  const value = Number(data.readBigUInt64LE(at));
  if (!Number.isSafeInteger(value)) throw new NotPlain();
  return value;
}
