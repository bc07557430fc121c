import { CnncError } from "../errors.js";
import type { ExpressionStore } from "../expression/index.js";
import {
  type EngineChoice,
  type LoadedModel,
  nativeEngineProblem,
  type StoredModel,
} from "../model/index.js";
import type { CountArray, Precision } from "../native/addon-types.js";
import { createNativeScorer } from "./native-scorer.js";
import { createTfjsScorer } from "./tfjs-scorer.js";

export const PRECISIONS = ["auto", "f32", "bf16"] as const;
/** `auto` is bf16 where the engine and the processor compute in it: faster, and within 0.01 of f32. */
export type PrecisionChoice = (typeof PRECISIONS)[number];

/** A trained network that is asked about pairs. One call at a time. */
export interface Scorer {
  /** What computes, e.g. `oneDNN 3.5 (bfloat16)` or `tfjs (cpu)`. */
  readonly name: string;
  readonly precision: Precision;
  /** What oneDNN computes with, e.g. `avx512_core_bf16`: other ones may give other last bits. */
  readonly instructionSet?: string;
  /** Probabilities per image: 1, or one per class. */
  readonly outputs: number;
  /** Pairs of a call that neither waste time nor keep one waiting for long. */
  readonly batchSize: number;
  /**
   * Probabilities of pairs of the store's genes: `outputs` of each, followed with `both` by those of the swapped
   * pair, which come from the same histogram. A score has the same bits for any number of threads and whatever pairs
   * it is asked with. Neither `a` nor `b` may change until the promise settles.
   *
   * @throws CnncError `CANCELLED`, `OUT_OF_MEMORY`
   */
  score(
    store: ExpressionStore,
    a: Uint32Array,
    b: Uint32Array,
    both: boolean,
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /**
   * The same for pairs x 32 x 32 counts of `cells` cells, laid out as in HistogramBatch.
   *
   * @throws CnncError `CANCELLED`, `OUT_OF_MEMORY`
   */
  scoreCounts(counts: CountArray, cells: number, both: boolean, signal?: AbortSignal): Promise<Float32Array>;
  /** Frees everything; no call may follow. */
  close(): void;
}

export interface ScorerOptions {
  /** Default `auto`. */
  readonly engine?: EngineChoice;
  /** Default `auto`. */
  readonly precision?: PrecisionChoice;
  readonly threads: number;
  /** Is told in one line what the user should know of the choice. */
  readonly onNotice?: (line: string) => void;
}

/**
 * A model made ready to score pairs: on oneDNN where that can be had and expresses the model, else in TensorFlow.js.
 *
 * @throws CnncError `ENGINE_UNAVAILABLE` if `native` or bf16 is asked for and cannot be had; `OUT_OF_MEMORY`
 */
export async function openScorer(model: LoadedModel | StoredModel, options: ScorerOptions): Promise<Scorer> {
  const { engine = "auto", precision = "auto", threads, onNotice } = options;
  const { spec, parameters, info } = model;
  const unsupported = "unsupported" in spec ? spec.unsupported.replace(/\.$/, "") : undefined;
  const problem = unsupported ?? nativeEngineProblem(precision === "bf16" ? "bf16" : "f32");
  if (engine !== "tfjs" && problem === undefined && !("unsupported" in spec)) {
    return createNativeScorer({
      spec,
      parameters,
      images: info.images,
      precision: precision === "auto" ? bestPrecision() : precision,
      threads,
    });
  }
  if (engine === "native" || precision === "bf16") {
    throw new CnncError(
      "ENGINE_UNAVAILABLE",
      `This network cannot be run natively${precision === "bf16" ? " in bfloat16" : ""}: ${problem ?? "--engine tfjs was asked for"}.`,
      "Leave out --engine and --precision.",
    );
  }
  if (engine === "auto") onNotice?.(`Scoring in TensorFlow.js, which is slower: ${problem}.`);
  return createTfjsScorer(model, { threads, ...(onNotice && { onProblem: onNotice }) });
}

const bestPrecision = (): Precision => (nativeEngineProblem("bf16") === undefined ? "bf16" : "f32");
