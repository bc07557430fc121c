import { beforeAll, describe, expect, it } from "vitest";
import type { BenchmarkResults, MethodResult, SplitResult } from "../../dist/evaluation/results.js";
import { type Report, renderReport, type TopPair } from "../../dist/report/benchmark/report.js";
import { benchmarkResults } from "../support/benchmark-results.js";

const SVG = (id: string) =>
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10" role="img"><title>Picture</title><desc>Words</desc>' +
  `<clipPath id="${id}"><path d="M0,0h1v1z"/></clipPath><g clip-path="url(#${id})"></g></svg>`;

const pairOf = (rank: number, more: Partial<TopPair> = {}): TopPair => ({
  split: "target-disjoint",
  method: "compact",
  rank,
  a: "Gata1",
  b: "Klf1",
  label: 1,
  score: 0.9876,
  fold: "3",
  histogramSvg: SVG("clip0"),
  ...more,
});

const VERDICTS = {
  "random-pairs": "On random pairs, degree is ahead.",
  "target-disjoint": "On unseen targets, compact gains +.041 [-.010, .071].",
};

/** What a reader sees of it: no markup, no style sheet, spaces single. */
const textOf = (html: string) =>
  html
    .replace(/<style>[\s\S]*?<\/style>/g, "")
    .replace(/<svg[\s\S]*?<\/svg>/g, " ")
    .replace(/<wbr>/g, "")
    .replace(/<\/?(?:strong|span|code|a)\b[^>]*>/g, "")
    .replace(/<[^>]+>/g, " ")
    .replaceAll("&#39;", "'")
    .replace(/\s+/g, " ");

/** The results with all methods of all splits changed. */
function changed(
  results: BenchmarkResults,
  change: (method: MethodResult) => MethodResult,
): BenchmarkResults {
  const splits = results.splits.map((split) => ({ ...split, methods: split.methods.map(change) }));
  return { ...results, splits };
}

const onlyWith = (results: BenchmarkResults, split: Partial<SplitResult>): BenchmarkResults => ({
  ...results,
  splits: [{ ...results.splits[1], ...split }],
});

const render = (results: BenchmarkResults, topPairs: TopPair[] = []) =>
  renderReport({ results, verdicts: VERDICTS, topPairs });

/** Text of the cells of a method's row in the first table of that name. */
function rowOf(html: string, tableName: string, method: string): string[] {
  const table = html.slice(html.indexOf(`aria-label="${tableName}"`)).split("</table>")[0];
  const row = table.split("<tr>").find((each) => textOf(each).trim().startsWith(method)) ?? "";
  return row
    .split(/<t[dh]\b[^>]*>/)
    .slice(1)
    .map((cell) => textOf(cell).trim());
}

describe("renderReport", () => {
  const results = benchmarkResults();
  const causality = benchmarkResults({ task: "causality" });
  let report: Report;
  let text: string;

  beforeAll(async () => {
    report = await render(results, [
      pairOf(2, { label: 0 }),
      pairOf(1, { explanationSvg: SVG("clip0"), explanationText: "Gata1 high while Klf1 high." }),
    ]);
    text = textOf(report.html);
  });

  it("says the verdict of every split before anything else", () => {
    const places = [
      "On random pairs, degree is ahead.",
      "On unseen targets, compact gains +.041 [−.010, .071].",
      "How to read this",
      "All splits at a glance",
      "What was held out",
      "12 pairs name a gene",
    ].map((words) => text.indexOf(words));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("names every split, method, fold, notice and fact", () => {
    for (const split of results.splits) {
      expect(text).toContain(split.statement);
      for (const { name, label } of split.methods) {
        expect(text).toContain(name);
        expect(text).toContain(label);
      }
    }
    const { run, data, labels } = results;
    for (const line of [...run.notices, ...labels.leftOut]) expect(text).toContain(line);
    for (const fact of [data.sha256, labels.sha256, data.path, labels.path, run.processor, "float32"]) {
      expect(text).toContain(fact);
    }
    expect(text).toContain("cnnc benchmark 'bone marrow.h5ad' --labels pairs.tsv.gz -o report/");
    expect(text).toContain("20 min 35 s, finished 2025-03-04 05:06 UTC");
    expect(text).toContain("12,000: 9,600 not listed as interacting, 2,400 listed as interacting");
    expect(text).toContain("scores:genie3.tsv 120 of 12,000 (1.0 %)");
    expect(rowOf(report.html, "Folds, random-pairs", "2")).toEqual([
      "2",
      "9,543",
      "2,400",
      "480 (20 %)",
      "57",
      "0",
      "40 of 40 (100 %)",
      "137 of 140 (98 %)",
      "177 of 180 (98 %)",
      "0 of 2,400 (0 %)",
      "0 of 2,400 (0 %)",
    ]);
  });

  it("writes the numbers of a method, and marks the best of a column", async () => {
    const interval = (value: number, low: number, high: number) => ({ value, low, high, resamples: 1000 });
    const made = changed(results, (method) => ({
      ...method,
      seconds: method.name === "cnnc" ? 3725 : 0.25,
      pooled: {
        ...method.pooled,
        auroc: method.name === "cnnc" ? 1 : 0.5,
        auprcRatio: 1.834,
        earlyPrecisionRatio: method.name === "cnnc" ? 2.5 : 1,
        earlyPrecisionRatioAllEdges: 4.125,
      },
      perRegulator: {
        ...method.perRegulator,
        auroc: interval(method.name === "cnnc" ? 0.7581 : 0.6, 0.55, 0.80049),
        medianAuroc: 0.7606,
      },
      differences: [{ against: "degree", auroc: interval(-0.0121, -0.03, 0.0301) }],
    }));
    const { html } = await render(onlyWith(made, {}));
    expect(rowOf(html, "Methods, target-disjoint", "cnnc")).toEqual([
      "cnnc CNNC's network, nepdf",
      ".758 [.550, .800]",
      "",
      ".761",
      "1.000",
      "1.83",
      "2.50",
      "4.13",
      "−.012 [−.030, +.030]",
      "1 h 2 min",
    ]);
    const cells = html.slice(html.indexOf('aria-label="Methods, target-disjoint"')).split("</table>")[0];
    // Best by themselves: mean, pooled AUROC, EPR. Alike in all ten methods: the other four columns.
    expect(cells.match(/class="best"/g)).toHaveLength(3 + 4 * 10);
  });

  it("does not take mirror-lookup, which sees a leak, for the best", async () => {
    const [winner, second] = results.splits[1].methods.map((method, i) => ({
      ...method,
      pooled: { ...method.pooled, auroc: [0.99, 0.8][i] ?? 0.5 },
    }));
    const methods = [{ ...winner, name: "mirror-lookup" }, second, { ...second, name: "other" }];
    const { html } = await render(onlyWith(results, { methods }));
    const table = html.slice(html.indexOf('aria-label="Methods, target-disjoint"')).split("</table>")[0];
    expect(table).toMatch(/<td class="number">\.990</);
    expect(table.match(/<strong class="best">\.800</g)).toHaveLength(2);
  });

  it("draws the curves where they belong", async () => {
    const split = results.splits[0];
    const methods = split.methods
      .filter(({ name }) => name === "cnnc")
      .map((method) => ({
        ...method,
        curves: {
          roc: { x: [0, 0.5, 1], y: [0, 1, 1] },
          precisionRecall: { x: [0, 0.5, 1], y: [1, 0.5, 0.25] },
        },
      }));
    const { figures } = await render({ ...results, splits: [{ ...split, methods }] });
    // 274 units a side, the origin below left.
    expect(figures["random-pairs-roc-networks.svg"]).toContain('d="M0,274L137,0L274,0"');
    // The precision axis ends at .6, above all that lies right of 2 % recall: 274 (1 - y / .6).
    const precisionRecall = figures["random-pairs-precision-recall-networks.svg"];
    expect(precisionRecall).toContain('d="M0,-182.67L137,45.67L274,159.83"');
    expect(precisionRecall).toContain("precision (axis ends at .600)");
    expect(figures["random-pairs-roc-networks.svg"]).not.toContain("all other methods");
  });

  it("draws a dot for each regulator, its mean over folds", async () => {
    const split = results.splits[0];
    const value = (regulator: string, fold: string, auroc: number) => ({
      regulator,
      fold,
      positives: 5,
      pairs: 10,
      auroc,
      auprc: 0.5,
    });
    const values = [value("Gata1", "1", 0.5), value("Gata1", "2", 0.7), value("Spi1", "1", 0.85)];
    const methods = split.methods
      .slice(0, 1)
      .map((method) => ({ ...method, perRegulator: { ...method.perRegulator, values } }));
    const { html, figures } = await render({ ...results, splits: [{ ...split, methods }] });
    const svg = figures["random-pairs-regulators.svg"];
    // From .4 to 1 on 230 units: (.6 - .4) / .6 * 230 and (.85 - .4) / .6 * 230.
    const dots = [...svg.matchAll(/translate\(([\d.]+),[\d.]+\)"[^>]*fill-opacity="0.45"/g)];
    expect(dots.map(([, x]) => Number(x).toFixed(2))).toEqual(["76.67", "172.50"]);
    expect(svg).toContain("2 regulators, mean");
    expect(rowOf(html, "AUROC of every regulator, random-pairs", "Gata1")).toEqual([
      "Gata1",
      "10",
      "20",
      "2",
      ".600",
    ]);
  });

  it("has all figures, described in words with their numbers", () => {
    const names = Object.keys(report.figures);
    for (const split of results.splits) {
      for (const kind of [
        "regulators",
        "roc-networks",
        "roc-controls",
        "roc-association",
        "roc-other-tools",
      ]) {
        expect(names).toContain(`${split.name}-${kind}.svg`);
      }
      expect(names).toContain(`${split.name}-calibration-summary-models.svg`);
      expect(names).not.toContain(`${split.name}-calibration-association.svg`);
      for (const method of ["cnnc", "compact", "mlp", "margins-only"]) {
        expect(names).toContain(`${split.name}-loss-${method}.svg`);
      }
    }
    for (const svg of Object.values(report.figures)) {
      expect(svg).toMatch(/^<svg [^>]*role="img"[^>]*><title>[^<]+<\/title><desc>[^<]+<\/desc>/);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
    const compact = results.splits[1].methods[1].pooled.auroc.toFixed(3).slice(1);
    expect(report.figures["target-disjoint-roc-networks.svg"]).toMatch(
      new RegExp(`<desc>[^<]*compact \\${compact}[^<]*chance, \\.500`),
    );
  });

  it("shows the surest pairs in their order, with picture and explanation", () => {
    const [first, second] = ["1 Gata1 and Klf1", "2 Gata1 and Klf1"].map((words) => text.indexOf(words));
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first);
    expect(text).toContain("Score .988; listed as interacting; fold 3.");
    expect(text).toContain("Score .988; not listed as interacting; fold 3.");
    expect(text).toContain("1 of these 2 are listed as interacting");
    expect(text).toContain("Gata1 high while Klf1 high.");
    expect(text.match(/Surest pairs/g)).toHaveLength(1);
  });

  it("says who acts on whom, and shows the table of directions only for causality", async () => {
    const { html } = await render(onlyWith(causality, {}), [pairOf(1, { label: 2 })]);
    const words = textOf(html);
    expect(words).toContain("Klf1 acts on Gata1");
    const { causality: metrics } = causality.splits[1].methods[1];
    const shown = rowOf(html, "Direction, target-disjoint", "compact");
    expect(shown[1]).toContain(metrics?.directionAuroc.toFixed(3).slice(1));
    expect(rowOf(html, "Direction, target-disjoint", "pearson").slice(1)).toEqual(["–", "–", "–", "–", "–"]);
    expect(words).toContain("–: the method is symmetric");
    expect(text).not.toContain("swap consistency");
  });

  it("gives every id once, and none that is not there", () => {
    const ids = [...report.html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(100);
    expect(new Set(ids).size).toBe(ids.length);
    const used = [
      ...report.html.matchAll(/url\(#([^)]+)\)|aria-(?:labelled|described)by="([^"]+)"|href="#([^"]+)"/g),
    ];
    expect(used.map(([, a, b, c]) => a ?? b ?? c).filter((id) => !ids.includes(id))).toEqual([]);
  });

  it("asks for nothing outside itself, and has no script", () => {
    expect(report.html).not.toMatch(/<script|<iframe|<object|<embed|<img|@import|\bon\w+="/i);
    expect(report.html).not.toMatch(/\bsrc=/i);
    const addresses = [...report.html.matchAll(/\b(?:xlink:)?href="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.filter((address) => !address.startsWith("#") && address !== "data:,")).toEqual([]);
    const namespaces = report.html.replace(/xmlns(:xlink)?="http:\/\/www\.w3\.org\/[^"]+"/g, "");
    expect(namespaces).not.toMatch(/https?:\/\//);
    expect(report.html).toContain("default-src 'none'");
  });

  it("takes any name for what it is: text", async () => {
    const evil = `<script>alert("1")</script>&'<b>\u0000`;
    const named = changed(results, (method) => ({
      ...method,
      name: `${evil}${method.name}`,
      label: evil,
      differences: method.differences.map((each) => ({ ...each, against: evil })),
      perRegulator: {
        ...method.perRegulator,
        values: method.perRegulator.values.map((value) => ({ ...value, regulator: evil, fold: evil })),
      },
    }));
    const { run, data, labels } = results;
    const everywhere: BenchmarkResults = {
      ...onlyWith(named, { name: evil, given: true, statement: evil }),
      run: { ...run, command: [evil], notices: [evil], processor: evil },
      data: { ...data, path: evil },
      labels: { ...labels, path: evil, leftOut: [evil] },
    };
    const { html, figures } = await renderReport({
      results: everywhere,
      verdicts: { [evil]: evil },
      topPairs: [
        pairOf(1, { split: evil, a: evil, b: evil, fold: evil, method: evil, explanationText: evil }),
      ],
    });
    expect(html).not.toMatch(/<script|<b>/);
    expect(html).not.toContain("\u0000");
    expect(html).toContain("&lt;script&gt;alert(&quot;1&quot;)");
    for (const [name, svg] of Object.entries(figures)) {
      expect(name).toMatch(/^[a-z0-9-]+\.svg$/);
      expect(svg).not.toMatch(/<script|<b>/);
    }
  });

  it("keeps figures apart whose names come out alike", async () => {
    const alike = results.splits.map((split, i) => ({
      ...split,
      name: i === 0 ? "Fold A" : "fold/a",
      methods: split.methods.slice(4, 5),
    }));
    const { figures } = await render({ ...results, splits: alike });
    expect(Object.keys(figures).sort()).toEqual([
      "fold-a-precision-recall-association-2.svg",
      "fold-a-precision-recall-association.svg",
      "fold-a-regulators-2.svg",
      "fold-a-regulators.svg",
      "fold-a-roc-association-2.svg",
      "fold-a-roc-association.svg",
    ]);
  });

  it("shows a dash where there is no number, and says why", async () => {
    const none = { value: Number.NaN, low: Number.NaN, high: Number.NaN, resamples: 0 };
    const empty = changed(results, (method) => ({
      ...method,
      pooled: {
        auroc: Number.NaN,
        auprc: Number.NaN,
        auprcRatio: Number.NaN,
        earlyPrecision: Number.NaN,
        earlyPrecisionRatio: Number.NaN,
        earlyPrecisionRatioAllEdges: Number.POSITIVE_INFINITY,
        aurocs: [Number.NaN],
      },
      perRegulator: {
        auroc: none,
        auprc: none,
        medianAuroc: Number.NaN,
        regulators: 0,
        skipped: 40,
        values: [],
      },
      differences: method.differences.map(({ against }) => ({ against, auroc: none })),
      curves: { roc: { x: [], y: [] }, precisionRecall: { x: [Number.NaN], y: [Number.NaN] } },
      ...(method.calibration && { calibration: { bins: [], brier: Number.NaN } }),
      ...(method.losses && { losses: [[Number.NaN, Number.POSITIVE_INFINITY], []] }),
    }));
    const { html, figures } = await render(onlyWith(empty, {}));
    const row = rowOf(html, "Methods, target-disjoint", "cnnc");
    expect(row.slice(1, -1)).toEqual(["–", "", "–", "–", "–", "–", "–", "–", "–"]);
    const words = textOf(html);
    expect(words).toContain(
      "–: no regulator has 5 positives and 5 negatives in a fold; every fold has test pairs",
    );
    expect(words).toContain("none could be judged by itself");
    expect(html).not.toMatch(/NaN|undefined|Infinity|class="best"/);
    for (const svg of Object.values(figures)) expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("leaves out what there is not: one split, no networks, no pictures, no command", async () => {
    const { command: _, ...run } = results.run;
    const few = onlyWith(
      { ...results, run: { ...run, notices: [] } },
      { methods: results.splits[1].methods.filter(({ group }) => group === "association") },
    );
    const words = textOf((await render(few)).html);
    for (const absent of ["Learning curves", "Calibration", "Surest pairs", "All splits at a glance"]) {
      expect(words).not.toContain(absent);
    }
    expect(words).toContain("Called from a program");
    expect(words).toContain("Unseen targets target-disjoint");
  });

  it("makes a further figure when a group has too many methods to tell apart", async () => {
    const many = Array.from({ length: 8 }, (_, i) => ({
      ...results.splits[0].methods[9],
      name: `scores:${i}.tsv`,
    }));
    const { figures } = await render(onlyWith(results, { methods: many }));
    const names = Object.keys(figures).filter((name) => name.includes("roc"));
    expect(names).toEqual([
      "target-disjoint-roc-other-tools-1-of-2.svg",
      "target-disjoint-roc-other-tools-2-of-2.svg",
    ]);
    const strokes = names.map((name) => new Set(figures[name].match(/stroke-dasharray="[^"]*"/g)).size);
    expect(strokes[0]).toBeGreaterThanOrEqual(5);
  });
});
