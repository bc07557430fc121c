import { pairMap } from "./pair-map.js";
import { type PairColumns, regulatorsOf, targetsOf } from "./splits.js";

/** How many things of the test pairs the training pairs have too. */
export interface Overlap {
  readonly inTest: number;
  readonly shared: number;
  /** `shared` over `inTest`; 0 without test pairs. */
  readonly share: number;
}

/** What a split lets training know about the test pairs. */
export interface Leakage {
  /** Different regulators of test pairs that are regulators in training. */
  readonly regulators: Overlap;
  /** Different targets of test pairs that are targets in training. */
  readonly targets: Overlap;
  /** Different genes of test pairs that are in training, as regulator or target. */
  readonly genes: Overlap;
  /** Test pairs that are training pairs. */
  readonly pairs: Overlap;
  /** Test pairs whose mirror (b, a) is a training pair. */
  readonly mirrors: Overlap;
}

/** Compares the rows of `pairs` that are learned with those that are tested. */
export function leakage(pairs: PairColumns, train: Uint32Array, test: Uint32Array): Leakage {
  const { a, b } = pairs;
  const regulators = regulatorsOf(pairs);
  const targets = targetsOf(pairs);
  const learned = pairMap(train.length);
  for (const row of train) learned.put(a[row], b[row], row);
  const count = (isShared: (row: number) => boolean) => overlap(test.length, test.filter(isShared).length);
  return {
    regulators: sharedValues([regulators], train, test),
    targets: sharedValues([targets], train, test),
    genes: sharedValues([a, b], train, test),
    pairs: count((row) => learned.find(a[row], b[row]) !== -1),
    mirrors: count((row) => learned.find(b[row], a[row]) !== -1),
  };
}

/**
 * Different values that any of the columns has in the rows of `test`, and how many it has in those of
 * `train`.
 */
function sharedValues(columns: readonly Uint32Array[], train: Uint32Array, test: Uint32Array): Overlap {
  const valuesIn = (rows: Uint32Array) =>
    new Set(columns.flatMap((column) => [...rows].map((row) => column[row])));
  const known = valuesIn(train);
  const tested = valuesIn(test);
  return overlap(tested.size, [...tested].filter((value) => known.has(value)).length);
}

function overlap(inTest: number, shared: number): Overlap {
  return { inTest, shared, share: inTest === 0 ? 0 : shared / inTest };
}
