import { createHash } from "node:crypto";
import { type FileHandle, open, stat } from "node:fs/promises";
import { CnncError } from "../../errors.js";
import { type PlacedArray, type PlainFile, readPlainHdf5 } from "../../io/index.js";
import { addon } from "../../native/addon.js";
import type { NativePreparedGenes, NativeStore } from "../../native/addon-types.js";
import { reporting, runJob } from "../../native/run-job.js";
import type { ProgressListener } from "../../progress.js";
import {
  damaged,
  ENTRY_ARRAYS,
  FORMAT,
  FORMAT_VERSION,
  type PreparedFacts,
  preparedArrays,
} from "./format.js";
import { placesOf } from "./write.js";

/** A prepared store, of which everything but the entries has been read and checked against its SHA-256. */
export interface PreparedFile {
  readonly path: string;
  readonly facts: PreparedFacts;
  /** Stands for everything in the store. */
  readonly sha256: string;
  readonly geneNames: readonly string[];
  /** Column of the matrix that each gene comes from, ascending. */
  readonly columns: Uint32Array;
  /** Cells that express each gene. */
  readonly expressing: Uint32Array;
  readonly entries: number;
  readonly hasValues: boolean;
  /** What native code takes of each gene, as in the file: not checked yet. */
  readonly genes: Omit<NativePreparedGenes, "valueChecks">;
  /**
   * Reads the store of some genes, ascending, and nothing of the others; checks all that it reads.
   *
   * @throws CnncError `STORE_DAMAGED`, `FILE_UNREADABLE`, `OUT_OF_MEMORY`, `CANCELLED`
   */
  load(genes: Uint32Array, options: LoadOptions): Promise<NativeStore>;
  close(): void;
}

export interface LoadOptions {
  readonly values: boolean;
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/**
 * Opens a file that writePrepared wrote; `undefined` for any other, which is known by what is in it. A file that is cut
 * off or whose structure is damaged is another file too: any HDF5 library says what is wrong with it.
 *
 * @throws CnncError `STORE_TOO_NEW`, `STORE_DAMAGED`
 */
export async function openPrepared(path: string): Promise<PreparedFile | undefined> {
  // What is wrong with a path is said by whoever opens it next.
  const isFile = await stat(path).then(
    (status) => status.isFile(),
    () => false,
  );
  const file = isFile ? await open(path).catch(() => undefined) : undefined;
  if (file === undefined) return undefined;
  try {
    const plain = await readPlainHdf5(file);
    if (plain?.attributes.get("format") === FORMAT) return await readPrepared(path, file, plain);
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return undefined;
}

async function readPrepared(path: string, file: FileHandle, plain: PlainFile): Promise<PreparedFile> {
  const version = plain.attributes.get("format_version");
  if (typeof version === "number" && version > FORMAT_VERSION) {
    throw new CnncError(
      "STORE_TOO_NEW",
      `${path} was prepared by a newer cnnc: its format is ${version}, and this one knows ${FORMAT_VERSION}.`,
      "Update cnnc, or prepare it again with this one.",
    );
  }
  const sha256 = plain.attributes.get("sha256");
  if (version !== FORMAT_VERSION || typeof sha256 !== "string")
    throw damaged(path, "it does not say what it is");
  checkArrays(path, plain);
  const data = await readArrays(file, plain);
  if (data.sha256 !== sha256) throw damaged(path, "its genes are not those that were written");

  const facts = parseFacts(path, data.bytes("made"));
  const first = new BigUint64Array(data.buffer("first"));
  const entries = (plain.arrays.get("cell_ids") as PlacedArray).shape[0];
  if (first[first.length - 1] !== BigInt(entries))
    throw damaged(path, "its genes do not end where they should");
  const { shape, type } = plain.arrays.get("genes") as PlacedArray;
  const expressing = new Uint32Array(data.buffer("expressing"));
  const hasValues = plain.arrays.has("values");
  const genes = {
    cells: facts.cells,
    first,
    zeroBin: new Uint8Array(data.buffer("zero_bin")),
    marginal: new Uint32Array(data.buffer("marginal")),
    edges: new Float64Array(data.buffer("edges")),
    expressing,
    constant: new Uint8Array(data.buffer("constant")),
    cellChecks: new BigUint64Array(data.buffer("cell_checks")),
  };
  const valueChecks = hasValues ? new BigUint64Array(data.buffer("value_checks")) : undefined;
  const geneNames = parseNames(data.bytes("genes"), shape[0], (type as { text: number }).text);
  return {
    path,
    facts,
    sha256,
    geneNames,
    columns: new Uint32Array(data.buffer("columns")),
    expressing,
    entries,
    hasValues,
    genes,
    async load(chosen, { values, threads, signal, onProgress }) {
      const total = Array.from(chosen).reduce((sum, gene) => sum + Number(first[gene + 1] - first[gene]), 0);
      const progress = { phase: "Reading the store", unit: "entries", total, onProgress };
      const places = { file: file.fd, ...placesOf(plain.arrays.values()) };
      const prepared = { ...genes, ...(values && valueChecks && { valueChecks }) };
      let store: NativeStore | undefined;
      try {
        await runJob(path, signal, (job) =>
          reporting(job, progress, async () => {
            store = await addon().readEntries(prepared, places, chosen, threads, job);
          }),
        );
      } catch (error) {
        throw loadError(error, path, geneNames);
      }
      return store as NativeStore;
    },
    close: () => void file.close(),
  };
}

/** Whether the arrays are those of a prepared store, of sizes that fit together. */
function checkArrays(path: string, { arrays }: PlainFile): void {
  const length = (name: string) => arrays.get(name)?.shape[0] ?? 0;
  const width = (name: string) => {
    const type = arrays.get(name)?.type;
    return typeof type === "object" ? type.text : 1;
  };
  const expected = preparedArrays({
    genes: length("genes"),
    entries: length("cell_ids"),
    nameBytes: width("genes"),
    madeBytes: width("made"),
    values: arrays.has("values"),
  });
  for (const { name, type, shape } of expected) {
    const found = arrays.get(name);
    if (JSON.stringify([found?.type, found?.shape]) !== JSON.stringify([type, shape])) {
      throw damaged(path, `its ${name} is not what it should be`);
    }
  }
}

/** All arrays but the entries, and the SHA-256 of their bytes. */
async function readArrays(file: FileHandle, { arrays }: PlainFile) {
  const hash = createHash("sha256");
  const buffers = new Map<string, ArrayBuffer>();
  const wanted = preparedOrder(arrays);
  for (const { name, at, bytes } of wanted) {
    const buffer = new ArrayBuffer(bytes);
    const view = new Uint8Array(buffer);
    for (let done = 0; done < bytes; ) {
      const { bytesRead } = await file.read(view, done, bytes - done, at + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    hash.update(view);
    buffers.set(name, buffer);
  }
  const buffer = (name: string) => buffers.get(name) as ArrayBuffer;
  return { sha256: hash.digest("hex"), buffer, bytes: (name: string) => Buffer.from(buffer(name)) };
}

/** In the order in which they were written, which is that of their places. */
const preparedOrder = (arrays: ReadonlyMap<string, PlacedArray>): PlacedArray[] =>
  [...arrays.values()].filter(({ name }) => !ENTRY_ARRAYS.has(name)).sort((one, other) => one.at - other.at);

function parseNames(bytes: Buffer, count: number, width: number): string[] {
  return Array.from({ length: count }, (_, gene) => {
    const name = bytes.subarray(gene * width, (gene + 1) * width);
    const end = name.indexOf(0);
    return (end < 0 ? name : name.subarray(0, end)).toString();
  });
}

/** @throws CnncError `STORE_DAMAGED` */
function parseFacts(path: string, json: Buffer): PreparedFacts {
  let facts: Partial<PreparedFacts> | null = null;
  try {
    facts = JSON.parse(json.toString());
  } catch {
    // Said below.
  }
  const { cells, source, sourceSha256, matrix, scale, guess, transform, obs, shape } = facts ?? {};
  const texts = [source, sourceSha256, matrix, scale?.name, scale?.reason, guess?.name, transform];
  const sound =
    texts.every((text) => typeof text === "string") &&
    Number.isInteger(cells) &&
    (cells as number) >= 2 &&
    (cells as number) < 2 ** 32 &&
    Array.isArray(obs) &&
    Array.isArray(shape);
  if (!sound) throw damaged(path, "what it says of how it was made cannot be read");
  return facts as PreparedFacts;
}

/** Names the gene of a native error. */
function loadError(error: unknown, path: string, geneNames: readonly string[]): unknown {
  if (!(error instanceof CnncError)) return error;
  const { message, gene } = (error.cause ?? {}) as { message?: string; gene?: number };
  switch (error.code) {
    case "STORE_DAMAGED":
      return damaged(path, gene === undefined ? `${message}` : `of gene ${geneNames[gene]}, ${message}`);
    case "FILE_TRUNCATED":
      return damaged(path, "it is cut off");
    case "OUT_OF_MEMORY":
      return new CnncError(
        error.code,
        `There is not enough memory for the store in ${path}.`,
        "Choose fewer genes, or use a machine with more memory.",
        { cause: error },
      );
    default:
      return error;
  }
}
