import { CnncError } from "../errors.js";
import { type RandomNumbers, randomNumbers } from "../random.js";
import type { LabelledPairs } from "./labels.js";
import { pairMap } from "./pair-map.js";

/**
 * How pairs that are not listed are chosen as negatives.
 *
 * - `per-regulator`: each regulator gets its share, with targets drawn uniformly from all candidates. How
 *   often a gene is a target of positives then tells positives from negatives, without any expression.
 * - `degree-matched`: each regulator gets its share, with targets as frequent among the negatives as among
 *   the positives, as far as that can be done: neither gene alone tells anything.
 * - `random`: uniform over all regulators and candidates; how many positives a regulator has tells something
 *   too.
 */
export type NegativeMode = "per-regulator" | "degree-matched" | "random";

export const NEGATIVE_MODES: readonly NegativeMode[] = ["per-regulator", "degree-matched", "random"];

export interface NegativeOptions {
  readonly mode: NegativeMode;
  /** Negatives for each positive, more than 0; numbers of pairs are rounded. */
  readonly ratio: number;
  readonly seed: number;
  /** Gene columns that may be targets of negatives, each once. */
  readonly targets: Uint32Array;
  /** For `random`: gene columns that may be regulators; default: those of the positives. */
  readonly regulators?: Uint32Array;
  /**
   * The mirror of a positive is no negative either: for undirected networks, and for the task `causality`.
   */
  readonly undirected?: boolean;
}

/** A regulator that has not enough candidates. */
export interface ShortRegulator {
  /** Gene column. */
  readonly regulator: number;
  readonly asked: number;
  readonly drawn: number;
}

export interface NegativeReport {
  readonly asked: number;
  readonly drawn: number;
  /** Regulators with fewer negatives than asked for; none in `random`. */
  readonly short: ShortRegulator[];
  /**
   * How far the targets of negatives are from being as frequent as among the positives: the total variation
   * distance of the two distributions, from 0 (equal) to 1 (no target in common).
   */
  readonly targetDistance: number;
}

/** Pairs that are not known to interact, by regulator and then by target. */
export interface Negatives {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
  readonly report: NegativeReport;
}

/** Gene columns of pairs, all different. */
interface Pairs {
  readonly a: Uint32Array;
  readonly b: Uint32Array;
}

/**
 * Draws pairs that are not among the positives, no pair twice and none of a gene with itself. The seed
 * decides which.
 *
 * @param positives regulators `a` and targets `b`, no pair twice
 * @throws CnncError `NO_NEGATIVES` if there is no pair to draw.
 */
export function drawNegatives(positives: Pairs, options: NegativeOptions): Negatives {
  const { mode, ratio, seed, targets, regulators, undirected = false } = options;
  if (!(ratio > 0 && Number.isFinite(ratio))) throw new RangeError(`${ratio} negatives for each positive`);
  const known = pairMap(positives.a.length);
  positives.a.forEach((a, i) => {
    known.put(a, positives.b[i], i);
  });
  const quotas = quotasOf(positives.a, ratio);
  const request = {
    positives,
    quotas,
    targets,
    regulators: regulators ?? Uint32Array.from(quotas, ({ regulator }) => regulator),
    total: mode === "random" ? Math.round(ratio * positives.a.length) : sum(quotas.map(({ quota }) => quota)),
    random: randomNumbers(seed, "negatives"),
  };
  const drawn = drawnPairs(
    (a, b) => a !== b && known.find(a, b) === -1 && !(undirected && known.find(b, a) !== -1),
  );
  drawers[mode](request, drawn);

  const negatives = drawn.sorted();
  if (negatives.a.length === 0) {
    throw new CnncError(
      "NO_NEGATIVES",
      `No negatives can be drawn for ${positives.a.length} positives among ${targets.length} candidate targets.`,
      "Give more genes as candidate targets, ask for more negatives, or list negatives with the label 0.",
    );
  }
  return {
    ...negatives,
    report: {
      asked: request.total,
      drawn: negatives.a.length,
      short: mode === "random" ? [] : shortRegulators(quotas, negatives.a),
      targetDistance: distance(positives.b, negatives.b),
    },
  };
}

/** Positives and negatives together, with their labels 1 and 0; the positives come first. */
export function withNegatives(positives: Pairs, negatives: Pairs): LabelledPairs {
  const join = (one: Uint32Array, other: Uint32Array) => Uint32Array.from([...one, ...other]);
  const a = join(positives.a, negatives.a);
  const labels = new Uint8Array(a.length).fill(1, 0, positives.a.length);
  return { a, b: join(positives.b, negatives.b), labels };
}

/** How many negatives a regulator shall have. */
interface Quota {
  readonly regulator: number;
  readonly quota: number;
}

/** What is to be drawn, and from what. */
interface Request {
  readonly positives: Pairs;
  readonly quotas: readonly Quota[];
  readonly targets: Uint32Array;
  readonly regulators: Uint32Array;
  readonly total: number;
  readonly random: RandomNumbers;
}

/** The pairs drawn so far. */
interface DrawnPairs {
  /** Whether the pair may be drawn and has not been yet. */
  isFree(a: number, b: number): boolean;
  /** Draws the pair if it is free. */
  add(a: number, b: number): boolean;
  remove(a: number, b: number): void;
  /** By regulator, then target. */
  sorted(): Pairs;
}

const drawers: Readonly<Record<NegativeMode, (request: Request, drawn: DrawnPairs) => void>> = {
  "per-regulator": drawPerRegulator,
  "degree-matched": drawDegreeMatched,
  random: drawRandom,
};

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Regulators in ascending order, with `ratio` times as many negatives as they have positives. */
function quotasOf(regulators: Uint32Array, ratio: number): Quota[] {
  const entries = [...countOf(regulators)].sort(([one], [other]) => one - other);
  return entries.map(([regulator, positives]) => ({ regulator, quota: Math.round(ratio * positives) }));
}

function countOf(genes: Uint32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const gene of genes) counts.set(gene, (counts.get(gene) ?? 0) + 1);
  return counts;
}

/** Gene columns are below 2^26 (see allPairsSource), so that a pair is one exact number. */
const SHIFT = 2 ** 26;

function drawnPairs(isCandidate: (a: number, b: number) => boolean): DrawnPairs {
  const keys = new Set<number>();
  const isFree = (a: number, b: number) => !keys.has(a * SHIFT + b) && isCandidate(a, b);
  return {
    isFree,
    add(a, b) {
      const add = isFree(a, b);
      if (add) keys.add(a * SHIFT + b);
      return add;
    },
    remove(a, b) {
      keys.delete(a * SHIFT + b);
    },
    sorted() {
      const inOrder = Float64Array.from(keys).sort();
      return {
        a: Uint32Array.from(inOrder, (key) => Math.floor(key / SHIFT)),
        b: Uint32Array.from(inOrder, (key) => key % SHIFT),
      };
    },
  };
}

function drawPerRegulator({ quotas, targets, random }: Request, drawn: DrawnPairs): void {
  for (const { regulator, quota } of quotas)
    drawUniform(quota, Uint32Array.of(regulator), targets, random, drawn);
}

function drawRandom({ total, regulators, targets, random }: Request, drawn: DrawnPairs): void {
  drawUniform(total, regulators, targets, random, drawn);
}

/**
 * Draws up to `count` of the free pairs regulator x target, all equally likely: by trial, and where trials
 * mostly fail because few pairs are free, by listing those.
 */
function drawUniform(
  count: number,
  regulators: Uint32Array,
  targets: Uint32Array,
  random: RandomNumbers,
  drawn: DrawnPairs,
): void {
  let left = count;
  const item = (genes: Uint32Array) => genes[random.below(genes.length)];
  for (let trials = 8 * count; left > 0 && trials > 0 && targets.length > 0; trials--) {
    if (drawn.add(item(regulators), item(targets))) left--;
  }
  if (left === 0) return;
  const free: [number, number][] = [];
  for (const a of regulators) for (const b of targets) if (drawn.isFree(a, b)) free.push([a, b]);
  const order = Uint32Array.from(free.keys());
  const taken = Math.min(left, free.length);
  random.shuffle(order, taken);
  for (const i of order.subarray(0, taken)) drawn.add(...free[i]);
}

/** Tries to mend one pair before giving up on it for this round. */
const TRIALS = 100;
const ROUNDS = 10;

/**
 * Gives each place of a regulator one of the targets, which are as many times in the list as they shall be in
 * pairs; then swaps the targets of pairs that cannot be with those of random others. A pair that no swap
 * mends (its target has too many positives to have as many negatives) gets the target of a random positive
 * instead, or else any candidate.
 */
function drawDegreeMatched({ positives, quotas, targets, random }: Request, drawn: DrawnPairs): void {
  const candidates = new Set(targets);
  const likely = positives.b.filter((target) => candidates.has(target));
  const places = Uint32Array.from(quotas.flatMap(({ regulator, quota }) => new Array(quota).fill(regulator)));
  const chosen = shuffledInProportion(likely, places.length, random);
  let failed: number[] = [];
  for (let i = 0; i < places.length; i++) {
    if (i >= chosen.length || !drawn.add(places[i], chosen[i])) failed.push(i);
  }
  const isFailed = new Uint8Array(places.length);
  for (const i of failed) isFailed[i] = 1;

  const swap = (i: number, j: number): boolean => {
    const [a, b, otherA, otherB] = [places[i], chosen[i], places[j], chosen[j]];
    if (a === otherA || !drawn.isFree(a, otherB) || !drawn.isFree(otherA, b)) return false;
    if (isFailed[j] === 0) drawn.remove(otherA, otherB);
    drawn.add(a, otherB);
    drawn.add(otherA, b);
    chosen[i] = otherB;
    chosen[j] = b;
    isFailed[i] = 0;
    isFailed[j] = 0;
    return true;
  };
  const mend = (i: number): void => {
    for (let trial = 0; trial < TRIALS && isFailed[i] === 1; trial++) swap(i, random.below(chosen.length));
  };
  for (let round = 0; round < ROUNDS && failed.length > 0 && chosen.length > 0; round++) {
    const before = failed.length;
    failed.forEach(mend);
    failed = failed.filter((i) => isFailed[i] === 1);
    if (failed.length > 0.95 * before) break;
  }
  for (const i of failed) {
    let trials = likely.length > 0 ? TRIALS : 0;
    while (trials > 0 && !drawn.add(places[i], likely[random.below(likely.length)])) trials--;
    if (trials === 0) drawUniform(1, Uint32Array.of(places[i]), targets, random, drawn);
  }
}

/**
 * `count` items of which each is as frequent as in `items`, up to rounding, in random order; none of none.
 */
function shuffledInProportion(items: Uint32Array, count: number, random: RandomNumbers): Uint32Array {
  if (items.length === 0) return new Uint32Array();
  const counts = [...countOf(items)].sort(([one], [other]) => one - other);
  // Systematic sampling: each item's places on a line of `count` hold as many whole numbers as it shall have.
  const start = random.next();
  const result = new Uint32Array(count);
  const turns = Uint32Array.from(counts.keys());
  random.shuffle(turns);
  let filled = 0;
  let end = 0;
  for (const turn of turns) {
    const [item, times] = counts[turn];
    end += times;
    const until = Math.min(count, Math.ceil((end * count) / items.length - start));
    while (filled < until) result[filled++] = item;
  }
  if (filled < count) result.fill(counts[turns[turns.length - 1]][0], filled);
  random.shuffle(result);
  return result;
}

function shortRegulators(quotas: readonly Quota[], drawn: Uint32Array): ShortRegulator[] {
  const counts = countOf(drawn);
  return quotas.flatMap(({ regulator, quota }) => {
    const found = counts.get(regulator) ?? 0;
    return found < quota ? [{ regulator, asked: quota, drawn: found }] : [];
  });
}

/** Total variation distance of the distributions of two lists of genes. */
function distance(one: Uint32Array, other: Uint32Array): number {
  const counts = countOf(one);
  const otherCounts = countOf(other);
  const genes = new Set([...counts.keys(), ...otherCounts.keys()]);
  const share = (of: Map<number, number>, gene: number, all: number) => (of.get(gene) ?? 0) / all;
  return (
    sum(
      [...genes].map((gene) =>
        Math.abs(share(counts, gene, one.length) - share(otherCounts, gene, other.length)),
      ),
    ) / 2
  );
}
