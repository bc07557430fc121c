import { CLASS_NAMES } from "../model/index.js";
import type { PairExplanation } from "./explain-pair.js";
import { cellsWords } from "./expression-state.js";
import { isComplete } from "./integrated-gradients.js";

/** An explanation in lines of plain text: the answer, what it is made of, and how far it can be trusted. */
export function describeExplanation(explanation: PairExplanation): string[] {
  const { geneA, geneB, cells, quantity, score, baselineScore, regions } = explanation;
  const change = score - baselineScore;
  const told = regions.reduce((sum, { attribution }) => sum + attribution, 0);
  const parts = !isMoved(explanation)
    ? ["  Nothing: to this model, independent genes would look the same."]
    : [
        ...regions.map((region) => `  ${signed(region.attribution).padStart(7)}  ${region.words}`),
        `  ${signed(change - told).padStart(7)}  all else`,
      ];
  return [
    `${geneA} and ${geneB} in ${cellsWords(cells)}: ${answer(explanation)}`,
    `What moves the ${quantity} from ${baselineScore.toFixed(2)}, if the genes were independent, to ${score.toFixed(2)}:`,
    ...parts,
    ...checks(explanation),
  ];
}

/** The probabilities with and without dependence. */
function answer({ task, probabilities, baselineProbabilities }: PairExplanation): string {
  if (task === "interaction") {
    return `p(interaction) ${share(probabilities[0])}, ${share(baselineProbabilities[0])} if they were independent`;
  }
  const all = CLASS_NAMES[task].map(
    (name, label) => `p(${name}) ${share(probabilities[label])} (${share(baselineProbabilities[label])})`,
  );
  return `${all.join(", ")}; in brackets, if they were independent`;
}

/** Whether anything adds to the score or takes away from it. */
const isMoved = ({ attribution }: PairExplanation) => attribution.some((value) => value !== 0);

function checks(explanation: PairExplanation): string[] {
  if (!isMoved(explanation)) return [];
  const { score, baselineScore, steps, completenessError, occlusion } = explanation;
  const change = score - baselineScore;
  const off = completenessError.toPrecision(2);
  const sum = isComplete(completenessError, change)
    ? `Complete: the attributions sum to this change within ${off}, after ${steps} steps`
    : `Incomplete: after ${steps} steps the attributions' sum is still off by ${off}, so read them as rough`;
  const { agreement, block } = occlusion;
  const blocks = `blocks of ${block} x ${block} bins`;
  const agrees = Number.isNaN(agreement)
    ? `There are too few ${blocks} to check this by occlusion`
    : `Covering ${blocks} instead ${agreementWords(agreement)}: rank correlation ${agreement.toFixed(2)}`;
  return [sum, agrees];
}

function agreementWords(agreement: number): string {
  if (agreement >= 0.7) return "agrees";
  return agreement >= 0.4 ? "agrees in part" : "disagrees, so read this with care";
}

const signed = (value: number) => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(2)}`;
const share = (probability: number) => probability.toFixed(3);
