import { CnncError } from "../errors.js";
import { type RandomNumbers, randomNumbers } from "../random.js";
import { pairMap } from "./pair-map.js";

/**
 * What training and test pairs must not share: nothing but the pair itself, the regulator, the target, or
 * neither of the two.
 */
export type SplitMode = "random-pairs" | "regulator-disjoint" | "target-disjoint" | "both-disjoint";

export const SPLIT_MODES: readonly SplitMode[] = [
  "random-pairs",
  "regulator-disjoint",
  "target-disjoint",
  "both-disjoint",
];

/**
 * Gene columns of pairs, and their classes where known: a pair of class 2 (b acts on a) has its regulator in
 * b. Of such pairs a row is a position in the arrays.
 */
export interface PairColumns {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  readonly labels?: Uint8Array;
}

/** The fold in which each pair is a test pair. */
export interface Folds {
  /** What pairs of different folds do not share. */
  readonly mode: SplitMode;
  /** Name of each fold, for reports. */
  readonly names: readonly string[];
  /** Position in `names` for each pair. */
  readonly of: Uint32Array;
}

/** Rows to learn from and rows to test on. */
export interface Split {
  /** Rows in their order. */
  readonly train: Uint32Array;
  readonly test: Uint32Array;
  /**
   * Training pairs dropped because the test pairs have the same two genes, in the other order or the same.
   */
  readonly mirrorsDropped: number;
  /** Pairs that are in neither part because they share a gene with both; only in `both-disjoint`. */
  readonly leftOut: number;
}

/** Column of the gene that acts, or would act, in each pair. */
export function regulatorsOf({ a, b, labels }: PairColumns): Uint32Array {
  return labels === undefined ? a : a.map((gene, i) => (labels[i] === 2 ? b[i] : gene));
}

/** Column of the gene that is acted on, or would be, in each pair. */
export function targetsOf({ a, b, labels }: PairColumns): Uint32Array {
  return labels === undefined ? b : b.map((gene, i) => (labels[i] === 2 ? a[i] : gene));
}

/**
 * Deals pairs into folds of about equal numbers of pairs and of positives (labels other than 0).
 *
 * In `both-disjoint`, regulators and targets are dealt into `folds` groups each, and every block of one group
 * of regulators with one of targets is a fold: `folds` squared of them. What is learned for one lies outside
 * its row and its column of blocks; the rest of these is left out.
 *
 * @param options `folds` at least 2; `seed` decides the dealing
 * @throws CnncError `FOLDS_IMPOSSIBLE` if a fold would be empty, with the number that is possible.
 */
export function assignFolds(
  pairs: PairColumns,
  { mode, folds, seed }: { mode: SplitMode; folds: number; seed: number },
): Folds {
  if (!Number.isInteger(folds) || folds < 2) {
    throw new CnncError("FOLDS_IMPOSSIBLE", `${folds} folds cannot be made.`, "Ask for 2 folds or more.");
  }
  const deal = dealers[mode];
  const of = deal(pairs, folds, seed);
  const count = mode === "both-disjoint" ? folds ** 2 : folds;
  if (hasEmpty(of, count)) {
    let possible = folds - 1;
    const blocks = () => (mode === "both-disjoint" ? possible ** 2 : possible);
    while (possible > 1 && hasEmpty(deal(pairs, possible, seed), blocks())) possible--;
    throw impossibleFolds(pairs, mode, folds, possible);
  }
  const names = Array.from({ length: count }, (_, fold) =>
    mode === "both-disjoint" ? `${Math.floor(fold / folds) + 1}x${(fold % folds) + 1}` : String(fold + 1),
  );
  return { mode, names, of };
}

/**
 * Folds that a column of the label file names, one for each different value. What they have disjoint is found
 * out from the pairs.
 *
 * @param column what the file says for each of `pairs`
 * @param place names where a value stands, e.g. `pairs.tsv, line 3`
 * @throws CnncError `FOLD_MISSING` for an empty value, `FOLDS_IMPOSSIBLE` for fewer than 2 different ones.
 */
export function givenFolds(
  pairs: PairColumns,
  column: readonly string[],
  place: (row: number) => string,
): Folds {
  if (column.length !== pairs.a.length)
    throw new RangeError(`${column.length} folds of ${pairs.a.length} pairs`);
  const empty = column.indexOf("");
  if (empty !== -1) {
    throw new CnncError(
      "FOLD_MISSING",
      `${place(empty)}: the pair is in no fold.`,
      "Name a fold for every pair in that column.",
    );
  }
  const names = [...new Set(column)].sort(new Intl.Collator("en", { numeric: true }).compare);
  if (names.length < 2) {
    throw new CnncError(
      "FOLDS_IMPOSSIBLE",
      `All pairs are in one fold${names.length === 1 ? `, ${names[0]}` : ""}.`,
      "Give a column with at least two different folds.",
    );
  }
  const numbers = new Map(names.map((name, number) => [name, number]));
  const of = Uint32Array.from(column, (name) => numbers.get(name) as number);
  return { mode: modeOf(pairs, of), names, of };
}

/**
 * The pairs of one fold to test on, and those of all others to learn from, as far as the mode allows: of a
 * pair that is tested, neither the pair itself nor its mirror is learned.
 */
export function trainTest(pairs: PairColumns, folds: Folds, testFold: number): Split {
  const rows = Uint32Array.from(folds.of.keys());
  const split = separate(pairs, rows, (row) => folds.of[row] === testFold, folds.mode);
  return {
    train: split.rest,
    test: split.held,
    mirrorsDropped: split.mirrorsDropped,
    leftOut: split.leftOut,
  };
}

/** {@link Split} of training pairs, to know when to stop learning. */
export interface ValidationSplit {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly mirrorsDropped: number;
  readonly leftOut: number;
}

/**
 * Sets a share of the rows apart for validation, by the same rule as a test fold. In `both-disjoint` it is
 * the root of `share` of the regulators with the root of `share` of the targets.
 *
 * @param rows the training rows, e.g. of {@link trainTest}
 * @param options `share` of the pairs, between 0 and 1; regulators and targets are taken whole, so it is met
 *   roughly
 * @throws CnncError `VALIDATION_IMPOSSIBLE` if a part would have no pairs, or, where there are labels, pairs
 *   of one kind only.
 */
export function validationSplit(
  pairs: PairColumns,
  rows: Uint32Array,
  { mode, share, seed }: { mode: SplitMode; share: number; seed: number },
): ValidationSplit {
  if (!(share > 0 && share < 1)) throw new RangeError(`a share of ${share}`);
  const part = selectRows(pairs, rows);
  const held = holdOut(part, mode, share, randomNumbers(seed, "validation"));
  const isHeld = new Uint8Array(pairs.a.length);
  rows.forEach((row, i) => {
    isHeld[row] = held[i];
  });
  const {
    rest,
    held: validation,
    mirrorsDropped,
    leftOut,
  } = separate(pairs, rows, (row) => isHeld[row] === 1, mode);
  for (const [rows, name] of [
    [rest, "training"],
    [validation, "validation"],
  ] as const) {
    requireBothKinds(pairs, rows, `${name} (${mode})`);
  }
  return { train: rest, validation, mirrorsDropped, leftOut };
}

type Dealer = (pairs: PairColumns, folds: number, seed: number) => Uint32Array;

const dealers: Readonly<Record<SplitMode, Dealer>> = {
  "random-pairs": (pairs, folds, seed) => dealPairs(pairs, folds, randomNumbers(seed, "folds")),
  "regulator-disjoint": (pairs, folds, seed) =>
    dealGenes(pairs, regulatorsOf(pairs), equalShares(folds), randomNumbers(seed, "folds")),
  "target-disjoint": (pairs, folds, seed) =>
    dealGenes(pairs, targetsOf(pairs), equalShares(folds), randomNumbers(seed, "folds")),
  "both-disjoint": (pairs, folds, seed) => {
    const random = randomNumbers(seed, "folds");
    const rows = dealGenes(pairs, regulatorsOf(pairs), equalShares(folds), random);
    const columns = dealGenes(pairs, targetsOf(pairs), equalShares(folds), random);
    return rows.map((row, i) => row * folds + columns[i]);
  },
};

const equalShares = (folds: number) => new Array<number>(folds).fill(1 / folds);

/**
 * Deals shuffled pairs in turn, class by class, so that no two folds differ by more than one in any class.
 */
function dealPairs({ a, labels }: PairColumns, folds: number, random: RandomNumbers): Uint32Array {
  const order = Uint32Array.from(a.keys());
  random.shuffle(order);
  if (labels !== undefined) order.sort((i, j) => labels[i] - labels[j]);
  const of = new Uint32Array(a.length);
  order.forEach((row, place) => {
    of[row] = place % folds;
  });
  return of;
}

/** All pairs of one gene. */
interface GeneGroup {
  pairs: number;
  positives: number;
}

/**
 * Deals genes into parts that shall have the given shares of pairs and of positives: the larger genes roughly
 * first, each where it adds least to the squared loads in relation to the shares.
 *
 * @returns the part of each pair, by its gene
 */
function dealGenes(
  { labels }: PairColumns,
  genes: Uint32Array,
  shares: readonly number[],
  random: RandomNumbers,
): Uint32Array {
  const { groups, ofPair } = groupByGene(genes, labels);
  const pairsInAll = genes.length;
  const positivesInAll = groups.reduce((sum, { positives }) => sum + positives, 0) || 1;
  // By size alone, genes of different sizes would be dealt in the same way for every seed.
  const turns = groups.map(
    ({ pairs, positives }) =>
      (0.5 + random.next()) * Math.max(pairs / pairsInAll, positives / positivesInAll),
  );
  const order = Uint32Array.from(groups.keys()).sort((i, j) => turns[j] - turns[i]);

  const loads = shares.map(() => ({ pairs: 0, positives: 0 }));
  const partOf = new Uint32Array(groups.length);
  for (const g of order) {
    const pairs = groups[g].pairs / pairsInAll;
    const positives = groups[g].positives / positivesInAll;
    const costs = loads.map(
      (load, part) =>
        (pairs * (2 * load.pairs + pairs) + positives * (2 * load.positives + positives)) / shares[part],
    );
    const part = costs.indexOf(Math.min(...costs));
    loads[part].pairs += pairs;
    loads[part].positives += positives;
    partOf[g] = part;
  }
  return ofPair.map((g) => partOf[g]);
}

function groupByGene(
  genes: Uint32Array,
  labels: Uint8Array | undefined,
): { groups: GeneGroup[]; ofPair: Uint32Array } {
  const numbers = new Map<number, number>();
  const groups: GeneGroup[] = [];
  const ofPair = genes.map((gene, i) => {
    let number = numbers.get(gene);
    if (number === undefined) {
      number = groups.push({ pairs: 0, positives: 0 }) - 1;
      numbers.set(gene, number);
    }
    groups[number].pairs++;
    if (labels !== undefined && labels[i] !== 0) groups[number].positives++;
    return number;
  });
  return { groups, ofPair };
}

function hasEmpty(of: Uint32Array, folds: number): boolean {
  return new Set(of).size < folds;
}

function impossibleFolds(pairs: PairColumns, mode: SplitMode, folds: number, possible: number): CnncError {
  const regulators = new Set(regulatorsOf(pairs)).size;
  const targets = new Set(targetsOf(pairs)).size;
  const groups = mode === "both-disjoint" ? `${folds} x ${folds}` : String(folds);
  return new CnncError(
    "FOLDS_IMPOSSIBLE",
    `${pairs.a.length} pairs of ${regulators} regulators and ${targets} targets do not fill ${groups} folds ` +
      `that are ${mode}.`,
    possible > 1 ? `Ask for ${possible} folds or fewer.` : "Choose another way to split, or give more pairs.",
  );
}

/** What pairs of different folds do not share. */
function modeOf(pairs: PairColumns, of: Uint32Array): SplitMode {
  const regulators = isDisjoint(regulatorsOf(pairs), of);
  const targets = isDisjoint(targetsOf(pairs), of);
  if (regulators && targets) return "both-disjoint";
  return regulators ? "regulator-disjoint" : targets ? "target-disjoint" : "random-pairs";
}

function isDisjoint(genes: Uint32Array, of: Uint32Array): boolean {
  const foldOf = new Map<number, number>();
  return genes.every((gene, i) => {
    const fold = foldOf.get(gene);
    if (fold === undefined) foldOf.set(gene, of[i]);
    return fold === undefined || fold === of[i];
  });
}

/** Splits rows into those held out and the rest, without what the rest must not share with them. */
function separate(
  pairs: PairColumns,
  rows: Uint32Array,
  isHeld: (row: number) => boolean,
  mode: SplitMode,
): { rest: Uint32Array; held: Uint32Array; mirrorsDropped: number; leftOut: number } {
  const { a, b } = pairs;
  const held = rows.filter(isHeld);
  const heldPairs = pairMap(held.length);
  for (const row of held) heldPairs.put(a[row], b[row], row);

  const regulators = regulatorsOf(pairs);
  const targets = targetsOf(pairs);
  const disjoint = mode === "both-disjoint";
  const heldRegulators = new Set(disjoint ? held.map((row) => regulators[row]) : []);
  const heldTargets = new Set(disjoint ? held.map((row) => targets[row]) : []);

  let mirrorsDropped = 0;
  let leftOut = 0;
  const rest = rows.filter((row) => {
    if (isHeld(row)) return false;
    if (heldRegulators.has(regulators[row]) || heldTargets.has(targets[row])) {
      leftOut++;
      return false;
    }
    if (heldPairs.find(b[row], a[row]) === -1 && heldPairs.find(a[row], b[row]) === -1) return true;
    mirrorsDropped++;
    return false;
  });
  return { rest, held, mirrorsDropped, leftOut };
}

function selectRows({ a, b, labels }: PairColumns, rows: Uint32Array): PairColumns {
  return {
    a: rows.map((row) => a[row]),
    b: rows.map((row) => b[row]),
    ...(labels && { labels: Uint8Array.from(rows, (row) => labels[row]) }),
  };
}

/** 1 for each pair to hold out, about `share` of them. */
function holdOut(pairs: PairColumns, mode: SplitMode, share: number, random: RandomNumbers): Uint8Array {
  const byGene = (genes: Uint32Array, share: number) =>
    Uint8Array.from(takeOneAtLeast(dealGenes(pairs, genes, [1 - share, share], random), genes));
  switch (mode) {
    case "random-pairs":
      return holdOutPairs(pairs, share, random);
    case "regulator-disjoint":
      return byGene(regulatorsOf(pairs), share);
    case "target-disjoint":
      return byGene(targetsOf(pairs), share);
    case "both-disjoint": {
      const rows = byGene(regulatorsOf(pairs), Math.sqrt(share));
      const columns = byGene(targetsOf(pairs), Math.sqrt(share));
      return rows.map((row, i) => row & columns[i]);
    }
  }
}

/** Where genes are so few and large that none fits into part 1, the one with the fewest pairs goes there. */
function takeOneAtLeast(parts: Uint32Array, genes: Uint32Array): Uint32Array {
  if (parts.includes(1)) return parts;
  const { groups, ofPair } = groupByGene(genes, undefined);
  const sizes = groups.map(({ pairs }) => pairs);
  const smallest = sizes.indexOf(sizes.reduce((one, other) => Math.min(one, other), Infinity));
  return ofPair.map((group) => (group === smallest ? 1 : 0));
}

/** The share of each class, rounded, but at least one pair of it. */
function holdOutPairs({ a, labels }: PairColumns, share: number, random: RandomNumbers): Uint8Array {
  const held = new Uint8Array(a.length);
  const classes = new Set(labels ?? (a.length > 0 ? [0] : []));
  for (const label of [...classes].sort()) {
    const ofClass = Uint32Array.from(a.keys()).filter((i) => (labels?.[i] ?? 0) === label);
    const count = Math.max(1, Math.round(share * ofClass.length));
    random.shuffle(ofClass, count);
    for (const i of ofClass.subarray(0, count)) held[i] = 1;
  }
  return held;
}

function requireBothKinds({ labels }: PairColumns, rows: Uint32Array, part: string): void {
  const hasPositive = labels === undefined ? rows.length > 0 : rows.some((row) => labels[row] !== 0);
  const hasNegative = labels === undefined ? rows.length > 0 : rows.some((row) => labels[row] === 0);
  if (hasPositive && hasNegative) return;
  const lacks = !hasPositive && !hasNegative ? "pairs" : hasPositive ? "negative pairs" : "positive pairs";
  throw new CnncError(
    "VALIDATION_IMPOSSIBLE",
    `No ${lacks} are left for ${part}: the pairs have too few regulators or targets to be divided like this.`,
    "Choose another way to split, another share for validation, or give more pairs.",
  );
}
