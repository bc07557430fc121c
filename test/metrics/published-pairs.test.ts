import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { auroc, perRegulator } from "../../dist/metrics/index.js";
import {
  type Folds,
  givenFolds,
  indexGenes,
  type ListedPairs,
  leakage,
  pairColumn,
  prepareLabels,
  readPairFile,
  resolvePairList,
  trainTest,
} from "../../dist/pairs/index.js";

const shared = new URL("../../../shared/data/", import.meta.url);

async function load(
  name: string,
  column: string,
): Promise<{ pairs: ListedPairs; folds: Folds; genes: number }> {
  const file = await readPairFile(fileURLToPath(new URL(name, shared)));
  const names = [...new Set([...file.a, ...file.b])];
  const index = indexGenes({ names, source: name, column: "genes" });
  const { pairs } = prepareLabels(resolvePairList(file, index, { skipMissing: false }), file);
  return {
    pairs,
    folds: givenFolds(pairs, pairColumn(file, column, pairs.rows), () => name),
    genes: names.length,
  };
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Log odds of being positive in training, of the regulator and of the target, both drawn to the base rate. */
function degreeScores({ a, b, labels }: ListedPairs, genes: number, train: Uint32Array, test: Uint32Array) {
  const base = train.reduce((sum, row) => sum + labels[row], 0) / train.length;
  const logOdds = [a, b].map((column) => {
    const positives = new Float64Array(genes).fill(base);
    const pairs = new Float64Array(genes).fill(1);
    for (const row of train) {
      positives[column[row]] += labels[row];
      pairs[column[row]]++;
    }
    return positives.map((count, gene) => Math.log(count / (pairs[gene] - count)));
  });
  return Float64Array.from(test, (row) => logOdds[0][a[row]] + logOdds[1][b[row]]);
}

/** Scores stated in the data's INDEX.md, where they were computed by other means. */
describe.skipIf(!existsSync(shared))("published pairs (needs ../shared/data)", () => {
  test.each([
    ["hhep/pairs_HepG2_ChIP.tsv.gz", 0.886],
    ["hhep/pairs_STRING.tsv.gz", 0.835],
    ["mdc/pairs_mDC_ChIP.tsv.gz", 0.661],
    ["mdc/pairs_STRING.tsv.gz", 0.9],
  ])("%s: degree alone has an AUROC of about %d on random pairs", async (name, expected) => {
    const { pairs, folds, genes } = await load(name, "fold_pair5");
    expect(folds.mode).toBe("random-pairs");
    const values = folds.names.map((_, fold) => {
      const { train, test } = trainTest(pairs, folds, fold);
      return auroc(
        degreeScores(pairs, genes, train, test),
        Uint8Array.from(test, (row) => pairs.labels[row]),
      );
    });
    expect(Math.abs(mean(values) - expected)).toBeLessThan(0.003);
  });

  test.each([
    ["hhep/pairs_STRING.tsv.gz", 0.606],
    ["mdc/pairs_STRING.tsv.gz", 0.808],
  ])("%s: copying the mirror's label has one of %d, which trainTest prevents", async (name, expected) => {
    const { pairs, folds, genes } = await load(name, "fold_gene5");
    expect(folds.mode).toBe("target-disjoint");
    const { a, b, labels } = pairs;
    const rows = new Map(Array.from(a, (first, row) => [first * genes + b[row], row]));
    const values = folds.names.flatMap((_, fold) => {
      const { train, test, mirrorsDropped } = trainTest(pairs, folds, fold);
      expect(leakage(pairs, train, test).mirrors.shared).toBe(0);
      expect(train.length + test.length + mirrorsDropped).toBe(a.length);
      const scores = Float64Array.from(test, (row) => {
        const mirror = rows.get(b[row] * genes + a[row]);
        return mirror === undefined || folds.of[mirror] === fold ? 0.03 : labels[mirror];
      });
      const known = scores.filter((score) => score !== 0.03).length;
      expect(mirrorsDropped).toBe(known);
      const ownLabels = Uint8Array.from(test, (row) => labels[row]);
      return [
        ...perRegulator(
          auroc,
          scores,
          ownLabels,
          test.map((row) => a[row]),
        ).values,
      ];
    });
    expect(Math.abs(mean(values) - expected)).toBeLessThan(0.0006);
  });
});
