import { setImmediate } from "node:timers/promises";
import { CnncError } from "../errors.js";
import { throwIfAborted } from "../progress.js";

/** Rows of numbers. */
export interface Table {
  readonly values: Float32Array | Float64Array;
  readonly columns: number;
}

export interface LogisticOptions {
  /** 2 or more; labels are below. */
  readonly classes: number;
  /** Inverse strength of the regularisation, C of scikit-learn. Default 1. */
  readonly inverseStrength?: number;
  readonly signal?: AbortSignal;
}

/** A fitted logistic regression. */
export interface LogisticModel {
  /**
   * Probabilities of the rows of a table: that of class 1 for two classes (rows x 1), else rows x classes. A class
   * that training lacked has probability 0.
   */
  probabilities(table: Table): Float64Array;
}

/**
 * L2-regularised logistic regression by Newton's method, in float64: binary for two classes that occur, multinomial
 * (softmax) for more. Columns are brought to mean 0 and standard deviation 1 first; what is least is
 *
 *     |weights|² / 2 + inverseStrength · Σ −ln p(class of the row),
 *
 * intercepts being free, as in scikit-learn's LogisticRegression after its StandardScaler.
 *
 * @param labels class of each row
 * @throws CnncError `TRAINING_ONE_CLASS`, `NOT_FINITE`, `CANCELLED`; RangeError for labels that do not fit
 */
export async function fitLogistic(
  table: Table,
  labels: Uint8Array,
  { classes, inverseStrength = 1, signal }: LogisticOptions,
): Promise<LogisticModel> {
  requireFitting(table, labels, classes);
  const occurring = Array.from({ length: classes }, (_, one) => one).filter((one) => labels.includes(one));
  if (occurring.length === 1) throw oneClassError(labels.length, occurring[0]);
  const scaling = scalingOf(table);
  const problem: Problem = {
    rows: standardise(table, scaling),
    width: table.columns + 1,
    outputs: occurring.length === 2 ? 1 : occurring.length,
    targets: labels.map((label) => occurring.indexOf(label)),
    inverseStrength,
  };
  const parameters = await minimise(problem, signal);
  return {
    probabilities: (asked) => {
      const found = probabilitiesOf(standardise(asked, scaling), parameters, problem);
      return spread(found, occurring, classes);
    },
  };
}

export function oneClassError(rows: number, label: number): CnncError {
  return new CnncError(
    "TRAINING_ONE_CLASS",
    `All ${rows} training pairs of a fold have the label ${label}, so that nothing can be learned.`,
    "Choose fewer folds or another way to split, or give more pairs.",
  );
}

interface Problem {
  /** rows x width: the standardised columns and a 1. */
  readonly rows: Float64Array;
  readonly width: number;
  /** 1 for two classes, whose other output is 0; else one for each class. */
  readonly outputs: number;
  /** Position of each row's class among those that occur. */
  readonly targets: Uint8Array;
  readonly inverseStrength: number;
}

const MAX_STEPS = 100;
const MAX_HALVINGS = 40;
/** Newton's steps end when they promise to lower the objective by less than this share of it. */
const TOLERANCE = 1e-14;

async function minimise(problem: Problem, signal: AbortSignal | undefined): Promise<Float64Array> {
  let parameters: Float64Array = new Float64Array(problem.outputs * problem.width);
  let objective = objectiveOf(problem, parameters);
  for (let step = 0; step < MAX_STEPS; step++) {
    // Lets the process hear of an abort between two steps.
    await setImmediate();
    throwIfAborted(signal);
    const { gradient, hessian } = derivatives(problem, parameters);
    const direction = solve(hessian, gradient);
    const promised = dot(direction, gradient) / 2;
    if (!(promised > TOLERANCE * objective)) break;
    const next = shortenUntilLower(problem, parameters, direction, objective);
    if (next === undefined) break;
    ({ parameters, objective } = next);
  }
  return parameters;
}

/** The step against `direction`, halved until the objective is lower; undefined if rounding hides any gain. */
function shortenUntilLower(
  problem: Problem,
  parameters: Float64Array,
  direction: Float64Array,
  objective: number,
): { parameters: Float64Array; objective: number } | undefined {
  for (let halving = 0, length = 1; halving < MAX_HALVINGS; halving++, length /= 2) {
    const next = parameters.map((value, i) => value - length * direction[i]);
    const reached = objectiveOf(problem, next);
    if (reached < objective) return { parameters: next, objective: reached };
  }
  return undefined;
}

function objectiveOf(problem: Problem, parameters: Float64Array): number {
  const { outputs, width, targets, inverseStrength } = problem;
  let objective = 0;
  for (let output = 0; output < outputs; output++) {
    for (let column = 0; column < width - 1; column++) {
      objective += parameters[output * width + column] ** 2 / 2;
    }
  }
  const logits = new Float64Array(outputs);
  for (let row = 0; row < targets.length; row++) {
    logitsOf(problem.rows, row, parameters, width, logits);
    const total = logSumOfExponentials(logits);
    const own = outputs === 1 ? (targets[row] === 1 ? logits[0] : 0) : logits[targets[row]];
    objective += inverseStrength * (total - own);
  }
  return objective;
}

/** Gradient, and Hessian with its lower triangle alone. */
function derivatives(
  problem: Problem,
  parameters: Float64Array,
): { gradient: Float64Array; hessian: Float64Array } {
  const { rows, outputs, width, targets, inverseStrength } = problem;
  const size = outputs * width;
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  const shares = probabilitiesOf(rows, parameters, problem);
  for (let row = 0; row < targets.length; row++) {
    const from = row * width;
    for (let k = 0; k < outputs; k++) {
      const share = shares[row * outputs + k];
      const isOwn = outputs === 1 ? targets[row] === 1 : targets[row] === k;
      const residual = inverseStrength * (share - (isOwn ? 1 : 0));
      for (let i = 0; i < width; i++) gradient[k * width + i] += residual * rows[from + i];
      for (let l = 0; l <= k; l++) {
        const curvature = inverseStrength * share * ((k === l ? 1 : 0) - shares[row * outputs + l]);
        for (let i = 0; i < width; i++) {
          const factor = curvature * rows[from + i];
          const at = (k * width + i) * size + l * width;
          const end = k === l ? i + 1 : width;
          for (let j = 0; j < end; j++) hessian[at + j] += factor * rows[from + j];
        }
      }
    }
  }
  for (let k = 0; k < outputs; k++) {
    for (let i = 0; i < width - 1; i++) {
      gradient[k * width + i] += parameters[k * width + i];
      hessian[(k * width + i) * (size + 1)] += 1;
    }
    // Adding one number to the intercepts of all outputs changes nothing: that direction needs some curvature.
    if (outputs > 1) hessian[(k * width + width - 1) * (size + 1)] += 1e-9 * targets.length;
  }
  return { gradient, hessian };
}

/** rows x outputs. */
function probabilitiesOf(
  rows: Float64Array,
  parameters: Float64Array,
  { width, outputs }: Pick<Problem, "width" | "outputs">,
): Float64Array {
  const count = rows.length / width;
  const shares = new Float64Array(count * outputs);
  const logits = new Float64Array(outputs);
  for (let row = 0; row < count; row++) {
    logitsOf(rows, row, parameters, width, logits);
    const total = logSumOfExponentials(logits);
    for (let k = 0; k < outputs; k++) shares[row * outputs + k] = Math.exp(logits[k] - total);
  }
  return shares;
}

function logitsOf(
  rows: Float64Array,
  row: number,
  parameters: Float64Array,
  width: number,
  logits: Float64Array,
): void {
  for (let k = 0; k < logits.length; k++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += parameters[k * width + i] * rows[row * width + i];
    logits[k] = sum;
  }
}

/** A single output stands beside a second one of 0. */
function logSumOfExponentials(logits: Float64Array): number {
  let largest = logits.length === 1 ? 0 : Number.NEGATIVE_INFINITY;
  for (const logit of logits) largest = Math.max(largest, logit);
  let sum = logits.length === 1 ? Math.exp(-largest) : 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/** Solves with the lower triangle of a symmetric, positive definite matrix (Cholesky), which it overwrites. */
function solve(matrix: Float64Array, right: Float64Array): Float64Array {
  const size = right.length;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j];
      for (let k = 0; k < j; k++) sum -= matrix[i * size + k] * matrix[j * size + k];
      // Rounding must not make a pivot negative.
      const pivot = () => Math.sqrt(Math.max(sum, 1e-14 * matrix[i * size + i]));
      matrix[i * size + j] = i === j ? pivot() : sum / matrix[j * size + j];
    }
  }
  const solution = right.slice();
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) solution[i] -= matrix[i * size + k] * solution[k];
    solution[i] /= matrix[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) solution[i] -= matrix[k * size + i] * solution[k];
    solution[i] /= matrix[i * size + i];
  }
  return solution;
}

const dot = (one: Float64Array, other: Float64Array) =>
  one.reduce((sum, value, i) => sum + value * other[i], 0);

interface Scaling {
  readonly means: Float64Array;
  /** 1 for columns with one value. */
  readonly deviations: Float64Array;
}

function scalingOf({ values, columns }: Table): Scaling {
  const rows = values.length / columns;
  const means = new Float64Array(columns);
  const deviations = new Float64Array(columns);
  values.forEach((value, i) => {
    means[i % columns] += value / rows;
  });
  values.forEach((value, i) => {
    deviations[i % columns] += (value - means[i % columns]) ** 2 / rows;
  });
  // Rounding leaves a constant column a deviation of about 1e-16 of its size.
  return {
    means,
    deviations: deviations.map((squares, i) =>
      Math.sqrt(squares) > 1e-12 * Math.abs(means[i]) ? Math.sqrt(squares) : 1,
    ),
  };
}

/** Standardised columns, followed by a 1. */
function standardise({ values, columns }: Table, { means, deviations }: Scaling): Float64Array {
  if (columns !== means.length) throw new RangeError(`${columns} columns instead of ${means.length}`);
  const rows = values.length / columns;
  const result = new Float64Array(rows * (columns + 1));
  for (let row = 0, from = 0, to = 0; row < rows; row++, to++) {
    for (let column = 0; column < columns; column++) {
      result[to++] = (values[from++] - means[column]) / deviations[column];
    }
    result[to] = 1;
  }
  return result;
}

/** From the outputs of the classes that occurred to all classes. */
function spread(found: Float64Array, occurring: readonly number[], classes: number): Float64Array {
  const binary = occurring.length === 2;
  if (classes === 2) return found;
  const outputs = binary ? 1 : occurring.length;
  const rows = found.length / outputs;
  const all = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    occurring.forEach((one, k) => {
      all[row * classes + one] = !binary ? found[row * outputs + k] : k === 1 ? found[row] : 1 - found[row];
    });
  }
  return all;
}

function requireFitting({ values, columns }: Table, labels: Uint8Array, classes: number): void {
  if (labels.length === 0 || values.length !== labels.length * columns) {
    throw new RangeError(`${values.length} numbers in ${columns} columns of ${labels.length} rows`);
  }
  if (labels.some((label) => label >= classes)) throw new RangeError(`labels beyond ${classes} classes`);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad === -1) return;
  throw new CnncError(
    "NOT_FINITE",
    `Row ${Math.floor(bad / columns) + 1} of a table to learn from has ${values[bad]} in column ${(bad % columns) + 1}.`,
    "Check the data for missing or infinite values.",
  );
}
