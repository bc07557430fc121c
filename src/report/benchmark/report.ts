import type { BenchmarkResults, SplitResult } from "../../evaluation/results.js";
import { figureShelf } from "./figure.js";
import { glossary } from "./glossary.js";
import { type Html, html } from "./html.js";
import { methodStyles } from "./method-styles.js";
import { count, counted } from "./numbers.js";
import { overviewTable, verdictSection } from "./overview.js";
import { page } from "./page.js";
import { runSection } from "./run-section.js";
import { splitSection } from "./split-section.js";
import type { TopPair } from "./top-pairs.js";
import { nameOfSplit } from "./words.js";

export type { TopPair } from "./top-pairs.js";

/** What a report shows. */
export interface ReportContent {
  readonly results: BenchmarkResults;
  /** A sentence for each split, by its name. */
  readonly verdicts: Readonly<Record<string, string>>;
  /** Pairs to show with their pictures; may be empty. */
  readonly topPairs: readonly TopPair[];
}

/** A page and its figures as files of their own. */
export interface Report {
  /** A complete document that needs no other file. */
  readonly html: string;
  /** SVG documents by the name of their file. */
  readonly figures: Readonly<Record<string, string>>;
}

/**
 * The report of a benchmark as one page that works offline, on a phone and in print: the verdicts first, then each
 * split with its tables and figures, at the end what was run. Names from files may hold anything; NaN is a dash, with
 * the reason in the caption.
 */
export async function renderReport({ results, verdicts, topPairs }: ReportContent): Promise<Report> {
  const { splits, task } = results;
  const shelf = figureShelf();
  const styles = methodStyles(splits);
  const ids = new Map(splits.map((split, i) => [split, `split-${i + 1}`]));
  const idOf = (split: SplitResult) => ids.get(split) ?? "";
  const sections: Html[] = [];
  for (const split of splits) {
    sections.push(
      await splitSection(split, {
        id: idOf(split),
        verdict: verdicts[split.name],
        pairs: topPairs.filter((pair) => pair.split === split.name),
        styles,
        shelf,
        task,
      }),
    );
  }
  const title = `Benchmark of ${fileName(results.labels.path)} on ${fileName(results.data.path)}`;
  const content = html`${header(results)}
<main>
${verdictSection(splits, verdicts, idOf)}
${glossary()}
${overviewTable(results)}
${sections}
${runSection(results)}
</main>
`;
  return { html: page(title, content), figures: shelf.files() };

  function header({ data, labels, run }: BenchmarkResults): Html {
    const links = splits.map((split) => html`<li><a href="#${idOf(split)}">${nameOfSplit(split)}</a></li>\n`);
    return html`<header>
<p class="kicker">cnnc benchmark</p>
<h1>Who can tell which genes interact?</h1>
<p class="facts-line"><strong>${fileName(data.path)}</strong>, ${counted(data.cells, "cell")}, against
<strong>${fileName(labels.path)}</strong>, ${counted(labels.pairs, "pair")} of ${counted(labels.regulators, "regulator")} and
${counted(labels.targets, "target")}. ${count(new Set(splits.flatMap((split) => split.methods.map(({ name }) => name))).size)}
methods, seed ${run.seed}, ${run.finished.slice(0, 10)}.</p>
<nav aria-label="Sections"><ul>
<li><a href="#verdict">Verdict</a></li>
${links}<li><a href="#run">What was run</a></li>
</ul></nav>
</header>
`;
  }
}

/** Last part of a path. */
function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) || path;
}
