import { describe, expect, it } from "vitest";
import { compareResults } from "../../dist/evaluation/compare.js";
import { renderComparison } from "../../dist/report/benchmark/comparison.js";
import { benchmarkResults } from "../support/benchmark-results.js";

const first = benchmarkResults({ seed: 7 });
const second = benchmarkResults({ seed: 8 });

describe("renderComparison", () => {
  it("shows every method of both runs, with its difference", () => {
    const html = renderComparison(compareResults(first, { ...second, run: { ...second.run, seed: 7 } }));
    for (const split of first.splits) {
      for (const { label } of split.methods) {
        expect(html.split(label.replaceAll("'", "&#39;")).length - 1).toBeGreaterThanOrEqual(
          first.splits.length,
        );
      }
    }
    const value = (results: typeof first) =>
      results.splits[0].methods[0].perRegulator.auroc.value.toFixed(3).replace(/^0/, "");
    const row = html.slice(html.indexOf('<span class="name">cnnc</span>')).split("</tr>")[0];
    expect(row).toContain(value(first));
    expect(row).toContain(value(second));
    expect(row).toMatch(/[+−]\.\d{3} <span class="interval">\[[+−]?\.\d{3}, [+−]?\.\d{3}\]/);
    expect(html).toContain("their numbers can be compared");
    expect(html).not.toMatch(/NaN|undefined/);
  });

  it("says first what speaks against it, and shows no differences then", () => {
    const html = renderComparison(
      compareResults(first, { ...second, labels: { ...second.labels, path: "<b>.tsv", sha256: "ff" } }),
    );
    expect(html).toContain("cannot be compared number by number");
    expect(html).toContain("The labels differ: data/pairs.tsv.gz and &lt;b&gt;.tsv have other contents.");
    expect(html).not.toMatch(/[+−]\.\d{3} <span class="interval">/);
    expect(html).not.toMatch(/<b>|<script|https?:/);
  });

  it("has a row for what only one run has", () => {
    const splits = first.splits.map((split) => ({ ...split, methods: split.methods.slice(0, 1) }));
    const html = renderComparison(compareResults({ ...first, splits }, first));
    const row = html.slice(html.indexOf('<span class="name">mlp</span>')).split("</tr>")[0];
    expect(row.match(/–/g)).toHaveLength(5);
    expect(html).toContain("Only the second run has these methods on random-pairs");
  });
});
