import { CnncError } from "../../errors.js";
import {
  type HistogramOptions,
  type HistogramSession,
  openHistogramFile,
  openHistograms,
  type PairRequest,
  sessionFacts,
} from "../../histograms/index.js";
import { modelDigest, readModel, type StoredModel } from "../../model/index.js";
import type { AssociationMeasure } from "../../native/addon-types.js";
import { resolveThreads } from "../../native/device.js";
import type { Task } from "../../pairs/index.js";
import {
  associationBatches,
  associationColumns,
  countBatches,
  networkBatches,
  networkColumns,
  openScorer,
  type ScoreColumn,
  type Scorer,
  type ScorerOptions,
  settingsOfModel,
} from "../../scoring/index.js";
import { VERSION } from "../../version.js";
import { overParts, sampleOfParts, spearmanOf, spearmanRate } from "./over-parts.js";
import { fileWarnings, readingWarnings } from "./reading-warnings.js";
import { SAMPLE_FILE_BATCH, sampleOf } from "./sample.js";
import type { LateWork, PredictionWork } from "./work.js";

/** Bytes that a correlation keeps for each entry of the genes in use. */
const KEPT_PER_ENTRY = 4;
/** Pairs of a call that measures associations. */
const ASSOCIATION_BATCH = 1 << 16;

export const RANKINGS = ["p_interaction", "p_a_to_b"] as const;
/** Column of a network's scores to rank by. */
export type Ranking = (typeof RANKINGS)[number];

export interface NetworkRequest {
  /** Model folder. */
  readonly model: string;
  readonly rankBy?: Ranking;
  readonly scorer: Partial<ScorerOptions>;
  readonly onWarning: (line: string) => void;
}

export interface DataRequest {
  readonly data: string;
  readonly pairs: PairRequest;
  readonly options: HistogramOptions;
  /** Bytes that stores, and what is kept beside them, may take. */
  readonly memory?: number;
}

/**
 * Scores by a network, of pairs of an expression file. Scale and transform are the model's unless given, or decided by a
 * prepared store.
 */
export async function networkWork(request: NetworkRequest, data: DataRequest): Promise<PredictionWork> {
  const model = await readModel(request.model);
  const { info } = model;
  const main = mainColumn(request, info.task, data.pairs.kind === "product");
  const threads = resolveThreads(data.options.threads);
  return closingOnFailure(await openScorer(model, { ...request.scorer, threads }), async (scorer) => {
    const session = await openHistograms(data.data, data.pairs, {
      ...data.options,
      ...(data.memory !== undefined && { memory: { bytes: data.memory, keptPerEntry: KEPT_PER_ENTRY } }),
      usual: info,
      keepValues: "where-possible",
    });
    return closingOnFailure(session, async () => {
      const asked = data.options.scale !== undefined;
      for (const line of await readingWarnings(info, session.selection, asked)) request.onWarning(line);
      // Everything is read: the threads that did it, and their memory, can go.
      if (!session.inParts) session.close();
      const settings = { ...settingsOfModel(info), unordered: data.pairs.kind === "all" };
      const columns = networkColumns(settings, { spearman: session.store.hasValues });
      return {
        ...networkFacts(request, model, scorer),
        main,
        pairs: session.source.count,
        names: session.store.geneNames,
        columns,
        ...lateSpearman(session, columns, threads),
        directed: data.pairs.kind === "product",
        session,
        ...orderOf(session),
        facts: (signal) => sessionFacts(session, signal),
        batches: (hooks) =>
          overParts(session, hooks, ({ store, source }, own) =>
            networkBatches(scorer, store, source, {
              ...settings,
              ...own,
              spearman: session.store.hasValues && !hooks.withoutLate,
              threads,
            }),
          ),
        sample: (signal) =>
          sampleOfParts(session, ({ store, source }) =>
            networkBatches(scorer, store, sampleOf(source, scorer.batchSize), {
              ...settings,
              spearman: false,
              threads,
              signal,
            }),
          ),
        close: () => {
          session.close();
          scorer.close();
        },
      };
    });
  });
}

/** Scores by a network, of the histograms in a file. There is no expression to correlate. */
export async function histogramFileWork(request: NetworkRequest, path: string): Promise<PredictionWork> {
  const model = await readModel(request.model);
  const { info } = model;
  const main = mainColumn(request, info.task, false);
  const threads = resolveThreads(request.scorer.threads);
  return closingOnFailure(await openScorer(model, { ...request.scorer, threads }), async (scorer) => {
    const file = await openHistogramFile(path);
    for (const line of fileWarnings(info, file)) request.onWarning(line);
    const settings = { ...settingsOfModel(info), unordered: !file.ordered };
    return {
      ...networkFacts(request, model, scorer),
      main,
      pairs: file.count,
      names: file.geneNames,
      columns: networkColumns(settings, { spearman: false }),
      directed: false,
      facts: async (signal) => ({ "version of cnnc": VERSION, data: await file.digest(signal) }),
      batches: ({ range = { from: 0, to: file.count }, done = 0, signal, onProgress }) =>
        countBatches(scorer, file, {
          ...settings,
          signal,
          onProgress,
          range: { from: range.from + done, to: range.to },
        }),
      sample: (signal) =>
        countBatches(scorer, file, {
          ...settings,
          batchSize: Math.min(SAMPLE_FILE_BATCH, scorer.batchSize),
          signal,
        }),
      close: () => {
        file.close();
        scorer.close();
      },
    };
  });
}

/** Scores by a measure of association, of pairs of an expression file. */
export async function associationWork(
  measure: AssociationMeasure,
  data: DataRequest,
): Promise<PredictionWork> {
  const session = await openHistograms(data.data, data.pairs, {
    ...data.options,
    ...(data.memory !== undefined && {
      memory: { bytes: data.memory, keptPerEntry: KEPT_PER_ENTRY * (measure === "pearson" ? 2 : 1) },
    }),
    keepValues: true,
  });
  if (!session.inParts) session.close();
  const threads = resolveThreads(data.options.threads);
  const columns = associationColumns(measure).map((name) => ({ name }));
  return {
    pairs: session.source.count,
    names: session.store.geneNames,
    columns,
    main: 0,
    // Spearman's by itself is what the ranking is by.
    ...(measure === "spearman" ? {} : lateSpearman(session, columns, threads)),
    directed: data.pairs.kind === "product",
    engine: measure,
    session,
    ...orderOf(session),
    facts: (signal) => sessionFacts(session, signal),
    batches: (hooks) =>
      overParts(session, hooks, ({ store, source }, own) =>
        associationBatches(store, source, measure, { ...own, spearman: !hooks.withoutLate, threads }),
      ),
    sample: (signal) =>
      sampleOfParts(session, ({ store, source }) =>
        associationBatches(store, sampleOf(source, ASSOCIATION_BATCH), measure, {
          spearman: false,
          slab: 1,
          threads,
          signal,
        }),
      ),
    close: () => session.close(),
  };
}

function lateSpearman(
  session: HistogramSession,
  columns: readonly ScoreColumn[],
  threads: number,
): { late?: LateWork } {
  const name = "spearman";
  const column = columns.findIndex((one) => one.name === name);
  if (column < 0) return {};
  return {
    late: {
      name,
      column,
      score: (a, b, signal) => spearmanOf(session, a, b, { threads, ...(signal && { signal }) }),
      rate: (signal) => spearmanRate(session, { threads, signal }),
    },
  };
}

/** Parts answer for pairs in an order that their size decides. */
const orderOf = ({ inParts, storeBytes }: HistogramSession) =>
  inParts ? { order: { "--memory": `${storeBytes} bytes beside the program` } } : {};

const networkFacts = ({ model: path }: NetworkRequest, model: StoredModel, scorer: Scorer) => ({
  engine: scorer.name,
  precision: scorer.precision,
  ...(scorer.instructionSet !== undefined && { instructionSet: scorer.instructionSet }),
  model: { path, info: model.info, digest: () => modelDigest(model) },
});

/**
 * Regulators are asked which genes they act on; of other pairs nobody said which gene acts.
 *
 * @throws CnncError `BAD_USAGE`
 */
function mainColumn({ rankBy }: NetworkRequest, task: Task, hasRegulators: boolean): number {
  if (rankBy === "p_a_to_b" && task === "interaction") {
    throw new CnncError(
      "BAD_USAGE",
      "This model tells no directions, so its pairs cannot be ranked by p_a_to_b.",
      "Leave out --rank-by, or give a model that was trained on directions.",
    );
  }
  const chosen = rankBy ?? (task === "causality" && hasRegulators ? "p_a_to_b" : "p_interaction");
  return networkColumns({ task }, { spearman: false }).findIndex(({ name }) => name === chosen);
}

async function closingOnFailure<T extends { close(): void }, R>(
  resource: T,
  use: (resource: T) => Promise<R>,
): Promise<R> {
  try {
    return await use(resource);
  } catch (error) {
    resource.close();
    throw error;
  }
}
