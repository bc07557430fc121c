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
import { type DeviceChoice, resolveDevice } from "../native/device.js";
import { requireBatchMemory } from "./batch-memory.js";
import { createNativeEngine, type NativeEngineOptions } from "./native-engine.js";
import { createTfjsEngine } from "./tfjs-engine.js";

export interface EngineOptions {
  readonly engine: EngineChoice;
  readonly model: LayersModel;
  readonly optimizer: Optimizer;
  readonly precision: Precision;
  /** Default `cpu`. */
  readonly device?: DeviceChoice;
  readonly threads: number;
  readonly batchSize: number;
  readonly seed: number;
  /** Is told in one line what the user should know of the choice. */
  readonly onNotice?: (line: string) => void;
}

/**
 * The engine that trains a model, from the model's own weights.
 *
 * @throws CnncError `ENGINE_UNAVAILABLE` if `native`, bf16 or a GPU is asked for and cannot be had; `OUT_OF_MEMORY`;
 *   those of createNativeEngine and createTfjsEngine.
 */
export async function createEngine(options: EngineOptions): Promise<GradientEngine> {
  const { engine, model, device = "cpu", onNotice, ...rest } = options;
  const spec = networkSpec(model);
  const unsupported = "unsupported" in spec ? spec.unsupported.replace(/\.$/, "") : undefined;
  if (engine !== "tfjs" && !("unsupported" in spec)) {
    const onGpu = engineOnGpu({ ...rest, spec, parameters: flatParameters(model) }, device, onNotice);
    if (onGpu) return onGpu;
  }
  if (device === "cuda") {
    throw new CnncError(
      "ENGINE_UNAVAILABLE",
      `This network cannot be trained on a GPU: ${unsupported ?? "--engine tfjs was asked for"}.`,
      "Leave out --device.",
    );
  }
  const problem = unsupported ?? nativeEngineProblem(options.precision);
  if (engine !== "tfjs" && problem === undefined && !("unsupported" in spec)) {
    requireBatchMemory(spec, options.batchSize);
    return createNativeEngine({ ...rest, spec, parameters: flatParameters(model), device: "cpu" });
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

/** Undefined where there is no GPU, or none is wanted; with `auto` also where it cannot take the network. */
function engineOnGpu(
  network: Omit<NativeEngineOptions, "device">,
  device: DeviceChoice,
  onNotice: EngineOptions["onNotice"],
): GradientEngine | undefined {
  if (resolveDevice(device) === "cpu") return undefined;
  try {
    return createNativeEngine({ ...network, device: "cuda" });
  } catch (error) {
    if (device === "cuda" || !(error instanceof CnncError)) throw error;
    onNotice?.(`Training on the CPU. ${error.message}`);
    return undefined;
  }
}
