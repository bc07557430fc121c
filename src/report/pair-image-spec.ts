import type { Axis, GroupMark, Legend, RectMark, Spec, TextMark } from "vega";

/** One gene's side of the picture. */
export interface PairAxis {
  /** The gene's name. */
  gene: string;
  /** Cells in each of its 32 bins. */
  margin: number[];
  /** Its lowest and highest bin edge, in expression units. */
  extent: [low: number, high: number];
}

/** What the picture shows. All text must fit its place, but for the caption, which is wrapped. */
export interface PairPanels {
  title: string;
  /** Two lines at most. */
  subtitle: string[];
  /** 1024 counts: row = bin of gene b, column = bin of gene a. */
  counts: number[];
  axisA: PairAxis;
  axisB: PairAxis;
  units: string;
  /** Empty for none. */
  caption: string;
}

/** Bins per gene, as everywhere in CNNC. */
export const BINS = 32;

/* Lengths are in SVG units. A bin is a whole number of them, so that neighbouring bins meet without a seam. */
export const BIN = 13;
export const MAP = BINS * BIN;
/** The bars of a margin at their longest. */
export const MARGIN = 92;
/** Between the heat map and a margin. */
export const GAP = 8;
/** White space at the left and right edge. */
export const SIDE = 26;
/** The heat map's upper left corner. */
export const LEFT = 92;
export const TOP = 184;
export const WIDTH = LEFT + MAP + GAP + MARGIN + SIDE;
/** From the heat map down to the caption. */
export const AXIS_TITLES = 74;
export const CAPTION_LINE = 14;
const CAPTION_CHARACTERS = 90;

const FONT = "DejaVu Sans, Verdana, sans-serif";
export const INK = "#1f2933";
const FAINT_INK = "#55606b";
export const LINE = "#aab4be";
const BAR = "#7a8b9c";

const LEGEND_X = LEFT + MAP + GAP + 24;

/** Tick labels such as 10, 100, 1k, 1M. (An axis's own `format` would scale them all by its highest: 0.01k.) */
const SI_LABELS = { labels: { update: { text: { signal: "format(datum.value, '~s')" } } } };

/** The lettering of axes and legend. */
export const GUIDE = {
  labelFont: FONT,
  labelFontSize: 10,
  labelColor: INK,
  titleFont: FONT,
  titleFontSize: 10,
  titleFontWeight: "normal",
  titleColor: FAINT_INK,
} as const;

/**
 * The Vega specification of a gene-pair picture: title, heat map with both margins, legend, caption.
 *
 * The names of its marks (`bins`, `marginA`, `marginB`) become classes of the SVG.
 */
export function pairImageSpec(panels: PairPanels): Spec {
  const { axisA, axisB, counts } = panels;
  const highest = Math.max(10, ...counts);
  const caption = wrap(panels.caption, CAPTION_CHARACTERS);
  const captionTop = TOP + MAP + AXIS_TITLES;
  return {
    width: WIDTH,
    height: captionTop + (caption.length + 1) * CAPTION_LINE,
    padding: 0,
    autosize: "none",
    background: "white",
    config: {
      axis: { ...GUIDE, labelFontSize: 11, domainColor: LINE, tickColor: LINE, tickSize: 4 },
      legend: GUIDE,
    },
    scales: [
      { name: "cells", type: "log", domain: [1, highest], range: { scheme: "viridis" }, reverse: true },
      { name: "a", type: "linear", domain: axisA.extent, zero: false, range: [0, MAP] },
      { name: "b", type: "linear", domain: axisB.extent, zero: false, range: [MAP, 0] },
      { name: "cellsA", type: "symlog", domain: [0, Math.max(...axisA.margin)], range: [MARGIN, 0] },
      { name: "cellsB", type: "symlog", domain: [0, Math.max(...axisB.margin)], range: [0, MARGIN] },
    ],
    legends: [legend(highest)],
    marks: [
      ...titleOf(panels),
      topMargin(axisA),
      heatMap(panels),
      rightMargin(axisB),
      ...axisTitles(panels),
      ...emptyBinKey(),
      ...caption.map((line, index) =>
        text(line, { x: SIDE, y: captionTop + CAPTION_LINE * index, size: 9.5 }),
      ),
    ],
  };
}

export function titleOf({ title, subtitle }: PairPanels): TextMark[] {
  return [
    text(title, { x: SIDE, y: 34, size: titleSize(title), color: INK, bold: true }),
    ...subtitle.map((line, index) => text(line, { x: SIDE, y: 54 + 16 * index, size: 10.5 })),
  ];
}

/** One coloured square for every bin that holds cells; the others stay white. */
function heatMap(panels: PairPanels): GroupMark {
  const filled = panels.counts
    .map((count, bin) => ({ count, ...cornerOf(bin) }))
    .filter(({ count }) => count > 0);
  return binMap(panels, [{ name: "filled", values: filled }], [squares("bins", "filled", "cells", "count")]);
}

/** Where a bin's square begins. */
export function cornerOf(bin: number): { x: number; y: number } {
  return { x: (bin % BINS) * BIN, y: (BINS - 1 - Math.floor(bin / BINS)) * BIN };
}

/** A frame of 32 x 32 bins with both genes' axes, and what is drawn in it. */
export function binMap(
  { axisA, axisB }: PairPanels,
  data: NonNullable<GroupMark["data"]>,
  marks: NonNullable<GroupMark["marks"]>,
): GroupMark {
  return {
    type: "group",
    encode: {
      enter: { ...box(LEFT, TOP, MAP, MAP), stroke: { value: LINE }, strokeForeground: { value: true } },
    },
    data,
    axes: [
      { ...expressionAxis(axisA), scale: "a", orient: "bottom", labelFlush: 12 },
      { ...expressionAxis(axisB), scale: "b", orient: "left" },
    ],
    marks,
  };
}

/** Bins of a data set with their corners, coloured by a field. */
export function squares(name: string, data: string, scale: string, field: string): RectMark {
  return {
    name,
    type: "rect",
    from: { data },
    aria: false,
    encode: {
      enter: {
        x: { field: "x" },
        y: { field: "y" },
        width: { value: BIN },
        height: { value: BIN },
        fill: { scale, field },
      },
    },
  };
}

/** Gene a alone: bars that grow upwards from the heat map. */
function topMargin({ margin }: PairAxis): GroupMark {
  return {
    type: "group",
    encode: { enter: box(LEFT, TOP - GAP - MARGIN, MAP, MARGIN) },
    data: [{ name: "bars", values: margin.map((cells, bin) => ({ cells, start: bin * BIN })) }],
    axes: [{ ...cellsAxis(margin), scale: "cellsA", orient: "left" }],
    marks: [
      {
        name: "marginA",
        type: "rect",
        from: { data: "bars" },
        aria: false,
        encode: {
          enter: {
            x: { field: "start" },
            width: { value: BIN - 1 },
            y: { scale: "cellsA", field: "cells" },
            y2: { value: MARGIN },
            fill: { value: BAR },
          },
        },
      },
    ],
  };
}

/** Gene b alone: bars that grow to the right from the heat map. */
function rightMargin({ margin }: PairAxis): GroupMark {
  return {
    type: "group",
    encode: { enter: box(LEFT + MAP + GAP, TOP, MARGIN, MAP) },
    data: [{ name: "bars", values: margin.map((cells, bin) => ({ cells, start: (BINS - 1 - bin) * BIN })) }],
    axes: [{ ...cellsAxis(margin), scale: "cellsB", orient: "bottom" }],
    marks: [
      {
        name: "marginB",
        type: "rect",
        from: { data: "bars" },
        aria: false,
        encode: {
          enter: {
            y: { field: "start" },
            height: { value: BIN - 1 },
            x: { value: 0 },
            x2: { scale: "cellsB", field: "cells" },
            fill: { value: BAR },
          },
        },
      },
    ],
  };
}

/** Values that do not fit left of the axis when written out, as they are not on a log scale, become 100k, 1M, ... */
export function expressionAxis({ extent }: PairAxis): Partial<Axis> {
  return { tickCount: 6, domain: false, ...(extent[1] >= 1e5 ? { encode: SI_LABELS } : {}) };
}

function cellsAxis(margin: number[]): Partial<Axis> {
  const values = decades(Math.max(...margin));
  return { values, encode: SI_LABELS, labelFontSize: 10, title: "cells (log scale)", titlePadding: 6 };
}

/** The gene in bold, its unit beside the axis below it. */
export function axisTitles({ axisA, axisB, units }: PairPanels): TextMark[] {
  const middle = MAP / 2;
  const below = TOP + MAP;
  const gene = { size: 12, color: INK, bold: true, align: "center" } as const;
  const unit = { size: 10, align: "center" } as const;
  return [
    text(axisA.gene, { ...gene, x: LEFT + middle, y: below + 34 }),
    text(units, { ...unit, x: LEFT + middle, y: below + 49 }),
    text(axisB.gene, { ...gene, x: LEFT - 68, y: TOP + middle, angle: -90 }),
    text(units, { ...unit, x: LEFT - 54, y: TOP + middle, angle: -90 }),
  ];
}

/** The colours of the bins, in the corner between the margins. */
function legend(highest: number): Legend {
  return {
    type: "gradient",
    fill: "cells",
    title: "cells",
    values: decades(highest),
    format: "~s",
    orient: "none",
    legendX: LEGEND_X,
    legendY: TOP - GAP - MARGIN - 4,
    gradientLength: 58,
    gradientThickness: 12,
  };
}

/** Below the gradient: what a white bin means. */
function emptyBinKey(): [RectMark, TextMark] {
  const y = TOP - GAP - 12;
  return [
    {
      type: "rect",
      aria: false,
      encode: { enter: { ...box(LEGEND_X, y, 12, 12), fill: { value: "white" }, stroke: { value: LINE } } },
    },
    text("0", { x: LEGEND_X + 16, y: y + 10, size: 10, color: INK }),
  ];
}

interface TextStyle {
  x: number;
  y: number;
  size: number;
  color?: string;
  bold?: boolean;
  align?: "left" | "center";
  angle?: number;
}

/** One line of text, `y` being its baseline. */
export function text(line: string, style: TextStyle): TextMark {
  return {
    type: "text",
    aria: false,
    encode: {
      enter: {
        text: { value: line },
        x: { value: style.x },
        y: { value: style.y },
        font: { value: FONT },
        fontSize: { value: style.size },
        fontWeight: { value: style.bold ? "bold" : "normal" },
        fill: { value: style.color ?? FAINT_INK },
        align: { value: style.align ?? "left" },
        angle: { value: style.angle ?? 0 },
      },
    },
  };
}

export function box(x: number, y: number, width: number, height: number) {
  return { x: { value: x }, y: { value: y }, width: { value: width }, height: { value: height } };
}

/** A size at which the title fits the picture, even if its letters are all as wide as a W. */
export function titleSize(title: string): number {
  return Math.min(18, (WIDTH - 2 * SIDE) / (1.05 * title.length));
}

/** 1, 10, 100, ... up to `highest`; only every second one, or third, when there are more than four. */
function decades(highest: number): number[] {
  const last = Math.floor(Math.log10(highest));
  const step = Math.ceil((last + 1) / 4);
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, index) => 10 ** (index * step));
}

/** Breaks at spaces and after slashes; inside a word only when it is longer than a line. */
export function wrap(paragraph: string, width: number): string[] {
  const lines = paragraph.match(new RegExp(`.{1,${width}}(?:\\s|(?<=/)|$)|.{1,${width}}`, "gu")) ?? [];
  return lines.map((line) => line.trim());
}
