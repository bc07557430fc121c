import { CnncError } from "../errors.js";
import type {
  EngineState,
  GradientEngine,
  HeldBatch,
  ImageKind,
  NetworkSpec,
  Optimizer,
  TrainBatch,
} from "../model/index.js";
import { checkParameterCount, nativeEngineName, parameterCount } from "../model/index.js";
import { addon } from "../native/addon.js";
import type { CountArray, Device, NativePredictor, Precision } from "../native/addon-types.js";

export interface NativeEngineOptions {
  readonly spec: NetworkSpec;
  /** All parameters, in the order of parameterList. */
  readonly parameters: Float32Array;
  readonly optimizer: Optimizer;
  readonly precision: Precision;
  /** Default `cpu`. */
  readonly device?: Device;
  readonly threads: number;
  /** Images of a usual batch. */
  readonly batchSize: number;
  /** Of the dropout masks. */
  readonly seed: number;
}

/**
 * An engine on oneDNN or a GPU. Predictions are made in float32, so that they can be compared between precisions.
 *
 * @throws CnncError `ONEDNN_MISSING`, `BF16_UNAVAILABLE`, `BAD_NETWORK`, `PARAMETERS_MISMATCH`, `GPU_UNAVAILABLE`; also
 *   its calls `OUT_OF_MEMORY`, `GPU_MEMORY`, `GPU_FAILED`.
 */
export function createNativeEngine(options: NativeEngineOptions): GradientEngine {
  const { spec, optimizer, precision, device = "cpu", threads, batchSize, seed } = options;
  checkParameterCount(options.parameters.length, parameterCount(spec));
  const trainer = translated(
    () => new (addon().Trainer)(spec, { precision, device, threads, batch: batchSize, optimizer, seed }),
  );
  trainer.setParameters(options.parameters);
  let predictor: NativePredictor | undefined;
  const predicting = (): NativePredictor => {
    predictor ??= translated(
      () => new (addon().Predictor)(spec, { precision: "f32", device, threads, batch: batchSize }),
    );
    predictor.setParameters(trainer.parameters());
    return predictor;
  };
  return {
    name: nativeEngineName(device, precision),
    step: ({ images, targets, weights }: TrainBatch, learningRate: number) =>
      trainer.step(images, targets, weights, learningRate).catch(fail),
    ...(device === "cuda" && {
      hold: (counts: CountArray, cells: number, kinds: readonly ImageKind[]) => {
        translated(() => trainer.hold(counts, cells, kinds));
      },
      stepHeld: ({ rows, swapped, targets, weights }: HeldBatch, learningRate: number) =>
        trainer.stepRows(rows, swapped, targets, weights, learningRate).catch(fail),
    }),
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
