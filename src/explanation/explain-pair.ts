import { CnncError } from "../errors.js";
import type { ExpressionStore } from "../expression/index.js";
import { countArray, fillHistograms, IMAGE_SIZE } from "../histograms/index.js";
import type { ModelContent } from "../model/index.js";
import type { CountArray } from "../native/addon-types.js";
import { resolveThreads } from "../native/device.js";
import type { Task } from "../pairs/index.js";
import {
  type ExplainedOutput,
  outputValue,
  probabilitiesOf,
  quantityOf,
  usualOutput,
} from "./explained-output.js";
import { cellsWords, type ExplainedGene, expectedWords, stateWords } from "./expression-state.js";
import { type AttributionOptions, integratedGradients } from "./integrated-gradients.js";
import { type Occlusion, occlude } from "./occlusion.js";
import { type NetworkOptions, openNetwork } from "./open-network.js";
import { pairInput } from "./pair-input.js";
import { type BinRegion, forEachBin, strongestRegions } from "./regions.js";

export interface ExplanationOptions extends AttributionOptions {
  /** Default: `direction` where the model says that there is one, else `interaction`. */
  readonly output?: ExplainedOutput;
}

/** Why a model scores a pair as it does: what of its score comes from the two genes not being independent. */
export interface PairExplanation {
  readonly geneA: string;
  readonly geneB: string;
  readonly cells: number;
  /** 32 x 32 cells; row = bin of gene b, here and in all that follows. */
  readonly counts: CountArray;
  /** 33 bin edges, in transformed units. */
  readonly edgesA: Float64Array;
  readonly edgesB: Float64Array;
  readonly task: Task;
  readonly output: ExplainedOutput;
  /** What is explained, for people, e.g. `log-odds of an interaction`. */
  readonly quantity: string;
  /** What computed. */
  readonly engine: string;
  /** The model's answer: that of label 1, or those of none, a->b and b->a. */
  readonly probabilities: readonly number[];
  /** Its answer if the genes were independent, with the same margins. */
  readonly baselineProbabilities: readonly number[];
  /** The explained number, in log-odds. */
  readonly score: number;
  readonly baselineScore: number;
  /** 32 x 32: what each bin adds to `baselineScore` to make `score`; see integratedGradients. */
  readonly attribution: Float64Array;
  readonly steps: number;
  /** How far the attributions' sum is from score - baselineScore. */
  readonly completenessError: number;
  readonly occlusion: Occlusion;
  /** Strongest first; at most 5. */
  readonly regions: readonly ExplainedRegion[];
}

/** An expression state of both genes, and what it does to the score. */
export interface ExplainedRegion extends BinRegion {
  /** From the lowest to the highest edge of its bins, in transformed units. */
  readonly rangeA: readonly [number, number];
  readonly rangeB: readonly [number, number];
  readonly cells: number;
  /** Cells that would be there if the genes were independent. */
  readonly expectedCells: number;
  /** E.g. `Gata1 high (1.2 to 1.9) and Spi1 not detected: 212 cells, 130 if independent`. */
  readonly words: string;
}

/** A model that is asked about pairs. One call at a time. */
export interface Explainer {
  /** What computes, e.g. `oneDNN 3.5 (float32)`. */
  readonly name: string;
  /**
   * Explains a pair of genes of a store: of gene `a` acting on gene `b` where the model tells directions.
   *
   * @throws CnncError `DIRECTION_UNKNOWN` if the direction is asked of a model that tells none; `CANCELLED`,
   *   `OUT_OF_MEMORY`; RangeError for genes that the store does not have.
   */
  explain(
    store: ExpressionStore,
    a: number,
    b: number,
    options?: ExplanationOptions,
  ): Promise<PairExplanation>;
  /** Frees everything; no call may follow. */
  close(): void;
}

/**
 * Makes a model ready to be asked about many pairs.
 *
 * @param model from a folder, or in memory
 * @throws CnncError of openNetwork
 */
export async function openExplainer(model: ModelContent, options: NetworkOptions = {}): Promise<Explainer> {
  const { task, images } = model.info;
  const network = await openNetwork(model, options);
  const threads = resolveThreads(options.threads);

  return {
    name: network.name,
    close: () => network.close(),
    async explain(store, a, b, { output: asked, signal, onProgress } = {}) {
      if (asked === "direction") requireDirections(task);
      const pair = await readPair(store, a, b, threads, signal);
      const { counts, cells, geneA, geneB } = pair;
      const input = pairInput(counts, cells, images);
      const [logits, baselineLogits] = await logitsOfBoth(input.image, input.baseline);
      const output = asked ?? usualOutput(task, logits);
      const score = outputValue(output, logits);
      const baselineScore = outputValue(output, baselineLogits);
      const hooks = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
      const change = score - baselineScore;
      const { values, steps, error } = await integratedGradients(network, input, output, change, hooks);
      return {
        geneA: geneA.name,
        geneB: geneB.name,
        cells,
        counts,
        edgesA: geneA.edges,
        edgesB: geneB.edges,
        task,
        output,
        quantity: quantityOf(output, geneA.name, geneB.name),
        engine: network.name,
        probabilities: probabilitiesOf(logits),
        baselineProbabilities: probabilitiesOf(baselineLogits),
        score,
        baselineScore,
        attribution: values,
        steps,
        completenessError: error,
        occlusion: await occlude(network, input, output, score, values, signal),
        regions: explainedRegions(values, pair),
      };
    },
  };

  async function logitsOfBoth(
    image: Float32Array,
    baseline: Float32Array,
  ): Promise<[Float32Array, Float32Array]> {
    const both = new Float32Array(2 * image.length);
    both.set(image);
    both.set(baseline, image.length);
    const logits = await network.logits(both);
    const outputs = logits.length / 2;
    return [logits.subarray(0, outputs), logits.subarray(outputs)];
  }
}

/**
 * Explains one pair of genes of a store; see Explainer.
 *
 * @throws CnncError of openExplainer and Explainer.explain
 */
export async function explainPair(
  store: ExpressionStore,
  model: ModelContent,
  a: number,
  b: number,
  options: ExplanationOptions & NetworkOptions = {},
): Promise<PairExplanation> {
  const explainer = await openExplainer(model, options);
  try {
    return await explainer.explain(store, a, b, options);
  } finally {
    explainer.close();
  }
}

/** @throws CnncError `DIRECTION_UNKNOWN` */
export function requireDirections(task: Task): void {
  if (task === "causality") return;
  throw new CnncError(
    "DIRECTION_UNKNOWN",
    "This model tells no directions, so none can be explained.",
    "Leave out --score, or give a model that was trained on directions.",
  );
}

/** A histogram with all that is needed to name its bins. */
interface Pair {
  readonly geneA: ExplainedGene;
  readonly geneB: ExplainedGene;
  readonly cells: number;
  readonly counts: CountArray;
}

const BINS = 32;

async function readPair(
  store: ExpressionStore,
  a: number,
  b: number,
  threads: number,
  signal: AbortSignal | undefined,
): Promise<Pair> {
  const geneOf = (gene: number): ExplainedGene => {
    if (!(gene >= 0 && gene < store.geneNames.length)) throw new RangeError(`gene ${gene} of the store`);
    const silent = store.cells - store.expressing[gene];
    const margin = store.marginal.subarray(BINS * gene, BINS * (gene + 1));
    const separate = silent > 0 && silent < store.cells && margin[0] === silent;
    return {
      name: store.geneNames[gene],
      edges: store.edges.slice((BINS + 1) * gene, (BINS + 1) * (gene + 1)),
      separate,
      lowestBin: margin.findIndex((cells, bin) => cells > 0 && !(separate && bin === 0)),
    };
  };
  const [geneA, geneB] = [geneOf(a), geneOf(b)];
  const counts = countArray(store.cells, IMAGE_SIZE);
  const genes = { a: Uint32Array.of(a), b: Uint32Array.of(b) };
  await fillHistograms(store, genes, counts, { device: "cpu", threads, ...(signal && { signal }) });
  return { geneA, geneB, cells: store.cells, counts };
}

function explainedRegions(
  attribution: Float64Array,
  { geneA, geneB, cells, counts }: Pair,
): ExplainedRegion[] {
  const marginA = new Float64Array(BINS);
  const marginB = new Float64Array(BINS);
  counts.forEach((count, bin) => {
    marginA[bin % BINS] += count;
    marginB[Math.floor(bin / BINS)] += count;
  });
  const regions = strongestRegions(attribution, { separateA: geneA.separate, separateB: geneB.separate });
  return regions.map((region) => {
    const { binsA, binsB } = region;
    let found = 0;
    let expected = 0;
    forEachBin(region, (bin) => {
      found += counts[bin];
      expected += (marginA[bin % BINS] * marginB[Math.floor(bin / BINS)]) / cells;
    });
    const state = `${stateWords(geneA, binsA)} and ${stateWords(geneB, binsB)}`;
    return {
      ...region,
      rangeA: [geneA.edges[binsA[0]], geneA.edges[binsA[1] + 1]],
      rangeB: [geneB.edges[binsB[0]], geneB.edges[binsB[1] + 1]],
      cells: found,
      expectedCells: expected,
      words: `${state}: ${cellsWords(found)}, ${expectedWords(expected)} if independent`,
    };
  });
}
