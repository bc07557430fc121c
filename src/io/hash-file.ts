import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { CnncError } from "../errors.js";
import { abortError } from "../progress.js";

/**
 * SHA-256 of a file, in hexadecimal; read in the background.
 *
 * @throws CnncError `FILE_UNREADABLE`, `CANCELLED`
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const options = { highWaterMark: 1 << 20, ...(signal && { signal }) };
  try {
    for await (const chunk of createReadStream(path, options)) hash.update(chunk);
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    const { message } = error as NodeJS.ErrnoException;
    throw new CnncError("FILE_UNREADABLE", `${path} cannot be read: ${message}.`, "Check the file.", {
      cause: error,
    });
  }
  return hash.digest("hex");
}
