import yargs from "yargs";
import { VERSION } from "../version.js";
import { benchmarkCommand } from "./commands/benchmark.js";
import { buildHistogramsCommand } from "./commands/build-histograms.js";
import { buildNativeCommand } from "./commands/build-native.js";
import { evaluateCommand } from "./commands/evaluate.js";
import { explainCommand } from "./commands/explain.js";
import { importKerasCommand } from "./commands/import-keras.js";
import { inspectCommand } from "./commands/inspect.js";
import { mergeCommand } from "./commands/merge.js";
import { predictPairsCommand } from "./commands/predict-pairs.js";
import { prepareCommand } from "./commands/prepare.js";
import { showPairCommand } from "./commands/show-pair.js";
import { simulateCommand } from "./commands/simulate.js";
import { trainCommand } from "./commands/train.js";
import { reportFailure } from "./failure.js";
import { checkValues, usageError, YARGS_MESSAGES } from "./usage.js";

/**
 * Runs one command line.
 *
 * @param args the words after `cnnc`
 * @returns the exit code: 0, 1 (our fault), 2 (the user's mistake), 130 (stopped)
 */
export async function main(args: readonly string[]): Promise<number> {
  const parser = yargs([...args])
    .scriptName("cnnc")
    .usage("$0 COMMAND\n\nWhich genes act on which, and in what direction, from single-cell RNA-seq.")
    .command(inspectCommand)
    .command(prepareCommand)
    .command(buildHistogramsCommand)
    .command(trainCommand)
    .command(predictPairsCommand)
    .command(mergeCommand)
    .command(evaluateCommand)
    .command(benchmarkCommand)
    .command(showPairCommand)
    .command(explainCommand)
    .command(simulateCommand)
    .command(importKerasCommand)
    .command(buildNativeCommand)
    .option("verbose", { type: "boolean", default: false, describe: "Show stack traces", global: true })
    .demandCommand(1, "Say what to do: no command is given.")
    .recommendCommands()
    .strict()
    .check(checkValues)
    // This also keeps yargs from mixing the language of the user's system with ours.
    .updateStrings(YARGS_MESSAGES)
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .version(VERSION)
    .alias("h", "help")
    .exitProcess(false)
    .fail((message, error) => {
      throw usageError(message, error);
    });
  try {
    await parser.parseAsync();
    return 0;
  } catch (error) {
    return reportFailure(error, args.includes("--verbose"));
  }
}
