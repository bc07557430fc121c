import { readFile } from "node:fs/promises";
import { CnncError } from "../errors.js";
import type { BenchmarkResults } from "./results.js";
import { misfitOfResults } from "./results-shape.js";

const FORMAT = "cnnc benchmark";
const FORMAT_VERSION = 1;

/** Text of a results.json. JSON has no NaN: it is written as null. */
export function resultsJson(results: BenchmarkResults): string {
  return `${JSON.stringify(results)}\n`;
}

/**
 * Reads a results.json that `cnnc benchmark` wrote; null becomes NaN again.
 *
 * @throws CnncError `FILE_NOT_FOUND`, `FILE_UNREADABLE`; `BAD_RESULTS` if it is something else, of a newer version or
 *   damaged, with the first field that is wrong
 */
export async function readResults(path: string): Promise<BenchmarkResults> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === "ENOENT"
      ? new CnncError("FILE_NOT_FOUND", `There is no file ${path}.`, "Check the path.", { cause })
      : new CnncError("FILE_UNREADABLE", `${path} cannot be read: ${cause.message}.`, REMEDY, { cause });
  });
  const value = parse(text, path);
  const { format, formatVersion } = Object(value) as Record<string, unknown>;
  if (format !== FORMAT) throw badResults(`${path} is JSON, but holds no results of a benchmark.`);
  if (typeof formatVersion === "number" && formatVersion > FORMAT_VERSION) {
    throw badResults(
      `${path} has format version ${formatVersion}; this version of cnnc reads ${FORMAT_VERSION}.`,
      "Update cnnc: npm install cnnc@latest",
    );
  }
  const misfit = misfitOfResults(value);
  if (misfit) throw badResults(`${path} is damaged: ${misfit.place} ${misfit.problem}.`, REPEAT);
  return value as BenchmarkResults;
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text, (_, value) => (value === null ? Number.NaN : value));
  } catch (cause) {
    // The message may quote lines of the file.
    const detail = (cause as Error).message.replaceAll(/\s+/g, " ").replace(/\.$/, "");
    throw badResults(`${path} is no JSON: ${detail}.`, REMEDY, cause);
  }
}

const REMEDY = "Give the results.json that cnnc benchmark wrote into its folder.";
const REPEAT = "Copy the file again from where it came, or repeat the benchmark.";

const badResults = (message: string, remedy = REMEDY, cause?: unknown) =>
  new CnncError("BAD_RESULTS", message, remedy, { cause });
