import type { InferredOptionTypes } from "yargs";
import { CnncError } from "../errors.js";
import { bytesFrom } from "./options.js";
import { formatBytes } from "./text.js";

/** The option that limits what a process takes. */
export const memoryOption = {
  memory: {
    type: "string",
    describe: "Need at most so much, e.g. 4G: a prepared store that takes more is read in parts",
    group: "Computing:",
  },
} as const;

/** What a process takes beside its stores: the program, the network, batches, and room to sort in. */
const MEMORY_BESIDE_STORES = 512 * 2 ** 20;

/**
 * Bytes that are left for stores.
 *
 * @throws CnncError `BAD_USAGE`
 */
export function memoryForStores({
  memory: limit,
}: InferredOptionTypes<typeof memoryOption>): number | undefined {
  if (limit === undefined) return undefined;
  const bytes = bytesFrom("memory", limit) - MEMORY_BESIDE_STORES;
  if (bytes > 0) return bytes;
  const least = formatBytes(MEMORY_BESIDE_STORES);
  throw new CnncError(
    "BAD_USAGE",
    `--memory ${limit} leaves nothing for expression: the program itself takes up to ${least}.`,
    "Allow more.",
  );
}

export const READ_IN_PARTS = "The store was read in parts, because of --memory";
