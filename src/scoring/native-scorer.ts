import { CnncError } from "../errors.js";
import { IMAGE_SIZE } from "../histograms/index.js";
import {
  checkParameterCount,
  type ImageKind,
  type NetworkSpec,
  outputCount,
  parameterCount,
} from "../model/index.js";
import { addon } from "../native/addon.js";
import type { NativePredictor, Precision } from "../native/addon-types.js";
import { runJob } from "../native/run-job.js";
import type { Scorer } from "./scorer.js";

export interface NativeScorerOptions {
  readonly spec: NetworkSpec;
  /** In the order of parameterList. */
  readonly parameters: Float32Array;
  /** What the channels of the input hold. */
  readonly images: readonly ImageKind[];
  readonly precision: Precision;
  readonly threads: number;
}

/** About a second of the published network on two processors. */
const BATCH = 8192;
/** Images that are shown together are the native code's own choice. */
const NOMINAL_BATCH = 32;

/**
 * Scores on oneDNN: histograms, images and network in one native pass.
 *
 * @throws CnncError `PARAMETERS_MISMATCH`, `BAD_NETWORK`, `BF16_UNAVAILABLE`, `OUT_OF_MEMORY`
 */
export function createNativeScorer(options: NativeScorerOptions): Scorer {
  const { spec, parameters, images, precision, threads } = options;
  checkParameterCount(parameters.length, parameterCount(spec));
  const predictor = makePredictor(options);
  predictor.setParameters(parameters);
  const outputs = outputCount(spec);
  const probabilities = (pairs: number, both: boolean) => new Float32Array(pairs * outputs * (both ? 2 : 1));
  return {
    name: `oneDNN ${addon().systemInfo().onednn} (${precision === "bf16" ? "bfloat16" : "float32"})`,
    precision,
    instructionSet: addon().systemInfo().onednnIsa,
    outputs,
    batchSize: BATCH,
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

  function makePredictor({ spec }: NativeScorerOptions): NativePredictor {
    try {
      return new (addon().Predictor)(spec, { precision, threads, batch: NOMINAL_BATCH });
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      throw code ? new CnncError(code, `Network: ${message}.`, "", { cause: error }) : error;
    }
  }
}
