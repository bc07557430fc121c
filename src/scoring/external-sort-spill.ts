import { openScratchFile } from "../io/index.js";

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

/**
 * Opens a temporary file in `folder`, which goes however the process ends; see openScratchFile.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`, also from `append`
 */
export async function openSpillFile(folder: string): Promise<SpillFile> {
  const file = await openScratchFile(folder);
  let words = 0;
  return {
    get words() {
      return words;
    },
    async append(data) {
      await file.write(data, 4 * words);
      words += data.length;
    },
    read: (target, position) => file.read(target, 4 * position),
    close: () => file.close(),
  };
}
