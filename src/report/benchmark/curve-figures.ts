import type { Curve, MethodResult, SplitResult } from "../../evaluation/results.js";
import type { Figure } from "./figure.js";
import { drawLinePanel, type LinePanel, type Point } from "./line-panel.js";
import { METHODS_PER_PANEL, type MethodStyle, ofGroup } from "./method-styles.js";
import { counted, extent, fraction, percent, span } from "./numbers.js";
import { GROUPS, SHORT_GROUP_NAMES, slug } from "./words.js";

type Styles = ReadonlyMap<string, MethodStyle>;
type Domain = readonly [number, number];

/** ROC curves: a figure for each group of methods, all others behind them in grey. */
export function rocFigures(split: SplitResult, styles: Styles): Promise<Figure[]> {
  const pairs = sum(split.folds.map(({ test }) => test));
  return figuresByGroup(split, split.methods, (methods, others, where) => ({
    kind: "roc",
    panel: {
      title: where,
      subtitle: `ROC, ${split.name}`,
      xTitle: "false positive rate",
      yTitle: "true positive rate",
      xDomain: [0, 1],
      yDomain: [0, 1],
      noteTitle: "pooled AUROC",
      reference: { ends: [at(0, 0), at(1, 1)], name: "chance: .500" },
      shadows: others.map(({ curves }) => pointsOf(curves.roc)),
      series: seriesOf(
        methods,
        styles,
        ({ curves }) => pointsOf(curves.roc),
        ({ pooled }) => pooled.auroc,
      ),
    },
    description:
      `ROC curves over ${counted(pairs, "test pair")} of all folds. Pooled AUROC: ` +
      `${listOf(methods, ({ pooled }) => pooled.auroc)}. The dashed diagonal is chance, .500.`,
  }));
}

/** Precision-recall curves; chance is the share of positives. */
export function precisionRecallFigures(split: SplitResult, styles: Styles): Promise<Figure[]> {
  const chance = positiveShare(split);
  const top = precisionTop(split);
  return figuresByGroup(split, split.methods, (methods, others, where) => ({
    kind: "precision-recall",
    panel: {
      title: where,
      subtitle: `precision and recall, ${split.name}`,
      xTitle: "recall",
      yTitle: top < 1 ? `precision (axis ends at ${fraction(top)})` : "precision",
      xDomain: [0, 1],
      yDomain: [0, top],
      noteTitle: "pooled AUPRC",
      reference: { ends: [at(0, chance), at(1, chance)], name: `chance: ${fraction(chance)}` },
      shadows: others.map(({ curves }) => pointsOf(curves.precisionRecall)),
      series: seriesOf(
        methods,
        styles,
        ({ curves }) => pointsOf(curves.precisionRecall),
        ({ pooled }) => pooled.auprc,
      ),
    },
    description:
      `Precision-recall curves over all folds. Pooled AUPRC: ${listOf(methods, ({ pooled }) => pooled.auprc)}. ` +
      `The dashed line is chance: ${percent(chance)} of the test pairs are positives.`,
  }));
}

/** Observed against predicted share of positives, of methods whose scores are probabilities. */
export function calibrationFigures(split: SplitResult, styles: Styles): Promise<Figure[]> {
  const judged = split.methods.filter(({ calibration }) => calibration !== undefined);
  const points = (method: MethodResult) =>
    (method.calibration?.bins ?? []).map(({ predicted, observed }) => at(predicted, observed));
  const all = judged.flatMap(points);
  const top = roundUp(extent(all.flatMap(({ x, y }) => [x, y]))?.[1] ?? 1);
  return figuresByGroup(split, judged, (methods, others, where) => ({
    kind: "calibration",
    panel: {
      title: where,
      subtitle: `calibration, ${split.name}`,
      xTitle: "mean predicted probability",
      yTitle: "share of positives observed",
      xDomain: [0, top],
      yDomain: [0, top],
      noteTitle: "Brier score",
      symbols: true,
      reference: { ends: [at(0, 0), at(1, 1)], name: "as predicted" },
      shadows: others.map(points),
      series: seriesOf(methods, styles, points, ({ calibration }) => calibration?.brier ?? Number.NaN),
    },
    description:
      "Share of positives observed against the mean predicted probability, in bins of about equally many test " +
      `pairs. ${methods.map((method) => calibrationInWords(method)).join(" ")} The diagonal is what was predicted.`,
  }));
}

function calibrationInWords({ name, calibration }: MethodResult): string {
  const bins = calibration?.bins ?? [];
  const [first, last] = [bins[0], bins[bins.length - 1]];
  const ends =
    first && last
      ? `: predicted ${fraction(first.predicted)} to ${fraction(last.predicted)}, observed ` +
        `${fraction(first.observed)} to ${fraction(last.observed)}`
      : "";
  return `${name}${ends}; Brier score ${fraction(calibration?.brier ?? Number.NaN)}.`;
}

/** Loss by epoch, a thin line for each fold; one figure for each network, all with the same axes. */
export function lossFigures(split: SplitResult, styles: Styles): Promise<Figure[]> {
  const trained = split.methods.filter(({ losses }) => losses?.some((fold) => fold.length > 0));
  const every = trained.flatMap(({ losses }) => losses ?? []);
  const epochs = Math.max(2, ...every.map(({ length }) => length));
  const [low, high] = extent(every.flat()) ?? [0, 1];
  const room = Math.max(0.02, (high - low) * 0.06);
  const yDomain: Domain = [Math.max(0, low - room), high + room];
  return Promise.all(
    trained.map(async ({ name, losses = [] }) => {
      const folds = losses.filter(({ length }) => length > 0);
      const last = folds.map((fold) => fold[fold.length - 1]);
      const description =
        `Training loss by epoch, ${counted(folds.length, "fold")}. In the first epoch ` +
        `${span(folds.map((fold) => fold[0]))}, in the last ${span(last)}.`;
      const panel: LinePanel = {
        title: name,
        subtitle: `training loss, ${split.name}`,
        xTitle: "epoch",
        yTitle: "cross-entropy",
        xDomain: [1, epochs],
        yDomain,
        noteTitle: "last epoch",
        steps: true,
        thin: true,
        series: [
          {
            name: `${counted(folds.length, "fold")}, a line each`,
            note: span(last),
            style: styleOf(styles, name),
            lines: folds.map((fold) => fold.map((loss, epoch) => at(epoch + 1, loss))),
          },
        ],
      };
      const svg = await drawLinePanel(panel, { title: `${name}: training loss, ${split.name}`, description });
      return { name: slug(`${split.name}-loss-${name}`), svg };
    }),
  );
}

type Draft = { readonly kind: string; readonly panel: LinePanel; readonly description: string };

/** One figure for each group that has methods, or more if it has more than a figure can tell apart. */
function figuresByGroup(
  split: SplitResult,
  methods: readonly MethodResult[],
  draft: (methods: readonly MethodResult[], others: readonly MethodResult[], where: string) => Draft,
): Promise<Figure[]> {
  const panels = GROUPS.flatMap((group) => {
    const chunks = inChunks(bestFirst(ofGroup(methods, group)), METHODS_PER_PANEL);
    return chunks.map((members, i) => ({
      members,
      where: SHORT_GROUP_NAMES[group] + (chunks.length > 1 ? ` (${i + 1} of ${chunks.length})` : ""),
    }));
  });
  return Promise.all(
    panels.map(async ({ members, where }) => {
      const others = methods.filter((method) => !members.includes(method));
      const { kind, panel, description } = draft(members, others, where);
      const svg = await drawLinePanel(panel, { title: `${where}: ${panel.subtitle}`, description });
      return { name: slug(`${split.name}-${kind}-${where}`), svg };
    }),
  );
}

function bestFirst(methods: readonly MethodResult[]): readonly MethodResult[] {
  const merit = ({ pooled }: MethodResult) => (Number.isFinite(pooled.auroc) ? pooled.auroc : -1);
  return methods.toSorted((a, b) => merit(b) - merit(a));
}

function inChunks<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}

function seriesOf(
  methods: readonly MethodResult[],
  styles: Styles,
  points: (method: MethodResult) => readonly Point[],
  value: (method: MethodResult) => number,
): LinePanel["series"] {
  return methods.map((method) => ({
    name: method.name,
    note: fraction(value(method)),
    style: styleOf(styles, method.name),
    lines: [points(method)],
  }));
}

function styleOf(styles: Styles, name: string): MethodStyle {
  return styles.get(name) ?? { color: "#000000", dash: [], shape: "circle" };
}

function listOf(methods: readonly MethodResult[], value: (method: MethodResult) => number): string {
  return methods.map((method) => `${method.name} ${fraction(value(method))}`).join(", ");
}

/** Share of positives among the test pairs of all folds. */
export function positiveShare({ folds }: SplitResult): number {
  return sum(folds.map(({ testPositives }) => testPositives)) / sum(folds.map(({ test }) => test));
}

/** Where the precision axis ends: what lies left of 2 % recall is noise and must not flatten the rest. */
function precisionTop({ methods }: SplitResult): number {
  const precisions = methods.flatMap(({ curves: { precisionRecall } }) =>
    precisionRecall.y.filter((_, i) => precisionRecall.x[i] >= 0.02),
  );
  return roundUp(extent(precisions)?.[1] ?? 1);
}

function roundUp(value: number): number {
  return [0.05, 0.1, 0.2, 0.4, 0.6, 0.8].find((end) => value <= end) ?? 1;
}

function pointsOf({ x, y }: Curve): Point[] {
  return x.map((value, i) => at(value, y[i]));
}

function at(x: number, y: number): Point {
  return { x, y };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
