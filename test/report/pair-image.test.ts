import { describe, expect, it } from "vitest";
import { type PairImage, renderPairSvg } from "../../dist/report/pair-image.js";
import { svgToPng } from "../../dist/report/svg-to-png.js";

/** The ends of matplotlib's viridis, which the legend and the bins must use reversed. */
const VIRIDIS_LIGHT = "rgb(253, 231, 37)";
const VIRIDIS_DARK = "rgb(68, 1, 84)";
/** Side of a bin in the SVG. */
const BIN = 13;

const edges = (low: number, high: number) =>
  Array.from({ length: 33 }, (_, index) => low + ((high - low) * index) / 32);

/** A histogram with the given cells, as [bin of gene a, bin of gene b, count]. */
function pairImage(
  filled: [a: number, b: number, count: number][],
  rest: Partial<PairImage> = {},
): PairImage {
  const counts = new Uint32Array(1024);
  for (const [a, b, count] of filled) {
    counts[b * 32 + a] = count;
  }
  return {
    geneA: "Gata1",
    geneB: "Spi1",
    cells: counts.reduce((sum, count) => sum + count, 0),
    counts,
    edgesA: edges(-2, 2),
    edgesB: edges(-2, 1),
    units: "log10(CP10K + 0.01)",
    ...rest,
  };
}

/** Both genes silent in 900 cells, gene a alone on in 70, gene b alone on in 20, both on in 10. */
const TYPICAL = pairImage([
  [0, 0, 900],
  [31, 0, 70],
  [0, 31, 20],
  [31, 31, 9],
  [20, 20, 1],
]);

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
    ...(group?.[1] ?? "").matchAll(/<path d="M([^,]+),([^h]+)h([^v]+)v([^h]+)h[^Z]+Z" fill="([^"]+)"/g),
  ].map(([, x, y, width, height, fill]) => ({
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
    fill,
  }));
}

const textsOf = (svg: string) => [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);

describe("renderPairSvg", () => {
  it("puts gene a to the right and gene b upwards", async () => {
    const lone = async (a: number, b: number) => {
      const bins = rectsOf(await renderPairSvg(pairImage([[a, b, 5]])), "bins");
      expect(bins).toHaveLength(1);
      return { x: bins[0].x, y: bins[0].y };
    };
    expect(await lone(0, 31)).toEqual({ x: 0, y: 0 });
    expect(await lone(31, 0)).toEqual({ x: 31 * BIN, y: 31 * BIN });
    expect(await lone(0, 0)).toEqual({ x: 0, y: 31 * BIN });
    expect(await lone(3, 30)).toEqual({ x: 3 * BIN, y: BIN });
  });

  it("draws every bin that holds cells and no other, without seams", async () => {
    const filled = Array.from(
      { length: 300 },
      (_, index) => [(index * 7) % 32, index % 32, index + 1] as [number, number, number],
    );
    const image = pairImage(filled);
    const bins = rectsOf(await renderPairSvg(image), "bins");
    expect(bins).toHaveLength(Array.from(image.counts).filter((count) => count > 0).length);
    expect(bins.every(({ width, height }) => width === BIN && height === BIN)).toBe(true);
  });

  it("colours by the logarithm of the count, light to dark", async () => {
    const bins = rectsOf(
      await renderPairSvg(
        pairImage([
          [0, 0, 10_000],
          [1, 0, 1],
          [2, 0, 100],
        ]),
      ),
      "bins",
    );
    expect(bins.map(({ fill }) => fill)).toEqual([
      VIRIDIS_DARK,
      VIRIDIS_LIGHT,
      expect.stringMatching(/^rgb\((3\d, 14\d, 14\d)\)$/), // viridis(0.5) is (33, 145, 140)
    ]);
  });

  it("draws both margins as log(1 + cells), each along its own gene", async () => {
    const svg = await renderPairSvg(TYPICAL);
    const top = rectsOf(svg, "marginA");
    const right = rectsOf(svg, "marginB");
    expect(top).toHaveLength(32);
    expect(right).toHaveLength(32);

    const cellsA = [920, 79];
    const cellsB = [970, 29];
    expect(top[31].height / top[0].height).toBeCloseTo(Math.log1p(cellsA[1]) / Math.log1p(cellsA[0]), 6);
    expect(top[0].x).toBe(0);
    expect(top[31].x).toBe(31 * BIN);
    expect(top[1].height).toBe(0);

    const lowest = right.find(({ y }) => y === 31 * BIN);
    const highest = right.find(({ y }) => y === 0);
    expect((highest?.width ?? 0) / (lowest?.width ?? 0)).toBeCloseTo(
      Math.log1p(cellsB[1]) / Math.log1p(cellsB[0]),
      6,
    );
  });

  it("says what it shows: title, shares, axes with units, legend, caption", async () => {
    const texts = textsOf(await renderPairSvg({ ...TYPICAL, note: "atlas.h5ad, cell_type = HSC" }));
    expect(texts).toEqual(
      expect.arrayContaining([
        "Gata1 × Spi1",
        "1,000 cells; above the lowest bin: both genes 1.0%, neither 90.0%",
        "only Gata1 7.0%, only Spi1 2.0%",
        "Gata1",
        "Spi1",
        "cells",
        "atlas.h5ad, cell_type = HSC",
      ]),
    );
    expect(texts.filter((text) => text === "log10(CP10K + 0.01)")).toHaveLength(2);
    expect(texts.filter((text) => text === "cells (log scale)")).toHaveLength(2);
    expect(texts.filter((text) => ["1", "10", "100"].includes(text))).toHaveLength(9);
  });

  it("labels the axes in expression units", async () => {
    const texts = textsOf(
      await renderPairSvg({ ...TYPICAL, edgesA: edges(3, 8), edgesB: edges(0, 200_000) }),
    );
    expect(texts).toEqual(expect.arrayContaining(["3", "4", "5", "6", "7", "8", "0", "100k", "200k"]));
  });

  it("thins the labels of counts when there are many decades", async () => {
    const texts = textsOf(
      await renderPairSvg(
        pairImage([
          [0, 0, 2_000_000],
          [5, 5, 1],
        ]),
      ),
    );
    expect(texts.filter((text) => ["1", "100", "10k", "1M"].includes(text))).toHaveLength(12);
    expect(texts).not.toContain("1k");
  });

  it("names the genes that do not vary", async () => {
    const constant = { edgesA: edges(-2.5, -1.5) };
    const one = pairImage(
      [
        [16, 0, 40],
        [16, 31, 2],
      ],
      constant,
    );
    expect(textsOf(await renderPairSvg(one))).toEqual(
      expect.arrayContaining(["42 cells; the same in all of them: Gata1"]),
    );
    const both = pairImage([[16, 16, 42]], constant);
    expect(textsOf(await renderPairSvg(both))).toContain("42 cells; the same in all of them: Gata1 and Spi1");
  });

  it("is accessible and self-contained", async () => {
    const svg = await renderPairSvg({ ...TYPICAL, note: "atlas.h5ad" });
    expect(svg).toMatch(/^<svg [^>]*role="img"><title>Gata1 × Spi1<\/title>/);
    expect(svg).toMatch(/<desc>[^<]*Gata1 \(x axis\)[^<]*Spi1 \(y axis\)[^<]*both genes 1\.0%[^<]*atlas/);
    expect(svg).not.toMatch(/<script|<style|<image|href=|url\([^#]/);
    expect(svg).toContain('fill="white"');
  });

  it("shortens long names in the picture but not in its title, and wraps the caption", async () => {
    const geneA = "ENSMUSG00000051951.6_Xkr4_PAR_Y";
    const note = `${"/a-long-folder-name".repeat(8)}/atlas.h5ad, layer counts`;
    const svg = await renderPairSvg({ ...TYPICAL, geneA, note });
    expect(textsOf(svg)).toContain("ENSMUSG000…kr4_PAR_Y × Spi1");
    expect(svg).toContain(`<title>${geneA} × Spi1</title>`);
    const caption = textsOf(svg).filter((text) => /folder|atlas|layer/.test(text));
    expect(caption.length).toBeGreaterThan(1);
    expect(caption.join("").replaceAll(" ", "")).toBe(note.replaceAll(" ", ""));
    expect(caption.every((line) => line.length <= 90)).toBe(true);
  });

  it("stays well-formed XML whatever the names are", async () => {
    const geneA = "a<b>&\"'\u0000\n\uFFFE";
    const svg = await renderPairSvg({ ...TYPICAL, geneA, note: "<!-- & ]]>" });
    expect(svg).toContain("a&lt;b&gt;&amp;");
    // resvg's parser, unlike a browser's, refuses anything that is not XML.
    await expect(svgToPng(svg, { scale: 0.1 })).resolves.toBeInstanceOf(Uint8Array);
    await expect(svgToPng(svg.replace("a&lt;b", "a<b"), { scale: 0.1 })).rejects.toThrow();
  });

  it.each<[string, Partial<PairImage>, string]>([
    ["too few counts", { counts: [1, 2] }, "it has 2 counts instead of 1024"],
    ["a fraction", { counts: Array.from(TYPICAL.counts).fill(0.5, 3, 4) }, "count 3 is 0.5"],
    ["a negative count", { counts: Array.from(TYPICAL.counts).fill(-1, 7, 8) }, "count 7 is -1"],
    ["another number of cells", { cells: 999 }, "its counts sum to 1000 but it is said to have 999 cells"],
    ["no cells", { counts: new Uint32Array(1024), cells: 0 }, "it has no cells"],
    ["too few edges", { edgesA: edges(0, 1).slice(1) }, "gene a has 32 bin edges instead of 33"],
    [
      "edges that are no numbers",
      { edgesB: edges(0, Number.NaN) },
      "the bin edges of gene b are not ascending",
    ],
    ["descending edges", { edgesA: edges(1, 0) }, "the bin edges of gene a are not ascending"],
    ["edges of no width", { edgesB: edges(1, 1) }, "the bin edges of gene b are not ascending"],
  ])("refuses %s", async (_, wrong, sentence) => {
    await expect(renderPairSvg({ ...TYPICAL, ...wrong })).rejects.toMatchObject({
      name: "CnncError",
      code: "PAIR_IMAGE_INVALID",
      message: expect.stringContaining(`Gata1 x Spi1 cannot be drawn: ${sentence}`),
    });
  });
});
