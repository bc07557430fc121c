import { describe, expect, it } from "vitest";
import { type ExplanationOverlay, renderExplanationSvg } from "../../dist/report/explanation-image.js";
import type { PairImage } from "../../dist/report/pair-image.js";
import { svgToPng } from "../../dist/report/svg-to-png.js";
import { errorOf } from "../support/errors.js";

/** Side of a bin in the SVG. */
const BIN = 13;

const edges = (low: number, high: number) =>
  Array.from({ length: 33 }, (_, index) => low + ((high - low) * index) / 32);

const bin = (a: number, b: number) => 32 * b + a;

/** 900 cells without either gene, 100 with both. */
function pairImage(rest: Partial<PairImage> = {}): PairImage {
  const counts = new Uint32Array(1024);
  counts[bin(0, 0)] = 900;
  counts[bin(20, 31)] = 100;
  return {
    geneA: "Gata1",
    geneB: "Spi1",
    cells: 1000,
    counts,
    edgesA: edges(-2, 2),
    edgesB: edges(-2, 1),
    units: "log10(CP10K + 0.01)",
    note: "blood.h5ad, X",
    ...rest,
  };
}

/** Both genes raise the score, one alone lowers it a quarter as much. */
function overlay(rest: Partial<ExplanationOverlay> = {}): ExplanationOverlay {
  const attribution = new Float64Array(1024);
  attribution[bin(20, 31)] = 0.8;
  attribution[bin(5, 0)] = -0.2;
  return {
    attribution,
    quantity: "log-odds of an interaction",
    score: 0.5,
    baselineScore: -0.1,
    regions: [
      { binsA: [20, 22], binsB: [30, 31], attribution: 0.8, words: "Gata1 high and Spi1 high: 100 cells" },
      { binsA: [5, 5], binsB: [0, 0], attribution: -0.2, words: "Gata1 low and Spi1 not detected: 0 cells" },
    ],
    ...rest,
  };
}

interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
  fill: string;
}

/** The rectangles of one named mark, in the coordinates of its own group. */
function rectsOf(svg: string, mark: string): Rect[] {
  const group = svg.match(new RegExp(`<g class="mark-rect role-mark ${mark}"[^>]*>(.*?)</g>`, "s"));
  expect(group, `no mark ${mark}`).not.toBeNull();
  return [
    ...(group?.[1] ?? "").matchAll(/<path d="M([^,]+),([^h]+)h([^v]+)v([^h]+)h[^Z]+Z"(?: fill="([^"]+)")?/g),
  ].map(([, x, y, width, height, fill]) => ({
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
    fill,
  }));
}

const textsOf = (svg: string) => [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
const widthOf = (svg: string) => Number(/<svg [^>]*width="(\d+)"/.exec(svg)?.[1]);
const channels = (color: string) => (/rgb\((\d+), (\d+), (\d+)\)/.exec(color) ?? []).slice(1).map(Number);

describe("renderExplanationSvg", () => {
  it("colours the bins that have an attribution, red for more and blue for less", async () => {
    const bins = rectsOf(await renderExplanationSvg(pairImage(), overlay()), "attributions");
    expect(bins.map(({ x, y }) => [x / BIN, y / BIN])).toEqual([
      [5, 31],
      [20, 0],
    ]);
    const [less, more] = bins.map(({ fill }) => channels(fill));
    expect(more[0]).toBeGreaterThan(more[2] + 80);
    expect(less[2]).toBeGreaterThan(less[0] + 40);
    // The weaker one is the paler one.
    expect(Math.min(...less)).toBeGreaterThan(Math.min(...more));
  });

  it("frames the regions and says what they are", async () => {
    const svg = await renderExplanationSvg(pairImage(), overlay());
    expect(rectsOf(svg, "regions").map(({ x, y, width, height }) => [x, y, width, height])).toEqual([
      [20 * BIN, 0, 3 * BIN, 2 * BIN],
      [5 * BIN, 31 * BIN, BIN, BIN],
    ]);
    const texts = textsOf(svg);
    for (const line of [
      "What moves the log-odds of an interaction",
      "from −0.10, if the genes were independent, to 0.50",
      "Gata1 high and Spi1 high: 100 cells",
      "+0.80",
      "−0.20",
    ]) {
      expect(texts).toContain(line);
    }
  });

  it("stands beside the histogram, or alone", async () => {
    const both = await renderExplanationSvg(pairImage(), overlay());
    const alone = await renderExplanationSvg(pairImage(), overlay(), { histogram: false });
    expect(rectsOf(both, "bins")).toHaveLength(2);
    expect(alone).not.toContain("role-mark bins");
    expect(widthOf(alone)).toBeLessThan(widthOf(both) / 2);
    for (const svg of [both, alone]) {
      expect(textsOf(svg)).toContain("Gata1 × Spi1");
      expect(textsOf(svg)).toContain("blood.h5ad, X");
      expect(textsOf(svg).some((line) => line.includes("log10(CP10K + 0.01)"))).toBe(true);
      expect(rectsOf(svg, "attributions")).toHaveLength(2);
    }
    expect((both.match(/log10\(CP10K \+ 0\.01\)/g) ?? []).length).toBeGreaterThan(3);
  });

  it("has a text alternative with everything that matters", async () => {
    const svg = await renderExplanationSvg(pairImage(), overlay());
    expect(svg).toMatch(/^<svg [^>]*role="img"/);
    expect(svg).toContain("<title>Why Gata1 × Spi1 scores as it does</title>");
    expect(svg).toMatch(
      /<desc>Left: Heat map of the number of cells.*Region 1 raises it by 0\.80: Gata1 high/s,
    );
    expect(svg).toContain("Region 2 lowers it by 0.20");
    expect(/<script|href=|url\((?!#)/.test(svg)).toBe(false);
  });

  it("draws pairs without any attribution, with names of any length, and escapes them", async () => {
    const nothing = overlay({ attribution: new Float64Array(1024), regions: [] });
    const svg = await renderExplanationSvg(pairImage(), nothing);
    expect(/NaN|undefined|Infinity/.test(svg)).toBe(false);
    const words = `${"<script>".repeat(20)} and more: 3 cells`;
    const quantity = `log-odds of ${"A".repeat(80)} -> B`;
    const long = overlay({ quantity, regions: [{ ...overlay().regions[0], words }] });
    const drawn = await renderExplanationSvg(pairImage({ geneA: "A".repeat(80) }), long);
    expect(drawn.includes("<script")).toBe(false);
    expect(drawn).toContain(`${"A".repeat(80)} -&gt; B`);
    const png = await svgToPng(drawn);
    expect(Array.from(png.subarray(0, 8))).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  });

  it("refuses what is no explanation", async () => {
    const short = overlay({ attribution: new Float64Array(64) });
    const broken = overlay({ attribution: new Float64Array(1024).fill(Number.NaN) });
    for (const bad of [short, broken]) {
      const error = await errorOf(() => renderExplanationSvg(pairImage(), bad));
      expect(error.code).toBe("PAIR_IMAGE_INVALID");
      expect(error.message).toMatch(/Gata1 × Spi1 cannot be drawn: it is not 1024 numbers/);
    }
    expect((await errorOf(() => renderExplanationSvg(pairImage({ cells: 7 }), overlay()))).code).toBe(
      "PAIR_IMAGE_INVALID",
    );
  });
});
