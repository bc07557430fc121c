import { writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import { openHistograms } from "../../histograms/index.js";
import { checkOutputFile, writeWhole } from "../../io/index.js";
import { renderPairSvg } from "../../report/pair-image.js";
import { svgToPng } from "../../report/svg-to-png.js";
import { interruptible } from "../interrupt.js";
import { computeOptions, selectionFrom, selectionOptions, withExamples, withOptions } from "../options.js";
import { pairPicture } from "../pair-picture.js";
import { progressLine } from "../progress-line.js";
import { singlePair, withoutSkipping, withPair } from "../single-pair.js";

const options = {
  ...selectionOptions,
  ...computeOptions,
  output: { alias: "o", type: "string", demandOption: true, describe: "Picture to write: .png or .svg" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { data: string; gene_a: string; gene_b: string };

export const showPairCommand: CommandModule<object, Arguments> = {
  command: "show-pair <data> <gene_a> <gene_b>",
  describe: "Draw the histogram of one gene pair",
  builder: (parser) =>
    withExamples(
      withPair(withOptions(parser, options), "Gene on the horizontal axis", "Gene on the vertical axis"),
      [["show-pair data-samples/expression.h5ad TF01 G001 -o pair.png", "a picture with both margins"]],
    ) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const extension = extname(args.output).toLowerCase();
  if (extension !== ".png" && extension !== ".svg") {
    throw new CnncError(
      "BAD_USAGE",
      `${args.output} is neither a .png nor an .svg file.`,
      "End the name in .png or .svg.",
    );
  }
  await checkOutputFile(args.output);
  const progress = progressLine();
  const request = singlePair(String(args.gene_a), String(args.gene_b));
  const session = await openHistograms(args.data, request, {
    ...selectionFrom(args),
    device: args.device,
    ...(args.threads !== undefined && { threads: args.threads }),
    signal,
    onProgress: progress.listener,
  })
    .catch((error: unknown) => {
      throw withoutSkipping(error);
    })
    .finally(progress.end);
  try {
    const { store } = session;
    for await (const { a, b, images } of session.batches()) {
      const svg = await renderPairSvg(pairPicture(session, a[0], b[0], images, basename(args.data)));
      const picture = extension === ".svg" ? svg : await svgToPng(svg);
      await writeWhole(args.output, (temporary) => writeFile(temporary, picture));
    }
    process.stdout.write(`${args.output}: ${args.gene_a} and ${args.gene_b} in ${store.cells} cells\n`);
  } finally {
    session.close();
  }
}
