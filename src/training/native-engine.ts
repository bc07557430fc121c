import { CnncError } from "../errors.js";
import type { EngineState, GradientEngine, NetworkSpec, Optimizer, TrainBatch } from "../model/index.js";
import { checkParameterCount, parameterCount } from "../model/index.js";
import { addon } from "../native/addon.js";
import type { NativePredictor, Precision } from "../native/addon-types.js";

export interface NativeEngineOptions {
  readonly spec: NetworkSpec;
  /** All parameters, in the order of parameterList. */
  readonly parameters: Float32Array;
  readonly optimizer: Optimizer;
  readonly precision: Precision;
  readonly threads: number;
  /** Images of a usual batch. */
  readonly batchSize: number;
  /** Of the dropout masks. */
  readonly seed: number;
}

/**
 * An engine on oneDNN. Predictions are made in float32, so that they can be compared between precisions.
 *
 * @throws CnncError `ONEDNN_MISSING`, `BF16_UNAVAILABLE`, `BAD_NETWORK`, `PARAMETERS_MISMATCH`; its calls
 *   `OUT_OF_MEMORY`.
 */
export function createNativeEngine(options: NativeEngineOptions): GradientEngine {
  const { spec, optimizer, precision, threads, batchSize, seed } = options;
  checkParameterCount(options.parameters.length, parameterCount(spec));
  const trainer = translated(
    () => new (addon().Trainer)(spec, { precision, threads, batch: batchSize, optimizer, seed }),
  );
  trainer.setParameters(options.parameters);
  let predictor: NativePredictor | undefined;
  const predicting = (): NativePredictor => {
    predictor ??= translated(
      () => new (addon().Predictor)(spec, { precision: "f32", threads, batch: batchSize }),
    );
    predictor.setParameters(trainer.parameters());
    return predictor;
  };
  return {
    name: `oneDNN ${addon().systemInfo().onednn} (${precision === "bf16" ? "bfloat16" : "float32"})`,
    step: ({ images, targets, weights }: TrainBatch, learningRate: number) =>
      trainer.step(images, targets, weights, learningRate).catch(fail),
    predict: (images) => predicting().predict(images).catch(fail),
    logits: (images) => predicting().logits(images).catch(fail),
    gradients: ({ images, targets, weights }) => trainer.gradients(images, targets, weights).catch(fail),
    inputGradient: (images, output = 0) => predicting().inputGradients(images, output).catch(fail),
    parameters: async () => trainer.parameters(),
    setParameters: async (parameters) => {
      checkParameterCount(parameters.length, parameterCount(spec));
      trainer.setParameters(parameters);
    },
    state: async () => trainer.state(),
    setState: async (state: EngineState) => translated(() => trainer.setState(state)),
    close: () => {},
  };
}

function translated<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    fail(error);
  }
}

/** Throws a native failure as a CnncError. */
function fail(error: unknown): never {
  const { code, message } = error as { code?: string; message: string };
  if (code === undefined) throw error;
  const remedy = code === "OUT_OF_MEMORY" ? "Lower --batch-size." : "";
  throw new CnncError(code, `Network: ${message}.`, remedy, { cause: error });
}
