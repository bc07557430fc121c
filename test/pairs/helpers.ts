import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "cnnc-pairs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** Writes a file for one test and returns its path. */
export function fileOf(content: string | Uint8Array): string {
  const path = join(folder, `file-${++files}`);
  writeFileSync(path, content);
  return path;
}

export { errorOf } from "../support/errors.js";
