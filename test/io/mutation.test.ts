import { readFileSync, rmSync } from "node:fs";
import { expect, it } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { openExpressionFile } from "../../dist/io/index.js";
import { fixture, scratchFile } from "./helpers.js";

/** CNNC_MUTATIONS=10000 for a long run. */
const MUTATIONS = Number(process.env.CNNC_MUTATIONS ?? 100);
const FIRST_SEED = 380;
const SECONDS_PER_FILE = 20;

// HDF5 itself goes round in circles in about one damaged file of a hundred.
process.env.CNNC_READ_TIMEOUT = "3";

const originals = ["tables-modern.h5ad", "tables-0.7.h5ad", "tables-0.5.h5ad", "10x-v3.h5"].map((name) =>
  readFileSync(fixture(name)),
);

/** The same numbers in [0, limit) for the same seed (Mulberry32). */
function randomIntegers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** A file with up to eight flipped bits, overwritten bytes, or both. */
function mutate(seed: number): Uint8Array {
  const random = randomIntegers(seed);
  const bytes = Uint8Array.from(originals[random(originals.length)]);
  // The superblock is hit often enough otherwise; damage to what lies behind it goes deeper.
  const position = () => 96 + random(bytes.length - 96);
  for (let flips = random(9); flips > 0; flips--) bytes[position()] ^= 1 << random(8);
  const start = position();
  if (random(2) === 0) bytes.fill(random(2) * 255, start, start + 1 + random(random(8) === 0 ? 8192 : 8));
  return bytes;
}

/** Reads all there is in a file. */
async function readEverything(path: string): Promise<void> {
  const file = await openExpressionFile(path);
  try {
    for (const table of [file.obs, file.var]) {
      for (const column of table.columns) await table.column(column).catch(mustBeCnncError);
    }
    for (const matrix of file.matrices) {
      for await (const block of file.blocks(matrix, { maxEntries: 100 }))
        expect(block.count).toBeGreaterThan(0);
    }
  } finally {
    file.close();
  }
}

function mustBeCnncError(error: unknown): void {
  if (!(error instanceof CnncError)) throw error;
}

it(
  `${MUTATIONS} damaged files are read or refused, without a crash, a hang or a waste of memory`,
  async () => {
    const outcomes = { read: 0, refused: 0, stuck: 0 };
    // Seed 427 has a string whose length claims more than a gigabyte.
    let seed = FIRST_SEED;
    async function run(): Promise<void> {
      while (seed < FIRST_SEED + MUTATIONS) {
        const mine = ++seed;
        const path = scratchFile(".h5ad", mutate(mine));
        let timer: NodeJS.Timeout | undefined;
        const tooLong = new Promise<never>((_, reject) => {
          const give = () => reject(new Error(`seed ${mine} takes more than ${SECONDS_PER_FILE} s`));
          timer = setTimeout(give, SECONDS_PER_FILE * 1000);
        });
        try {
          await Promise.race([readEverything(path), tooLong]);
          outcomes.read++;
        } catch (error) {
          if (!(error instanceof CnncError)) throw new Error(`seed ${mine}`, { cause: error });
          outcomes[error.code === "READ_TIMEOUT" ? "stuck" : "refused"]++;
        } finally {
          clearTimeout(timer);
          rmSync(path);
        }
      }
    }
    await Promise.all([run(), run()]);
    // Both happen, so the damage is neither harmless nor all in one place.
    expect(outcomes.read).toBeGreaterThan(MUTATIONS / 20);
    expect(outcomes.refused).toBeGreaterThan(MUTATIONS / 20);
    console.info(`mutations: ${JSON.stringify(outcomes)}`);
    expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(1000);
  },
  20_000 + 1000 * MUTATIONS,
);
