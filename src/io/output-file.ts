import { access, constants, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CnncError } from "../errors.js";
import { shellQuoted } from "../shell-quote.js";

/**
 * Checks, before any work is done, that a file can be made at `path`.
 *
 * @throws CnncError `OUTPUT_FOLDER_MISSING`, `OUTPUT_NOT_WRITABLE`, `OUTPUT_IS_FOLDER`
 */
export async function checkOutputFile(path: string): Promise<void> {
  await checkParent(path);
  const existing = await stat(path).catch(() => undefined);
  if (existing?.isDirectory()) {
    throw new CnncError("OUTPUT_IS_FOLDER", `${path} is a folder.`, "Name a file with -o.");
  }
}

async function checkParent(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new CnncError(
      "OUTPUT_FOLDER_MISSING",
      `The folder ${folder} does not exist.`,
      `Make it: mkdir -p ${shellQuoted(folder)}`,
    );
  }
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new CnncError(
      "OUTPUT_NOT_WRITABLE",
      `The folder ${folder} cannot be written to.`,
      "Choose another with -o.",
      {
        cause,
      },
    );
  });
}

/**
 * Lets `write` make a file under a temporary name beside `path`, and gives it its final name when that
 * succeeds. After a failure nothing is left.
 */
export async function writeWhole<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = `${path}.partial-${process.pid}`;
  try {
    const result = await write(temporary);
    await rename(temporary, path);
    return result;
  } catch (error) {
    await rm(temporary, { force: true, recursive: true });
    throw error;
  }
}

/**
 * The same for a folder of files.
 *
 * @throws CnncError `OUTPUT_FOLDER_MISSING`, `OUTPUT_NOT_WRITABLE`, `OUTPUT_EXISTS`
 */
export async function writeWholeFolder<T>(
  path: string,
  write: (temporary: string) => Promise<T>,
): Promise<T> {
  return writeWhole(path, async (temporary) => {
    await mkdir(temporary);
    return write(temporary);
  });
}

/** Checks, before any work is done, that a folder can be made at `path`. */
export async function checkOutputFolder(path: string): Promise<void> {
  await checkParent(path);
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined) {
    throw new CnncError(
      "OUTPUT_EXISTS",
      `${path} exists already.`,
      "Name a new folder with -o, or remove that one.",
    );
  }
}

/**
 * Runs an action that writes at `path`, and says so where the system would not let it.
 *
 * @throws CnncError `DISK_FULL`, `WRITE_FAILED`; other errors of the action as they are
 */
export async function guardWrites<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new CnncError(
        "DISK_FULL",
        `The disk is full: ${path} could not be finished.`,
        "Free some space.",
        { cause },
      );
    }
    if (cause instanceof CnncError || code === undefined) throw cause;
    throw new CnncError("WRITE_FAILED", `${path} cannot be written: ${(cause as Error).message}.`, "", {
      cause,
    });
  }
}
