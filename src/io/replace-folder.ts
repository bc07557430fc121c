import { cp, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Lets `write` make the files of a folder under a temporary name, and puts it in the place of the one at `path`, if
 * there is one; files of that one which `write` does not make are kept. A process that is killed at any moment
 * leaves the old folder or the new one whole, at `path` or where restoreReplaced finds it.
 *
 * @param path without a slash at the end
 */
export async function replaceWholeFolder<T>(
  path: string,
  write: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.partial-${process.pid}`;
  await restoreReplaced(path);
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary);
    const result = await write(temporary);
    await keepOthers(path, temporary);
    await swap(path, temporary);
    return result;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/** Puts a folder back that was about to be replaced when the process was killed. */
export async function restoreReplaced(path: string): Promise<void> {
  if (!(await exists(path)) && (await exists(aside(path)))) await rename(aside(path), path);
}

/** Where the old folder is for the moment that the new one takes to get its name: a folder cannot replace another. */
const aside = (path: string) => `${path}.replaced`;

async function keepOthers(path: string, temporary: string): Promise<void> {
  const entries = await readdir(path).catch(() => []);
  for (const entry of entries) {
    const copy = join(temporary, entry);
    if (!(await exists(copy))) await cp(join(path, entry), copy, { recursive: true });
  }
}

async function swap(path: string, temporary: string): Promise<void> {
  if (!(await exists(path))) return rename(temporary, path);
  await rm(aside(path), { recursive: true, force: true });
  await rename(path, aside(path));
  try {
    await rename(temporary, path);
  } catch (error) {
    await restoreReplaced(path);
    throw error;
  }
  await rm(aside(path), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
