import type { HistogramSession } from "../../histograms/index.js";
import type { ModelInfo } from "../../model/index.js";
import type { PairRange, RunFacts } from "../../pairs/index.js";
import type { ProgressListener } from "../../progress.js";
import type { LateColumn, ScoreColumn, ScoredBatch } from "../../scoring/index.js";
import type { Rate } from "./sample.js";

/** Pairs ready to be scored in some way. */
export interface PredictionWork {
  readonly pairs: number;
  /** Of all genes. */
  readonly names: readonly string[];
  readonly columns: readonly ScoreColumn[];
  /** Column to rank by. */
  readonly main: number;
  /** Gene a may act on gene b, and not the other way round. */
  readonly directed: boolean;
  /** What computes: an engine, or a measure. */
  readonly engine: string;
  /** Of a network. */
  readonly precision?: string;
  readonly instructionSet?: string;
  readonly model?: {
    readonly path: string;
    readonly info: ModelInfo;
    digest(): Promise<string>;
  };
  /** Where the pairs come from, unless it is a file of histograms. */
  readonly session?: HistogramSession;
  /** The column that need not be worked out for all pairs, if there is one. */
  readonly late?: LateWork;
  /** What decides which pairs there are and what is known of them. */
  facts(signal: AbortSignal): Promise<RunFacts>;
  /** What decides the order of the batches, if it is not that of the pairs. */
  readonly order?: RunFacts;
  /** Scores of all pairs, or those of a range; see `order`. */
  batches(options: BatchHooks): AsyncGenerator<ScoredBatch, void, void>;
  /** Some pairs in small batches, as they are met in the whole, without the late column. */
  sample(signal: AbortSignal): AsyncGenerator<ScoredBatch, void, void>;
  close(): void;
}

export interface LateWork extends LateColumn {
  /** How many pairs a second it takes beside the other columns. */
  rate(signal: AbortSignal): Promise<Rate>;
}

/**
 * The late column, if it is to be worked out only for the pairs that are kept.
 *
 * @param pairs to be scored
 * @param top how many of them are kept; all unless given
 */
export const lateOf = ({ late }: PredictionWork, pairs: number, top: number | undefined) =>
  top !== undefined && top < pairs ? late : undefined;

/** The columns without a late one. */
export const columnsWithout = (columns: readonly ScoreColumn[], late: LateColumn | undefined) =>
  late ? columns.toSpliced(late.column, 1) : columns;

export interface BatchHooks {
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
  readonly range?: PairRange;
  /** Pairs, the first in the order of the work, that need no scores. Default 0. */
  readonly done?: number;
  /** Leave out the late column. Default false. */
  readonly withoutLate?: boolean;
}

/** Where above_threshold stands among the columns; -1 without it. */
export const thresholdColumn = (columns: readonly ScoreColumn[]): number =>
  columns.findIndex(({ name }) => name === "above_threshold");
