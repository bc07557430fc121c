import type { BenchmarkResults } from "../../evaluation/results.js";
import type { FigureShelf } from "./figure.js";
import { type Html, html } from "./html.js";
import { fraction } from "./numbers.js";
import { CLASS_WORDS, slug } from "./words.js";

/** One of the pairs that a method is surest of, with its picture. */
export interface TopPair {
  /** Name of the split. */
  readonly split: string;
  /** Name of the method whose score ranks the pair; default: the best network, as a benchmark chooses. */
  readonly method?: string;
  /** 1 for the surest. */
  readonly rank: number;
  /** Names of the genes. */
  readonly a: string;
  readonly b: string;
  /** As in the file of labels: 0 or 1; for causality also 2. */
  readonly label: number;
  readonly score: number;
  /** Name of the fold in which it is a test pair. */
  readonly fold: string;
  /** Of {@link renderPairSvg}. */
  readonly histogramSvg: string;
  /** Which states of expression drive the score, drawn. */
  readonly explanationSvg?: string;
  /** The same in words. */
  readonly explanationText?: string;
}

/** The pairs with their pictures, surest first; undefined without pairs. */
export function topPairsSection(
  pairs: readonly TopPair[],
  { task, shelf }: { readonly task: BenchmarkResults["task"]; readonly shelf: FigureShelf },
): Html | undefined {
  if (pairs.length === 0) return undefined;
  const sorted = pairs.toSorted((a, b) => a.rank - b.rank);
  const named = sorted.flatMap(({ method }) => method ?? []);
  const methods = named.length === 0 ? "the best network" : [...new Set(named)].join(", ");
  const listed = sorted.filter(({ label }) => label !== 0).length;
  return html`<section>
<h3>Surest pairs</h3>
<p>The test pairs that ${methods} is surest of, each scored by a network that has not seen it: ${listed} of these
${sorted.length} are listed as interacting. A pair that is not listed need not be wrong; it may be unknown.</p>
<ol class="pairs">
${sorted.map((pair) => card(pair, task, shelf))}</ol>
</section>
`;
}

function card(pair: TopPair, task: BenchmarkResults["task"], shelf: FigureShelf): Html {
  const { split, rank, a, b, label, score, fold, histogramSvg, explanationSvg, explanationText } = pair;
  const name = slug(`${split}-top-${rank}-${a}-${b}`);
  const [regulator, target] = label === 2 ? [b, a] : [a, b];
  const truth =
    task === "causality" && label !== 0 ? `${regulator} acts on ${target}` : CLASS_WORDS[task][label];
  return html`<li>
<h4><span class="rank">${rank}</span> ${a} and ${b}</h4>
<p>Score ${fraction(score)}; <strong>${truth}</strong>; fold ${fold}.</p>
<div class="${explanationSvg === undefined ? "one" : "two"}">
${shelf.place({ name, svg: histogramSvg }, html`Cells by the expression of ${a} (right) and ${b} (up).`)}${
  explanationSvg !== undefined &&
  shelf.place(
    { name: `${name}-explanation`, svg: explanationSvg },
    explanationText ?? "Which states of expression drive the score.",
  )
}</div>
${explanationSvg === undefined && explanationText !== undefined && html`<p>${explanationText}</p>\n`}</li>
`;
}
