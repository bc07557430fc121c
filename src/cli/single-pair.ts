import type { Argv } from "yargs";
import { CnncError } from "../errors.js";
import type { PairRequest } from "../histograms/index.js";
import { DATA_FILES } from "./options.js";

/** The positional arguments of a command about one pair of genes. */
export function withPair<T>(parser: Argv<T>, geneA: string, geneB: string) {
  return parser
    .positional("data", { type: "string", demandOption: true, describe: DATA_FILES })
    .positional("gene_a", { type: "string", demandOption: true, describe: geneA })
    .positional("gene_b", { type: "string", demandOption: true, describe: geneB });
}

/** Two genes of the command line, as if a file had listed them. */
export function singlePair(a: string, b: string): PairRequest {
  const path = "the command line";
  return {
    kind: "list",
    file: { path, a: [a], b: [b], extra: new Map(), lines: Uint32Array.of(1), header: undefined },
  };
}

/** An error about genes that are not there, without the advice to skip them: of a single pair there is nothing to skip. */
export function withoutSkipping(error: unknown): unknown {
  if (!(error instanceof CnncError) || error.code !== "GENES_NOT_FOUND") return error;
  return new CnncError(error.code, error.message, error.remedy.replace(/, or leave out .*$/s, "."));
}
