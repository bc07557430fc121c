import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { guardWrites } from "../../io/index.js";
import { damagedShard, newerShard, notAShard, unreadableShard } from "../../pairs/index.js";
import { throwIfAborted } from "../../progress.js";
import type { SortedBlock, SortedRun } from "../external-sort-merge.js";

/**
 * A file of sorted records, with a head that says of what:
 *
 *     8 bytes   "CNNCSHRD"
 *     4 bytes   version of this format
 *     4 bytes   n
 *     n bytes   the head, as JSON
 *     32 bytes  SHA-256 of everything before
 *     records   32-bit words, little-endian, as all numbers (and as every machine that this package builds on)
 *     32 bytes  SHA-256 of the records
 */
const MAGIC = "CNNCSHRD";
const FORMAT_VERSION = 1;
const FIXED_BYTES = 16;
const HASH_BYTES = 32;
/** The names of a million genes are a tenth of that. */
const MOST_HEAD_BYTES = 1 << 28;

/** What every head says. */
export interface RecordHead {
  /** 32-bit words of a record. */
  readonly words: number;
  readonly records: number;
}

/** A file of records whose head is sound and whose size is right; what the records say was not checked. */
export interface RecordFile<Head extends RecordHead> extends SortedRun {
  readonly path: string;
  readonly head: Head;
  /**
   * Compares the records with their hash.
   *
   * @param onBytes is told how many more have been read
   * @throws CnncError `SHARD_DAMAGED`, `CANCELLED`
   */
  verify(signal?: AbortSignal, onBytes?: (bytes: number) => void): Promise<void>;
  close(): Promise<void>;
}

/**
 * Writes a file, through to the disk. `blocks` must have as many records as the head says.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`; whatever `blocks` throws
 */
export async function writeRecordFile(
  path: string,
  head: RecordHead,
  blocks: AsyncIterable<SortedBlock>,
): Promise<void> {
  const file = await guardWrites(path, () => open(path, "w"));
  try {
    await guardWrites(path, () => file.writeFile(headBytes(head)));
    const hash = createHash("sha256");
    let words = 0;
    for await (const { records } of blocks) {
      const bytes = new Uint8Array(records.buffer, records.byteOffset, records.byteLength);
      hash.update(bytes);
      words += records.length;
      await guardWrites(path, () => file.writeFile(bytes));
    }
    if (words !== head.records * head.words) {
      throw new RangeError(`${words} words for ${head.records} records of ${head.words}`);
    }
    await guardWrites(path, async () => {
      await file.writeFile(hash.digest());
      await file.sync();
    });
  } finally {
    await file.close();
  }
}

function headBytes(head: RecordHead): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const bytes = Buffer.alloc(FIXED_BYTES + text.length);
  bytes.write(MAGIC, "latin1");
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(text.length, 12);
  text.copy(bytes, FIXED_BYTES);
  return Buffer.concat([bytes, createHash("sha256").update(bytes).digest()]);
}

/** Whether a file starts like one that writeRecordFile wrote. */
export const isRecordFile = (start: Uint8Array): boolean =>
  Buffer.from(start.subarray(0, MAGIC.length)).toString("latin1") === MAGIC;

/**
 * Opens a file that writeRecordFile wrote. It is held open only while it is read.
 *
 * @throws CnncError `SHARD_UNREADABLE`, `NOT_A_SHARD`, `SHARD_NEWER`, `SHARD_DAMAGED`
 */
export async function openRecordFile<Head extends RecordHead>(path: string): Promise<RecordFile<Head>> {
  const { head, from } = await withFile(path, (file) => readHead<Head>(file, path));
  const length = 4 * head.words * head.records;
  let opened: Promise<FileHandle> | undefined;
  return {
    path,
    head,
    words: head.words * head.records,
    async read(target, position) {
      opened ??= openToRead(path);
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      await readWhole(await opened, bytes, from + 4 * position, path);
    },
    async close() {
      const file = opened;
      opened = undefined;
      await (await file)?.close();
    },
    verify: (signal, onBytes) => verifyRecords(path, from, length, signal, onBytes),
  };
}

async function readHead<Head extends RecordHead>(
  file: FileHandle,
  path: string,
): Promise<{ head: Head; from: number }> {
  const fixed = Buffer.alloc(FIXED_BYTES);
  const { bytesRead } = await file.read(fixed, 0, FIXED_BYTES, 0);
  if (!isRecordFile(fixed)) throw notAShard(path);
  if (bytesRead < FIXED_BYTES) throw damagedShard(path);
  const version = fixed.readUInt32LE(8);
  if (version > FORMAT_VERSION) throw newerShard(path, version, FORMAT_VERSION);
  const length = fixed.readUInt32LE(12);
  const { size } = await file.stat();
  const from = FIXED_BYTES + length + HASH_BYTES;
  if (version < 1 || length > MOST_HEAD_BYTES || from + HASH_BYTES > size) throw damagedShard(path);
  const rest = Buffer.alloc(length + HASH_BYTES);
  await readWhole(file, rest, FIXED_BYTES, path);
  const text = rest.subarray(0, length);
  const hash = createHash("sha256").update(fixed).update(text).digest();
  if (!hash.equals(rest.subarray(length))) throw damagedShard(path);
  const head = JSON.parse(text.toString()) as Head;
  if (from + 4 * head.words * head.records + HASH_BYTES !== size) throw damagedShard(path);
  return { head, from };
}

async function verifyRecords(
  path: string,
  from: number,
  length: number,
  signal: AbortSignal | undefined,
  onBytes: ((bytes: number) => void) | undefined,
): Promise<void> {
  const hash = createHash("sha256");
  if (length > 0) {
    const stream = createReadStream(path, { start: from, end: from + length - 1, highWaterMark: 1 << 20 });
    for await (const chunk of stream) {
      throwIfAborted(signal);
      hash.update(chunk);
      onBytes?.(chunk.length);
    }
  }
  const expected = Buffer.alloc(HASH_BYTES);
  await withFile(path, (file) => readWhole(file, expected, from + length, path));
  if (!hash.digest().equals(expected)) throw damagedShard(path);
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openToRead(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
    throw unreadableShard(path, cause);
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notAShard(path);
}

async function readWhole(
  file: FileHandle,
  target: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < target.length; ) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw damagedShard(path);
    done += bytesRead;
  }
}
