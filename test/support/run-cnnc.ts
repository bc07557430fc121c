import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** The command line as users start it. */
export const CNNC = fileURLToPath(new URL("../../bin/cnnc.js", import.meta.url));

export interface Outcome {
  code: number | null;
  /** Set when the process died of a signal. */
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

const scratch = mkdtempSync(join(tmpdir(), "cnnc-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A folder of its own for one test, removed with all others at the end. */
export const testFolder = (): string => mkdtempSync(join(scratch, "test-"));

/** Everything in a folder, hidden files too. */
export const contents = (folder: string): string[] => readdirSync(folder).sort();

/** Runs `cnnc args...` in `cwd`. */
export function runCnnc(args: readonly string[], cwd: string): Promise<Outcome> {
  return outcomeOf(startCnnc(args, cwd));
}

/** @param env is added to this process's */
export function startCnnc(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): ChildProcess {
  return spawn(process.execPath, [CNNC, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Waits for a process and collects what it prints. */
export function outcomeOf(child: ChildProcess): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr?.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject).on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}
