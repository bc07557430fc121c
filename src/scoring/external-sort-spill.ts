import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { guardWrites } from "../io/index.js";

/** Temporary storage of sorted runs of 32-bit words. Positions and lengths are in words. */
export interface SpillFile {
  /** Words written so far. */
  readonly words: number;
  /** Writes at the end; `data` may be changed again when the promise settles. */
  append(data: Uint32Array): Promise<void>;
  /** Fills `target` with the words from `position` on. */
  read(target: Uint32Array, position: number): Promise<void>;
  /** Gives the space back. */
  close(): Promise<void>;
}

let spills = 0;

/**
 * Opens a temporary file in `folder`. Its name is removed as soon as it is open, so that nothing is left behind
 * however the process ends; where the system cannot do that, `close` removes it.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, also from `append`
 */
export async function openSpillFile(folder: string): Promise<SpillFile> {
  const path = join(folder, `.cnnc-sorting-${process.pid}-${++spills}`);
  const file = await guardWrites(path, () => open(path, "wx+"));
  const removed = await rm(path).then(
    () => true,
    () => false,
  );
  let words = 0;
  return {
    get words() {
      return words;
    },
    async append(data) {
      await guardWrites(path, () => transfer(data, words, (...args) => file.write(...args)));
      words += data.length;
    },
    async read(target, position) {
      await transfer(target, position, async (...args) => {
        const { bytesRead } = await file.read(...args);
        if (bytesRead === 0) throw new Error(`${path} is shorter than what was written to it`);
        return { bytesWritten: bytesRead };
      });
    },
    async close() {
      await file.close();
      if (!removed) await rm(path, { force: true });
    },
  };
}

/** Moves all bytes of `data`, in as many calls as the system needs. */
async function transfer(
  data: Uint32Array,
  position: number,
  move: (
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ) => Promise<{ bytesWritten: number }>,
): Promise<void> {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await move(bytes, done, bytes.length - done, position * 4 + done);
    done += bytesWritten;
  }
}
