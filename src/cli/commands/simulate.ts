import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { checkOutputFolder } from "../../io/index.js";
import { resolveThreads } from "../../native/device.js";
import { simulate } from "../../simulation/index.js";
import { interruptible } from "../interrupt.js";
import { wholeNumber, withExamples, withOptions } from "../options.js";
import { progressLine } from "../progress-line.js";
import { formatCount, formatDuration } from "../text.js";

const options = {
  output: { alias: "o", type: "string", demandOption: true, describe: "Folder to make" },
  cells: { type: "number", default: 2000, describe: "Cells" },
  genes: { type: "number", default: 200, describe: "Genes, the regulators among them" },
  regulators: { type: "number", default: 20, describe: "Genes that may regulate others" },
  "cell-types": { type: "number", default: 4, describe: "Cell types, equally frequent" },
  umis: { type: "number", default: 2000, describe: "Mean UMIs per cell: the fewer, the sparser" },
  seed: { type: "number", default: 1, describe: "The same seed gives the same files" },
  threads: { type: "number", describe: "CPU threads; all that this process is granted by default" },
} as const;
type Arguments = InferredOptionTypes<typeof options>;

export const simulateCommand: CommandModule<object, Arguments> = {
  command: "simulate",
  describe: "Simulate counts from a known gene regulatory network, to try things out or plan an experiment",
  builder: (parser) =>
    withExamples(withOptions(parser, options), [
      ["simulate -o simulated", "2,000 cells, 200 genes, with the true network and labelled pairs"],
      ["simulate -o large --cells 100000 --genes 5000 --regulators 300 --umis 10000", "a large one"],
    ]) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  await checkOutputFolder(args.output);
  const progress = progressLine();
  const cells = wholeNumber("cells", args.cells, 1);
  const genes = wholeNumber("genes", args.genes, 2);
  const { edges, labelledPairs, density } = await simulate(args.output, {
    cells,
    genes,
    regulators: wholeNumber("regulators", args.regulators, 1),
    cellTypes: wholeNumber("cell-types", args["cell-types"], 1),
    umisPerCell: args.umis,
    seed: wholeNumber("seed", args.seed, 0),
    threads: resolveThreads(args.threads),
    signal,
    onProgress: progress.listener,
  }).finally(progress.end);
  const lines = [
    `${args.output}: ${formatCount(cells)} cells x ${formatCount(genes)} genes, ` +
      `${(100 * density).toFixed(1)} % non-zero, in ${formatDuration((performance.now() - started) / 1000)}`,
    "  expression.h5ad   counts, with the obs column cell_type",
    `  network.tsv       the true network: ${formatCount(edges)} signed edges`,
    "  regulators.txt    the regulators",
    `  pairs.tsv         ${formatCount(labelledPairs)} labelled pairs`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
