import type { MethodResult, SplitResult } from "../../evaluation/results.js";
import { LEAK_METHOD } from "../../evaluation/verdict.js";
import type { Interval } from "../../metrics/index.js";
import { type Content, type Html, html } from "./html.js";
import { ofGroup } from "./method-styles.js";
import { counted, duration, fraction, NONE, percent, range, ratio, share, signed, span } from "./numbers.js";
import { aurocsByRegulator } from "./strip-figure.js";
import { type Column, details, table } from "./table.js";
import { whisker, whiskerScale } from "./whisker.js";
import { GROUP_NAMES, GROUPS } from "./words.js";

/** A column of which the best value is marked, but for that of the method that sees a leak. */
interface Measure {
  readonly heading: Content;
  value(method: MethodResult): number;
  format(value: number): string;
  interval?(method: MethodResult): Interval | undefined;
}

const MEASURES: readonly Measure[] = [
  {
    heading: "mean AUROC per regulator",
    value: ({ perRegulator }) => perRegulator.auroc.value,
    format: fraction,
    interval: ({ perRegulator }) => perRegulator.auroc,
  },
  { heading: "median", value: ({ perRegulator }) => perRegulator.medianAuroc, format: fraction },
  { heading: "pooled AUROC", value: ({ pooled }) => pooled.auroc, format: fraction },
  { heading: "AUPRC ratio", value: ({ pooled }) => pooled.auprcRatio, format: ratio },
  { heading: "EPR, tested pairs", value: ({ pooled }) => pooled.earlyPrecisionRatio, format: ratio },
  { heading: "EPR, all edges", value: ({ pooled }) => pooled.earlyPrecisionRatioAllEdges, format: ratio },
];

const MORE_MEASURES: readonly Measure[] = [
  {
    heading: "mean AUPRC per regulator",
    value: ({ perRegulator }) => perRegulator.auprc.value,
    format: fraction,
    interval: ({ perRegulator }) => perRegulator.auprc,
  },
  { heading: "pooled AUPRC", value: ({ pooled }) => pooled.auprc, format: fraction },
  {
    heading: "early precision, tested pairs",
    value: ({ pooled }) => pooled.earlyPrecision,
    format: fraction,
  },
];

/** The table of a split: every method, its group, the metrics, differences to the controls, time. */
export function methodsTable(split: SplitResult): Html {
  const { methods } = split;
  const differences = comparedWith(methods).map(differenceFrom);
  const scale = whiskerScale(
    methods.map(({ perRegulator }) => perRegulator.auroc),
    0.5,
  );
  const [mean, ...others] = MEASURES.map((measure) => columnOf(measure, methods));
  const picture: Column<MethodResult> = {
    heading: html`<span class="hint">${fraction(scale.low)} to ${fraction(scale.high)}; line: chance</span>`,
    cell: ({ perRegulator, group }) =>
      whisker(perRegulator.auroc, scale, group === "control" ? "control" : "full"),
  };
  return html`${table<MethodResult>({
    name: `Methods, ${split.name}`,
    caption: captionOf(split, differences.length > 0),
    first: { heading: "method", cell: nameCell },
    columns: [
      mean,
      picture,
      ...others,
      ...differences.map((measure) => columnOf(measure, methods)),
      { heading: "time", numeric: true, cell: ({ seconds }) => duration(seconds) },
    ],
    groups: groupsOf(methods),
  })}${unknownPairs(split)}`;
}

/** What the main table has no room for. */
export function moreNumbers(split: SplitResult): Html {
  const { methods } = split;
  const columns: Column<MethodResult>[] = [
    ...MORE_MEASURES.map((measure) => columnOf(measure, methods)),
    { heading: "pooled AUROC, fold by fold", numeric: true, cell: ({ pooled }) => span(pooled.aurocs) },
    {
      heading: "Brier score",
      numeric: true,
      cell: ({ calibration }) => fraction(calibration?.brier ?? Number.NaN),
    },
    {
      heading: "learns",
      cell: ({ learns }) => (learns ? "yes" : "no"),
    },
  ];
  const content = table({
    name: `More numbers, ${split.name}`,
    caption:
      "The rest of what was measured. Best in each column of a metric: bold, with a star. " +
      `${NONE}: no regulator could be judged, or the scores are no probabilities and have no Brier score.`,
    first: { heading: "method", cell: ({ name }) => name },
    columns,
    groups: groupsOf(methods),
  });
  return details("More numbers: AUPRC, fold by fold, Brier score", content);
}

/** AUROC of every regulator by every method; undefined if none could be judged. */
export function regulatorsTable(split: SplitResult): Html | undefined {
  const columns = split.methods.map((method) => ({
    name: method.name,
    aurocs: aurocsByRegulator(method.perRegulator.values),
    mean: method.perRegulator.auroc.value,
  }));
  const facts = new Map<string, { positives: number; pairs: number; folds: number }>();
  for (const { regulator, positives, pairs } of split.methods[0]?.perRegulator.values ?? []) {
    const { positives: p, pairs: n, folds } = facts.get(regulator) ?? { positives: 0, pairs: 0, folds: 0 };
    facts.set(regulator, { positives: p + positives, pairs: n + pairs, folds: folds + 1 });
  }
  if (facts.size === 0) return undefined;
  const best = columns.filter(({ mean }) => Number.isFinite(mean)).toSorted((a, b) => b.mean - a.mean)[0];
  const rows = [...facts.keys()].toSorted(
    (a, b) => (best?.aurocs.get(b) ?? 0) - (best?.aurocs.get(a) ?? 0) || a.localeCompare(b),
  );
  const content = table<string>({
    name: `AUROC of every regulator, ${split.name}`,
    caption:
      `AUROC of each regulator, mean over the folds that could judge it, the best of ${best?.name ?? "all"} first. ` +
      "Positives and pairs are those of these folds together.",
    first: { heading: "regulator", cell: (regulator) => regulator },
    columns: [
      { heading: "positives", numeric: true, cell: (regulator) => facts.get(regulator)?.positives },
      { heading: "pairs", numeric: true, cell: (regulator) => facts.get(regulator)?.pairs },
      { heading: "folds", numeric: true, cell: (regulator) => facts.get(regulator)?.folds },
      ...columns.map(({ name, aurocs }) => ({
        heading: name,
        numeric: true,
        cell: (regulator: string) => fraction(aurocs.get(regulator) ?? Number.NaN),
      })),
    ],
    groups: [{ rows }],
  });
  return details(`Every regulator: AUROC of ${counted(facts.size, "regulator")}`, content, "screen-only");
}

/** For causality: classes, direction and the swapped pairs. Undefined for interactions. */
export function causalityTable(split: SplitResult): Html | undefined {
  const judged = split.methods.filter(({ causality }) => causality !== undefined);
  if (judged.length === 0) return undefined;
  const of = (heading: string, value: (method: MethodResult) => number | undefined): Measure => ({
    heading,
    value: (method) => value(method) ?? Number.NaN,
    format: fraction,
  });
  const measures = [
    of("AUROC of direction", ({ causality }) => causality?.directionAuroc),
    of("swap consistency", ({ causality }) => causality?.swapConsistency),
    of("AUROC: no interaction", ({ causality }) => causality?.classAurocs[0]),
    of("AUROC: a acts\u00a0on\u00a0b", ({ causality }) => causality?.classAurocs[1]),
    of("AUROC: b acts\u00a0on\u00a0a", ({ causality }) => causality?.classAurocs[2]),
  ];
  return table({
    name: `Direction, ${split.name}`,
    caption:
      "Which gene acts on which. Direction is judged among interacting pairs alone; chance is .500. Swap " +
      "consistency is the share of pairs whose answer turns round when the two genes change places. Best in each " +
      `column: bold, with a star. ${NONE}: the method is symmetric, or gives no probability of each class.`,
    first: { heading: "method", cell: nameCell },
    columns: measures.map((measure) => columnOf(measure, judged)),
    groups: groupsOf(judged),
  });
}

/** Rows by group, in a group the best first. */
export function groupsOf(methods: readonly MethodResult[]) {
  const merit = ({ perRegulator, pooled }: MethodResult) =>
    [perRegulator.auroc.value, pooled.auroc].find(Number.isFinite) ?? -1;
  return GROUPS.map((group) => ({
    heading: GROUP_NAMES[group],
    rows: ofGroup(methods, group).toSorted((a, b) => merit(b) - merit(a)),
  }));
}

/** The method as the user writes it, and what it is. */
export function nameCell({ name, label }: Pick<MethodResult, "name" | "label">): Html {
  return html`<span class="name">${breakable(name)}</span>${label !== name && html` <span class="label">${label}</span>`}`;
}

/** Names of files may be long and have no spaces. */
function breakable(name: string): Html {
  return html`${name.split(/(?<=[:/_-])/).map((part, i) => html`${i > 0 && html`<wbr>`}${part}`)}`;
}

function columnOf({ heading, value, format, interval }: Measure, methods: readonly MethodResult[]) {
  const shown = (method: MethodResult) => format(value(method));
  const finite = methods.filter((method) => method.name !== LEAK_METHOD && Number.isFinite(value(method)));
  const best = finite.toSorted((a, b) => value(b) - value(a))[0];
  // Values that read alike are alike; a star for one only would claim more than the digits do.
  const isBest = (method: MethodResult) =>
    finite.length > 1 && finite.includes(method) && shown(method) === shown(best);
  return {
    heading,
    numeric: true,
    cell(method: MethodResult): Content {
      const number = isBest(method) ? html`<strong class="best">${shown(method)}</strong>` : shown(method);
      const of = interval?.(method);
      return html`${number}${of !== undefined && html` <span class="interval">${range(of, format)}</span>`}`;
    },
  };
}

/** Names of the methods that others were compared with, in the order of their first mention. */
function comparedWith(methods: readonly MethodResult[]): string[] {
  return [...new Set(methods.flatMap(({ differences }) => differences.map(({ against }) => against)))];
}

function differenceFrom(against: string): Measure {
  const difference = ({ differences }: MethodResult) =>
    differences.find((each) => each.against === against)?.auroc;
  return {
    heading: html`difference to ${against}`,
    value: (method) => difference(method)?.value ?? Number.NaN,
    format: signed,
    interval: difference,
  };
}

function captionOf(split: SplitResult, hasDifferences: boolean): string {
  const { folds, methods } = split;
  const pairs = folds.reduce((sum, { test }) => sum + test, 0);
  const positives = folds.reduce((sum, { testPositives }) => sum + testPositives, 0);
  const regulators = span(
    methods.map(({ perRegulator }) => perRegulator.regulators),
    String,
  );
  const skipped = span(
    methods.map(({ perRegulator }) => perRegulator.skipped),
    String,
  );
  return [
    `${counted(pairs, "test pair")} in ${counted(folds.length, "fold")}, ${percent(positives / pairs)} of them positives.`,
    `Regulators judged by themselves: ${regulators}; too few pairs of either class in every fold: ${skipped}.`,
    "In brackets: 95 % interval over regulators.",
    hasDifferences ? "Difference: of the mean AUROC per regulator, on the same regulators and folds." : "",
    `Best in each column, ${LEAK_METHOD} aside: bold, with a star.`,
    missing(methods),
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

/** Why there are dashes, if there are. */
function missing(methods: readonly MethodResult[]): string {
  const reasons = [
    ...(methods.some(({ perRegulator }) => !Number.isFinite(perRegulator.auroc.value))
      ? ["no regulator has 5 positives and 5 negatives in a fold"]
      : []),
    ...(methods.some(({ pooled }) => !Number.isFinite(pooled.auroc) || !Number.isFinite(pooled.auprcRatio))
      ? ["every fold has test pairs of one class only"]
      : []),
    ...(methods.some(
      ({ pooled }) =>
        !Number.isFinite(pooled.earlyPrecisionRatio) || !Number.isFinite(pooled.earlyPrecisionRatioAllEdges),
    )
      ? ["no fold has positives to find early"]
      : []),
    ...(comparedWith(methods).some((against) => methods.some((method) => lacksDifference(method, against)))
      ? ["no difference of a method to itself, nor where no regulator could be judged by both"]
      : []),
  ];
  return reasons.length === 0 ? "" : `${NONE}: ${reasons.join("; ")}.`;
}

function lacksDifference({ differences }: MethodResult, against: string): boolean {
  return !Number.isFinite(differences.find((each) => each.against === against)?.auroc.value ?? Number.NaN);
}

function unknownPairs({ methods, folds }: SplitResult): Html | undefined {
  const pairs = folds.reduce((sum, { test }) => sum + test, 0);
  const incomplete = methods.filter(({ unscored }) => unscored > 0);
  if (incomplete.length === 0) return undefined;
  const each = incomplete.map(({ name, unscored }) => `${name} ${share(unscored, pairs)}`).join("; ");
  return html`<p class="note">Test pairs about which a method knew nothing, and which it ranks last: ${each}.</p>
`;
}
