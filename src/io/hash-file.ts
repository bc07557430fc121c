import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { abortError } from "../progress.js";

/**
 * SHA-256 of a file, in hexadecimal; read in the background.
 *
 * @throws CnncError `CANCELLED`
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const options = { highWaterMark: 1 << 20, ...(signal && { signal }) };
  try {
    for await (const chunk of createReadStream(path, options)) hash.update(chunk);
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : error;
  }
  return hash.digest("hex");
}
