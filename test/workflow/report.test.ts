import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { testFolder } from "../support/run-cnnc.js";
import { missing, SAMPLE, WORKFLOW } from "./support.js";

const NO_PYTHON = missing("python3");
const CNNC = fileURLToPath(new URL("../../bin/cnnc.js", import.meta.url));

/** The page about a ranking with some text in it. */
function pageOf(name: string, text: string): string {
  const folder = testFolder();
  writeFileSync(join(folder, name), text);
  const script = ["-B", join(WORKFLOW, "report.py"), "--cnnc", `node '${CNNC}'`, "--store", SAMPLE];
  const { status, stderr } = spawnSync("python3", [...script, "--ranked", name, "-o", "report.html"], {
    cwd: folder,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return readFileSync(join(folder, "report.html"), "utf8");
}

describe.skipIf(NO_PYTHON)(`the page about a run${NO_PYTHON}`, () => {
  it.each([
    ["ranked.tsv", "gene_a\tgene_b\tp_interaction\nTF01\tG001\t0.5\n"],
    ['of "100%", #2.csv', "gene_a,gene_b,p_interaction\nTF01,G001,0.5\n"],
    ["rankedEdges.csv", "Gene1\tGene2\tEdgeWeight\nTF01\tG001\t0.5\n"],
  ])("shows the best pairs of %s", (name, text) => {
    const page = pageOf(name, text);
    expect(page).toContain("<tr><td>TF01</td><td>G001</td><td>0.5</td></tr>");
    expect(page.match(/src="data:image\/svg\+xml;base64,/g)).toHaveLength(1);
    const [, href] = /<a href="([^"]*)">/.exec(page) ?? [];
    expect(decodeURIComponent(href)).toBe(name);
  });

  it("has no pairs of what is no table", () => {
    const page = pageOf("network.sif", "TF01\tregulates\tG001\n");
    expect(page).toContain('<a href="network.sif">');
    expect(page).not.toContain("TF01");
  });
});
