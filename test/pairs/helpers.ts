import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { CnncError } from "../../dist/errors.js";

const folder = mkdtempSync(join(tmpdir(), "cnnc-pairs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** Writes a file for one test and returns its path. */
export function fileOf(content: string | Uint8Array): string {
  const path = join(folder, `file-${++files}`);
  writeFileSync(path, content);
  return path;
}

/** The `CnncError` that an action ends in; the test fails if it ends in anything else. */
export async function errorOf(action: () => unknown): Promise<CnncError> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(CnncError);
    return error as CnncError;
  }
  throw new Error("no error was thrown");
}
