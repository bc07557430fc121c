import type { Mark, Spec } from "vega";
import type { MethodResult, SplitResult } from "../../evaluation/results.js";
import { AXIS, box, draw, FAINT_INK, INK, size, text } from "./draw.js";
import type { Figure } from "./figure.js";
import { counted, extent, fraction, withRange } from "./numbers.js";
import { shorten, slug } from "./words.js";

const WIDTH = 390;
const LEFT = 116;
const SIDE = 230;
const TOP = 84;
const ROW = 27;
const LONGEST_NAME = 18;
/** Controls, which cannot see what a method claims to see, are hollow and of another colour. */
const METHOD_COLOR = "#0072b2";
const CONTROL_COLOR = "#d55e00";

/** A regulator and its AUROC, mean over the folds that could judge it. */
interface Dot {
  readonly regulator: string;
  readonly auroc: number;
}

/**
 * Every regulator a dot, a row for each method, the best on top; with mean and interval. Undefined if no regulator
 * could be judged.
 */
export async function stripFigure(split: SplitResult): Promise<Figure | undefined> {
  const methods = split.methods
    .filter(({ perRegulator }) => Number.isFinite(perRegulator.auroc.value))
    .toSorted((a, b) => b.perRegulator.auroc.value - a.perRegulator.auroc.value);
  const dots = new Map(methods.map((method) => [method.name, dotsOf(method)]));
  const ends = extent([...dots.values()].flatMap((each) => each.map(({ auroc }) => auroc)));
  if (ends === undefined) return undefined;
  const low = Math.min(0.4, Math.floor(ends[0] * 10) / 10);
  const spec: Spec = {
    width: WIDTH,
    height: TOP + methods.length * ROW + 42,
    config: { axis: AXIS },
    scales: [{ name: "x", type: "linear", domain: [low, 1], range: [0, SIDE], zero: false, nice: false }],
    marks: [
      text("AUROC of every regulator", { x: 4, y: 15, size: 13, bold: true }),
      text(split.name, { x: 4, y: 31, color: FAINT_INK }),
      text("diamond and bar: the mean over regulators and its 95 % interval", {
        x: 4,
        y: 68,
        color: FAINT_INK,
      }),
      ...key(),
      text("mean", { x: WIDTH - 4, y: TOP - 8, size: 9.5, color: FAINT_INK, align: "right" }),
      {
        type: "group",
        encode: { enter: box(LEFT, TOP, SIDE, methods.length * ROW) },
        signals: size(SIDE, methods.length * ROW),
        axes: [{ orient: "bottom", scale: "x", title: "AUROC", grid: true, tickCount: 6, titlePadding: 8 }],
        marks: [
          chanceLine(methods.length * ROW),
          ...methods.flatMap((method, row) => strip(method, dots.get(method.name) ?? [], row)),
        ],
      },
      ...methods.flatMap((method, row) => [
        text(shorten(method.name, LONGEST_NAME), {
          x: LEFT - 8,
          y: TOP + (row + 0.5) * ROW + 4,
          size: 11,
          align: "right",
        }),
        text(fraction(method.perRegulator.auroc.value), {
          x: WIDTH - 4,
          y: TOP + (row + 0.5) * ROW + 4,
          size: 11,
          align: "right",
        }),
      ]),
    ],
  };
  const svg = await draw(spec, {
    title: `AUROC of every regulator, ${split.name}`,
    description: `${methods.map((method) => inWords(method, dots.get(method.name) ?? [])).join(" ")} Chance is .500.`,
  });
  return { name: slug(`${split.name}-regulators`), svg };
}

function inWords({ name, perRegulator }: MethodResult, dots: readonly Dot[]): string {
  const [low, high] = extent(dots.map(({ auroc }) => auroc)) ?? [Number.NaN, Number.NaN];
  return (
    `${name}: ${counted(dots.length, "regulator")}, mean ${withRange(perRegulator.auroc)}, ` +
    `from ${fraction(low)} to ${fraction(high)}.`
  );
}

function dotsOf({ perRegulator }: MethodResult): Dot[] {
  return [...aurocsByRegulator(perRegulator.values)].map(([regulator, auroc]) => ({ regulator, auroc }));
}

/** Mean AUROC of each regulator over the folds that could judge it. */
export function aurocsByRegulator(
  values: MethodResult["perRegulator"]["values"],
): ReadonlyMap<string, number> {
  const sums = new Map<string, { sum: number; folds: number }>();
  for (const { regulator, auroc } of values) {
    if (!Number.isFinite(auroc)) continue;
    const { sum, folds } = sums.get(regulator) ?? { sum: 0, folds: 0 };
    sums.set(regulator, { sum: sum + auroc, folds: folds + 1 });
  }
  return new Map([...sums].map(([regulator, { sum, folds }]) => [regulator, sum / folds]));
}

function chanceLine(height: number): Mark {
  return {
    type: "rule",
    encode: {
      enter: {
        x: { scale: "x", value: 0.5 },
        y: { value: 0 },
        y2: { value: height },
        stroke: { value: FAINT_INK },
        strokeDash: { value: [3, 3] },
      },
    },
  };
}

function strip({ group, perRegulator }: MethodResult, dots: readonly Dot[], row: number): Mark[] {
  const middle = (row + 0.5) * ROW;
  const isControl = group === "control";
  const color = isControl ? CONTROL_COLOR : METHOD_COLOR;
  const { value, low, high } = perRegulator.auroc;
  return [
    {
      type: "group",
      data: [{ name: "dots", values: dots.map(({ auroc }, i) => ({ auroc, y: middle + jitter(i) })) }],
      marks: [
        {
          type: "symbol",
          from: { data: "dots" },
          encode: {
            enter: {
              x: { scale: "x", field: "auroc" },
              y: { field: "y" },
              size: { value: 24 },
              fill: { value: isControl ? "transparent" : color },
              fillOpacity: { value: 0.45 },
              stroke: { value: color },
              strokeWidth: { value: isControl ? 1 : 0 },
              strokeOpacity: { value: 0.8 },
            },
          },
        },
      ],
    },
    ...(Number.isFinite(low) && Number.isFinite(high) ? [whisker(low, high, middle)] : []),
    mean(value, middle),
  ];
}

function whisker(low: number, high: number, y: number): Mark {
  return {
    type: "rule",
    encode: {
      enter: {
        x: { scale: "x", value: low },
        x2: { scale: "x", value: high },
        y: { value: y },
        stroke: { value: INK },
        strokeWidth: { value: 2 },
      },
    },
  };
}

function mean(value: number, y: number): Mark {
  return {
    type: "symbol",
    encode: {
      enter: {
        x: { scale: "x", value },
        y: { value: y },
        shape: { value: "diamond" },
        size: { value: 90 },
        fill: { value: INK },
        stroke: { value: "white" },
        strokeWidth: { value: 1 },
      },
    },
  };
}

/** Spreads the dots over the height of their row, evenly, the same in every drawing. */
function jitter(i: number): number {
  return (((i * 0.618034) % 1) - 0.5) * (ROW - 12);
}

function key(): Mark[] {
  const y = 49;
  const sample = (x: number, hollow: boolean): Mark => ({
    type: "symbol",
    encode: {
      enter: {
        x: { value: x },
        y: { value: y - 4 },
        size: { value: 30 },
        fill: { value: hollow ? "transparent" : METHOD_COLOR },
        fillOpacity: { value: 0.6 },
        stroke: { value: hollow ? CONTROL_COLOR : METHOD_COLOR },
        strokeWidth: { value: hollow ? 1 : 0 },
      },
    },
  });
  return [
    sample(10, false),
    text("a regulator", { x: 18, y, color: FAINT_INK }),
    sample(100, true),
    text("the same, judged by a control", { x: 108, y, color: FAINT_INK }),
    text("dashed: chance", { x: 290, y, color: FAINT_INK }),
  ];
}
