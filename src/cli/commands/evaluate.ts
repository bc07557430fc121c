import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { evaluateRanking, type RankingEvaluation } from "../../evaluation/index.js";
import { readPairFile } from "../../pairs/index.js";
import { withExamples, withOptions } from "../options.js";
import { formatCount, plural } from "../text.js";

const options = {
  truth: { type: "string", demandOption: true, describe: "The known network: pairs, with or without labels" },
  score: { type: "string", describe: "Column to judge; the first after the genes by default" },
  json: { type: "boolean", default: false, describe: "Print the figures as JSON" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { ranked: string };

export const evaluateCommand: CommandModule<object, Arguments> = {
  command: "evaluate <ranked>",
  describe: "Judge ranked pairs by a network that is known",
  builder: (parser) =>
    withExamples(
      withOptions(parser, options).positional("ranked", {
        type: "string",
        demandOption: true,
        describe: "Ranked pairs, as predict-pairs writes them (tsv, csv)",
      }),
      [["evaluate ranked.tsv --truth data-samples/network.tsv", "the simulated truth of the sample data"]],
    ) as Argv<Arguments>,
  handler: run,
};

async function run(args: Arguments): Promise<void> {
  const result = evaluateRanking(await readPairFile(args.ranked), await readPairFile(args.truth), args.score);
  process.stdout.write(args.json ? `${JSON.stringify(result, null, 2)}\n` : describe(result));
}

function describe(result: RankingEvaluation): string {
  const { pairs, edges, auroc, aurocPerRegulator, regulators, edgesNotRanked, unknownRegulators } = result;
  const each =
    regulators > 0 ? `, mean of ${plural(regulators, "regulator")} ${aurocPerRegulator.toFixed(3)}` : "";
  const lines = [
    `${formatCount(edges)} of ${plural(pairs, "pair")} are edges`,
    `AUROC ${auroc.toFixed(3)}${each} (chance 0.5)`,
    `AUPRC ${result.auprc.toFixed(3)}, ${result.auprcRatio.toFixed(2)} times chance; early precision ${result.earlyPrecisionRatio.toFixed(2)} times chance`,
    ...(edgesNotRanked > 0 ? [`Edges that are not ranked: ${formatCount(edgesNotRanked)}`] : []),
    ...(unknownRegulators > 0
      ? [`Not judged: ${plural(unknownRegulators, "pair")} of regulators without any known edge`]
      : []),
  ];
  return `${lines.join("\n")}\n`;
}
