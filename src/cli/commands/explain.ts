import { writeFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import type { Argv, CommandModule, InferredOptionTypes } from "yargs";
import { CnncError } from "../../errors.js";
import {
  describeExplanation,
  EXPLAINED_OUTPUTS,
  type Explainer,
  explanationJson,
  openExplainer,
  type PairExplanation,
  requireDirections,
} from "../../explanation/index.js";
import { expressionUnits, SCALES, TRANSFORMS } from "../../expression/index.js";
import { type HistogramSession, openHistograms } from "../../histograms/index.js";
import { checkOutputFile, writeWhole } from "../../io/index.js";
import { ENGINES, type LoadedModel, loadModel } from "../../model/index.js";
import { renderExplanationSvg } from "../../report/explanation-image.js";
import { svgToPng } from "../../report/svg-to-png.js";
import { interruptible } from "../interrupt.js";
import {
  selectionFrom,
  selectionOptions,
  threadsOption,
  wholeNumber,
  withExamples,
  withOptions,
} from "../options.js";
import { pairPicture } from "../pair-picture.js";
import { readingWarnings } from "../prediction/reading-warnings.js";
import { progressLine } from "../progress-line.js";
import { protectInputs } from "../protect-inputs.js";
import { singlePair, withoutSkipping, withPair } from "../single-pair.js";

const options = {
  model: {
    type: "string",
    demandOption: true,
    describe: "Model folder, from cnnc train or cnnc import-keras",
    group: "Scores:",
  },
  score: {
    choices: EXPLAINED_OUTPUTS,
    describe: "What is explained; by default the direction where the model says that there is one",
    group: "Scores:",
  },
  ...selectionOptions,
  scale: {
    choices: SCALES,
    describe: "What the matrix holds; by default what the model was trained on",
    group: "Data:",
  },
  transform: { choices: TRANSFORMS, describe: "What is binned; by default the model's", group: "Data:" },
  engine: {
    choices: ENGINES,
    describe: "oneDNN, or TensorFlow.js, which is slower; auto by default",
    group: "Computing:",
  },
  ...threadsOption,
  output: { alias: "o", type: "string", describe: "Picture to write: .png or .svg" },
  json: { type: "boolean", default: false, describe: "Print all numbers as JSON" },
} as const;
type Arguments = InferredOptionTypes<typeof options> & { data: string; gene_a: string; gene_b: string };

export const explainCommand: CommandModule<object, Arguments> = {
  command: "explain <data> <gene_a> <gene_b>",
  describe: "Tell which expression states drive a pair's score",
  builder: (parser) =>
    withExamples(withPair(withOptions(parser, options), "The regulator", "The target"), [
      ["explain data-samples/expression.h5ad TF01 TF17 --model model", "in words"],
      ["explain data-samples/expression.h5ad TF01 TF17 --model model -o why.png", "and as a picture"],
    ]) as Argv<Arguments>,
  handler: (args) => interruptible((signal) => run(args, signal)),
};

async function run(args: Arguments, signal: AbortSignal): Promise<void> {
  const [geneA, geneB] = [String(args.gene_a), String(args.gene_b)];
  if (geneA === geneB) {
    throw new CnncError("BAD_USAGE", `The gene ${geneA} is given twice.`, "Name two different genes.");
  }
  if (args.output !== undefined) await checkPicture(args.output, args.data);
  const model = await loadModel(args.model);
  if (args.score === "direction") requireDirections(model.info.task);
  const progress = progressLine();
  const warnings: string[] = [];
  const say = (line: string) => {
    progress.end();
    process.stderr.write(`${line}\n`);
  };
  const threads = args.threads === undefined ? {} : { threads: wholeNumber("threads", args.threads, 1) };
  let explainer: Explainer | undefined;
  let session: HistogramSession | undefined;
  try {
    explainer = await openExplainer(model, {
      ...threads,
      ...(args.engine !== undefined && { engine: args.engine }),
      onNotice: say,
    });
    session = await openHistograms(args.data, singlePair(geneA, geneB), {
      ...selectionFrom(args),
      usual: model.info,
      device: "cpu",
      ...threads,
      signal,
      onProgress: progress.listener,
    }).catch((error: unknown) => {
      throw withoutSkipping(error);
    });
    for (const line of await readingWarnings(model.info, session.selection, args.scale !== undefined)) {
      warnings.push(line);
      say(`Warning: ${line}`);
    }
    const [{ a, b }] = session.source.batches(1);
    const explanation = await explainer.explain(session.store, a[0], b[0], {
      signal,
      onProgress: progress.listener,
      ...(args.score !== undefined && { output: args.score }),
    });
    if (args.output !== undefined) {
      const image = pairPicture(session, a[0], b[0], explanation.counts, basename(args.data));
      await writePicture(args.output, await renderExplanationSvg(image, explanation));
    }
    progress.end();
    process.stdout.write(
      args.json ? toJson(explanation, session, model, args, warnings) : summary(explanation, session, args),
    );
  } finally {
    progress.end();
    session?.close();
    explainer?.close();
  }
}

/** @throws CnncError `BAD_USAGE`, those of checkOutputFile and protectInputs */
async function checkPicture(path: string, data: string): Promise<void> {
  if (extname(path).toLowerCase() !== ".png" && extname(path).toLowerCase() !== ".svg") {
    throw new CnncError(
      "BAD_USAGE",
      `${path} is neither a .png nor an .svg file.`,
      "End the name in .png or .svg.",
    );
  }
  await checkOutputFile(path);
  await protectInputs(path, [data]);
}

async function writePicture(path: string, svg: string): Promise<void> {
  const picture = extname(path).toLowerCase() === ".svg" ? svg : await svgToPng(svg);
  await writeWhole(path, (temporary) => writeFile(temporary, picture));
}

function summary(explanation: PairExplanation, { selection }: HistogramSession, args: Arguments): string {
  const { matrix, scale, transform, prepared } = selection;
  const reason = args.scale === undefined && !prepared ? "as the model's training data" : scale.reason;
  const lines = [
    ...describeExplanation(explanation),
    `Ranges in ${expressionUnits(scale.name, transform)}; ${matrix.name} read as ${scale.name}: ${reason}`,
    ...(args.output === undefined ? [] : [`Picture: ${args.output}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function toJson(
  explanation: PairExplanation,
  { selection }: HistogramSession,
  { info }: LoadedModel,
  args: Arguments,
  warnings: readonly string[],
): string {
  const facts = {
    ...(args.output !== undefined && { picture: args.output }),
    data: args.data,
    model: args.model,
    architecture: info.architecture,
    images: info.images,
    matrix: selection.matrix.name,
    scale: selection.scale.name,
    transform: selection.transform,
    ...explanationJson(explanation),
    warnings,
  };
  // A row of a table stands on one line.
  return `${JSON.stringify(facts, null, 2).replaceAll(/\[[^[\]{}]*\]/g, (list) => list.replaceAll(/\n */g, " "))}\n`;
}
