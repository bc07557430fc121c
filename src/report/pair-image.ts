import { CnncError } from "../errors.js";
import { BINS, type PairPanels, pairImageSpec } from "./pair-image-spec.js";
import { specToSvg } from "./spec-to-svg.js";

/** The longest gene name and unit, in characters, that fit beside the heat map. */
const LONGEST_NAME = 20;
const LONGEST_UNITS = 60;

/** One gene-pair histogram and what is needed to label it. */
export interface PairImage {
  geneA: string;
  geneB: string;
  /** The number of cells, which is the sum of `counts`. */
  cells: number;
  /** 1024 counts of cells: row = bin of gene b, column = bin of gene a. */
  counts: ArrayLike<number>;
  /** The 33 bin edges of gene a, ascending, in `units`. */
  edgesA: ArrayLike<number>;
  /** The 33 bin edges of gene b, ascending, in `units`. */
  edgesB: ArrayLike<number>;
  /** The unit of both axes, e.g. `log10(CP10K + 0.01)`. */
  units: string;
  /** Caption, e.g. the file and the selection of cells. */
  note?: string;
}

/**
 * Draws one gene-pair histogram: the heat map (gene a to the right, gene b upwards), a bar chart of each
 * gene alone on its side, and a legend.
 *
 * Colour and bar lengths are logarithmic (bars: log(1 + cells)), because the bin of undetected genes
 * usually holds most cells. Bins without cells are left blank. Names too long for their place are
 * shortened in the middle; the SVG's `<title>` keeps them whole.
 *
 * @returns a self-contained SVG document
 * @throws {CnncError} `PAIR_IMAGE_INVALID` when counts, edges and the number of cells contradict each other
 */
export async function renderPairSvg(image: PairImage): Promise<string> {
  const { panels, title, description } = drawnPair(image);
  return specToSvg(pairImageSpec(panels), { title, description });
}

/** A pair's histogram, ready to be drawn: names shortened, numbers checked. */
export interface DrawnPair {
  readonly panels: PairPanels;
  /** Alternative text of the heat map. */
  readonly title: string;
  readonly description: string;
}

/** @throws {CnncError} `PAIR_IMAGE_INVALID` */
export function drawnPair(image: PairImage): DrawnPair {
  const geneA = oneLine(image.geneA);
  const geneB = oneLine(image.geneB);
  validate(image, `${geneA} x ${geneB}`);

  const counts = Array.from(image.counts);
  const margins = marginsOf(counts);
  const nameA = shorten(geneA, LONGEST_NAME);
  const nameB = shorten(geneB, LONGEST_NAME);
  const summary = summarise(nameA, nameB, image.cells, counts[0], margins);
  const units = oneLine(image.units);
  const note = oneLine(image.note ?? "");

  const panels: PairPanels = {
    title: `${nameA} × ${nameB}`,
    subtitle: summary,
    counts,
    axisA: { gene: nameA, margin: margins.a, extent: [image.edgesA[0], image.edgesA[BINS]] },
    axisB: { gene: nameB, margin: margins.b, extent: [image.edgesB[0], image.edgesB[BINS]] },
    units: shorten(units, LONGEST_UNITS),
    caption: note,
  };
  const description = [
    `Heat map of the number of cells by the expression of ${geneA} (x axis) and ${geneB} (y axis), in ${units}.`,
    `${summary.join(", ")}.`,
    "Each gene's own distribution is drawn along its axis.",
    note,
  ];
  return { panels, title: `${geneA} × ${geneB}`, description: description.join(" ").trim() };
}

/** How many cells each gene has in each of its 32 bins. */
interface Margins {
  a: number[];
  b: number[];
}

function marginsOf(counts: number[]): Margins {
  const margins: Margins = { a: new Array(BINS).fill(0), b: new Array(BINS).fill(0) };
  counts.forEach((count, index) => {
    margins.a[index % BINS] += count;
    margins.b[Math.floor(index / BINS)] += count;
  });
  return margins;
}

/**
 * The subtitle, in lines. A gene that varies always has a cell in its lowest bin (its minimum); one
 * that does not sits in a middle bin, and being above the lowest one says nothing about it.
 */
function summarise(nameA: string, nameB: string, cells: number, neither: number, margins: Margins): string[] {
  const total = `${cells.toLocaleString("en-US")} ${cells === 1 ? "cell" : "cells"}`;
  const constant = [
    ...(margins.a[0] === 0 ? [nameA] : []),
    ...(margins.b[0] === 0 && nameA !== nameB ? [nameB] : []),
  ];
  if (constant.length > 0) {
    return [`${total}; the same in all of them: ${constant.join(" and ")}`];
  }
  const onlyA = margins.b[0] - neither;
  const onlyB = margins.a[0] - neither;
  const both = cells - neither - onlyA - onlyB;
  const share = (part: number) => percent(part / cells);
  return [
    `${total}; above the lowest bin: both genes ${share(both)}, neither ${share(neither)}`,
    `only ${nameA} ${share(onlyA)}, only ${nameB} ${share(onlyB)}`,
  ];
}

function percent(fraction: number): string {
  if (fraction > 0 && fraction < 0.001) {
    return "<0.1%";
  }
  return `${(100 * fraction).toFixed(1)}%`;
}

/** Control characters and line breaks may stand in a file's strings but not in SVG text. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]+/gu, " ").trim();
}

function shorten(text: string, longest: number): string {
  const characters = Array.from(text);
  if (characters.length <= longest) {
    return text;
  }
  const kept = longest - 1;
  const head = characters.slice(0, Math.ceil(kept / 2));
  const tail = characters.slice(-Math.floor(kept / 2));
  return [...head, "…", ...tail].join("");
}

function validate(image: PairImage, pair: string): void {
  const problem = problemOf(image);
  if (problem !== undefined) {
    throw new CnncError(
      "PAIR_IMAGE_INVALID",
      `The histogram of ${pair} cannot be drawn: ${problem}.`,
      "Pass the counts, edges and number of cells of one histogram, as build-histograms makes them.",
    );
  }
}

function problemOf({ counts, cells, edgesA, edgesB }: PairImage): string | undefined {
  if (counts.length !== BINS * BINS) {
    return `it has ${counts.length} counts instead of ${BINS * BINS}`;
  }
  const values = Array.from(counts);
  const badCount = values.findIndex((count) => !Number.isSafeInteger(count) || count < 0);
  if (badCount >= 0) {
    return `count ${badCount} is ${values[badCount]}, which is not a number of cells`;
  }
  if (cells === 0) {
    return "it has no cells";
  }
  const total = values.reduce((sum, count) => sum + count, 0);
  if (total !== cells) {
    return `its counts sum to ${total} but it is said to have ${cells} cells`;
  }
  return edgesProblem("a", edgesA) ?? edgesProblem("b", edgesB);
}

function edgesProblem(gene: "a" | "b", edges: ArrayLike<number>): string | undefined {
  if (edges.length !== BINS + 1) {
    return `gene ${gene} has ${edges.length} bin edges instead of ${BINS + 1}`;
  }
  const values = Array.from(edges);
  const bad = values.findIndex(
    (edge, index) => !Number.isFinite(edge) || (index > 0 && edge < values[index - 1]),
  );
  if (bad >= 0 || values[0] === values[BINS]) {
    return `the bin edges of gene ${gene} are not ascending numbers${bad >= 0 ? ` (edge ${bad} is ${values[bad]})` : ""}`;
  }
  return undefined;
}
