import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import { guardWrites } from "./output-file.js";

/** Temporary storage on disk. Positions are in bytes; arrays may be changed again when the promise settles. */
export interface ScratchFile {
  /** Writes all of `data`, anywhere. */
  write(data: ArrayBufferView, position: number): Promise<void>;
  /** Fills `target` with what was written from `position` on. */
  read(target: ArrayBufferView, position: number): Promise<void>;
  /** Gives the space back. */
  close(): Promise<void>;
}

let opened = 0;

/**
 * Opens a temporary file in `folder`. Its name is removed as soon as it is open, so that nothing is left behind
 * however the process ends; where the system cannot do that, `close` removes it.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, also from `write`
 */
export async function openScratchFile(folder: string): Promise<ScratchFile> {
  const path = join(folder, `.cnnc-scratch-${process.pid}-${++opened}`);
  const file = await guardWrites(path, () => open(path, "wx+"));
  const removed = await rm(path).then(
    () => true,
    () => false,
  );
  return {
    write: (data, position) =>
      guardWrites(path, () =>
        moveAll(data, position, async (...args) => (await file.write(...args)).bytesWritten),
      ),
    read: (target, position) =>
      moveAll(target, position, async (...args) => {
        const { bytesRead } = await file.read(...args);
        if (bytesRead === 0) throw new Error(`${path} is shorter than what was written to it`);
        return bytesRead;
      }),
    async close() {
      await file.close();
      if (!removed) await rm(path, { force: true });
    },
  };
}

/** Moves all bytes of `data`, in as many calls as the system needs. */
async function moveAll(
  { buffer, byteOffset, byteLength }: ArrayBufferView,
  position: number,
  move: (bytes: Uint8Array, offset: number, length: number, position: number) => Promise<number>,
): Promise<void> {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  for (let done = 0; done < bytes.length; ) {
    done += await move(bytes, done, bytes.length - done, position + done);
  }
}
