/** What the benchmarks share: medians, tables, and running what is measured in processes of its own. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of each field of several measurements of the same thing. Fields that are not numbers are taken from the first. */
export function medians(measurements) {
  return Object.fromEntries(
    Object.entries(measurements[0]).map(([name, value]) => [
      name,
      typeof value === "number" ? median(measurements.map((measurement) => measurement[name])) : value,
    ]),
  );
}

/**
 * Runs a program whose last line is a JSON object, and returns that. Its messages go to the terminal.
 *
 * @throws Error when it fails
 */
export function runJson(program, args) {
  return JSON.parse(run(program, args).trimEnd().split("\n").at(-1));
}

/** Runs a program and returns what it prints. */
export function run(program, args) {
  const { status, signal, stdout, error } = spawnSync(program, args.map(String), {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} failed (${signal ?? status}).`);
  return stdout;
}

/** @param {string} name file in this folder */
export function benchPath(name) {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** A folder for large inputs, kept from run to run. */
export function inputFolder() {
  const folder = join(tmpdir(), "cnnc-bench");
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** The Python with the newest numpy, or undefined. */
export function findPython() {
  const found = ["python3", "/usr/bin/python3"].flatMap((command) => {
    const { status, stdout } = spawnSync(
      command,
      ["-c", "import numpy, sys; print(sys.version.split()[0], numpy.__version__)"],
      { encoding: "utf8" },
    );
    if (status !== 0) return [];
    const [python, numpy] = stdout.trim().split(" ");
    return [{ command, python, numpy }];
  });
  const ascending = (one, other) => one.numpy.localeCompare(other.numpy, "en", { numeric: true });
  return found.sort(ascending).at(-1);
}

/** The machine, in words. */
export function machine() {
  const processors = cpus();
  return `${processors[0].model}, ${processors.length} processors, Node ${process.versions.node}`;
}

/**
 * Prints a table: one array of cells per row, headings first. All but the first column are aligned to the right.
 *
 * @param {string} title
 * @param {(string | number)[][]} rows
 */
export function printTable(title, rows) {
  const texts = rows.map((row) => row.map((cell) => (typeof cell === "number" ? formatNumber(cell) : cell)));
  const widths = texts[0].map((_, column) => Math.max(...texts.map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join("  ")
      .trimEnd();
  console.log(`\n${title}\n\n${texts.map(line).join("\n")}`);
}

/** Three digits that matter, thousands separated. */
export function formatNumber(value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}

/** Says on the terminal what is being measured. */
export function say(text) {
  process.stderr.write(`${text}\n`);
}
