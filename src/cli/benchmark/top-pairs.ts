import { basename } from "node:path";
import {
  type FoldStore,
  leadingNetwork,
  type Method,
  type NetworkSettings,
  type SplitAnswers,
  type SplitResult,
} from "../../evaluation/index.js";
import { explainPair, type PairExplanation } from "../../explanation/index.js";
import type { HistogramSession } from "../../histograms/index.js";
import { loadModel } from "../../model/index.js";
import type { TopPair } from "../../report/benchmark/report.js";
import { renderExplanationSvg } from "../../report/explanation-image.js";
import { renderPairSvg } from "../../report/pair-image.js";
import type { Labelled } from "../../training/index.js";
import { pairPicture } from "../pair-picture.js";

/** Pairs that are shown of each split. */
const SHOWN = 6;

export interface TopPairsContext {
  readonly session: HistogramSession;
  readonly labelled: Labelled;
  readonly methods: readonly Method[];
  readonly store: FoldStore;
  /** The expression file. */
  readonly data: string;
  readonly settings: NetworkSettings;
  readonly signal: AbortSignal;
}

/**
 * The test pairs of every split that its best network is surest of, with their pictures. Networks of different folds
 * are not sure on one scale, so pairs are compared by their place within their fold.
 */
export async function topPairs(
  results: readonly SplitResult[],
  answers: readonly SplitAnswers[],
  context: TopPairsContext,
): Promise<TopPair[]> {
  const shown: TopPair[] = [];
  for (const [s, split] of answers.entries()) {
    const leader = leadingNetwork(results[s].methods);
    if (leader === undefined) continue;
    const method = context.methods.findIndex(({ name }) => name === leader.name);
    for (const [rank, pair] of surest(split, method).entries()) {
      shown.push(await describePair(split, leader.name, pair, rank + 1, context));
    }
  }
  return shown;
}

interface SurePair {
  readonly fold: number;
  readonly row: number;
  readonly score: number;
}

/** The best of each fold in turn, so that all folds' networks are seen. */
function surest({ parts, answers }: SplitAnswers, method: number): SurePair[] {
  const byFold = parts.map(({ test }, fold) => {
    const { interaction } = answers[fold][method].scores;
    return Array.from(test, (row, i) => ({ fold, row, score: interaction[i] }))
      .sort((one, other) => other.score - one.score || one.row - other.row)
      .slice(0, SHOWN);
  });
  const inTurn = Array.from({ length: SHOWN }, (_, place) =>
    byFold.flatMap((pairs) => pairs.slice(place, place + 1)),
  );
  return inTurn.flat().slice(0, SHOWN);
}

async function describePair(
  { name, folds }: SplitAnswers,
  network: string,
  { fold, row, score }: SurePair,
  rank: number,
  { session, labelled, store, settings, data, signal }: TopPairsContext,
): Promise<TopPair> {
  const { a, b, labels } = labelled.pairs;
  const [first, second] = [a[row], b[row]];
  const model = await loadModel(await store.folderOf(name, network, folds.names[fold]));
  const { threads, engine } = settings;
  const explanation = await explainPair(session.store, model, first, second, { threads, engine, signal });
  const picture = pairPicture(session, first, second, explanation.counts, basename(data));
  return {
    split: name,
    method: network,
    rank,
    a: session.store.geneNames[first],
    b: session.store.geneNames[second],
    label: labels[row],
    score,
    fold: folds.names[fold],
    histogramSvg: await renderPairSvg(picture),
    explanationSvg: await renderExplanationSvg(picture, explanation, { histogram: false }),
    explanationText: inWords(explanation),
  };
}

/** The regions stand in the picture. */
function inWords({
  quantity,
  score,
  baselineScore,
  occlusion: { agreement, block },
}: PairExplanation): string {
  const change = `The ${quantity}: ${score.toFixed(2)}, and ${baselineScore.toFixed(2)} if the genes were independent.`;
  if (Number.isNaN(agreement)) return change;
  return `${change} Covering blocks of ${block} x ${block} bins instead has this rank correlation with the colours: ${agreement.toFixed(2)}.`;
}
