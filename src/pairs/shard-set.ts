import { CnncError } from "../errors.js";
import type { Shard } from "./shard.js";

/**
 * What decides the content of a shard apart from which it is, by names that users understand: `data`, `precision`, ...
 * Values are short words or numbers, or SHA-256 in hexadecimal.
 */
export type RunFacts = Readonly<Record<string, string>>;

/** A file with the work of one shard. */
export interface ShardFile {
  readonly path: string;
  readonly shard: Shard;
  readonly run: RunFacts;
}

/**
 * Checks that files are all shards of one run.
 *
 * @returns them in order
 * @throws CnncError `SHARDS_DIFFER`, `SHARD_TWICE`, `SHARDS_MISSING`, naming them
 */
export function wholeSet<T extends ShardFile>(files: readonly T[]): T[] {
  const [first, ...others] = files;
  for (const other of others) {
    const differences = [...countDifference(first, other), ...differencesOf(other.run, first.run)];
    if (differences.length === 0) continue;
    throw new CnncError(
      "SHARDS_DIFFER",
      `${other.path} and ${first.path} are shards of different runs: ${differences.join("; ")}.`,
      remedyOf(other.run, first.run),
    );
  }
  const { of } = first.shard;
  const found = new Array<T | undefined>(of);
  for (const file of files) {
    const twin = found[file.shard.index - 1];
    if (twin !== undefined) {
      throw new CnncError(
        "SHARD_TWICE",
        `${twin.path} and ${file.path} are both shard ${file.shard.index} of ${of}.`,
        "Give each shard once.",
      );
    }
    found[file.shard.index - 1] = file;
  }
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((index) => !found[index - 1]);
  if (missing.length === 0) return found as T[];
  throw new CnncError(
    "SHARDS_MISSING",
    `Of ${of} shards, ${listOf(missing)} ${missing.length === 1 ? "is" : "are"} missing.`,
    `Make ${missing.length === 1 ? "it" : "them"} with the command of the others and --shard ${missing[0]}/${of}${missing.length > 1 ? " and so on" : ""}, and name all files.`,
  );
}

function countDifference(one: ShardFile, other: ShardFile): string[] {
  const [a, b] = [one.shard.of, other.shard.of];
  return a === b ? [] : [`of ${a} shards and of ${b}`];
}

/** What differs between two runs, each in a few words; empty when nothing does. */
export function differencesOf(one: RunFacts, other: RunFacts): string[] {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return names
    .filter((name) => one[name] !== other[name])
    .map((name) => {
      const [a, b] = [one[name] ?? "none", other[name] ?? "none"];
      return isDigest(a) || isDigest(b) ? `other ${name}` : `${name} ${a} and ${b}`;
    });
}

const isDigest = (value: string) => /^[0-9a-f]{64}$/.test(value);

/** Processors are the difference that nobody chose. */
function remedyOf(one: RunFacts, other: RunFacts): string {
  const chosen = Object.keys({ ...one, ...other }).filter((name) => one[name] !== other[name]);
  return chosen.length > 0 && chosen.every((name) => ["precision", "instruction set"].includes(name))
    ? "Make all on processors of one kind, or all with --precision f32 and ONEDNN_MAX_CPU_ISA=AVX2 in the environment."
    : "Name the shards of one run.";
}

/** `1, 2, 5-9` */
function listOf(numbers: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const number of numbers) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else spans.push([number, number]);
  }
  const words = spans.flatMap(([from, to]) =>
    to - from > 1 ? [`${from}-${to}`] : from === to ? [`${from}`] : [`${from}`, `${to}`],
  );
  return words.length === 1 ? words[0] : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
