import { CnncError } from "../../errors.js";
import type { PairFile } from "../../pairs/index.js";
import type { FoldScores, FoldTask, Method } from "../method.js";
import { scoreColumn } from "../score-column.js";

/** Genes of the missing pairs that a message names. */
const NAMED = 3;

/**
 * The scores of any other tool, from a file of pairs: a row for every ordered pair, the score in the first column
 * after the genes (`p_interaction` where there is one). The higher, the surer; signs count, so give absolute values
 * of correlations. With columns `p_a_to_b` and `p_b_to_a`, directions are judged, too. Pairs that the file lacks
 * score lower than all others, and are counted.
 *
 * @param geneNames of the store, by number
 * @throws CnncError of scoreColumn; `SCORES_CONTRADICT` for a pair with two scores; (score) `SCORES_FOREIGN` if the file has none of the test pairs
 */
export function scoreFileMethod(file: PairFile, geneNames: readonly string[]): Method {
  const interaction = scoreColumn(file, file.extra.has("p_interaction") ? "p_interaction" : undefined);
  const isDirected = file.extra.has("p_a_to_b") && file.extra.has("p_b_to_a");
  const forth = isDirected ? scoreColumn(file, "p_a_to_b") : undefined;
  const back = isDirected ? scoreColumn(file, "p_b_to_a") : undefined;
  const rowOf = rowsByPair(file, interaction);
  const lowest = interaction.reduce((least, score) => Math.min(least, score), 0);
  // 0 is what an edge that is not listed weighs for BEELINE.
  const unknown = lowest < 0 ? lowest - 1 : 0;
  return {
    name: `scores:${file.path}`,
    label: `scores of ${file.path}`,
    group: "external",
    learns: false,
    async score({ task, pairs, test }: FoldTask, { onNotice }): Promise<FoldScores> {
      const rows = Array.from(test, (row) =>
        rowOf.get(keyOf(geneNames[pairs.a[row]], geneNames[pairs.b[row]])),
      );
      const missing = test.filter((_, i) => rows[i] === undefined);
      const name = (row: number) => `${geneNames[pairs.a[row]]} ${geneNames[pairs.b[row]]}`;
      if (missing.length === test.length) {
        throw new CnncError(
          "SCORES_FOREIGN",
          `${file.path} has no score for any of the test pairs (${name(test[0])}, ...).`,
          "Check that it uses the same gene names, and that the regulator stands first.",
        );
      }
      if (missing.length > 0) {
        const some = [...missing.subarray(0, NAMED)].map(name).join(", ");
        const more = missing.length > NAMED ? ", ..." : "";
        onNotice?.(
          `${file.path} has no score for ${missing.length} of ${test.length} test pairs (${some}${more}): they count as its lowest.`,
        );
      }
      const of = (scores: Float64Array, none: number) =>
        Float64Array.from(rows, (row) => (row === undefined ? none : scores[row]));
      return {
        interaction: of(interaction, unknown),
        ...(task === "causality" &&
          forth !== undefined &&
          back !== undefined && {
            direction: of(
              forth.map((one, row) => one - back[row]),
              0,
            ),
          }),
        unscored: missing,
      };
    },
  };
}

function rowsByPair(file: PairFile, scores: Float64Array): Map<string, number> {
  const rows = new Map<string, number>();
  file.a.forEach((a, row) => {
    const key = keyOf(a, file.b[row]);
    const other = rows.get(key);
    if (other !== undefined && scores[other] !== scores[row]) {
      throw new CnncError(
        "SCORES_CONTRADICT",
        `${file.path}, line ${file.lines[row]}: ${a} ${file.b[row]} has another score than on line ${file.lines[other]}.`,
        "List every pair once.",
      );
    }
    rows.set(key, other ?? row);
  });
  return rows;
}

const keyOf = (a: string, b: string) => JSON.stringify([a, b]);
