import { CnncError } from "../errors.js";
import type { ExpressionStore } from "../expression/index.js";
import {
  type EngineChoice,
  type LoadedModel,
  nativeEngineProblem,
  type StoredModel,
} from "../model/index.js";
import type { CountArray, Precision } from "../native/addon-types.js";
import { type DeviceChoice, resolveDevice } from "../native/device.js";
import { createNativeScorer, type NativeScorerOptions } from "./native-scorer.js";
import { createTfjsScorer } from "./tfjs-scorer.js";

export const PRECISIONS = ["auto", "f32", "bf16"] as const;
/** `auto` is bf16 where the engine and the processor or GPU compute in it: faster, and within 0.01 of f32. */
export type PrecisionChoice = (typeof PRECISIONS)[number];

/** A trained network that is asked about pairs. One call at a time. */
export interface Scorer {
  /** What computes, e.g. `oneDNN 3.5 (bfloat16)` or `tfjs (cpu)`. */
  readonly name: string;
  readonly precision: Precision;
  /** What computes, e.g. `avx512_core_bf16` or a GPU's name: other ones may give other last bits. */
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
  /** Default `cpu`. */
  readonly device?: DeviceChoice;
  readonly threads: number;
  /** Is told in one line what the user should know of the choice. */
  readonly onNotice?: (line: string) => void;
}

/**
 * A model made ready to score pairs: on a GPU or oneDNN where that can be had and expresses the model, else in
 * TensorFlow.js.
 *
 * @throws CnncError `ENGINE_UNAVAILABLE` if `native`, bf16 or a GPU is asked for and cannot be had; `GPU_UNAVAILABLE`,
 *   `GPU_MEMORY`, `GPU_FAILED`; `OUT_OF_MEMORY`
 */
export async function openScorer(model: LoadedModel | StoredModel, options: ScorerOptions): Promise<Scorer> {
  const { engine = "auto", precision = "auto", threads, onNotice } = options;
  const { spec, parameters, info } = model;
  const unsupported = "unsupported" in spec ? spec.unsupported.replace(/\.$/, "") : undefined;
  if (engine !== "tfjs" && !("unsupported" in spec)) {
    const scorer = scorerOnGpu({ spec, parameters, images: info.images, threads }, options);
    if (scorer) return scorer;
  }
  const problem = unsupported ?? nativeEngineProblem(precision === "bf16" ? "bf16" : "f32");
  if (options.device === "cuda") {
    throw new CnncError(
      "ENGINE_UNAVAILABLE",
      `This network cannot be run on a GPU: ${unsupported ?? "--engine tfjs was asked for"}.`,
      "Leave out --device.",
    );
  }
  if (engine !== "tfjs" && problem === undefined && !("unsupported" in spec)) {
    return createNativeScorer({
      spec,
      parameters,
      images: info.images,
      precision: precision === "auto" ? bestPrecision() : precision,
      device: "cpu",
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

/** Undefined where there is no GPU, or none is wanted; with `auto` also where it cannot take the network. */
function scorerOnGpu(
  network: Pick<NativeScorerOptions, "spec" | "parameters" | "images" | "threads">,
  { device = "cpu", precision = "auto", onNotice }: ScorerOptions,
): Scorer | undefined {
  if (resolveDevice(device) === "cpu") return undefined;
  try {
    return createNativeScorer({
      ...network,
      precision: precision === "auto" ? "bf16" : precision,
      device: "cuda",
    });
  } catch (error) {
    if (device === "cuda" || !(error instanceof CnncError)) throw error;
    onNotice?.(`Scoring on the CPU. ${error.message}`);
    return undefined;
  }
}

const bestPrecision = (): Precision => (nativeEngineProblem("bf16") === undefined ? "bf16" : "f32");
