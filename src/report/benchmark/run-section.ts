import type { BenchmarkResults } from "../../evaluation/results.js";
import { type Content, type Html, html } from "./html.js";
import { count, duration } from "./numbers.js";
import { CLASS_WORDS } from "./words.js";

type Fact = readonly [name: string, value: Content];

/** What was run, on what, with what; and everything that was left out. */
export function runSection(results: BenchmarkResults): Html {
  return html`<section class="run" aria-labelledby="run">
<h2 id="run">What was run</h2>
${commandOf(results)}${factsList(factsOf(results))}
${list("What the run had to say", results.run.notices, "Nothing.")}
${list("Left out of the labels", results.labels.leftOut, "Nothing.")}
<p>Beside this page lie <code>results.json</code>, every number of it, <code>scores.tsv.gz</code>, the score of every pair,
fold and method, and <code>figures/</code>, every figure as SVG.</p>
</section>
`;
}

/** Facts of a run, as two columns. */
export function factsList(facts: readonly Fact[]): Html {
  const items = facts.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>
`,
  );
  return html`<dl class="facts">
${items}</dl>
`;
}

export function factsOf({ run, data, labels, task }: BenchmarkResults): Fact[] {
  const classes = labels.classCounts.map((pairs, label) => `${count(pairs)} ${CLASS_WORDS[task][label]}`);
  return [
    ["Data", html`<code>${data.path}</code>`],
    ["SHA-256 of the data", html`<code>${data.sha256}</code>`],
    ["Cells, genes", `${count(data.cells)} cells, ${count(data.genes)} genes in the file`],
    ["Scale, transform", `${data.scale}, ${data.transform}`],
    ["Labels", html`<code>${labels.path}</code>`],
    ["SHA-256 of the labels", html`<code>${labels.sha256}</code>`],
    [
      "Pairs",
      `${count(labels.pairs)}: ${classes.join(", ")}; ${count(labels.regulators)} regulators, ` +
        `${count(labels.targets)} targets`,
    ],
    ["Task", task],
    ["Seed", run.seed],
    ["Versions", `cnnc ${run.versions.cnnc}, Node.js ${run.versions.node}`],
    [
      "Processor",
      `${run.processor}; ${run.threads} ${run.threads === 1 ? "thread" : "threads"}, ${run.precision}`,
    ],
    ["Time", `${duration(run.seconds)}, finished ${run.finished.slice(0, 16).replace("T", " ")} UTC`],
  ];
}

function commandOf({ run }: BenchmarkResults): Html {
  if (run.command === undefined) return html`<p>Called from a program, not from the command line.</p>\n`;
  return html`<pre class="command"><code>${run.command.map(quoted).join(" ")}</code></pre>
`;
}

/** As a shell needs it. */
function quoted(argument: string): string {
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

function list(heading: string, lines: readonly string[], none: string): Html {
  return html`<h3>${heading}</h3>
${
  lines.length === 0
    ? html`<p>${none}</p>`
    : html`<ul>
${lines.map((line) => html`<li>${line}</li>\n`)}</ul>`
}`;
}
