import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { checkOutputFolder } from "../../io/index.js";
import { importKeras, saveModel } from "../../model/index.js";
import { interruptible } from "../interrupt.js";
import { withExamples, withOptions } from "../options.js";
import { formatCount } from "../text.js";

const options = {
  output: { alias: "o", type: "string", demandOption: true, describe: "Folder to make for the model" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { weights: string };

export const importKerasCommand: CommandModule<object, Arguments> = {
  command: "import-keras <weights>",
  describe: "Take over a network that CNNC's own scripts trained with Keras",
  builder: (parser) =>
    withExamples(
      withOptions(parser, options).positional("weights", {
        type: "string",
        demandOption: true,
        describe: ".h5 or .hdf5 file of Keras 2: weights, or a whole model",
      }),
      [["import-keras keras_cnn_trained_model_shallow.h5 -o model", "a model to predict pairs with"]],
    ) as Argv<Arguments>,
  handler: (args) => interruptible(() => run(args)),
};

async function run({ weights, output }: Arguments): Promise<void> {
  const folder = output.replace(/(?<=.)\/+$/, "");
  await checkOutputFolder(folder);
  const content = await importKeras(weights);
  await saveModel(folder, content);
  const { info, model } = content;
  const lines = [
    `${output}: CNNC's network for ${info.task} (${info.classes.join(", ")}), ${formatCount(model.countParams())} weights`,
    "It expects what CNNC's scripts made: NEPDF images, values binned as log10(x + 0.01), read with --scale linear.",
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
