import type { InferredOptionTypes } from "yargs";
import { CnncError } from "../errors.js";
import type { PairRequest, SessionReport } from "../histograms/index.js";
import { readGeneList, readPairFile } from "../pairs/index.js";
import { formatCount, plural } from "./text.js";

/** Options that say which gene pairs are meant. */
export const pairOptions = {
  pairs: { type: "string", describe: "File of gene pairs (TSV, CSV or spaces, .gz)", group: "Pairs:" },
  regulators: {
    type: "string",
    describe: "File of regulators: all ordered pairs with the targets",
    group: "Pairs:",
  },
  targets: { type: "string", describe: "File of targets; all genes by default", group: "Pairs:" },
  "all-pairs": { type: "boolean", describe: "All unordered pairs of genes", group: "Pairs:" },
  "skip-missing": {
    type: "boolean",
    default: false,
    describe: "Leave out pairs of genes that the data lacks",
    group: "Pairs:",
  },
  "min-cells": {
    type: "number",
    default: 0,
    describe: "Leave out genes that fewer of the chosen cells express",
    group: "Pairs:",
  },
} as const;

type PairArguments = InferredOptionTypes<typeof pairOptions>;

/** @throws CnncError `BAD_USAGE` unless exactly one source of pairs is given; those of the readers. */
export async function pairRequest(
  args: PairArguments,
  { byFirstGene = false }: { readonly byFirstGene?: boolean } = {},
): Promise<PairRequest> {
  const given = [args.pairs, args.regulators, args["all-pairs"] || undefined].filter(
    (value) => value !== undefined,
  );
  const lonelyTargets = args.targets !== undefined && args.regulators === undefined;
  if (given.length !== 1 || lonelyTargets) {
    throw new CnncError(
      "BAD_USAGE",
      lonelyTargets
        ? "--targets is given without --regulators."
        : `The gene pairs are asked for in ${given.length === 0 ? "no way" : "several ways"}.`,
      "Give one of --pairs FILE, --regulators FILE (with or without --targets FILE), or --all-pairs.",
    );
  }
  if (args.pairs !== undefined) return { kind: "list", file: await readPairFile(args.pairs) };
  if (args.regulators === undefined) return { kind: "all", byFirstGene };
  const regulators = await readGeneList(args.regulators);
  const targets = args.targets === undefined ? undefined : await readGeneList(args.targets);
  return {
    kind: "product",
    byFirstGene,
    regulators: regulators.genes,
    ...(targets && { targets: targets.genes }),
  };
}

/** One line for each thing that was left out or stands out. */
export function describeReport(report: SessionReport, args: PairArguments): string[] {
  const lines: string[] = [];
  const note = (count: number, text: string) => {
    if (count > 0) lines.push(text);
  };
  note(
    report.pairsLeftOut,
    `Left out: ${plural(report.pairsLeftOut, "pair")} of ${plural(report.missingGenes.length, "gene")} that the data lacks`,
  );
  note(report.selfPairsDropped, `Left out: ${plural(report.selfPairsDropped, "pair")} of a gene with itself`);
  note(
    report.rareGenes,
    `Left out: ${plural(report.rareGenes, "gene")} expressed in fewer than ${plural(args["min-cells"], "cell")}, with ${plural(report.rarePairs, "pair")}`,
  );
  note(report.duplicatePairs, `Listed more than once: ${plural(report.duplicatePairs, "pair")}`);
  note(report.constantGenes, `Constant in all cells: ${plural(report.constantGenes, "gene")}`);
  note(
    report.duplicateNames,
    `Names that stand for several genes: ${formatCount(report.duplicateNames)} (${takesAllGenes(args) ? "each of these genes has its own pairs" : "none was asked for"})`,
  );
  return lines;
}

const takesAllGenes = (args: PairArguments) => args.pairs === undefined && args.targets === undefined;
