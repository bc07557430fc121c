import { createHash } from "node:crypto";
import { CnncError } from "../errors.js";
import { type Hdf5File, openHdf5 } from "../io/hdf5-file.js";
import type { DatasetNode } from "../io/hdf5-node.js";
import { readAhead } from "../io/read-ahead.js";
import type { CountArray } from "../native/addon-types.js";
import type { PairRange } from "../pairs/index.js";
import { throwIfAborted } from "../progress.js";
import { IMAGE_SIZE } from "./batches.js";

/** Histograms of gene pairs that writeHistogramsHdf5 wrote as counts. */
export interface HistogramFile {
  readonly path: string;
  readonly geneNames: readonly string[];
  /** Pairs. */
  readonly count: number;
  /** Cells that each histogram counts. */
  readonly cells: number;
  /** What the file says of how the values were read and what was binned; undefined where it says nothing. */
  readonly scale?: string;
  readonly transform?: string;
  /** Whether it means something which gene of a pair comes first; so it is taken to be where a file does not say. */
  readonly ordered: boolean;
  /** All histograms in order; every batch owns its arrays. */
  batches(options?: CountBatchOptions): AsyncGenerator<CountBatch, void, void>;
  /**
   * SHA-256 of all that is in the file but the counts, which would take as long as scoring them: of the pairs, of the
   * genes and how they were binned, and of how the file was made.
   *
   * @throws CnncError `CANCELLED`
   */
  digest(signal?: AbortSignal): Promise<string>;
  close(): void;
}

export interface CountBatchOptions {
  /** Pairs per batch. Default 4096: 8 MB of 16-bit counts. */
  readonly batchSize?: number;
  /** Only these pairs. Default: all. */
  readonly range?: PairRange;
  readonly signal?: AbortSignal;
}

export interface CountBatch {
  /** Position of the batch's first pair in the file. */
  readonly first: number;
  /** Genes, as positions in `geneNames`. */
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  /** pairs x 32 x 32, laid out as in HistogramBatch. */
  readonly counts: CountArray;
}

/**
 * Opens a file of histograms. What is read is checked: genes that exist, histograms that count all cells.
 *
 * @throws CnncError of openHdf5; `NOT_HISTOGRAMS`, `HISTOGRAMS_ARE_NEPDFS`, `FILE_CORRUPT`; batches also `CANCELLED`
 */
export async function openHistogramFile(path: string): Promise<HistogramFile> {
  const file = await openHdf5(path);
  try {
    const { counts, pairs, genes } = await findDatasets(file);
    const count = checkShapes(path, counts, pairs);
    const { cells, scale, transform, ordered } = (await file.node("/"))?.attributes ?? {};
    if (typeof cells !== "number" || !(cells >= 1)) {
      throw notHistograms(path, "does not say of how many cells");
    }
    const geneNames = await file.readAll(genes);
    if (!Array.isArray(geneNames)) throw corrupt(path, "its genes have no names");
    return {
      path,
      geneNames,
      count,
      cells,
      ...(typeof scale === "string" && { scale }),
      ...(typeof transform === "string" && { transform }),
      ordered: ordered !== 0,
      batches: ({ batchSize = 4096, range = { from: 0, to: count }, signal } = {}) =>
        readBatches(file, { range, cells, genes: geneNames.length }, batchSize, signal),
      digest: (signal) => digestOf(file, signal),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function findDatasets(file: Hdf5File): Promise<Record<"counts" | "pairs" | "genes", DatasetNode>> {
  const dataset = async (name: string): Promise<DatasetNode> => {
    const node = await file.node(name);
    if (node?.kind === "dataset") return node;
    throw notHistograms(file.path, `has no dataset ${name}`);
  };
  if ((await file.node("nepdf")) !== undefined && (await file.node("counts")) === undefined) {
    throw new CnncError(
      "HISTOGRAMS_ARE_NEPDFS",
      `${file.path} holds NEPDFs, from which the counts cannot be told.`,
      "Build it again without --nepdf.",
    );
  }
  return { counts: await dataset("counts"), pairs: await dataset("pairs"), genes: await dataset("genes") };
}

/** @returns the number of pairs */
function checkShapes(path: string, counts: DatasetNode, pairs: DatasetNode): number {
  const [count, ...image] = counts.shape ?? [];
  if (image.join(" x ") !== "32 x 32" || !/^uint(8|16|32)$/.test(counts.dtype)) {
    const shape = counts.shape?.join(" x ") ?? "nothing";
    throw corrupt(path, `its counts are ${shape} of ${counts.dtype}, not pairs x 32 x 32 whole numbers`);
  }
  if (pairs.shape?.join(" x ") !== `${count} x 2` || pairs.dtype !== "uint32") {
    const shape = pairs.shape?.join(" x ") ?? "nothing";
    throw corrupt(path, `its pairs are ${shape} of ${pairs.dtype}, and there are ${count} histograms`);
  }
  return count;
}

interface Expected {
  readonly range: PairRange;
  readonly cells: number;
  readonly genes: number;
}

async function* readBatches(
  file: Hdf5File,
  expected: Expected,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<CountBatch, void, void> {
  const options = { workers: 2, ...(signal && { signal }) };
  const { from, to } = expected.range;
  const read = async (position: number) => {
    const first = from + position * size;
    const range: [number, number] = [first, Math.min(to, first + size)];
    const whole: [number, number] = [0, 32];
    const [counts, pairs] = await Promise.all([
      file.read("counts", [range, whole, whole], options),
      file.read("pairs", [range, [0, 2]], options),
    ]);
    return { first, counts: counts as CountArray, pairs: pairs as Uint32Array };
  };
  for await (const { first, counts, pairs } of readAhead(Math.ceil((to - from) / size), 1, read)) {
    throwIfAborted(signal);
    const length = pairs.length / 2;
    const batch = {
      first,
      a: Uint32Array.from({ length }, (_, i) => pairs[2 * i]),
      b: Uint32Array.from({ length }, (_, i) => pairs[2 * i + 1]),
      counts,
    };
    checkBatch(file.path, batch, expected);
    yield batch;
  }
}

/** Rows of `pairs` that are hashed at a time. */
const ROWS_PER_READ = 1 << 20;

async function digestOf(file: Hdf5File, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify((await file.node("/"))?.attributes));
  hash.update(`${file.bytes}`);
  for (const name of ["genes", "edges", "expressing", "pairs"]) {
    const node = await file.node(name);
    if (node?.kind !== "dataset") continue;
    hash.update(`${name} ${node.dtype} ${node.shape}`);
    if (node.dtype === "string") {
      hash.update(JSON.stringify(await file.readAll(node)));
      continue;
    }
    const [rows, ...rest] = node.shape ?? [];
    for (let first = 0; first < rows; first += ROWS_PER_READ) {
      throwIfAborted(signal);
      const ranges = [[first, Math.min(rows, first + ROWS_PER_READ)], ...rest.map((length) => [0, length])];
      const { buffer, byteOffset, byteLength } = await file.read(name, ranges as [number, number][]);
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }
  return hash.digest("hex");
}

/** @throws CnncError `FILE_CORRUPT` */
function checkBatch(path: string, { first, a, b, counts }: CountBatch, { cells, genes }: Expected): void {
  for (let i = 0; i < a.length; i++) {
    if (a[i] >= genes || b[i] >= genes) {
      throw corrupt(path, `pair ${first + i} has gene ${Math.max(a[i], b[i])}, and there are ${genes} genes`);
    }
    let sum = 0;
    for (let bin = IMAGE_SIZE * i; bin < IMAGE_SIZE * (i + 1); bin++) sum += counts[bin];
    if (sum !== cells)
      throw corrupt(path, `the histogram of pair ${first + i} counts ${sum} cells of ${cells}`);
  }
}

const notHistograms = (path: string, what: string) =>
  new CnncError(
    "NOT_HISTOGRAMS",
    `${path} ${what}, so it is no file of histograms.`,
    "Give a file that cnnc build-histograms wrote.",
  );

const corrupt = (path: string, what: string) =>
  new CnncError("FILE_CORRUPT", `${path} is damaged: ${what}.`, "Build the histograms again.");
