import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { expectOneSentence } from "../support/one-sentence.js";
import { testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";
import { writeTinyH5ad } from "../support/tiny-h5ad.js";

/** A command line that cannot be meant. */
interface Mistake {
  what: string;
  /** Instead of a sound `build-histograms`. */
  args?: string[];
  /** Added to these. */
  options?: string[];
  says: RegExp;
  remedy: RegExp;
}

const FOLDER = testFolder();
const DATA = join(FOLDER, "data.h5ad");
const PAIRS = join(FOLDER, "pairs.tsv");

beforeAll(async () => {
  await writeTinyH5ad(DATA);
  writeFileSync(PAIRS, "g1 g2\n");
});

const MISTAKES: Mistake[] = [
  { what: "no command", args: [], says: /what to do/i, remedy: /--help/ },
  { what: "an unknown command", args: ["build-histogram"], says: /build-histogram/, remedy: /--help/ },
  {
    what: "a forgotten file",
    args: ["build-histograms", "-o", "out.h5"],
    says: /file|data/i,
    remedy: /--help/,
  },
  {
    what: "a forgotten output",
    args: ["build-histograms", DATA, "--pairs", PAIRS],
    says: /output/,
    remedy: /--help/,
  },
  { what: "an option without its value", options: ["--obs"], says: /--obs/, remedy: /--help/ },
  {
    what: "an option that swallows none",
    options: ["--min-cells", "--json"],
    says: /--min-cells/,
    remedy: /--help/,
  },
  { what: "an empty value", options: ["--layer", ""], says: /layer is empty/, remedy: /--help/ },
  {
    what: "two outputs",
    options: ["-o", "b.h5"],
    says: /--output is given more than once/,
    remedy: /--help/,
  },
  { what: "an unknown option", options: ["--cells", "3"], says: /cells/, remedy: /--help/ },
  {
    what: "no pairs",
    args: ["build-histograms", DATA, "-o", "out.h5"],
    says: /asked for in no way/,
    remedy: /--pairs FILE/,
  },
  { what: "pairs in two ways", options: ["--all-pairs"], says: /several ways/, remedy: /--pairs FILE/ },
  {
    what: "targets without regulators",
    options: ["--targets", PAIRS],
    says: /targets/,
    remedy: /--regulators/,
  },
  {
    what: "a scale that does not exist",
    options: ["--scale", "cpm"],
    says: /--scale "cpm"; it can be .*"log1p"/,
    remedy: /--help/,
  },
  { what: "no threads", options: ["--threads", "0"], says: /--threads must be a whole number/, remedy: /^$/ },
  {
    what: "threads in words",
    options: ["--threads", "all"],
    says: /--threads must be a whole number/,
    remedy: /^$/,
  },
  {
    what: "half a cell",
    options: ["--min-cells", "0.5"],
    says: /--min-cells must be a whole number/,
    remedy: /^$/,
  },
  {
    what: "a picture of neither kind",
    args: ["show-pair", DATA, "g1", "g2", "-o", "pair.jpg"],
    says: /pair\.jpg/,
    remedy: /\.png or \.svg/,
  },
];

describe("a command line that cannot be meant", () => {
  it.each(MISTAKES)(
    "$what: one clear sentence, exit code 2",
    async ({ args, options = [], says, remedy }) => {
      const usual = ["build-histograms", DATA, "--pairs", PAIRS, "-o", join(FOLDER, "out.h5")];
      expectOneSentence(await runMain([...(args ?? usual), ...options]), { says, remedy });
    },
  );

  it("speaks English whatever the system's language", async () => {
    vi.stubEnv("LC_ALL", "de_DE.UTF-8");
    const { stderr } = await runMain(["build-histograms"]);
    vi.unstubAllEnvs();
    expect(stderr).toMatch(/The command line is incomplete/);
  });
});

describe("what needs no data", () => {
  it("prints help for every command", async () => {
    const { code, stdout } = await runMain(["--help"]);
    expect(code).toBe(0);
    const commands = Array.from(stdout.matchAll(/^ {2}cnnc ([a-z-]+)/gm), ([, command]) => command);
    expect(commands).toContain("build-histograms");
    for (const command of commands) {
      const help = await runMain([command, "--help"]);
      expect(help).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toMatch(/^cnnc /);
    }
  });

  it("prints the version", async () => {
    expect(await runMain(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
  });
});
