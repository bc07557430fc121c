import type { ExpressionStore } from "../../expression/index.js";
import type { EngineChoice, StoredModel } from "../../model/index.js";
import type { Device } from "../../native/device.js";
import { throwIfAborted } from "../../progress.js";
import { openScorer, type PrecisionChoice } from "../../scoring/index.js";
import type { FoldScores, FoldTask, MethodOptions } from "../method.js";

export interface ScoreRowsOptions extends Pick<MethodOptions, "signal" | "onNotice"> {
  readonly engine: EngineChoice;
  /** Default `cpu`. */
  readonly device?: Device;
  readonly precision: PrecisionChoice;
  readonly threads: number;
}

/**
 * What a model says about the test rows of a fold; for causality, about the swapped pairs, too.
 *
 * @throws CnncError of openScorer and Scorer.score
 */
export async function scoreRows(
  model: StoredModel,
  store: ExpressionStore,
  { task, pairs, test }: Pick<FoldTask, "task" | "pairs" | "test">,
  { engine, precision, device, threads, signal, onNotice }: ScoreRowsOptions,
): Promise<FoldScores> {
  const both = task === "causality";
  const scorer = await openScorer(model, {
    ...{ engine, precision, threads },
    ...(device !== undefined && { device }),
    ...(onNotice && { onNotice }),
  });
  try {
    const { outputs, batchSize } = scorer;
    const probabilities = new Float64Array(test.length * outputs);
    const swapped = new Float64Array(both ? probabilities.length : 0);
    for (let first = 0; first < test.length; first += batchSize) {
      throwIfAborted(signal);
      const rows = test.subarray(first, first + batchSize);
      const a = Uint32Array.from(rows, (row) => pairs.a[row]);
      const b = Uint32Array.from(rows, (row) => pairs.b[row]);
      const answer = await scorer.score(store, a, b, both, signal);
      splitAnswer(answer, outputs, first, { probabilities, ...(both && { swapped }) });
    }
    return both ? { ...directed(probabilities), swapped } : { interaction: probabilities, probabilities };
  } finally {
    scorer.close();
  }
}

/** Takes the probabilities of each pair, and those of the swapped pair after them, apart. */
function splitAnswer(
  answer: Float32Array,
  outputs: number,
  first: number,
  { probabilities, swapped }: { probabilities: Float64Array; swapped?: Float64Array },
): void {
  if (swapped === undefined) {
    probabilities.set(answer, first * outputs);
    return;
  }
  for (let i = 0; i < answer.length / (2 * outputs); i++) {
    const both = answer.subarray(2 * i * outputs, 2 * (i + 1) * outputs);
    probabilities.set(both.subarray(0, outputs), (first + i) * outputs);
    swapped.set(both.subarray(outputs), (first + i) * outputs);
  }
}

/** Scores of n x 3 probabilities: none, a acts on b, b acts on a. */
export function directed(
  probabilities: Float64Array,
): Required<Pick<FoldScores, "interaction" | "direction" | "probabilities">> {
  const rows = Array.from({ length: probabilities.length / 3 }, (_, i) => 3 * i);
  return {
    interaction: Float64Array.from(rows, (at) => 1 - probabilities[at]),
    direction: Float64Array.from(rows, (at) => probabilities[at + 1] - probabilities[at + 2]),
    probabilities,
  };
}
