import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contents, testFolder } from "../support/run-cnnc.js";
import { run, WORKFLOW } from "./support.js";

const SCRIPT = join(WORKFLOW, "profiles/slurm/status.sh");

/** A folder, and what status.sh says in it of a job, with these programs instead of Slurm's. */
function placeWith(programs: Record<string, string>) {
  const folder = testFolder();
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const name of ["bash", "sed", "head", "date", "mkdir", "rm"])
    symlinkSync(`/bin/${name}`, join(bin, name));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/bash\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const ask = async (patience = 1800) => {
    const env = { PATH: bin, CNNC_SLURM_PATIENCE: `${patience}` };
    const { code, stdout, stderr } = await run("/bin/bash", [SCRIPT, "17"], { cwd: folder, env });
    return { code, said: stdout.trim(), stderr };
  };
  return { folder, ask };
}

const knows = (state: string) =>
  `echo "JobId=17 JobName=x UserId=me JobState=\${STATE:-${state}} Reason=None"`;
const FORGOTTEN = 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1';
const SILENT = 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 1';

describe.skipIf(process.platform === "win32")("status.sh of the profile slurm", () => {
  it.each([
    ["RUNNING", "running"],
    ["PENDING", "running"],
    ["REQUEUE_HOLD", "running"],
    ["COMPLETED", "success"],
    ["FAILED", "failed"],
    ["OUT_OF_MEMORY", "failed"],
    ["TIMEOUT", "failed"],
  ])("takes %s for %s", async (state, said) => {
    expect(await placeWith({ scontrol: knows(state) }).ask()).toEqual({ code: 0, said, stderr: "" });
  });

  it.each([
    ["what the accounting knows", { sacct: "echo COMPLETED" }, "success"],
    ["nothing at all", {}, "failed"],
  ])("asks the accounting of jobs that scontrol has forgotten: %s", async (_, more, said) => {
    const { ask } = placeWith({ scontrol: FORGOTTEN, ...more });
    expect(await ask()).toEqual({ code: 0, said, stderr: "" });
  });

  it("fails where there is no scontrol", async () => {
    const { code, said, stderr } = await placeWith({}).ask();
    expect([code, said]).toEqual([1, ""]);
    expect(stderr).toMatch(/^status\.sh: there is no scontrol here/);
  });

  it("waits for a silent controller, but not for ever", async () => {
    const { ask, folder } = placeWith({ scontrol: SILENT });
    const logs = () => contents(join(folder, ".slurm-logs"));
    expect(await ask()).toEqual({ code: 0, said: "running", stderr: "" });
    expect(await ask()).toMatchObject({ said: "running" });
    expect(logs()).toEqual(["silent-since"]);
    const late = await ask(-1);
    expect([late.code, late.said]).toEqual([1, ""]);
    expect(late.stderr).toMatch(/Slurm has not answered for .*Unable to contact slurm controller/);
    expect(logs()).toEqual([]);
    await ask();
    writeFileSync(join(folder, "bin/scontrol"), `#!/bin/bash\n${knows("RUNNING")}\n`);
    expect(await ask()).toMatchObject({ said: "running" });
    expect(logs()).toEqual([]);
  });
});
