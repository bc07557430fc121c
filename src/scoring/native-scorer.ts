import { CnncError } from "../errors.js";
import { IMAGE_SIZE } from "../histograms/index.js";
import {
  checkParameterCount,
  type ImageKind,
  type NetworkSpec,
  nativeEngineName,
  outputCount,
  parameterCount,
} from "../model/index.js";
import { addon } from "../native/addon.js";
import type { Device, NativePredictor, Precision } from "../native/addon-types.js";
import { runJob } from "../native/run-job.js";
import type { Scorer } from "./scorer.js";

export interface NativeScorerOptions {
  readonly spec: NetworkSpec;
  /** In the order of parameterList. */
  readonly parameters: Float32Array;
  /** What the channels of the input hold. */
  readonly images: readonly ImageKind[];
  readonly precision: Precision;
  readonly device: Device;
  readonly threads: number;
}

/** About a second of the published network on two processors, or on a GPU. */
const BATCHES: Record<Device, number> = { cpu: 8192, cuda: 1 << 19 };
/** Images that are shown together are the native code's own choice. */
const NOMINAL_BATCH = 32;

/**
 * Scores on oneDNN or a GPU: histograms, images and network in one native pass.
 *
 * @throws CnncError `PARAMETERS_MISMATCH`, `BAD_NETWORK`, `BF16_UNAVAILABLE`, `OUT_OF_MEMORY`; on a GPU
 *   `GPU_UNAVAILABLE`, `GPU_MEMORY`, `GPU_FAILED`
 */
export function createNativeScorer(options: NativeScorerOptions): Scorer {
  const { spec, parameters, images, precision, device } = options;
  checkParameterCount(parameters.length, parameterCount(spec));
  const predictor = makePredictor(options);
  const outputs = outputCount(spec);
  const { onednnIsa, gpus } = addon().systemInfo();
  const probabilities = (pairs: number, both: boolean) => new Float32Array(pairs * outputs * (both ? 2 : 1));
  return {
    name: nativeEngineName(device, precision),
    precision,
    instructionSet: device === "cuda" ? gpus[0].name : onednnIsa,
    outputs,
    batchSize: BATCHES[device],
    async score(store, a, b, both, signal) {
      const out = probabilities(a.length, both);
      await runJob("Network", signal, (job) =>
        predictor.scorePairs(store.native, a, b, images, both, out, job),
      );
      return out;
    },
    async scoreCounts(counts, cells, both, signal) {
      const out = probabilities(counts.length / IMAGE_SIZE, both);
      await runJob("Network", signal, (job) =>
        predictor.predictCounts(counts, cells, images, both, out, job),
      );
      return out;
    },
    close: () => {},
  };
}

function makePredictor({
  spec,
  parameters,
  precision,
  device,
  threads,
}: NativeScorerOptions): NativePredictor {
  try {
    const predictor = new (addon().Predictor)(spec, { precision, device, threads, batch: NOMINAL_BATCH });
    predictor.setParameters(parameters);
    return predictor;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    throw code ? new CnncError(code, `Network: ${message}.`, "", { cause: error }) : error;
  }
}
