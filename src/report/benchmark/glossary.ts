import { type Html, html } from "./html.js";
import { details } from "./table.js";

const TERMS: readonly (readonly [term: string, meaning: string])[] = [
  [
    "AUROC",
    "The probability that a true pair scores higher than a false one; ties count half. .500 is chance, 1.000 perfect.",
  ],
  [
    "Mean AUROC per regulator",
    "Each regulator is judged by its own pairs of a fold, if it has at least 5 positives and 5 negatives there, and the " +
      "mean is taken: knowing that one regulator has more targets than another gains nothing here.",
  ],
  ["Median", "Half of the regulators (in their folds) do better, half worse."],
  [
    "Pooled AUROC",
    "All test pairs of a fold are judged together, and the mean over folds is taken: this rewards knowing which " +
      "regulators have many targets.",
  ],
  [
    "AUPRC ratio",
    "Average precision, divided by the share of positives: how many times better than chance; 1.00 is chance.",
  ],
  [
    "EPR, early precision ratio",
    "With k true edges, the share of true ones among the k best scored (ties included), divided by the share that " +
      "chance would find; as the BEELINE benchmark defines it. Tested pairs: among the labelled test pairs. All edges: as " +
      "if every regulator could act on every gene of the fold.",
  ],
  [
    "95 % interval",
    "Where the number would lie for other regulators of the same kind: regulators are drawn again and again, with " +
      "replacement, and the middle of the results is given, wider than 95 % of them where regulators are few. It holds " +
      "nothing of the chance in training: every network was trained once for each fold, with one seed. And the best of " +
      "several networks was found on these same folds, which flatters it a little.",
  ],
  [
    "Difference to degree, to margins-only",
    "The mean AUROC per regulator less that of a control, on the same regulators and folds. An interval that holds 0 " +
      "shows no advantage.",
  ],
  [
    "Degree",
    "A control that never looks at expression: how often was this regulator, and this target, positive in training?",
  ],
  [
    "Margins-only",
    "A control that sees each gene alone, but not how the two vary together; so it cannot know of any dependence.",
  ],
  [
    "Mirror-lookup",
    "What a leak would give: it copies the label of the swapped pair, which all others were not shown, wherever that " +
      "pair is not in the same fold.",
  ],
  [
    "Leakage",
    "What training knows of the test pairs' genes. The more is shared, the more a score may show what was known, not " +
      "what expression says.",
  ],
];

/** Each metric in a sentence. */
export function glossary(): Html {
  const terms = TERMS.map(
    ([term, meaning]) => html`<dt>${term}</dt>
<dd>${meaning}</dd>
`,
  );
  return details("How to read this: every number in a sentence", html`<dl class="terms">\n${terms}</dl>\n`);
}
