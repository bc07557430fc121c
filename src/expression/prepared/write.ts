import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { CnncError } from "../../errors.js";
import {
  fixedText,
  guardWrites,
  type PlacedArray,
  placeArrays,
  writeAll,
  writePlainHdf5,
  writeWhole,
} from "../../io/index.js";
import { addon } from "../../native/addon.js";
import { reporting, runJob } from "../../native/run-job.js";
import { type ProgressListener, throwIfAborted } from "../../progress.js";
import { VERSION } from "../../version.js";
import type { ExpressionSource } from "../source.js";
import type { ExpressionStore } from "../store.js";
import { FORMAT, FORMAT_VERSION, type PreparedFacts, preparedArrays } from "./format.js";

export interface WritePreparedOptions {
  /** What the store was built with. Default 0. */
  readonly minCells?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
}

/**
 * Writes a finished store into one HDF5 file (see format.ts) that openExpression reads at the speed of the disk.
 * Memory: the store's, and what its genes take without their entries.
 *
 * @param source what the store was built from
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, `FILE_UNREADABLE` (the source), `CANCELLED`; nothing is left at `path`
 *   then.
 */
export async function writePrepared(
  path: string,
  source: ExpressionSource,
  store: ExpressionStore,
  { minCells = 0, signal, onProgress }: WritePreparedOptions = {},
): Promise<PreparedFacts> {
  const failed = new AbortController();
  const facts = factsOf(
    source,
    store,
    minCells,
    AbortSignal.any([failed.signal, ...(signal ? [signal] : [])]),
  );
  // Its failure is reported where it is awaited.
  facts.catch(() => {});
  try {
    return await writeWhole(path, async (temporary) => {
      const file = await guardWrites(path, () => open(temporary, "w"));
      try {
        return await writeArrays(file, path, store, facts, signal, onProgress);
      } finally {
        await guardWrites(path, () => file.close());
      }
    });
  } catch (error) {
    failed.abort();
    throw error;
  }
}

async function factsOf(
  source: ExpressionSource,
  store: ExpressionStore,
  minCells: number,
  signal: AbortSignal,
): Promise<PreparedFacts> {
  const { matrix, geneNameSource, geneColumn, cells, obs, scale, transform } = source;
  const guess = await source.guessScale(signal);
  const { name, sha256 } = await source.origin(signal);
  return {
    cnncVersion: VERSION,
    source: name,
    sourceSha256: sha256,
    matrix: matrix.name,
    shape: matrix.shape,
    geneNameSource,
    geneColumn: geneColumn ?? null,
    cells,
    obs,
    scale,
    guess,
    transform,
    minCells: Math.max(minCells, source.minCells),
    rareGenes: source.rareGenes + store.rareGenes,
  };
}

async function writeArrays(
  file: FileHandle,
  path: string,
  store: ExpressionStore,
  facts: Promise<PreparedFacts>,
  signal: AbortSignal | undefined,
  onProgress: ProgressListener | undefined,
): Promise<PreparedFacts> {
  const { native, geneNames } = store;
  const names = geneNames.map((name) => Buffer.from(name));
  // At least 1: HDF5 has no text of no bytes.
  const nameBytes = names.reduce((most, { length }) => Math.max(most, length), 1);
  const sizes = { genes: native.genes, entries: native.entries, nameBytes, values: store.hasValues };
  // The entries come first, so that their places do not depend on how long the JSON is.
  const places = placesOf(placeArrays(preparedArrays({ ...sizes, madeBytes: 1 })));
  const checks = await writeEntries(file, path, store, places, signal, onProgress);

  // They come from reading the source, which goes on while the entries are written.
  const known = await facts;
  const made = Buffer.from(JSON.stringify(known));
  const placed = placeArrays(preparedArrays({ ...sizes, madeBytes: made.length }));
  const { edges, marginal, expressing, constant, zeroBin, stored } = native.geneArrays();
  const data: Record<string, ArrayBufferView> = {
    genes: fixedText(names, nameBytes),
    columns: store.columns,
    first: sums(stored),
    zero_bin: zeroBin,
    marginal,
    edges,
    expressing,
    constant,
    cell_checks: checks.cells,
    ...(checks.values && { value_checks: checks.values }),
    made,
  };
  await guardWrites(path, async () => {
    const hash = createHash("sha256");
    for (const { name, at } of placed) {
      const view = data[name];
      if (view === undefined) continue;
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      hash.update(bytes);
      await writeAll(file, bytes, at);
    }
    await writePlainHdf5(file, placed, {
      format: FORMAT,
      format_version: FORMAT_VERSION,
      sha256: hash.digest("hex"),
    });
  });
  throwIfAborted(signal);
  return known;
}

async function writeEntries(
  file: FileHandle,
  path: string,
  { native }: ExpressionStore,
  places: ReturnType<typeof placesOf>,
  signal: AbortSignal | undefined,
  onProgress: ProgressListener | undefined,
): Promise<{ cells: BigUint64Array; values?: BigUint64Array }> {
  let checks: { cells: BigUint64Array; values?: BigUint64Array } | undefined;
  const progress = { phase: "Writing the store", unit: "entries", total: native.entries, onProgress };
  try {
    await runJob(path, signal, (job) =>
      reporting(job, progress, async () => {
        checks = await addon().writeEntries(native, { file: file.fd, ...places }, job);
      }),
    );
  } catch (error) {
    throw writeError(error, path);
  }
  return checks as NonNullable<typeof checks>;
}

function writeError(error: unknown, path: string): unknown {
  if (!(error instanceof CnncError)) return error;
  if (error.code === "DISK_FULL") {
    const message = `The disk is full: ${path} could not be finished.`;
    return new CnncError(error.code, message, "Free some space.", { cause: error });
  }
  if (error.code !== "WRITE_FAILED") return error;
  const { message } = error.cause as Error;
  return new CnncError(error.code, `${path} cannot be written: ${message}.`, "", { cause: error });
}

/** Where a file has the entries of its genes. */
export function placesOf(arrays: Iterable<PlacedArray>): { cellIds: number; bins: number; values: number } {
  const at = new Map(Array.from(arrays, (array) => [array.name, array.at]));
  return { cellIds: at.get("cell_ids") ?? 0, bins: at.get("bins") ?? 0, values: at.get("values") ?? 0 };
}

/** Where each of consecutive parts begins, and where all end. */
function sums(lengths: Uint32Array): BigUint64Array {
  const starts = new BigUint64Array(lengths.length + 1);
  lengths.forEach((length, i) => {
    starts[i + 1] = starts[i] + BigInt(length);
  });
  return starts;
}
