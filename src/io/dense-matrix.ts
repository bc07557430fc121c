import type { Hdf5File } from "./hdf5-file.js";
import type { DatasetNode } from "./hdf5-node.js";
import { assertReadable, type BlockRequest, type Matrix, type MatrixPlace } from "./matrix.js";
import { allocateNumbers, copyNumbers } from "./numbers.js";
import { readAhead, readsAhead } from "./read-ahead.js";
import type { DenseBlock, Numbers } from "./types.js";

/** HDF5's memory in a thread never shrinks, so reads are cut to about this size. */
const MAX_READ_BYTES = 1 << 24;

/** A band of whole chunks is held in memory up to this size; beyond it, chunks are decompressed repeatedly. */
const MAX_BAND_BYTES = 1 << 26;

/**
 * Opens a 2-D dataset of cells x genes, row-major, whose shape the caller has checked.
 *
 * @throws CnncError `UNSUPPORTED_DTYPE`, `CHUNK_TOO_LARGE`.
 */
export function openDenseMatrix(file: Hdf5File, place: MatrixPlace, dataset: DatasetNode): Matrix {
  assertReadable(file.path, dataset);
  const [cells, minors] = dataset.shape as [number, number];
  return {
    info: {
      name: place.name,
      path: place.path,
      encoding: "dense",
      dtype: dataset.dtype,
      shape: [cells, minors],
      majorAxis: "cell",
      storedValues: cells * minors,
      chunked: dataset.chunks !== null,
      filters: dataset.filters,
    },
    blocks: (request) => denseBlocks(file, dataset, request),
  };
}

/** A band is a run of rows that is read at once: blocks are cut from it. */
async function* denseBlocks(
  file: Hdf5File,
  dataset: DatasetNode,
  request: BlockRequest,
): AsyncGenerator<DenseBlock> {
  const [cells, minors] = dataset.shape as [number, number];
  const rowsPerBlock = Math.max(1, Math.min(cells, Math.floor(request.maxEntries / Math.max(1, minors))));
  const rowsPerBand = bandRows(dataset, rowsPerBlock);
  const bandBytes = rowsPerBand * minors * dataset.itemBytes;
  const bands = readAhead(
    Math.ceil(cells / rowsPerBand),
    readsAhead(request.workers, Math.max(1, bandBytes)),
    (position) =>
      readBand(file, dataset, position * rowsPerBand, Math.min(cells, (position + 1) * rowsPerBand), request),
  );
  let bandFirst = 0;
  for await (const band of bands) {
    const bandEnd = Math.min(cells, bandFirst + rowsPerBand);
    for (let first = bandFirst; first < bandEnd; first += rowsPerBlock) {
      request.signal?.throwIfAborted();
      const count = Math.min(rowsPerBlock, bandEnd - first);
      const from = (first - bandFirst) * minors;
      yield { kind: "dense", first, count, values: band.slice(from, from + count * minors) };
    }
    bandFirst = bandEnd;
  }
}

/** A multiple of the chunks' height near `rowsPerBlock`, so that each chunk is decompressed once. */
function bandRows({ shape, chunks, itemBytes }: DatasetNode, rowsPerBlock: number): number {
  const [cells, minors] = shape as [number, number];
  const chunkRows = chunks?.[0] ?? 1;
  const whole = chunkRows * Math.max(1, Math.floor(rowsPerBlock / chunkRows));
  const affordable = Math.max(1, Math.floor(MAX_BAND_BYTES / Math.max(1, minors * itemBytes)));
  return Math.min(whole, Math.max(rowsPerBlock, affordable), Math.max(1, cells));
}

/** Rows `[first, end)`, read as tiles of whole chunk columns side by side. */
async function readBand(
  file: Hdf5File,
  dataset: DatasetNode,
  first: number,
  end: number,
  request: BlockRequest,
): Promise<Numbers> {
  const minors = dataset.shape?.[1] ?? 0;
  const chunkColumns = dataset.chunks?.[1] ?? 1;
  const affordable = MAX_READ_BYTES / ((end - first) * dataset.itemBytes);
  const tileColumns = chunkColumns * Math.max(1, Math.floor(affordable / chunkColumns));
  if (tileColumns >= minors) {
    return file.read(
      dataset.path,
      [
        [first, end],
        [0, minors],
      ],
      request,
    );
  }
  const band = allocateNumbers(dataset.dtype, (end - first) * minors);
  const tiles = Array.from({ length: Math.ceil(minors / tileColumns) }, async (_, tile) => {
    const left = tile * tileColumns;
    const right = Math.min(minors, left + tileColumns);
    const values = await file.read(
      dataset.path,
      [
        [first, end],
        [left, right],
      ],
      request,
    );
    const width = right - left;
    for (let row = 0; row < end - first; row++) {
      copyNumbers(band, row * minors + left, values, row * width, (row + 1) * width);
    }
  });
  await Promise.all(tiles);
  return band;
}
