/** How far predicted probabilities are from the classes; means over the samples, NaN without any. */
export interface ProbabilityMetrics {
  /** Share of samples whose most probable class is theirs; one output counts as class 1 from 0.5 on. */
  readonly accuracy: number;
  /** Mean of -ln(probability of the class), with probabilities kept within 1e-7 and 1 - 1e-7. */
  readonly logLoss: number;
  /**
   * Mean squared distance from certainty in the class: of the one output (0 to 1), or summed over the outputs
   * (0 to 2).
   */
  readonly brier: number;
}

const SMALLEST = 1e-7;

/**
 * Judges a network's outputs.
 *
 * @param probabilities samples x outputs: one output, the probability of class 1 (a label other than 0), or
 *   as many as there are classes
 * @param labels class of each sample
 */
export function probabilityMetrics(
  probabilities: Float32Array | Float64Array,
  labels: Uint8Array,
): ProbabilityMetrics {
  const samples = labels.length;
  const outputs = samples === 0 ? 1 : probabilities.length / samples;
  if (!Number.isInteger(outputs) || outputs < 1) {
    throw new RangeError(`${probabilities.length} probabilities of ${samples} samples`);
  }
  let right = 0;
  let loss = 0;
  let squares = 0;
  for (let sample = 0; sample < samples; sample++) {
    const own = probabilities.subarray(sample * outputs, (sample + 1) * outputs);
    const label = labels[sample];
    if (outputs === 1) {
      const isPositive = label !== 0;
      if (own[0] >= 0.5 === isPositive) right++;
      loss -= logOf(isPositive ? own[0] : 1 - own[0]);
      squares += (own[0] - (isPositive ? 1 : 0)) ** 2;
      continue;
    }
    if (label >= outputs) throw new RangeError(`class ${label} of ${outputs} outputs`);
    if (own.indexOf(Math.max(...own)) === label) right++;
    loss -= logOf(own[label]);
    own.forEach((probability, output) => {
      squares += (probability - (output === label ? 1 : 0)) ** 2;
    });
  }
  return { accuracy: right / samples, logLoss: loss / samples, brier: squares / samples };
}

const logOf = (probability: number) => Math.log(Math.min(1 - SMALLEST, Math.max(SMALLEST, probability)));
