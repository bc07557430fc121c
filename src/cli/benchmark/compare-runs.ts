import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { CnncError } from "../../errors.js";
import { type BenchmarkComparison, compareResults, readResults } from "../../evaluation/index.js";
import { checkOutputFile, guardWrites, writeWhole } from "../../io/index.js";
import { renderComparison } from "../../report/benchmark/comparison.js";
import { alignColumns, decimals } from "../text.js";
import type { BenchmarkArguments } from "./options.js";

/** Shows two runs side by side: in words, as JSON, or as a page. */
export async function compareRuns({ compare, data, output, json }: BenchmarkArguments): Promise<void> {
  const [first, second, ...more] = compare ?? [];
  if (second === undefined || more.length > 0 || data !== undefined) {
    throw new CnncError(
      "BAD_USAGE",
      "--compare takes two files of results, and nothing is run then.",
      "Write: cnnc benchmark --compare report1/results.json report2/results.json",
    );
  }
  if (output !== undefined) await checkPage(output);
  const comparison = compareResults(await readResults(first), await readResults(second));
  if (output !== undefined) {
    const page = await renderComparison(comparison);
    await guardWrites(output, () => writeWhole(output, (temporary) => writeFile(temporary, page)));
  }
  process.stdout.write(json ? `${JSON.stringify(comparison)}\n` : describe(comparison, first, second));
}

/** @throws CnncError `BAD_USAGE`, and those of checkOutputFile */
async function checkPage(path: string): Promise<void> {
  if (extname(path).toLowerCase() !== ".html") {
    throw new CnncError("BAD_USAGE", `${path} is not an .html file.`, "End the name in .html.");
  }
  await checkOutputFile(path);
}

function describe({ warnings, notes, rows }: BenchmarkComparison, first: string, second: string): string {
  const cells = rows.map((row) => [
    row.split,
    row.method,
    decimals(row.first?.perRegulator.auroc.value ?? Number.NaN),
    decimals(row.second?.perRegulator.auroc.value ?? Number.NaN),
    row.difference
      ? `${decimals(row.difference.value)} [${decimals(row.difference.low)}, ${decimals(row.difference.high)}]`
      : "-",
  ]);
  const lines = [
    `Mean AUROC per regulator: first ${first}, second ${second}`,
    ...warnings.map((line) => `Not comparable: ${line}`),
    ...notes,
    "",
    ...alignColumns([["split", "method", "first", "second", "second - first"], ...cells], 2),
  ];
  return `${lines.join("\n")}\n`;
}
