import { fitLogistic } from "../logistic.js";
import type { FoldScores, Method } from "../method.js";
import { GENE_FEATURES } from "../pair-features.js";
import { directed } from "./score-rows.js";
import { type FoldTable, featuresOf, foldTable, partOf, type SummaryContext } from "./summary-table.js";

/** Pairs of each kind that a regulator needs to be learned by itself. */
const MIN_PAIRS = 5;
/** A regulator has few pairs: weights are held back more than in the regression on all of them. */
const INVERSE_STRENGTH = 0.1;

/**
 * One logistic regression for each regulator, on the summary features of its targets and of the pair, where training
 * has at least 5 positives and 5 negatives of the regulator; else, one on the features of both genes of all pairs.
 * Both give probabilities, so that they can stand in one list.
 *
 * For causality it learns whether the first gene acts on the second, from pairs in both orders: (a, b, 2) says that b
 * acts on a and that a does not act on b. Of the four answers about a pair, that both act is left out.
 *
 * @throws (score) CnncError of pairFeatures and fitLogistic
 */
export function createSummaryPerRegulator(context: SummaryContext): Method {
  return {
    name: "summary-per-regulator",
    label: "logistic regression on summary features, one per regulator",
    group: "summary",
    learns: true,
    async score(fold, { signal }) {
      const table = foldTable(fold, await featuresOf(fold.pairs, context, signal));
      const acting = await learnActing(table, signal);
      return fold.task === "interaction"
        ? { interaction: acting, probabilities: acting }
        : bothOrders(acting);
    },
  };
}

/** The probability that the first gene acts on the second, for each row of the test table. */
async function learnActing(
  { training, labels, test, firsts }: FoldTable,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const acts = labels.map((label) => (label === 1 ? 1 : 0));
  const options = { classes: 2, ...(signal && { signal }) };
  const common = await fitLogistic(training, acts, options);
  const result = common.probabilities(test);
  const learned = rowsByGene(firsts.training);
  for (const [regulator, asked] of rowsByGene(firsts.test)) {
    const rows = learned.get(regulator) ?? [];
    const ownActs = Uint8Array.from(rows, (row) => acts[row]);
    const positives = ownActs.reduce((sum, label) => sum + label, 0);
    if (Math.min(positives, rows.length - positives) < MIN_PAIRS) continue;
    const model = await fitLogistic(partOf(training, rows, GENE_FEATURES), ownActs, {
      ...options,
      inverseStrength: INVERSE_STRENGTH,
    });
    const found = model.probabilities(partOf(test, asked, GENE_FEATURES));
    asked.forEach((row, i) => {
      result[row] = found[i];
    });
  }
  return result;
}

function rowsByGene(genes: Uint32Array): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  genes.forEach((gene, row) => {
    const known = rows.get(gene);
    if (known) known.push(row);
    else rows.set(gene, [row]);
  });
  return rows;
}

/** @param acting of the test pairs, then of the swapped ones */
function bothOrders(acting: Float64Array): FoldScores {
  const half = acting.length / 2;
  const probabilities = new Float64Array(3 * half);
  const swapped = new Float64Array(3 * half);
  for (let i = 0; i < half; i++) {
    const [forth, back] = [acting[i], acting[half + i]];
    const answers = [(1 - forth) * (1 - back), forth * (1 - back), back * (1 - forth)];
    const [none, first, second] = shares(answers);
    probabilities.set([none, first, second], 3 * i);
    swapped.set([none, second, first], 3 * i);
  }
  return { ...directed(probabilities), swapped };
}

/** Divided by their sum. Both genes act for certain only where rounding has made 0 of everything else. */
function shares(answers: readonly number[]): number[] {
  const sum = answers.reduce((total, answer) => total + answer, 0);
  return sum > 0 ? answers.map((answer) => answer / sum) : [0, 0.5, 0.5];
}
