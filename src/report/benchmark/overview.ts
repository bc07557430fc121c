import type { BenchmarkResults, MethodResult, SplitResult } from "../../evaluation/results.js";
import { type Html, html, sentence } from "./html.js";
import { groupsOf, nameCell } from "./methods-table.js";
import { fraction, NONE, range } from "./numbers.js";
import { table } from "./table.js";
import { whisker, whiskerScale } from "./whisker.js";
import { nameOfSplit } from "./words.js";

/** The verdict of each split, linked to its section. */
export function verdictSection(
  splits: readonly SplitResult[],
  verdicts: Readonly<Record<string, string>>,
  idOf: (split: SplitResult) => string,
): Html {
  const items = splits.map(
    (split) => html`<div>
<h3><a href="#${idOf(split)}">${nameOfSplit(split)}</a></h3>
<p>${sentence(verdicts[split.name] ?? "No verdict was given; see the table.")}</p>
</div>
`,
  );
  return html`<section class="verdicts" aria-labelledby="verdict">
<h2 id="verdict">The verdict</h2>
${items}</section>
`;
}

/** All splits in one table: mean AUROC per regulator. Undefined for a single split, which has its own. */
export function overviewTable({ splits }: BenchmarkResults): Html | undefined {
  if (splits.length < 2) return undefined;
  const resultOf = (split: SplitResult, name: string) => split.methods.find((method) => method.name === name);
  const scale = whiskerScale(
    splits.flatMap(({ methods }) => methods.map(({ perRegulator }) => perRegulator.auroc)),
    0.5,
  );
  // The last split named is the hardest by habit; its order is the one to read.
  const names = new Map(splits.flatMap(({ methods }) => methods).map((method) => [method.name, method]));
  const groups = groupsOf([...names.values()]);
  return html`<section aria-labelledby="overview">
<h2 id="overview">All splits at a glance</h2>
${table<MethodResult>({
  name: "All splits at a glance",
  caption:
    "Mean AUROC per regulator with its 95 % interval, also as a dot with whiskers on one axis from " +
    `${fraction(scale.low)} to ${fraction(scale.high)}; the line is chance, .500, and controls are hollow. ` +
    `${NONE}: not run on this split, or no regulator could be judged.`,
  first: { heading: "method", cell: nameCell },
  columns: splits.map((split) => ({
    heading: nameOfSplit(split),
    cell: ({ name, group }) => {
      const auroc = resultOf(split, name)?.perRegulator.auroc;
      if (auroc === undefined || !Number.isFinite(auroc.value)) return NONE;
      return html`<span class="pictured">${whisker(auroc, scale, group === "control" ? "control" : "full")}<span>${fraction(auroc.value)}
<span class="interval">${range(auroc)}</span></span></span>`;
    },
  })),
  groups,
})}</section>
`;
}
