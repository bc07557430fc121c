import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareResults } from "../../dist/evaluation/compare.js";
import { renderComparison } from "../../dist/report/benchmark/comparison.js";
import { renderReport } from "../../dist/report/benchmark/report.js";
import { renderPairSvg } from "../../dist/report/pair-image.js";
import { benchmarkResults } from "../support/benchmark-results.js";
import { type BrowserPage, CHROMIUM, openInChromium } from "../support/chromium.js";

const folder = mkdtempSync(join(tmpdir(), "cnnc-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const edges = Array.from({ length: 33 }, (_, i) => i / 8 - 2);
const histogramSvg = renderPairSvg({
  geneA: "Gata1",
  geneB: "Klf1",
  cells: 1024,
  counts: new Array(1024).fill(1),
  edgesA: edges,
  edgesB: edges,
  units: "log10(CP10K + 0.01)",
});

async function reportPage(): Promise<string> {
  const results = benchmarkResults({ task: "causality", regulators: 20 });
  const pair = { a: "Gata1", b: "Klf1", label: 2, score: 0.9, fold: "1", histogramSvg: await histogramSvg };
  const topPairs = results.splits.flatMap(({ name }) =>
    [1, 2].map((rank) => ({ ...pair, split: name, rank, explanationSvg: pair.histogramSvg })),
  );
  const verdicts = Object.fromEntries(results.splits.map(({ name }) => [name, `What ${name} has shown.`]));
  return (await renderReport({ results, verdicts, topPairs })).html;
}

const PAGES: [string, () => Promise<string>][] = [
  ["a report", reportPage],
  [
    "a comparison",
    async () =>
      renderComparison(compareResults(benchmarkResults(), benchmarkResults({ task: "causality", seed: 8 }))),
  ],
];

// The name says why it is skipped, where it is.
describe.skipIf(CHROMIUM === undefined).each(PAGES)(
  `%s in a browser${CHROMIUM === undefined ? " (skipped: no chromium in PATH)" : ""}`,
  (name, make) => {
    let page: BrowserPage;
    beforeAll(async () => {
      const path = join(folder, `${name.replaceAll(" ", "-")}.html`);
      writeFileSync(path, await make());
      page = await openInChromium(pathToFileURL(path).href);
    });
    afterAll(() => page?.close());

    it("renders without a complaint, and asks for nothing else", async () => {
      const { title, lang, heads, tables } = await page.evaluate<Record<string, string | number>>(`({
        title: document.title,
        lang: document.documentElement.lang,
        heads: document.querySelectorAll("h1").length,
        tables: document.querySelectorAll("table").length,
      })`);
      expect(title).not.toBe("");
      expect([lang, heads]).toEqual(["en", 1]);
      expect(tables).toBeGreaterThanOrEqual(3);
      expect(page.complaints).toEqual([]);
    });

    it("tells readers who cannot see it what every picture shows", async () => {
      const pictures = await page.evaluate<[boolean, string, string][]>(`
        [...document.querySelectorAll("svg")].map((svg) => {
          const words = (name) => document.getElementById(svg.getAttribute(name))?.textContent ?? "";
          return [
            svg.getAttribute("aria-hidden") === "true",
            words("aria-labelledby"),
            words("aria-describedby"),
          ];
        })`);
      expect(pictures.length).toBeGreaterThan(10);
      const silent = pictures.filter(([hidden, label, description]) => !hidden && !(label && description));
      expect(silent).toEqual([]);
      const lost = await page.evaluate<number>(
        `document.querySelectorAll("table:not(:has(caption)), thead th:not([scope]), tbody th:not([scope])").length`,
      );
      expect(lost).toBe(0);
    });

    it.each([375, 768, 1280])("fits a window of %i pixels", async (width) => {
      await page.resize(width, 800);
      // Also what is closed must not widen the page when it is opened.
      await page.evaluate(`document.querySelectorAll("details").forEach((each) => (each.open = true))`);
      const [content, window] = await page.evaluate<[number, number]>(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
      );
      expect(content).toBeLessThanOrEqual(window);
      await page.evaluate(`document.querySelectorAll("details").forEach((each) => (each.open = false))`);
    });

    it("prints, with everything open that is closed on the screen", async () => {
      const closed = `[...document.querySelectorAll("details:not(.screen-only) > .inside")]
        .filter((each) => each.getBoundingClientRect().height < 20 || !each.checkVisibility({ contentVisibilityAuto: true })).length`;
      const all = await page.evaluate<number>(
        `document.querySelectorAll("details:not(.screen-only)").length`,
      );
      expect(await page.evaluate(closed)).toBe(all);
      await page.media("print");
      expect(await page.evaluate(closed)).toBe(0);
      await page.media("screen");
      const pdf = await page.print();
      expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
      expect(pdf.length).toBeGreaterThan(20_000);
      expect(page.complaints).toEqual([]);
    });
  },
);
