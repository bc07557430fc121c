import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { LabelledPairs } from "../pairs/index.js";
import type { SplitAnswers } from "./benchmark.js";
import type { FoldAnswer } from "./fold-store.js";
import type { Method } from "./method.js";

/**
 * Writes every score as gzipped TSV: split, fold, genes, label, and for each method its score; for causality,
 * a column `NAME direction` for methods that tell directions apart. The score of a pair that a method does not know
 * is left empty; all others keep all their digits, so that ties are ties and nothing else is.
 */
export async function writeScores(
  path: string,
  splits: readonly SplitAnswers[],
  pairs: LabelledPairs,
  geneNames: readonly string[],
  methods: readonly Method[],
): Promise<void> {
  await pipeline(
    Readable.from(lines(splits, pairs, geneNames, methods)),
    createGzip(),
    createWriteStream(path),
  );
}

function* lines(
  splits: readonly SplitAnswers[],
  { a, b, labels }: LabelledPairs,
  geneNames: readonly string[],
  methods: readonly Method[],
): Generator<string> {
  const directed = methods.map((_, m) =>
    splits.some(({ answers }) => answers.some((fold) => fold[m].scores.direction !== undefined)),
  );
  const names = methods.flatMap(({ name }, m) => [name, ...(directed[m] ? [`${name} direction`] : [])]);
  yield `${["split", "fold", "gene_a", "gene_b", "label", ...names].join("\t")}\n`;
  for (const { name, folds, parts, answers } of splits) {
    for (const [fold, { test }] of parts.entries()) {
      const columns = answers[fold].flatMap((answer, m) => scoreColumns(answer, test, directed[m]));
      for (const [i, row] of test.entries()) {
        const place = [name, folds.names[fold], geneNames[a[row]], geneNames[b[row]], labels[row]];
        yield `${[...place, ...columns.map((column) => column(i))].join("\t")}\n`;
      }
    }
  }
}

/** Texts of one method's columns, by position in the fold. */
function scoreColumns({ scores }: FoldAnswer, test: Uint32Array, directed: boolean) {
  const unknown = new Set(scores.unscored);
  const text = (values: Float64Array | undefined) => (i: number) =>
    values === undefined || unknown.has(test[i]) ? "" : String(values[i]);
  return [text(scores.interaction), ...(directed ? [text(scores.direction)] : [])];
}
