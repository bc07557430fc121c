import type { Spec, TextMark } from "vega";
import { type AltText, specToSvg } from "../spec-to-svg.js";
import { printable } from "./html.js";

export const FONT = "DejaVu Sans, Verdana, sans-serif";
export const INK = "#1f2933";
export const FAINT_INK = "#55606b";
export const LINE = "#aab4be";
export const GRID = "#e8ecef";
/** Of other methods' curves, behind those that a figure is about. */
export const SHADOW = "#d5dbe1";

/** The axes of all figures. */
export const AXIS = {
  labelFont: FONT,
  labelFontSize: 10,
  labelColor: INK,
  titleFont: FONT,
  titleFontSize: 10.5,
  titleFontWeight: "normal",
  titleColor: FAINT_INK,
  domainColor: LINE,
  tickColor: LINE,
  gridColor: GRID,
  tickSize: 4,
} as const;

/** Draws a figure; coordinates of paths keep two decimals, which is a third of the file and all of the picture. */
export async function draw(spec: Spec, alt: AltText): Promise<string> {
  const svg = await specToSvg({ padding: 0, autosize: "none", background: "white", ...spec }, alt);
  return printable(svg).replace(
    / d="([^"]*)"/g,
    (_, path: string) =>
      ` d="${path.replace(/-?\d+\.\d{3,}(?:e-?\d+)?/g, (number) => `${rounded(number)}`)}"`,
  );
}

function rounded(number: string): number {
  return Math.round(100 * Number(number)) / 100;
}

export interface TextStyle {
  readonly x: number;
  /** Of the baseline. */
  readonly y: number;
  readonly size?: number;
  readonly color?: string;
  readonly bold?: boolean;
  readonly align?: "left" | "center" | "right";
}

/** One line of text. */
export function text(line: string, style: TextStyle): TextMark {
  return {
    type: "text",
    encode: {
      enter: {
        text: { value: line },
        x: { value: style.x },
        y: { value: style.y },
        font: { value: FONT },
        fontSize: { value: style.size ?? 10.5 },
        fontWeight: { value: style.bold ? "bold" : "normal" },
        fill: { value: style.color ?? INK },
        align: { value: style.align ?? "left" },
      },
    },
  };
}

/** A group's own size, to which the grid of its axes extends. */
export function size(width: number, height: number) {
  return [
    { name: "width", value: width },
    { name: "height", value: height },
  ];
}

export function box(x: number, y: number, width: number, height: number) {
  return { x: { value: x }, y: { value: y }, width: { value: width }, height: { value: height } };
}
