import type { BenchmarkComparison, ComparisonRow } from "../../evaluation/compare.js";
import type { BenchmarkResults, MethodResult } from "../../evaluation/results.js";
import { type Content, type Html, html, sentence } from "./html.js";
import { nameCell } from "./methods-table.js";
import { fraction, NONE, range, ratio, signed } from "./numbers.js";
import { page } from "./page.js";
import { factsOf } from "./run-section.js";
import { type Column, table } from "./table.js";
import { type WhiskerScale, whisker, whiskerScale } from "./whisker.js";
import { GROUP_NAMES, GROUPS, nameOfSplit } from "./words.js";

/**
 * Two benchmarks side by side, as one page that needs no other file: first what speaks against comparing them, then
 * every method of every split in both runs, at the end what was run.
 */
export function renderComparison(comparison: BenchmarkComparison): string {
  const { first, second, warnings, notes, rows } = comparison;
  const splits = [...new Set(rows.map(({ split }) => split))];
  const content = html`<header>
<p class="kicker">cnnc benchmark</p>
<h1>Two benchmarks side by side</h1>
<p class="facts-line">First: ${inShort(first)}<br>
Second: ${inShort(second)}</p>
</header>
<main>
${remarks(warnings, notes)}
${splits.map((split) => splitOf(split, comparison))}
${runs(first, second)}
</main>
`;
  return page("Two benchmarks side by side", content);
}

function inShort({ run, data, labels }: BenchmarkResults): Html {
  return html`<strong>${data.path}</strong> against <strong>${labels.path}</strong>, seed ${run.seed}, cnnc
${run.versions.cnnc}, <span class="whole">${run.finished.slice(0, 10)}</span>.`;
}

function remarks(warnings: readonly string[], notes: readonly string[]): Html {
  const verdict =
    warnings.length === 0
      ? html`<p>Both runs judged the same pairs in the same folds: their numbers can be compared.</p>`
      : html`<p><strong>These runs cannot be compared number by number:</strong></p>
<ul>${warnings.map((line) => html`<li>${sentence(line)}</li>\n`)}</ul>`;
  return html`<section class="verdicts" aria-labelledby="verdict">
<h2 id="verdict">Can they be compared?</h2>
<div>${verdict}</div>
${notes.length > 0 && html`<h3>What else differs</h3>\n<ul>${notes.map((line) => html`<li>${sentence(line)}</li>\n`)}</ul>`}
</section>
`;
}

function splitOf(name: string, { first, second, rows }: BenchmarkComparison): Html {
  const split = [...first.splits, ...second.splits].find((each) => each.name === name);
  const mine = rows.filter((row) => row.split === name);
  const scale = whiskerScale(
    mine.flatMap(({ first: one, second: other }) =>
      [one, other].flatMap((method) => method?.perRegulator.auroc ?? []),
    ),
    0.5,
  );
  const method = (row: ComparisonRow) => row.first ?? row.second;
  return html`<section>
<h2>${split === undefined ? name : nameOfSplit(split)} <code>${name}</code></h2>
${table<ComparisonRow>({
  name: `Both runs, ${name}`,
  caption:
    "Mean AUROC per regulator of both runs with its 95 % interval; in the picture the first run is above and hollow, the " +
    `second below and full, the line is chance, on an axis from ${fraction(scale.low)} to ${fraction(scale.high)}. The ` +
    "difference is that of the same regulators in the same folds, second less first; an interval that holds 0 shows " +
    `none. ${NONE}: one of the runs lacks it, no regulator could be judged, or the folds are not the same.`,
  first: {
    heading: "method",
    cell: (row) => nameCell(method(row) ?? { name: row.method, label: row.method }),
  },
  columns: [
    auroc("first", ({ first }) => first),
    { heading: html`<span class="hint">both runs</span>`, cell: (row) => picture(row, scale) },
    auroc("second", ({ second }) => second),
    {
      heading: "second less first",
      numeric: true,
      cell: ({ difference }) =>
        difference === undefined ? NONE : interval(signed(difference.value), range(difference, signed)),
    },
    ...pair("pooled AUROC", ({ pooled }) => fraction(pooled.auroc)),
    ...pair("AUPRC ratio", ({ pooled }) => ratio(pooled.auprcRatio)),
    ...pair("EPR, tested pairs", ({ pooled }) => ratio(pooled.earlyPrecisionRatio)),
  ],
  groups: GROUPS.map((group) => ({
    heading: GROUP_NAMES[group],
    rows: mine.filter((row) => method(row)?.group === group),
  })),
})}</section>
`;
}

function auroc(
  heading: string,
  side: (row: ComparisonRow) => MethodResult | undefined,
): Column<ComparisonRow> {
  return {
    heading,
    numeric: true,
    cell: (row) => {
      const auroc = side(row)?.perRegulator.auroc;
      return auroc === undefined ? NONE : interval(fraction(auroc.value), range(auroc));
    },
  };
}

/** A number of both runs, in a column each. */
function pair(heading: string, show: (method: MethodResult) => string): Column<ComparisonRow>[] {
  const column = (name: string, side: (row: ComparisonRow) => MethodResult | undefined) => ({
    heading: `${heading}, ${name}`,
    numeric: true,
    cell: (row: ComparisonRow) => {
      const method = side(row);
      return method === undefined ? NONE : show(method);
    },
  });
  return [column("first", ({ first }) => first), column("second", ({ second }) => second)];
}

function interval(value: string, ends: string): Content {
  return html`${value} <span class="interval">${ends}</span>`;
}

function picture({ first, second }: ComparisonRow, scale: WhiskerScale): Content {
  return html`${first && whisker(first.perRegulator.auroc, scale, "first")}${
    second && whisker(second.perRegulator.auroc, scale)
  }`;
}

/** Facts of both runs in a table. */
function runs(first: BenchmarkResults, second: BenchmarkResults): Html {
  const others = new Map(factsOf(second).map((fact) => [fact[0], fact[1]]));
  const rows = factsOf(first).map(([name, value]) => ({ name, first: value, second: others.get(name) }));
  return html`<section class="run" aria-labelledby="run">
<h2 id="run">What was run</h2>
${table<(typeof rows)[number]>({
  name: "What was run",
  caption: "Facts of both runs.",
  first: { heading: "fact", cell: ({ name }) => name },
  columns: [
    { heading: "first", cell: ({ first }) => first },
    { heading: "second", cell: ({ second }) => second },
  ],
  groups: [{ rows }],
})}</section>
`;
}
