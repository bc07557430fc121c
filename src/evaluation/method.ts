import type { LabelledPairs, Task } from "../pairs/index.js";
import type { ProgressListener } from "../progress.js";

/** What one fold asks of a method. Rows are positions in `pairs`. */
export interface FoldTask {
  readonly task: Task;
  /** A method may look at the labels of the training rows alone. */
  readonly pairs: LabelledPairs;
  readonly training: Uint32Array;
  readonly test: Uint32Array;
  readonly seed: number;
}

/** What a method says about the test rows of a fold; arrays are in their order. */
export interface FoldScores {
  /** The higher, the surer that the two genes interact. Never NaN. */
  readonly interaction: Float64Array;
  /** The higher, the surer that a acts on b rather than b on a; of methods that tell directions apart. */
  readonly direction?: Float64Array;
  /** Probabilities, where the scores are such: test x 1 (that of label 1), or test x 3 for causality. */
  readonly probabilities?: Float64Array;
  /** For causality: those of the swapped pairs (b, a), test x 3. */
  readonly swapped?: Float64Array;
  /** Loss of each epoch on the training pairs. */
  readonly losses?: readonly number[];
  /** Those of the test rows about which the method knows nothing; their scores are lower than all others, or 0. */
  readonly unscored?: Uint32Array;
}

/** Where a method belongs in the tables. */
export type MethodGroup = "network" | "summary" | "association" | "control" | "external";

/** One way to score pairs, compared with others on the same folds. */
export interface Method {
  /** As the user writes it, e.g. `compact` or `scores:genie3.tsv`. */
  readonly name: string;
  /** For people, e.g. `compact network, residual + margins`. */
  readonly label: string;
  readonly group: MethodGroup;
  /** Whether it learns from the training pairs' labels. */
  readonly learns: boolean;
  score(fold: FoldTask, options: MethodOptions): Promise<FoldScores>;
}

export interface MethodOptions {
  /** A place of its own for what is learned in this fold, e.g. a model; there is nothing yet. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: ProgressListener;
  /** Is told in one line what the user should know. */
  readonly onNotice?: (line: string) => void;
}
