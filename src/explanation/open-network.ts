import { CnncError } from "../errors.js";
import {
  checkParameterCount,
  type Differentiable,
  type EngineChoice,
  flatParameters,
  type ModelContent,
  type NetworkSpec,
  nativeEngineProblem,
  networkSpec,
  parameterCount,
} from "../model/index.js";
import { addon } from "../native/addon.js";
import { resolveThreads } from "../native/device.js";
import { createTfjsEngine } from "../training/index.js";

export interface NetworkOptions {
  /** Default `auto`. */
  readonly engine?: EngineChoice;
  /** Default: all processors granted to the process. */
  readonly threads?: number;
  /** Is told in one line what the user should know of the choice. */
  readonly onNotice?: (line: string) => void;
}

/** Images of a usual call. */
const BATCH = 32;

/**
 * A model made ready to say how its answers follow from the images, in float32: on oneDNN where that can be had and
 * expresses the model, else in TensorFlow.js.
 *
 * @throws CnncError `ENGINE_UNAVAILABLE` if `native` is asked for and cannot be had; `MODEL_UNSUPPORTED` if the model
 *   does not end in probabilities; `PARAMETERS_MISMATCH`, `OUT_OF_MEMORY`
 */
export async function openNetwork(
  content: ModelContent,
  options: NetworkOptions = {},
): Promise<Differentiable> {
  const { engine = "auto", threads, onNotice } = options;
  const { model } = content;
  const parameters = content.parameters ?? flatParameters(model);
  const spec = networkSpec(model);
  const problem = "unsupported" in spec ? spec.unsupported.replace(/\.$/, "") : nativeEngineProblem();
  if (engine !== "tfjs" && problem === undefined && !("unsupported" in spec)) {
    return openNative(spec, parameters, resolveThreads(threads));
  }
  if (engine === "native") {
    throw new CnncError(
      "ENGINE_UNAVAILABLE",
      `This network cannot be explained natively: ${problem}.`,
      "Leave out --engine.",
    );
  }
  if (engine === "auto") onNotice?.(`Explaining in TensorFlow.js, which is slower: ${problem}.`);
  const network = await createTfjsEngine({
    model,
    accelerated: true,
    ...(onNotice && { onProblem: onNotice }),
  });
  await network.setParameters(parameters);
  return network;
}

function openNative(spec: NetworkSpec, parameters: Float32Array, threads: number): Differentiable {
  checkParameterCount(parameters.length, parameterCount(spec));
  try {
    const predictor = new (addon().Predictor)(spec, { precision: "f32", threads, batch: BATCH });
    predictor.setParameters(parameters);
    return {
      name: `oneDNN ${addon().systemInfo().onednn} (float32)`,
      logits: (images) => predictor.logits(images).catch(fail),
      inputGradient: (images, output = 0) => predictor.inputGradients(images, output).catch(fail),
      close: () => {},
    };
  } catch (error) {
    fail(error);
  }
}

/** Throws a native failure as a CnncError. */
function fail(error: unknown): never {
  const { code, message } = error as { code?: string; message: string };
  throw code === undefined ? error : new CnncError(code, `Network: ${message}.`, "", { cause: error });
}
