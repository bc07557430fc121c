import type { GroupMark, Mark, RuleMark, Spec, SymbolMark } from "vega";
import type { AltText } from "../spec-to-svg.js";
import { AXIS, box, draw, FAINT_INK, SHADOW, size, text } from "./draw.js";
import type { MethodStyle } from "./method-styles.js";
import { shorten } from "./words.js";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One line, or several of the same kind (folds), and its row in the key. */
export interface Series {
  readonly name: string;
  /** A number at the end of the row. */
  readonly note: string;
  readonly style: MethodStyle;
  readonly lines: readonly (readonly Point[])[];
}

/** A square plot of a few series, small enough for three in a row and large enough for a phone. */
export interface LinePanel {
  readonly title: string;
  /** What and where, so that the figure can stand alone. */
  readonly subtitle: string;
  readonly xTitle: string;
  /** Stands above the axis, so that it need not be turned. */
  readonly yTitle: string;
  readonly xDomain: readonly [number, number];
  readonly yDomain: readonly [number, number];
  readonly series: readonly Series[];
  /** Lines of other methods, in grey. */
  readonly shadows?: readonly (readonly Point[])[];
  /** Dashed, e.g. chance. */
  readonly reference?: { readonly ends: readonly [Point, Point]; readonly name: string };
  /** Marks the points of the lines with symbols. */
  readonly symbols?: boolean;
  /** Whole numbers on the x axis. */
  readonly steps?: boolean;
  readonly thin?: boolean;
  /** Over the notes of the key. */
  readonly noteTitle: string;
}

const WIDTH = 330;
const LEFT = 40;
const SIDE = 274;
const TOP = 58;
const KEY_ROW = 17;
const KEY_TOP = TOP + SIDE + 68;
const LONGEST_NAME = 26;

/** Draws one panel. Points that are not numbers are left out; points outside the domains are cut off. */
export function drawLinePanel(panel: LinePanel, alt: AltText): Promise<string> {
  const rows = panel.series.length + (panel.reference ? 1 : 0) + (panel.shadows?.length ? 1 : 0);
  const spec: Spec = {
    width: WIDTH,
    height: KEY_TOP + rows * KEY_ROW + 2,
    config: { axis: AXIS },
    scales: [
      { name: "x", type: "linear", domain: [...panel.xDomain], range: [0, SIDE], zero: false, nice: false },
      { name: "y", type: "linear", domain: [...panel.yDomain], range: [SIDE, 0], zero: false, nice: false },
    ],
    marks: [
      text(panel.title, { x: 4, y: 15, size: 13, bold: true }),
      text(panel.subtitle, { x: 4, y: 31, size: 10.5, color: FAINT_INK }),
      text(panel.yTitle, { x: 4, y: 49, size: 10.5, color: FAINT_INK }),
      plot(panel),
      ...key(panel),
    ],
  };
  return draw(spec, alt);
}

function plot({ series, shadows = [], reference, symbols, steps, thin, xTitle }: LinePanel): GroupMark {
  return {
    type: "group",
    encode: { enter: box(LEFT, TOP, SIDE, SIDE) },
    signals: size(SIDE, SIDE),
    axes: [
      {
        orient: "bottom",
        scale: "x",
        title: xTitle,
        grid: true,
        tickCount: 5,
        titlePadding: 8,
        ...(steps && { format: "d", tickMinStep: 1 }),
      },
      { orient: "left", scale: "y", grid: true, tickCount: 5 },
    ],
    marks: [
      {
        type: "group",
        clip: true,
        encode: { enter: box(0, 0, SIDE, SIDE) },
        marks: [
          ...shadows.map((points) => line(points, { stroke: SHADOW, width: 1.2 })),
          ...(reference ? [line(reference.ends, { stroke: FAINT_INK, width: 1, dash: [3, 3] })] : []),
          ...series.flatMap(({ lines, style: { color, dash, shape } }) =>
            lines.flatMap((points): Mark[] => [
              line(points, { stroke: color, width: thin ? 1.1 : 2, dash: thin ? [] : dash }),
              ...(symbols ? [symbolsAt(points, color, shape)] : []),
            ]),
          ),
        ],
      },
    ],
  };
}

function line(
  points: readonly Point[],
  { stroke, width, dash = [] }: { stroke: string; width: number; dash?: readonly number[] },
): GroupMark {
  return {
    type: "group",
    data: [{ name: "points", values: finite(points) }],
    marks: [
      {
        type: "line",
        from: { data: "points" },
        encode: {
          enter: {
            x: { scale: "x", field: "x" },
            y: { scale: "y", field: "y" },
            stroke: { value: stroke },
            strokeWidth: { value: width },
            strokeDash: { value: [...dash] },
            strokeJoin: { value: "round" },
          },
        },
      },
    ],
  };
}

function symbolsAt(points: readonly Point[], color: string, shape: string): GroupMark {
  return {
    type: "group",
    data: [{ name: "points", values: finite(points) }],
    marks: [
      {
        type: "symbol",
        from: { data: "points" },
        encode: {
          enter: {
            x: { scale: "x", field: "x" },
            y: { scale: "y", field: "y" },
            shape: { value: shape },
            size: { value: 42 },
            fill: { value: color },
            stroke: { value: "white" },
            strokeWidth: { value: 0.8 },
          },
        },
      },
    ],
  };
}

function finite(points: readonly Point[]): object[] {
  return points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)).map((point) => ({ ...point }));
}

/** A row for each series: its stroke, name and number. */
function key({ series, shadows = [], reference, symbols, thin, noteTitle }: LinePanel): Mark[] {
  const end = LEFT + SIDE;
  const rowAt = (row: number) => KEY_TOP + row * KEY_ROW;
  const rows = series.flatMap(({ name, note, style: { color, dash, shape } }, row): Mark[] => [
    stroke(rowAt(row), { color, dash: thin ? [] : dash, width: thin ? 1.1 : 2 }),
    ...(symbols ? [keySymbol(rowAt(row), color, shape)] : []),
    text(shorten(name, LONGEST_NAME), { x: LEFT + 34, y: rowAt(row), size: 11 }),
    text(note, { x: end, y: rowAt(row), size: 11, align: "right" }),
  ]);
  const others: Mark[] = [];
  if (reference) {
    const y = rowAt(series.length);
    others.push(stroke(y, { color: FAINT_INK, dash: [3, 3], width: 1 }));
    others.push(text(reference.name, { x: LEFT + 34, y, size: 11, color: FAINT_INK }));
  }
  if (shadows.length > 0) {
    const y = rowAt(series.length + (reference ? 1 : 0));
    others.push(stroke(y, { color: SHADOW, dash: [], width: 1.5 }));
    others.push(text("all other methods", { x: LEFT + 34, y, size: 11, color: FAINT_INK }));
  }
  const title = text(noteTitle, { x: end, y: KEY_TOP - 15, size: 9.5, color: FAINT_INK, align: "right" });
  return [title, ...rows, ...others];
}

function stroke(
  baseline: number,
  { color, dash, width }: { color: string; dash: readonly number[]; width: number },
): RuleMark {
  return {
    type: "rule",
    encode: {
      enter: {
        x: { value: LEFT },
        x2: { value: LEFT + 28 },
        y: { value: baseline - 4 },
        stroke: { value: color },
        strokeWidth: { value: width },
        strokeDash: { value: [...dash] },
      },
    },
  };
}

function keySymbol(baseline: number, color: string, shape: string): SymbolMark {
  return {
    type: "symbol",
    encode: {
      enter: {
        x: { value: LEFT + 14 },
        y: { value: baseline - 4 },
        shape: { value: shape },
        size: { value: 42 },
        fill: { value: color },
        stroke: { value: "white" },
        strokeWidth: { value: 0.8 },
      },
    },
  };
}
