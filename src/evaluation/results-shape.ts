import type { Interval } from "../metrics/index.js";
import { type Leakage, type Overlap, SPLIT_MODES, TASKS } from "../pairs/index.js";
import type {
  BenchmarkResults,
  Calibration,
  CausalityMetrics,
  Curve,
  DataFacts,
  Difference,
  FoldResult,
  LabelFacts,
  MethodResult,
  PerRegulatorMetrics,
  PooledMetrics,
  RegulatorValue,
  RunFacts,
  SplitResult,
} from "./results.js";

/** A part of the file that is not as it should be. */
export interface Misfit {
  /** e.g. `splits[0].methods[2].pooled.auroc` */
  readonly place: string;
  /** e.g. `is missing`, `is no number` */
  readonly problem: string;
}

/** Says where a value is not as it should be, if it is not. */
type Shape = (value: unknown, place: string) => Misfit | undefined;

/** A missing `kind`, or something else in its place. */
function misfit(value: unknown, place: string, kind: string): Misfit {
  return { place, problem: value === undefined ? "is missing" : `is no ${kind}` };
}

const ofType =
  (type: "number" | "string" | "boolean", kind: string): Shape =>
  (value, place) =>
    typeof value === type ? undefined : misfit(value, place, kind);

const number = ofType("number", "number");
const text = ofType("string", "text");
const flag = ofType("boolean", "true or false");

const oneOf =
  (values: readonly unknown[]): Shape =>
  (value, place) =>
    values.includes(value) ? undefined : misfit(value, place, `one of ${values.join(", ")}`);

const list =
  (item: Shape): Shape =>
  (value, place) => {
    if (!Array.isArray(value)) return misfit(value, place, "list");
    for (const [i, one] of value.entries()) {
      const found = item(one, `${place}[${i}]`);
      if (found) return found;
    }
    return undefined;
  };

const optional =
  (shape: Shape): Shape =>
  (value, place) =>
    value === undefined ? undefined : shape(value, place);

/** The type parameter keeps a field from being forgotten; fields that are not known are let pass. */
function record<T>(fields: { readonly [K in keyof T]-?: Shape }): Shape {
  return (value, place) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return misfit(value, place, "object");
    }
    for (const [name, shape] of Object.entries<Shape>(fields)) {
      const found = shape((value as Record<string, unknown>)[name], place === "" ? name : `${place}.${name}`);
      if (found) return found;
    }
    return undefined;
  };
}

const interval = record<Interval>({ value: number, low: number, high: number, resamples: number });
const curve = record<Curve>({ x: list(number), y: list(number) });
const overlap = record<Overlap>({ inTest: number, shared: number, share: number });

const fold = record<FoldResult>({
  name: text,
  training: number,
  test: number,
  testPositives: number,
  testSha256: text,
  mirrorsDropped: number,
  leftOut: number,
  leakage: record<Leakage>({
    regulators: overlap,
    targets: overlap,
    genes: overlap,
    pairs: overlap,
    mirrors: overlap,
  }),
});

const pooled = record<PooledMetrics>({
  auroc: number,
  auprc: number,
  auprcRatio: number,
  earlyPrecision: number,
  earlyPrecisionRatio: number,
  earlyPrecisionRatioAllEdges: number,
  aurocs: list(number),
});

const perRegulator = record<PerRegulatorMetrics>({
  auroc: interval,
  auprc: interval,
  medianAuroc: number,
  regulators: number,
  skipped: number,
  values: list(
    record<RegulatorValue>({
      regulator: text,
      fold: text,
      positives: number,
      pairs: number,
      auroc: number,
      auprc: number,
    }),
  ),
});

const method = record<MethodResult>({
  name: text,
  label: text,
  group: oneOf(["network", "summary", "association", "control", "external"]),
  learns: flag,
  seconds: number,
  unscored: number,
  pooled,
  perRegulator,
  differences: list(record<Difference>({ against: text, auroc: interval })),
  curves: record<MethodResult["curves"]>({ roc: curve, precisionRecall: curve }),
  calibration: optional(
    record<Calibration>({
      bins: list(record<Calibration["bins"][number]>({ predicted: number, observed: number, pairs: number })),
      brier: number,
    }),
  ),
  causality: optional(
    record<CausalityMetrics>({ classAurocs: list(number), directionAuroc: number, swapConsistency: number }),
  ),
  losses: optional(list(list(number))),
});

const results = record<BenchmarkResults>({
  format: oneOf(["cnnc benchmark"]),
  formatVersion: oneOf([1]),
  run: record<RunFacts>({
    command: optional(list(text)),
    finished: text,
    seconds: number,
    seed: number,
    threads: number,
    processor: text,
    precision: text,
    versions: record<RunFacts["versions"]>({ cnnc: text, node: text }),
    notices: list(text),
  }),
  data: record<DataFacts>({
    path: text,
    sha256: text,
    cells: number,
    genes: number,
    scale: text,
    transform: text,
  }),
  labels: record<LabelFacts>({
    path: text,
    sha256: text,
    pairs: number,
    classCounts: list(number),
    regulators: number,
    targets: number,
    leftOut: list(text),
  }),
  task: oneOf(TASKS),
  splits: list(
    record<SplitResult>({
      name: text,
      mode: oneOf(SPLIT_MODES),
      given: flag,
      folds: list(fold),
      statement: text,
      methods: list(method),
    }),
  ),
});

/** The first field of a parsed results.json that is missing or of another kind, if there is one. */
export const misfitOfResults = (value: unknown): Misfit | undefined => results(value, "");
