import type { Spec } from "vega";
import { specToSvg } from "./spec-to-svg.js";

/** One epoch of a training. */
export interface CurvePoint {
  readonly epoch: number;
  readonly loss: number;
  readonly validation?: { readonly loss: number; readonly auroc: number };
}

const WIDTH = 300;
const HEIGHT = 220;
const FONT = "DejaVu Sans";
const TRAINING = "#4c78a8";
const VALIDATION = "#f58518";

/**
 * Draws how a training went: the losses on the left; on the right, where there was validation, its AUROC, with the
 * epoch that was kept marked.
 *
 * @param best the epoch whose weights were kept
 * @returns a self-contained SVG document
 */
export function renderLearningCurve(
  history: readonly CurvePoint[],
  best: number,
  title: string,
): Promise<string> {
  const losses = history.flatMap(({ epoch, loss, validation }) => [
    { epoch, value: loss, series: "training" },
    ...(validation ? [{ epoch, value: validation.loss, series: "validation" }] : []),
  ]);
  const aurocs = history.flatMap(({ epoch, validation }) =>
    validation ? [{ epoch, value: validation.auroc, series: "validation" }] : [],
  );
  const last = history.at(-1);
  const spec: Spec = {
    $schema: "https://vega.github.io/schema/vega/v6.json",
    background: "white",
    padding: 12,
    title: { text: title, anchor: "start", font: FONT, fontSize: 14, offset: 12 },
    config: {
      axis: { labelFont: FONT, titleFont: FONT, grid: true, gridColor: "#eee" },
      legend: { labelFont: FONT, titleFont: FONT },
    },
    layout: { padding: 32, columns: 2, align: "all" },
    marks: [
      panel("Cross-entropy", losses, best),
      ...(aurocs.length > 0 ? [panel("AUROC of validation pairs", aurocs, best)] : []),
    ],
  };
  return specToSvg(spec, {
    title,
    description: `${history.length} epochs; epoch ${best} was kept. Last training loss ${last?.loss.toFixed(4)}${
      last?.validation ? `, last validation AUROC ${last.validation.auroc.toFixed(3)}` : ""
    }.`,
  });
}

interface Value {
  readonly epoch: number;
  readonly value: number;
  readonly series: string;
}

function panel(name: string, values: Value[], best: number): NonNullable<Spec["marks"]>[number] {
  const several = new Set(values.map(({ series }) => series)).size > 1;
  return {
    type: "group",
    encode: { update: { width: { value: WIDTH }, height: { value: HEIGHT } } },
    data: [{ name: "values", values: values as object[] }],
    scales: [
      {
        name: "x",
        type: "linear",
        domain: { data: "values", field: "epoch" },
        range: [0, WIDTH],
        nice: false,
        zero: false,
      },
      {
        name: "y",
        type: "linear",
        domain: { data: "values", field: "value" },
        range: [HEIGHT, 0],
        nice: true,
        zero: false,
      },
      {
        name: "color",
        type: "ordinal",
        domain: ["training", "validation"],
        range: [TRAINING, VALIDATION],
      },
    ],
    axes: [
      { orient: "bottom", scale: "x", title: "epoch", tickCount: 6, format: "d" },
      { orient: "left", scale: "y", title: name, tickCount: 5 },
    ],
    ...(several && { legends: [{ stroke: "color", symbolType: "stroke" }] }),
    marks: [
      {
        type: "rule",
        encode: {
          update: {
            x: { scale: "x", value: best },
            y: { value: 0 },
            y2: { value: HEIGHT },
            stroke: { value: "#bbb" },
            strokeDash: { value: [4, 3] },
          },
        },
      },
      {
        type: "group",
        from: { facet: { name: "line", data: "values", groupby: "series" } },
        marks: [
          {
            type: "line",
            from: { data: "line" },
            encode: {
              update: {
                x: { scale: "x", field: "epoch" },
                y: { scale: "y", field: "value" },
                stroke: { scale: "color", field: "series" },
                strokeWidth: { value: 2 },
              },
            },
          },
          {
            type: "symbol",
            from: { data: "line" },
            encode: {
              update: {
                x: { scale: "x", field: "epoch" },
                y: { scale: "y", field: "value" },
                fill: { scale: "color", field: "series" },
                size: { value: 24 },
              },
            },
          },
        ],
      },
    ],
  };
}
