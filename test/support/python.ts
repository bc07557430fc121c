import { spawnSync } from "node:child_process";

/** A Python with numpy and h5py, where there is one: readers that owe nothing to ours. */
export const PYTHON = ["python3", "/usr/bin/python3"].find(
  (candidate) => spawnSync(candidate, ["-c", "import h5py, numpy"]).status === 0,
);

/** What a script prints as JSON. */
export function runPython(script: string, args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(PYTHON as string, ["-c", script, ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
