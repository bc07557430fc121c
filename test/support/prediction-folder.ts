import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { saveTestModel, tanhNetwork } from "./test-models.js";
import { csr, TINY_COUNTS, writeTinyH5ad } from "./tiny-h5ad.js";

const GENES = ["g1", "g2", "g3", "g4", "g5"];
const PAIRS = GENES.flatMap((a) => GENES.filter((b) => b !== a).map((b) => `${a}\t${b}\n`));
const linear = { scale: "linear" } as const;

/**
 * What predict-pairs needs: data.h5ad; the lists pairs.tsv (all 20 ordered pairs), symbols.tsv, gone.tsv (a gene is
 * missing), two.txt and targets.txt; and models of small networks: `one` for interactions, `three` for directions, `tanh`.
 */
export async function fillPredictionFolder(folder: string): Promise<void> {
  await writeTinyH5ad(join(folder, "data.h5ad"), (parts) => {
    parts.layers.halves = csr(TINY_COUNTS.map((row) => row.map((value) => value / 2)));
    parts.raw = { X: csr(TINY_COUNTS.map((row) => [...row].reverse())), genes: parts.genes };
    parts.var.symbol = ["s1", "s2", "s3", "s4", "s5"];
  });
  const file = (name: string, text: string) => writeFileSync(join(folder, name), text);
  file("pairs.tsv", `gene_a\tgene_b\n${PAIRS.join("")}`);
  file("symbols.tsv", "gene_a\tgene_b\ns1\ts2\n");
  file("gone.tsv", "gene_a\tgene_b\ng1\tg2\ng1\tg9\n");
  file("two.txt", "g1\ng3\n");
  file("targets.txt", "g2\ng5\n");
  const threshold = { score: 0.5, precision: 0.75 };
  await saveTestModel(join(folder, "one"), { architecture: "mlp", info: { ...linear, threshold } });
  await saveTestModel(join(folder, "three"), { architecture: "mlp", task: "causality", info: linear });
  await saveTestModel(join(folder, "tanh"), { info: linear }, await tanhNetwork());
}
