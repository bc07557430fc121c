import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CnncError } from "../errors.js";
import { guardWrites, writeWhole } from "../io/index.js";
import { shellQuoted } from "../shell-quote.js";
import type { FoldScores } from "./method.js";

/** What a method said in a fold, and how long it took. */
export interface FoldAnswer {
  readonly scores: FoldScores;
  readonly seconds: number;
  /** What the user was told meanwhile. */
  readonly notices?: readonly string[];
}

/** Where the answers of methods are kept while a benchmark runs, so that it can go on after it was stopped. */
export interface FoldStore {
  /** Whether there were answers of an earlier run. */
  readonly resumed: boolean;
  /** Folder for what a method learns in a fold. */
  folderOf(split: string, method: string, fold: string): Promise<string>;
  read(split: string, method: string, fold: string): Promise<FoldAnswer | undefined>;
  write(split: string, method: string, fold: string, answer: FoldAnswer): Promise<void>;
  /** Deletes everything. */
  remove(): Promise<void>;
}

const FINGERPRINT_FILE = "benchmark.json";

/**
 * @param folder is made if it is not there
 * @param fingerprint changes with everything that decides what methods say
 * @throws CnncError `BENCHMARK_MISMATCH` if the folder has answers to something else, `DISK_FULL`, `WRITE_FAILED`
 */
export async function openFoldStore(folder: string, fingerprint: string): Promise<FoldStore> {
  const place = join(folder, FINGERPRINT_FILE);
  const text = await readFile(place, "utf8").catch(() => undefined);
  if (text !== undefined && text !== fingerprint) {
    throw new CnncError(
      "BENCHMARK_MISMATCH",
      `${folder} holds a benchmark that was stopped, of other data, labels or settings.`,
      `Repeat its command to go on with it, delete it with \`rm -r ${shellQuoted(folder)}\`, or name another folder with -o.`,
    );
  }
  if (text === undefined) {
    await guardWrites(folder, async () => {
      await mkdir(folder, { recursive: true });
      await writeWhole(place, (temporary) => writeFile(temporary, fingerprint));
    });
  }
  const pathOf = (...names: string[]) => join(folder, ...names.map(fileNameOf));
  const fileOf = (split: string, method: string, fold: string) => `${pathOf(split, method, fold)}.json`;
  const makeFolder = (split: string, method: string) => mkdir(pathOf(split, method), { recursive: true });
  return {
    resumed: text !== undefined,
    async folderOf(split, method, fold) {
      await makeFolder(split, method);
      return pathOf(split, method, fold);
    },
    async read(...place) {
      const found = await readFile(fileOf(...place), "utf8").catch(() => undefined);
      return found === undefined ? undefined : parseAnswer(found);
    },
    write: (split, method, fold, answer) =>
      guardWrites(folder, async () => {
        await makeFolder(split, method);
        await writeWhole(fileOf(split, method, fold), (temporary) => writeFile(temporary, toText(answer)));
      }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Short, the same on every file system, and different for different names. */
function fileNameOf(name: string): string {
  const plain = name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 60);
  return plain === name ? name : `${plain}-${createHash("sha256").update(name).digest("hex").slice(0, 12)}`;
}

type Columns = { -readonly [K in keyof FoldScores]: unknown };

/** Numbers keep all their digits in JSON. */
function toText({ scores, ...rest }: FoldAnswer): string {
  const columns = Object.fromEntries(
    Object.entries(scores).map(([name, values]) => [name, values && Array.from(values)]),
  );
  return JSON.stringify({ scores: columns, ...rest });
}

function parseAnswer(text: string): FoldAnswer {
  const { scores, ...rest } = JSON.parse(text) as Omit<FoldAnswer, "scores"> & { scores: Columns };
  const column = (name: "direction" | "probabilities" | "swapped") =>
    scores[name] === undefined ? {} : { [name]: Float64Array.from(scores[name] as number[]) };
  return {
    scores: {
      interaction: Float64Array.from(scores.interaction as number[]),
      ...column("direction"),
      ...column("probabilities"),
      ...column("swapped"),
      ...(scores.losses === undefined ? {} : { losses: scores.losses as number[] }),
      ...(scores.unscored === undefined ? {} : { unscored: Uint32Array.from(scores.unscored as number[]) }),
    },
    ...rest,
  };
}
