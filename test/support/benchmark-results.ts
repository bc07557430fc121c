import type { BenchmarkResults, MethodResult, SplitResult } from "../../dist/evaluation/results.js";
import {
  auprc,
  auprcRatio,
  auroc,
  bootstrapMean,
  earlyPrecision,
  type Interval,
} from "../../dist/metrics/index.js";
import { randomNumbers } from "../../dist/random.js";

type Task = BenchmarkResults["task"];
type RegulatorValue = MethodResult["perRegulator"]["values"][number];

interface MadeUpMethod extends Pick<MethodResult, "name" | "label" | "group" | "learns"> {
  /** How far true pairs lie above false ones, in standard deviations: on pairs of known genes, and on new ones. */
  readonly strength: readonly [known: number, unseen: number];
  readonly probabilities?: boolean;
  readonly epochs?: number;
}

const METHODS: readonly MadeUpMethod[] = [
  {
    name: "cnnc",
    label: "CNNC's network, nepdf",
    group: "network",
    learns: true,
    strength: [0.8, 0.25],
    probabilities: true,
    epochs: 12,
  },
  {
    name: "compact",
    label: "compact network, residual + margins",
    group: "network",
    learns: true,
    strength: [1.3, 0.9],
    probabilities: true,
    epochs: 12,
  },
  {
    name: "mlp",
    label: "one hidden layer, residual + margins",
    group: "network",
    learns: true,
    strength: [1.2, 0.8],
    probabilities: true,
    epochs: 20,
  },
  {
    name: "summary",
    label: "logistic regression on summary numbers",
    group: "summary",
    learns: true,
    strength: [1.1, 0.85],
    probabilities: true,
  },
  { name: "pearson", label: "|Pearson|", group: "association", learns: false, strength: [0.5, 0.5] },
  { name: "spearman", label: "|Spearman|", group: "association", learns: false, strength: [0.55, 0.55] },
  {
    name: "mutual-information",
    label: "mutual information of the histogram",
    group: "association",
    learns: false,
    strength: [0.45, 0.45],
  },
  {
    name: "margins-only",
    label: "compact network, margins alone",
    group: "control",
    learns: true,
    strength: [1.2, 0.7],
    probabilities: true,
    epochs: 12,
  },
  {
    name: "degree",
    label: "rates of regulator and target in training",
    group: "control",
    learns: true,
    strength: [1.9, 0.1],
  },
  {
    name: "scores:genie3.tsv",
    label: "scores of genie3.tsv",
    group: "external",
    learns: false,
    strength: [0.6, 0.55],
  },
];

/** What the made-up benchmark has; everything else follows from the seed. */
export interface MadeUpBenchmark {
  readonly task?: Task;
  readonly regulators?: number;
  /** Pairs of each regulator in each fold. */
  readonly pairs?: number;
  readonly seed?: number;
}

/** Results as a benchmark could give them: 2 splits, 10 methods, scores drawn at random and really judged. */
export function benchmarkResults(options: MadeUpBenchmark = {}): BenchmarkResults {
  const { task = "interaction", regulators = 40, pairs = 60, seed = 7 } = options;
  const made = { task, regulators, pairs, seed };
  return {
    format: "cnnc benchmark",
    formatVersion: 1,
    run: {
      command: ["cnnc", "benchmark", "bone marrow.h5ad", "--labels", "pairs.tsv.gz", "-o", "report/"],
      finished: "2025-03-04T05:06:07.000Z",
      seconds: 1234.5,
      seed,
      threads: 2,
      processor: "Example CPU at 2.1 GHz",
      precision: "float32",
      versions: { cnnc: "0.1.0", node: "22.1.0" },
      notices: ["mirror-lookup was left out: no pair has its mirror in the labels."],
    },
    data: {
      path: "data/bone marrow.h5ad",
      sha256: "9f".repeat(32),
      cells: 3105,
      genes: 3025,
      scale: "counts",
      transform: "log10",
    },
    labels: {
      path: "data/pairs.tsv.gz",
      sha256: "0a".repeat(32),
      pairs: regulators * pairs * 5,
      classCounts: task === "causality" ? [9000, 1500, 1500] : [9600, 2400],
      regulators,
      targets: 700,
      leftOut: ["12 pairs name a gene that the data lack.", "3 pairs are listed twice."],
    },
    task,
    splits: [split("random-pairs", 0, made), split("target-disjoint", 1, made)],
  };
}

function split(mode: SplitResult["mode"], place: 0 | 1, made: Required<MadeUpBenchmark>): SplitResult {
  const folds = Array.from({ length: 5 }, (_, i) => foldOf(`${i + 1}`, place, made));
  const methods = METHODS.map((method) => resultOf(method, place, made));
  const margins = valuesOf(methods, "margins-only");
  const degree = valuesOf(methods, "degree");
  return {
    name: mode,
    mode,
    given: false,
    folds,
    statement:
      place === 0
        ? "Of the test pairs' regulators 100 % are known from training, of their targets 98 %; no mirrors."
        : "Of the test pairs' regulators 100 % are known from training, of their targets none; no mirrors.",
    methods: methods.map((method) => ({
      ...method,
      differences: [
        ...(method.name === "degree" ? [] : [{ against: "degree", auroc: differenceOf(method, degree) }]),
        ...(method.name === "margins-only"
          ? []
          : [{ against: "margins-only", auroc: differenceOf(method, margins) }]),
      ],
    })),
  };
}

function foldOf(name: string, place: number, { regulators, pairs }: Required<MadeUpBenchmark>) {
  const overlap = (inTest: number, shared: number) => ({ inTest, shared, share: shared / inTest });
  const test = regulators * pairs;
  return {
    name,
    training: 4 * test - 57,
    test,
    testPositives: Math.round(test / 5),
    testSha256: "0".repeat(64),
    mirrorsDropped: 57,
    leftOut: 0,
    leakage: {
      regulators: overlap(regulators, regulators),
      targets: overlap(140, place === 0 ? 137 : 0),
      genes: overlap(180, place === 0 ? 177 : 40),
      pairs: overlap(test, 0),
      mirrors: overlap(test, 0),
    },
  };
}

function resultOf(
  { strength, probabilities, epochs, ...method }: MadeUpMethod,
  place: 0 | 1,
  { regulators, pairs, seed, task }: Required<MadeUpBenchmark>,
): MethodResult {
  const random = randomNumbers(seed, `${method.name} ${place}`);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  const scores: number[] = [];
  const labels: number[] = [];
  const values: RegulatorValue[] = [];
  for (let regulator = 0; regulator < regulators; regulator++) {
    const own = strength[place] + 0.35 * normal();
    const mine = Array.from({ length: pairs }, (_, i) => (i % 5 === 0 ? 1 : 0));
    const theirs = mine.map((label) => label * own + normal());
    scores.push(...theirs);
    labels.push(...mine);
    // The last eight have too few pairs to be judged by themselves.
    if (regulator >= regulators - 8) continue;
    values.push({
      regulator: `Tf${regulator + 1}`,
      fold: `${1 + (regulator % 5)}`,
      positives: pairs / 5,
      pairs,
      auroc: auroc(Float64Array.from(theirs), Uint8Array.from(mine)),
      auprc: auprc(Float64Array.from(theirs), Uint8Array.from(mine)),
    });
  }
  const truth = Uint8Array.from(labels);
  const all = Float64Array.from(scores);
  const pooled = auroc(all, truth);
  const chances = all.map((score) => 1 / (1 + Math.exp(1.6 - 0.9 * score)));
  const aurocs = values.map((value) => value.auroc);
  return {
    ...method,
    seconds: epochs ? 97.5 + 20 * random.next() : 0.3,
    unscored: method.group === "external" ? 120 : 0,
    pooled: {
      auroc: pooled,
      auprc: auprc(all, truth),
      auprcRatio: auprcRatio(all, truth),
      earlyPrecision: earlyPrecision(chances, truth).precision,
      earlyPrecisionRatio: earlyPrecision(chances, truth).ratio,
      earlyPrecisionRatioAllEdges: 1.7 * earlyPrecision(chances, truth).ratio,
      aurocs: Array.from({ length: 5 }, () => pooled + 0.02 * normal()),
    },
    perRegulator: {
      auroc: bootstrapMean(aurocs, { seed, resamples: 200 }),
      auprc: bootstrapMean(
        values.map((value) => value.auprc),
        { seed, resamples: 200 },
      ),
      medianAuroc: aurocs.toSorted((a, b) => a - b)[Math.floor(aurocs.length / 2)],
      regulators: regulators - 8,
      skipped: 8,
      values,
    },
    differences: [],
    curves: curvesOf(scores, labels),
    ...(probabilities && { calibration: calibrationOf([...chances], labels) }),
    ...(task === "causality" && { causality: causalityOf(method.group, random.next) }),
    ...(epochs && {
      losses: Array.from({ length: 5 }, () =>
        Array.from({ length: epochs }, (_, e) => 0.28 + 0.35 * Math.exp(-e / 3) + 0.01 * random.next()),
      ),
    }),
  };
}

function causalityOf(
  group: MethodResult["group"],
  next: () => number,
): NonNullable<MethodResult["causality"]> {
  if (group === "association" || group === "external") {
    return {
      classAurocs: [Number.NaN, Number.NaN, Number.NaN],
      directionAuroc: Number.NaN,
      swapConsistency: Number.NaN,
    };
  }
  return {
    classAurocs: [0.7 + 0.1 * next(), 0.66 + 0.1 * next(), 0.65 + 0.1 * next()],
    directionAuroc: 0.55 + 0.2 * next(),
    swapConsistency: 0.9 + 0.1 * next(),
  };
}

function valuesOf(methods: readonly MethodResult[], name: string): readonly RegulatorValue[] {
  return methods.find((method) => method.name === name)?.perRegulator.values ?? [];
}

function differenceOf(method: MethodResult, others: readonly RegulatorValue[]): Interval {
  const differences = method.perRegulator.values.map(({ auroc }, i) => auroc - others[i].auroc);
  return bootstrapMean(differences, { seed: 1, resamples: 200 });
}

/** At 100 thresholds. */
function curvesOf(scores: readonly number[], labels: readonly number[]): MethodResult["curves"] {
  const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a]);
  const positives = labels.filter((label) => label === 1).length;
  const negatives = labels.length - positives;
  const roc = { x: [0], y: [0] };
  const precisionRecall = { x: [] as number[], y: [] as number[] };
  let found = 0;
  order.forEach((row, i) => {
    found += labels[row];
    const isShown = (i + 1) % Math.ceil(order.length / 100) === 0 || i === order.length - 1;
    if (!isShown) return;
    roc.x.push((i + 1 - found) / negatives);
    roc.y.push(found / positives);
    precisionRecall.x.push(found / positives);
    precisionRecall.y.push(found / (i + 1));
  });
  return { roc, precisionRecall };
}

function calibrationOf(
  chances: readonly number[],
  labels: readonly number[],
): NonNullable<MethodResult["calibration"]> {
  const order = [...chances.keys()].sort((a, b) => chances[a] - chances[b]);
  const size = order.length / 10;
  const mean = (rows: readonly number[], of: readonly number[]) =>
    rows.reduce((sum, row) => sum + of[row], 0) / rows.length;
  return {
    bins: Array.from({ length: 10 }, (_, bin) => {
      const rows = order.slice(bin * size, (bin + 1) * size);
      return { predicted: mean(rows, chances), observed: mean(rows, labels), pairs: rows.length };
    }),
    brier: mean(
      order,
      chances.map((chance, row) => (chance - labels[row]) ** 2),
    ),
  };
}
