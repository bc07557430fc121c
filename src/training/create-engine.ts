import type { LayersModel } from "@tensorflow/tfjs-layers";
import { CnncError } from "../errors.js";
import {
  type EngineChoice,
  flatParameters,
  type GradientEngine,
  nativeEngineProblem,
  networkSpec,
  type Optimizer,
} from "../model/index.js";
import type { Precision } from "../native/addon-types.js";
import { requireBatchMemory } from "./batch-memory.js";
import { createNativeEngine } from "./native-engine.js";
import { createTfjsEngine } from "./tfjs-engine.js";

export interface EngineOptions {
  readonly engine: EngineChoice;
  readonly model: LayersModel;
  readonly optimizer: Optimizer;
  readonly precision: Precision;
  readonly threads: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Is told in one line what the user should know of the choice. */
  readonly onNotice?: (line: string) => void;
}

/**
 * The engine that trains a model, from the model's own weights.
 *
 * @throws CnncError `ENGINE_UNAVAILABLE` if `native` or bf16 is asked for and cannot be had; `OUT_OF_MEMORY`; those of
 *   createTfjsEngine.
 */
export async function createEngine(options: EngineOptions): Promise<GradientEngine> {
  const { engine, model, onNotice, ...rest } = options;
  const spec = networkSpec(model);
  const problem =
    "unsupported" in spec ? spec.unsupported.replace(/\.$/, "") : nativeEngineProblem(options.precision);
  if (engine !== "tfjs" && problem === undefined && !("unsupported" in spec)) {
    requireBatchMemory(spec, options.batchSize);
    return createNativeEngine({ ...rest, spec, parameters: flatParameters(model) });
  }
  if (engine === "native" || options.precision === "bf16") {
    throw new CnncError(
      "ENGINE_UNAVAILABLE",
      `This network cannot be trained natively${options.precision === "bf16" ? " in bfloat16" : ""}: ${problem ?? "--engine tfjs was asked for"}.`,
      "Leave out --engine and --precision, or run npm run setup to build with oneDNN.",
    );
  }
  if (engine === "auto") onNotice?.(`Training in TensorFlow.js, which is slower: ${problem}.`);
  return createTfjsEngine({
    model,
    optimizer: options.optimizer,
    seed: options.seed,
    accelerated: true,
    ...(onNotice && { onProblem: onNotice }),
  });
}
