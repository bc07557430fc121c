import { CnncError } from "../../errors.js";
import type { PairFile } from "../../pairs/index.js";
import type { FoldScores, FoldTask, Method } from "../method.js";
import { scoreColumn } from "../score-column.js";

/** Genes of the missing pairs that a message names. */
const NAMED = 3;

/**
 * The scores of any other tool, from a file of pairs: a row for every ordered pair, the score in the first column
 * after the genes (`p_interaction` where there is one). The higher, the surer; signs count, so give absolute values
 * of correlations. Pairs that the file lacks score lower than all others, and are counted.
 *
 * For causality, with columns `p_a_to_b` and `p_b_to_a`, these tell the direction. Without them the file is asked about
 * both orders of a pair, since a pair of class 2 has its regulator second: interaction is the better one, direction
 * their difference, which is left out where the file has no test pair in the other order.
 *
 * @param geneNames of the store, by number
 * @throws CnncError of scoreColumn; `SCORES_CONTRADICT` for a pair with two scores; (score) `SCORES_FOREIGN` if the file
 *   has none of the test pairs
 */
export function scoreFileMethod(file: PairFile, geneNames: readonly string[]): Method {
  const scores = scoreColumn(file, file.extra.has("p_interaction") ? "p_interaction" : undefined);
  const difference = directionColumn(file);
  const rowOf = rowsByPair(file, scores);
  const lowest = scores.reduce((least, score) => Math.min(least, score), 0);
  // 0 is what an edge that is not listed weighs for BEELINE.
  const unknown = lowest < 0 ? lowest - 1 : 0;
  return {
    name: `scores:${file.path}`,
    label: `scores of ${file.path}`,
    group: "external",
    learns: false,
    async score({ task, pairs: { a, b }, test }: FoldTask, { onNotice }): Promise<FoldScores> {
      const rowsOf = (from: Uint32Array, to: Uint32Array) =>
        Array.from(test, (pair) => rowOf.get(keyOf(geneNames[from[pair]], geneNames[to[pair]])));
      const own = rowsOf(a, b);
      const turned = task === "causality" && difference === undefined ? rowsOf(b, a) : [];
      const missing = test.filter((_, i) => own[i] === undefined && turned[i] === undefined);
      const name = (pair: number) => `${geneNames[a[pair]]} ${geneNames[b[pair]]}`;
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
      const forth = valuesAt(own, scores, unknown);
      if (task === "causality" && difference !== undefined) {
        return { interaction: forth, direction: valuesAt(own, difference, 0), unscored: missing };
      }
      if (turned.every((row) => row === undefined)) return { interaction: forth, unscored: missing };
      const back = valuesAt(turned, scores, unknown);
      return {
        interaction: forth.map((score, i) => Math.max(score, back[i])),
        direction: forth.map((score, i) => score - back[i]),
        unscored: missing,
      };
    },
  };
}

/** p(a->b) - p(b->a) of each row, where the file has both. */
function directionColumn(file: PairFile): Float64Array | undefined {
  if (!file.extra.has("p_a_to_b") || !file.extra.has("p_b_to_a")) return undefined;
  const back = scoreColumn(file, "p_b_to_a");
  return scoreColumn(file, "p_a_to_b").map((forth, row) => forth - back[row]);
}

/** Values at some rows, `none` where there is no row. */
function valuesAt(rows: readonly (number | undefined)[], values: Float64Array, none: number): Float64Array {
  return Float64Array.from(rows, (row) => (row === undefined ? none : values[row]));
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
