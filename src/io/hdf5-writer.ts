import type { Dataset, File, Group } from "h5wasm/node";
import { CnncError } from "../errors.js";

/** A dataset that grows along its first axis, and starts without rows. */
export interface GrowingDataset {
  /** Appends rows: the shape of `rows` is n x the dataset's row shape. */
  append(rows: WritableNumbers): void;
}

export type WritableNumbers =
  | Int8Array
  | Uint8Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | Float32Array
  | Float64Array;

export interface GrowingOptions {
  /** Lengths of the axes after the first; none by default. */
  readonly rowShape?: readonly number[];
  readonly chunkRows: number;
  /** gzip level; not compressed by default. */
  readonly gzip?: number;
}

/** An HDF5 file being written. Every method throws CnncError `DISK_FULL` or `WRITE_FAILED`. */
export interface Hdf5Writer {
  /** Makes a dataset to append to; it does not exist in the file before the first append. */
  growing(name: string, options: GrowingOptions): GrowingDataset;
  /** Groups on the way to `name` must exist. */
  write(name: string, data: WritableNumbers | string[], shape?: readonly number[]): void;
  group(name: string): void;
  /** Gives the group or dataset `path` (`/` for the file) an attribute. Whole numbers become int32. */
  attribute(path: string, name: string, value: string | number | string[] | BigInt64Array): void;
  /** Writes everything out and closes the file. */
  finish(): void;
  /** Closes the file after a failure; what is in it is of no use. */
  abandon(): void;
}

/**
 * Creates an HDF5 file, replacing any at that path. Memory is a few chunks.
 * Row blocks should be 16 MB or less: h5wasm's heap never shrinks.
 */
export async function createHdf5(path: string): Promise<Hdf5Writer> {
  // Only who writes pays for its 40 MB: files are read on threads that have a library of their own.
  const { default: h5wasm } = await import("h5wasm/node");
  const module = await h5wasm.ready;
  // Without this a full disk looks like success.
  module.activate_throwing_error_handler();
  const guard = <T>(action: () => T): T => {
    try {
      return action();
    } catch (cause) {
      throw writeError(path, cause);
    }
  };
  const file: File = guard(() => new h5wasm.File(path, "w"));
  return {
    growing: (name, options) => growingDataset(file, name, options, guard),
    write: (name, data, shape) =>
      void guard(() => file.create_dataset({ name, data, ...(shape && { shape: [...shape] }) })),
    group: (name) => void guard(() => file.create_group(name)),
    attribute: (path, name, value) =>
      guard(() => {
        const owner = file.get(path) as Group | Dataset;
        owner.create_attribute(name, value, null, Number.isInteger(value) ? "<i" : null);
      }),
    finish: () =>
      guard(() => {
        file.flush();
        file.close();
      }),
    abandon: () => {
      try {
        file.close();
      } catch {
        // The failure that led here has been reported already.
      }
    },
  };
}

function growingDataset(
  file: File,
  name: string,
  { rowShape = [], chunkRows, gzip }: GrowingOptions,
  guard: <T>(action: () => T) => T,
): GrowingDataset {
  const rowLength = rowShape.reduce((product, length) => product * length, 1);
  const whole = rowShape.map((length): [number, number] => [0, length]);
  let dataset: Dataset | undefined;
  let rows = 0;
  return {
    append(data) {
      const count = data.length / rowLength;
      guard(() => {
        if (dataset === undefined) {
          dataset = file.create_dataset({
            name,
            data,
            shape: [count, ...rowShape],
            maxshape: [null, ...rowShape],
            chunks: [chunkRows, ...rowShape],
            ...(gzip !== undefined && { compression: "gzip" as const, compression_opts: gzip }),
          });
        } else {
          dataset.resize([rows + count, ...rowShape]);
          dataset.write_slice([[rows, rows + count], ...whole], data);
        }
      });
      rows += count;
    },
  };
}

function writeError(temporary: string, cause: unknown): CnncError {
  // People know the file by its final name; see writeWhole.
  const path = temporary.replace(/\.partial-\d+$/, "");
  const trace = cause instanceof Error ? cause.message : String(cause);
  if (/No space left|quota exceeded/i.test(trace)) {
    return new CnncError(
      "DISK_FULL",
      `The disk is full: ${path} could not be finished.`,
      "Free some space.",
      { cause },
    );
  }
  const reason = /error message = '([^']+)'/.exec(trace)?.[1] ?? trace.split("\n", 1)[0];
  return new CnncError("WRITE_FAILED", `${path} cannot be written: ${reason}.`, "", { cause });
}
