import type { BenchmarkResults, FoldResult, SplitResult } from "../../evaluation/results.js";
import { calibrationFigures, lossFigures, precisionRecallFigures, rocFigures } from "./curve-figures.js";
import { type Figure, type FigureShelf, gallery } from "./figure.js";
import { type Content, type Html, html, sentence } from "./html.js";
import type { MethodStyle } from "./method-styles.js";
import { causalityTable, methodsTable, moreNumbers, regulatorsTable } from "./methods-table.js";
import { count, counted, percent, share } from "./numbers.js";
import { stripFigure } from "./strip-figure.js";
import { details, table } from "./table.js";
import { type TopPair, topPairsSection } from "./top-pairs.js";
import { heldOut, nameOfSplit } from "./words.js";

/** Everything about one split: what was held out, the table, the figures, the top pairs. */
export async function splitSection(
  split: SplitResult,
  {
    id,
    verdict,
    pairs,
    styles,
    shelf,
    task,
  }: {
    readonly id: string;
    readonly verdict: string | undefined;
    readonly pairs: readonly TopPair[];
    readonly styles: ReadonlyMap<string, MethodStyle>;
    readonly shelf: FigureShelf;
    readonly task: BenchmarkResults["task"];
  },
): Promise<Html> {
  const strips = await stripFigure(split);
  const [roc, precisionRecall, calibration, losses] = await Promise.all([
    rocFigures(split, styles),
    precisionRecallFigures(split, styles),
    calibrationFigures(split, styles),
    lossFigures(split, styles),
  ]);
  const direction = causalityTable(split);
  const place = (figures: readonly Figure[]) => gallery(figures.map((figure) => shelf.place(figure)));
  return html`<section class="split" aria-labelledby="${id}">
<h2 id="${id}">${nameOfSplit(split)} <code>${split.name}</code></h2>
${verdict !== undefined && html`<p class="verdict">${sentence(verdict)}</p>\n`}
${part(
  "What was held out",
  html`<p>${heldOut(split)}</p>
<p><strong>What training knew of the test pairs.</strong> ${split.statement}</p>
${details(foldsInShort(split.folds), foldsTable(split))}`,
)}
${part("All methods", html`${methodsTable(split)}${moreNumbers(split)}`)}
${direction && part("Direction", direction)}
${part(
  "Regulator by regulator",
  html`${
    strips === undefined
      ? html`<p>No regulator has 5 positives and 5 negatives in a fold, so none could be judged by itself.</p>
`
      : html`<p>Does a method work for most regulators, or for a few? Each dot is a regulator, its AUROC the mean over the
folds that could judge it; diamond and bar are the mean and its interval, as in the table.</p>
${shelf.place(strips)}`
  }${regulatorsTable(split)}`,
)}
${part(
  "ROC curves",
  html`<p>One group of methods in each figure, the others behind it in grey. The curves are drawn over
all folds together, scores ranked within their fold; the numbers are means over the folds.</p>
${place(roc)}`,
)}
${part(
  "Precision and recall",
  html`<p>What share of the pairs called interacting is listed as such, as more and more of
the listed ones are found. Chance is the share of positives, the dashed line.</p>
${place(precisionRecall)}`,
)}
${
  calibration.length > 0 &&
  part(
    "Calibration",
    html`<p>Do the probabilities mean what they say? Of pairs with a predicted
probability of .3, three in ten should be positives: points on the diagonal. The Brier score is the mean squared error of the
probability; lower is better. Networks learn with both classes weighted alike: where positives are rare, they promise more
of them than there are, which changes no ranking.</p>
${place(calibration)}`,
  )
}
${
  losses.length > 0 &&
  part(
    "Learning curves",
    html`<p>The loss on the training pairs, epoch by epoch, a line for each fold. All
axes are the same.</p>
${place(losses)}`,
  )
}
${topPairsSection(pairs, { task, shelf })}
</section>
`;
}

function part(heading: string, content: Content): Html {
  return html`<section>
<h3>${heading}</h3>
${content}</section>
`;
}

function foldsInShort(folds: readonly FoldResult[]): string {
  const dropped = folds.reduce((sum, { mirrorsDropped }) => sum + mirrorsDropped, 0);
  const leftOut = folds.reduce((sum, { leftOut }) => sum + leftOut, 0);
  const parts = [
    counted(folds.length, "fold"),
    `${counted(dropped, "mirrored pair")} dropped from training`,
    ...(leftOut > 0 ? [`${count(leftOut)} left out`] : []),
  ];
  return `The folds: ${parts.join(", ")}`;
}

function foldsTable({ folds, name }: SplitResult): Html {
  const known = (what: keyof FoldResult["leakage"]) => (fold: FoldResult) =>
    share(fold.leakage[what].shared, fold.leakage[what].inTest);
  const column = (heading: string, cell: (fold: FoldResult) => string) => ({ heading, cell, numeric: true });
  return table<FoldResult>({
    name: `Folds, ${name}`,
    caption:
      "Pairs of each fold, and how many things of its test pairs the training pairs have too. Mirrors dropped: pairs " +
      "taken out of training because the test pairs have the same two genes. Left out: pairs that are in neither part " +
      "because they share a gene with both.",
    first: { heading: "fold", cell: (fold) => fold.name },
    columns: [
      column("training pairs", ({ training }) => count(training)),
      column("test pairs", ({ test }) => count(test)),
      column(
        "positives",
        ({ testPositives, test }) => `${count(testPositives)} (${percent(testPositives / test)})`,
      ),
      column("mirrors dropped", ({ mirrorsDropped }) => count(mirrorsDropped)),
      column("left out", ({ leftOut }) => count(leftOut)),
      column("regulators known", known("regulators")),
      column("targets known", known("targets")),
      column("genes known", known("genes")),
      column("pairs known", known("pairs")),
      column("mirrors known", known("mirrors")),
    ],
    groups: [{ rows: folds }],
  });
}
