import type { GroupMark, Legend, Mark, RectMark, Scale, Spec, SymbolMark, TextMark } from "vega";
import {
  AXIS_TITLES,
  axisTitles,
  BIN,
  BINS,
  binMap,
  CAPTION_LINE,
  cornerOf,
  GAP,
  GUIDE,
  INK,
  LEFT,
  MAP,
  MARGIN,
  type PairPanels,
  pairImageSpec,
  SIDE,
  squares,
  TOP,
  text,
  titleOf,
  WIDTH,
  wrap,
} from "./pair-image-spec.js";

/** A rectangle of bins and what is to be said of it. */
export interface MarkedRegion {
  /** First and last bin. */
  readonly binsA: readonly [number, number];
  readonly binsB: readonly [number, number];
  readonly attribution: number;
  readonly words: string;
}

/** What is drawn beside a histogram. All text must fit its place, but for the regions' words, which are wrapped. */
export interface AttributionPanel {
  /** 1024 numbers: row = bin of gene b. */
  readonly attribution: readonly number[];
  readonly heading: readonly string[];
  readonly regions: readonly MarkedRegion[];
}

const PANEL_WIDTH = LEFT + MAP + SIDE;
const PANEL_LINE_CHARACTERS = 82;
/** A region's number and attribution stand left of its words. */
const ATTRIBUTION_X = SIDE + 14;
const WORDS_X = SIDE + 56;
const HEADING_TOP = TOP - GAP - MARGIN + 8;
const LEGEND_TOP = TOP - GAP - 54;
const LEGEND_LENGTH = 280;
/** Diameters; the fullest bin's dot leaves the bin's colour to be seen around it. */
const SMALLEST_DOT = 2.2;
const LARGEST_DOT = 7.5;

/**
 * The Vega specification of an explanation: the attribution of each bin in colour, the histogram as dots on it, numbered
 * rectangles around the regions, and below what they are. The histogram itself stands to the left, as pairImageSpec
 * draws it, if `histogram` is wanted.
 *
 * The names of its marks (`attributions`, `dots`, `regions`) become classes of the SVG.
 */
export function explanationImageSpec(panels: PairPanels, panel: AttributionPanel, histogram: boolean): Spec {
  const left = histogram ? WIDTH : 0;
  const lines = regionLines(panel.regions);
  const captionTop = TOP + MAP + AXIS_TITLES;
  const base = pairImageSpec(panels);
  const caption = histogram ? [] : wrap(panels.caption, PANEL_LINE_CHARACTERS);
  return {
    ...base,
    width: left + PANEL_WIDTH,
    height: Math.max(
      base.height as number,
      captionTop + (lines.length + caption.length + 1.5) * CAPTION_LINE,
    ),
    scales: [...(base.scales ?? []), attributionScale(panel.attribution)],
    legends: [...(histogram ? (base.legends ?? []) : []), legend(panel.attribution, left)],
    marks: [
      ...(histogram ? (base.marks ?? []) : []),
      ...(histogram ? [] : titleOf(panels)),
      {
        type: "group",
        encode: { enter: { x: { value: left } } },
        marks: [
          ...heading(panel.heading),
          attributionMap(panels, panel),
          ...axisTitles(panels),
          ...dotKey(panels.counts),
          ...lines.flatMap((line, index) => regionLine(line, captionTop + CAPTION_LINE * index)),
          ...caption.map((line, index) =>
            text(line, { x: SIDE, y: captionTop + CAPTION_LINE * (lines.length + index + 0.5), size: 9.5 }),
          ),
        ],
      },
    ],
  };
}

const strongestOf = (attribution: readonly number[]) => Math.max(...attribution.map(Math.abs)) || 1;

/** Red raises, blue lowers, white is nothing; square roots, so that weak bins are seen beside strong ones. */
function attributionScale(attribution: readonly number[]): Scale {
  const strongest = strongestOf(attribution);
  return {
    name: "attribution",
    type: "pow",
    exponent: 0.5,
    domain: [-strongest, 0, strongest],
    range: { scheme: "redblue", extent: [0.08, 0.92] },
    reverse: true,
  } as Scale;
}

function legend(attribution: readonly number[], left: number): Legend {
  const strongest = strongestOf(attribution);
  return {
    ...GUIDE,
    type: "gradient",
    direction: "horizontal",
    fill: "attribution",
    title: "each bin lowers (blue) or raises (red) it by (square-root scale)",
    titleLimit: 1000,
    values: [-strongest, -strongest / 4, 0, strongest / 4, strongest],
    encode: {
      labels: { update: { text: { signal: "datum.value === 0 ? '0' : format(datum.value, '+.2~g')" } } },
    },
    labelOverlap: false,
    orient: "none",
    legendX: left + LEFT,
    legendY: LEGEND_TOP,
    gradientLength: LEGEND_LENGTH,
    gradientThickness: 12,
  };
}

function heading(lines: readonly string[]): TextMark[] {
  return lines.map((line, index) =>
    text(line, {
      x: LEFT,
      y: HEADING_TOP + 17 * index,
      size: index === 0 ? 12 : 10.5,
      ...(index === 0 && { color: INK, bold: true }),
    }),
  );
}

function attributionMap(panels: PairPanels, { attribution, regions }: AttributionPanel): GroupMark {
  const { counts } = panels;
  const bins = attribution.map((value, bin) => ({ value, ...cornerOf(bin) }));
  const highest = Math.max(...counts);
  const dots = bins.flatMap(({ x, y }, index) =>
    counts[index] === 0
      ? []
      : [{ x: x + BIN / 2, y: y + BIN / 2, diameter: dotDiameter(counts[index], highest) }],
  );
  return binMap(
    panels,
    [
      { name: "explained", values: bins.filter(({ value }) => value !== 0) },
      { name: "occupied", values: dots },
      { name: "framed", values: regionBoxes(regions) },
    ],
    [squares("attributions", "explained", "attribution", "value"), cellDots(), ...regionMarks()],
  );
}

/** Beside the colours: what the dots mean. */
function dotKey(counts: readonly number[]): Mark[] {
  const highest = Math.max(...counts);
  const x = LEFT + LEGEND_LENGTH + 54;
  const y = LEGEND_TOP + 20;
  const entries = [...new Set([1, highest])].map((count, index) => ({ count, x: x + 34 * index }));
  return [
    text("cells in a bin", { x: x - 4, y: LEGEND_TOP + 9, size: 10 }),
    ...entries.flatMap(({ count, x }): Mark[] => [
      {
        type: "symbol",
        aria: false,
        encode: {
          enter: {
            x: { value: x },
            y: { value: y },
            size: { value: (Math.PI * dotDiameter(count, highest) ** 2) / 4 },
            fill: { value: INK },
          },
        },
      },
      text(count.toLocaleString("en-US"), { x: x + 7, y: y + 4, size: 10, color: INK }),
    ]),
  ];
}

/** The area of a dot grows with the logarithm of its cells. */
function dotDiameter(count: number, highest: number): number {
  const share = highest > 1 ? Math.log(count) / Math.log(highest) : 1;
  return Math.sqrt(SMALLEST_DOT ** 2 + share * (LARGEST_DOT ** 2 - SMALLEST_DOT ** 2));
}

function cellDots(): SymbolMark {
  return {
    name: "dots",
    type: "symbol",
    from: { data: "occupied" },
    aria: false,
    encode: {
      enter: {
        x: { field: "x" },
        y: { field: "y" },
        size: { signal: "PI * datum.diameter * datum.diameter / 4" },
        fill: { value: INK },
        fillOpacity: { value: 0.75 },
        stroke: { value: "white" },
        strokeWidth: { value: 0.4 },
      },
    },
  };
}

/** Where a region lies on the map. */
const regionBoxes = (regions: readonly MarkedRegion[]) =>
  regions.map(({ binsA, binsB }, index) => ({
    number: `${index + 1}`,
    ...badgePlace(binsA[0] * BIN, (BINS - 1 - binsB[1]) * BIN),
    x: binsA[0] * BIN,
    y: (BINS - 1 - binsB[1]) * BIN,
    width: (binsA[1] - binsA[0] + 1) * BIN,
    height: (binsB[1] - binsB[0] + 1) * BIN,
  }));

const BADGE = BIN - 1;
/** A region's number stands outside of it, across its upper left corner; on the left edge above it, off the axis. */
const badgePlace = (x: number, y: number) => ({ badgeX: x === 0 ? x : x - BADGE, badgeY: y - BADGE });

/** Outlines with a white halo, and their numbers. */
function regionMarks(): Mark[] {
  const outline = (name: string, color: string, strokeWidth: number): RectMark => ({
    name,
    type: "rect",
    from: { data: "framed" },
    aria: false,
    encode: {
      enter: {
        x: { field: "x" },
        y: { field: "y" },
        width: { field: "width" },
        height: { field: "height" },
        stroke: { value: color },
        strokeWidth: { value: strokeWidth },
      },
    },
  });
  const number = text("", { x: 0, y: 0, size: 9.5, color: "white", bold: true, align: "center" });
  return [
    outline("halos", "white", 3.6),
    outline("regions", INK, 1.6),
    {
      type: "rect",
      from: { data: "framed" },
      aria: false,
      encode: {
        enter: {
          x: { field: "badgeX" },
          y: { field: "badgeY" },
          width: { value: BADGE },
          height: { value: BADGE },
          fill: { value: INK },
        },
      },
    },
    {
      ...number,
      from: { data: "framed" },
      encode: {
        enter: {
          ...number.encode?.enter,
          text: { field: "number" },
          x: { field: "badgeX", offset: BADGE / 2 },
          y: { field: "badgeY", offset: 9.5 },
        },
      },
    },
  ];
}

interface RegionLine {
  /** On the first line of a region. */
  readonly start?: readonly [number: string, attribution: string];
  readonly words: string;
}

function regionLines(regions: readonly MarkedRegion[]): RegionLine[] {
  return regions.flatMap(({ attribution, words }, index) =>
    wrap(words, PANEL_LINE_CHARACTERS).map((line, part) =>
      part === 0 ? { start: [`${index + 1}`, signed(attribution)], words: line } : { words: line },
    ),
  );
}

function regionLine({ start, words }: RegionLine, y: number): TextMark[] {
  const size = 9.5;
  const bold = (line: string, x: number) => text(line, { x, y, size, color: INK, bold: true });
  return [
    ...(start === undefined ? [] : [bold(start[0], SIDE), bold(start[1], ATTRIBUTION_X)]),
    text(words, { x: WORDS_X, y, size }),
  ];
}

const signed = (value: number) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
