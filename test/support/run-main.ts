import { vi } from "vitest";
import { main } from "../../dist/cli/cli.js";
import type { Outcome } from "./run-cnnc.js";

/**
 * Runs a command line in this process, where that is as good as a new one and faster. Not for concurrent
 * tests: it changes the folder and takes over what is printed.
 */
export async function runMain(
  args: readonly string[],
  cwd = process.cwd(),
): Promise<Omit<Outcome, "signal">> {
  const printed = { stdout: "", stderr: "" };
  const collect = (stream: "stdout" | "stderr") => (text: unknown) => {
    printed[stream] += `${text}`;
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(collect("stdout")),
    vi.spyOn(process.stderr, "write").mockImplementation(collect("stderr")),
    // yargs prints help and the version through the console.
    vi.spyOn(console, "log").mockImplementation(collect("stdout")),
  ];
  const before = process.cwd();
  process.chdir(cwd);
  try {
    return { code: await main(args), ...printed };
  } finally {
    process.chdir(before);
    for (const spy of spies) spy.mockRestore();
  }
}
