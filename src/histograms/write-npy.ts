import { type FileHandle, open, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { guardWrites, writeWholeFolder } from "../io/index.js";
import type { PairSource } from "../pairs/index.js";
import { throwIfAborted } from "../progress.js";
import { provenance } from "./provenance.js";
import type { HistogramSession } from "./session.js";
import type { WriteOptions } from "./write-hdf5.js";

/** Pairs [from, to) that go into one set of files. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * Writes the files that CNNC's own scripts read, into a new folder; part i has
 *
 * - `Nxdata_tf<i>.npy`: NEPDFs, float32, n x 32 x 32 x 1;
 * - `ydata_tf<i>.npy`: labels as text, if the pairs have any;
 * - `zdata_tf<i>.npy`: `geneA<tab>geneB`;
 *
 * and `cnnc.json` beside them says how they were made. The parts are those of {@link partsOf}.
 *
 * @returns the number of parts
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, `CANCELLED`; nothing is left at `path` then.
 */
export async function writeHistogramsNpy(
  session: HistogramSession,
  path: string,
  { signal, onProgress }: Omit<WriteOptions, "nepdf"> = {},
): Promise<number> {
  const { source, labels, store } = session;
  const parts = partsOf(source);
  await guardWrites(path, () =>
    writeWholeFolder(path, async (folder) => {
      await writeImages(session, parts, folder, {
        ...(signal && { signal }),
        ...(onProgress && { onProgress }),
      });
      for (const [index, { from, to }] of parts.entries()) {
        if (labels) {
          const text = Array.from(labels.subarray(from, to), String);
          await writeFile(join(folder, `ydata_tf${index}.npy`), textArray(text));
        }
        const names: string[] = [];
        for (const { a, b } of source.batches(1 << 16, from, to)) {
          a.forEach((gene, i) => {
            names.push(`${store.geneNames[gene]}\t${store.geneNames[b[i]]}`);
          });
        }
        await writeFile(join(folder, `zdata_tf${index}.npy`), textArray(names));
      }
      throwIfAborted(signal);
      const origin = provenance(session, await session.selection.origin(signal));
      await writeFile(
        join(folder, "cnnc.json"),
        `${JSON.stringify({ ...origin, kind: "nepdf", parts }, null, 2)}\n`,
      );
    }),
  );
  return parts.length;
}

/**
 * One part for each first gene if its pairs follow one another (as in CNNC's own data, where a part is a
 * regulator), else a single part.
 */
export function partsOf(source: PairSource): Part[] {
  const parts: Part[] = [];
  const seen = new Set<number>();
  let last = -1;
  for (const { first, a } of source.batches(1 << 16)) {
    for (let i = 0; i < a.length; i++) {
      if (a[i] === last) continue;
      if (seen.has(a[i])) return [{ from: 0, to: source.count }];
      seen.add(a[i]);
      last = a[i];
      parts.push({ from: first + i, to: source.count });
    }
  }
  return parts.map(({ from }, index) => ({ from, to: parts[index + 1]?.from ?? source.count }));
}

async function writeImages(
  session: HistogramSession,
  parts: readonly Part[],
  folder: string,
  { signal, onProgress }: Omit<WriteOptions, "nepdf">,
): Promise<void> {
  let part = -1;
  let file: FileHandle | undefined;
  try {
    for await (const { first, a, images } of session.batches({
      nepdf: true,
      temporaryFolder: dirname(folder),
      ...(signal && { signal }),
    })) {
      const end = first + a.length;
      for (let pair = first; pair < end; ) {
        if (part < 0 || pair >= parts[part].to) {
          part++;
          await file?.close();
          file = await open(join(folder, `Nxdata_tf${part}.npy`), "w");
          await file.writeFile(header("<f4", [parts[part].to - parts[part].from, 32, 32, 1]));
        }
        const stop = Math.min(end, parts[part].to);
        const rows = images.subarray((pair - first) * 1024, (stop - first) * 1024);
        await file?.writeFile(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
        pair = stop;
      }
      onProgress?.({ phase: "Building histograms", done: end, total: session.source.count, unit: "pairs" });
    }
  } finally {
    await file?.close();
  }
}

/** A one-dimensional numpy array of text (`<U`, UTF-32). */
function textArray(text: readonly string[]): Uint8Array {
  const codes = text.map((entry) => Array.from(entry, (character) => character.codePointAt(0) as number));
  const width = codes.reduce((longest, entry) => Math.max(longest, entry.length), 1);
  const data = new Uint32Array(text.length * width);
  codes.forEach((entry, index) => {
    data.set(entry, index * width);
  });
  return Buffer.concat([header(`<U${width}`, [text.length]), new Uint8Array(data.buffer)]);
}

/** Header of a numpy file, format 1.0: padded so that the data begin at a multiple of 64 bytes. */
function header(dtype: string, shape: readonly number[]): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = Buffer.alloc(10 + length, " ");
  bytes.write("\x93NUMPY\x01\x00", 0, "latin1");
  bytes.writeUInt16LE(length, 8);
  bytes.write(text, 10, "latin1");
  bytes.write("\n", 10 + length - 1, "latin1");
  return bytes;
}
