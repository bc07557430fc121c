import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { expectOneSentence } from "../support/one-sentence.js";
import { contents, runCnnc, testFolder } from "../support/run-cnnc.js";
import { runMain } from "../support/run-main.js";
import {
  csc,
  csr,
  dense,
  type H5adParts,
  type SparseParts,
  TINY_COUNTS,
  writeHdf5,
  writeTinyH5ad,
} from "../support/tiny-h5ad.js";

/** One mistake, in an otherwise sound folder with data.h5ad and pairs.tsv. */
interface Mistake {
  what: string;
  /** Not on the list of what must be refused: run in this process, which is faster. */
  extra?: boolean;
  /** Spoils data.h5ad. */
  data?: (parts: H5adParts) => void;
  /** Spoils the folder after its files are written. */
  folder?: (folder: string) => unknown;
  /** Content of pairs.tsv. */
  pairs?: string;
  /** Instead of `build-histograms data.h5ad --pairs pairs.tsv -o out.h5`. */
  args?: string[];
  /** Added to these. */
  options?: string[];
  says: RegExp;
  remedy: RegExp;
}

const sparse = (parts: H5adParts) => parts.X as SparseParts;

const FILES: Mistake[] = [
  {
    what: "a file that does not exist",
    args: ["build-histograms", "none.h5ad", "--pairs", "pairs.tsv", "-o", "out.h5"],
    says: /no file none\.h5ad/,
    remedy: /path/,
  },
  {
    what: "a folder instead of a file",
    extra: true,
    args: ["build-histograms", ".", "--pairs", "pairs.tsv", "-o", "out.h5"],
    says: /\. is not a file/,
    remedy: /path/,
  },
  {
    what: "a file that is not HDF5",
    folder: (folder) => writeFileSync(join(folder, "data.h5ad"), "gene,c1,c2\ng1,1,2\n"),
    says: /data\.h5ad is not an HDF5 file/,
    remedy: /\.h5ad/,
  },
  {
    what: "an empty file",
    extra: true,
    folder: (folder) => writeFileSync(join(folder, "data.h5ad"), ""),
    says: /data\.h5ad is not an HDF5 file/,
    remedy: /\.h5ad/,
  },
  {
    what: "HDF5 that is not h5ad",
    folder: (folder) =>
      writeHdf5(join(folder, "data.h5ad"), (root) => root.create_dataset({ name: "images", data: [1, 2] })),
    says: /data\.h5ad is an HDF5 file but neither h5ad nor 10x.*images/,
    remedy: /save an h5ad file/,
  },
  {
    what: "a truncated file",
    folder: (folder) => truncateSync(join(folder, "data.h5ad"), 4000),
    says: /data\.h5ad is cut off/,
    remedy: /again/,
  },
  {
    what: "a file without X",
    data: (parts) => {
      parts.layers = { counts: csr(TINY_COUNTS) };
      parts.X = undefined;
    },
    says: /data\.h5ad has no X/,
    remedy: /layer counts/,
  },
  {
    what: "a file without any expression",
    extra: true,
    data: (parts) => {
      parts.X = undefined;
    },
    says: /data\.h5ad has no X/,
    remedy: /no expression at all/,
  },
  {
    what: "an inspection of a file that does not exist",
    extra: true,
    args: ["inspect", "none.h5ad"],
    says: /no file none\.h5ad/,
    remedy: /path/,
  },
];

const MATRICES: Mistake[] = [
  {
    what: "an unknown encoding",
    data: (parts) => {
      sparse(parts).encoding = "coo_matrix";
    },
    says: /\/X in data\.h5ad has the encoding "coo_matrix"/,
    remedy: /csr_matrix/,
  },
  {
    what: "a NaN",
    data: (parts) => {
      sparse(parts).data[1] = Number.NaN;
    },
    says: /data\.h5ad: in X a value is NaN.*cell c1 and gene g3/,
    remedy: /Replace/,
  },
  {
    what: "an infinite value",
    data: (parts) => {
      parts.X = dense(TINY_COUNTS);
      parts.X.data[7] = Number.POSITIVE_INFINITY;
    },
    says: /data\.h5ad: in X a value is infinite.*cell c2 and gene g3/,
    remedy: /Replace/,
  },
  {
    what: "a NaN in a CSC matrix",
    extra: true,
    data: (parts) => {
      parts.X = csc(TINY_COUNTS);
      parts.X.data[0] = Number.NaN;
    },
    options: ["--scale", "counts"],
    says: /data\.h5ad: in X a value is NaN.*cell c1 and gene g1/,
    remedy: /Replace/,
  },
  {
    what: "a negative value",
    data: (parts) => {
      sparse(parts).data[4] = -2;
    },
    says: /data\.h5ad: in X a value is negative.*cell c2 and gene g3/,
    remedy: /--scale linear --transform none/,
  },
  {
    what: "a decreasing indptr",
    data: (parts) => {
      sparse(parts).indptr[2] = 1;
    },
    says: /\/X\/indptr in data\.h5ad.*decreases from 3 to 1 at cell 1/,
    remedy: /damaged/,
  },
  {
    what: "an index beyond the genes",
    data: (parts) => {
      sparse(parts).indices[0] = 5;
    },
    says: /data\.h5ad: in X index 5.*outside 0\.\.4/,
    remedy: /damaged/,
  },
  {
    what: "a negative index",
    extra: true,
    data: (parts) => {
      sparse(parts).indices[0] = -1;
    },
    says: /data\.h5ad: in X index -1.*outside 0\.\.4/,
    remedy: /damaged/,
  },
  {
    what: "two values for one place",
    extra: true,
    data: (parts) => {
      sparse(parts).indices[1] = 0;
    },
    says: /data\.h5ad: in X two values for one gene.*cell c1 and gene g1/,
    remedy: /sum_duplicates/,
  },
  {
    what: "a shape that does not fit the cells",
    extra: true,
    data: (parts) => {
      sparse(parts).shape = [7, 5];
    },
    says: /\/X in data\.h5ad.*shape is 7 x 5 but there are 6 cells and 5 genes/,
    remedy: /damaged/,
  },
  {
    what: "fractions behind a million whole numbers",
    extra: true,
    data: (parts) => {
      const side = 1600;
      parts.X = { encoding: "array", shape: [side, side], data: new Float32Array(side * side) };
      parts.X.data[side * side - 1] = 0.5;
      parts.cells = Array.from({ length: side }, (_, cell) => `c${cell + 1}`);
      parts.genes = Array.from({ length: side }, (_, gene) => `g${gene + 1}`);
      parts.obs = {};
      parts.var = {};
    },
    says: /data\.h5ad: X begins with whole numbers.*fractions follow/,
    remedy: /--scale counts, linear or log1p/,
  },
];

const CHOICES: Mistake[] = [
  {
    what: "a layer that does not exist",
    data: (parts) => {
      parts.layers = { spliced: csr(TINY_COUNTS) };
    },
    options: ["--layer", "counts"],
    says: /data\.h5ad has no layer "counts"/,
    remedy: /X \(the default\), layer spliced/,
  },
  {
    what: "raw where there is none",
    extra: true,
    options: ["--raw"],
    says: /data\.h5ad has no raw/,
    remedy: /X/,
  },
  {
    what: "raw and a layer",
    extra: true,
    options: ["--raw", "--layer", "counts"],
    says: /raw.*layer|layer.*raw/,
    remedy: /--help/,
  },
  {
    what: "an obs column that does not exist",
    options: ["--obs", "louvain=1"],
    says: /obs in data\.h5ad has no column "louvain"/,
    remedy: /cell_type, batch/,
  },
  {
    what: "a level that does not exist",
    options: ["--obs", "cell_type=A,HSC"],
    says: /No cell of data\.h5ad has cell_type HSC/,
    remedy: /A, B, C/,
  },
  {
    what: "half a choice of cells",
    extra: true,
    options: ["--obs", "cell_type"],
    says: /"cell_type"/,
    remedy: /COLUMN=LEVEL/,
  },
  {
    what: "no cell left",
    options: ["--obs", "cell_type=A", "--obs", "batch!=1", "--obs", "cell_type!=A"],
    says: /No cell of data\.h5ad passes cell_type=A and batch!=1 and cell_type!=A/,
    remedy: /--obs/,
  },
  {
    what: "one cell left",
    extra: true,
    options: ["--obs", "cell_type=C"],
    says: /Only 1 cell of data\.h5ad/,
    remedy: /--obs/,
  },
  {
    what: "a file of one cell",
    data: (parts) => {
      parts.X = csr(TINY_COUNTS.slice(0, 1));
      parts.cells = ["c1"];
      parts.obs = {};
    },
    says: /data\.h5ad.*1 cell/,
    remedy: /./,
  },
  {
    what: "a file of no cells",
    extra: true,
    data: (parts) => {
      parts.X = { ...csr([]), shape: [0, 5] };
      parts.cells = [];
      parts.obs = {};
    },
    says: /data\.h5ad has no cells/,
    remedy: /./,
  },
  {
    what: "a gene column that does not exist",
    extra: true,
    options: ["--gene-column", "symbol"],
    says: /var in data\.h5ad has no column "symbol"/,
    remedy: /gene_ids/,
  },
  {
    what: "a gene that stands for several columns",
    data: (parts) => {
      parts.genes[2] = "g1";
    },
    says: /Gene g1 stands for 2 columns of data\.h5ad.*0, 2/,
    remedy: /--gene-column gene_ids/,
  },
  {
    what: "a minimum that no gene reaches",
    extra: true,
    options: ["--min-cells", "7"],
    says: /No gene asked for is expressed in 7 or more of the 6 chosen cells of data\.h5ad/,
    remedy: /--min-cells/,
  },
  {
    what: "a minimum that leaves no pair",
    extra: true,
    pairs: "g1\tg4\n",
    options: ["--min-cells", "6"],
    says: /No gene pair is left.*fewer than 6 of the 6 chosen cells of data\.h5ad/,
    remedy: /--min-cells/,
  },
  {
    what: "a minimum that leaves one gene of all",
    extra: true,
    args: ["build-histograms", "data.h5ad", "--all-pairs", "-o", "out.h5", "--min-cells", "6"],
    says: /No gene pair is left.*fewer than 6 of the 6 chosen cells of data\.h5ad/,
    remedy: /--min-cells/,
  },
];

const PAIRS: Mistake[] = [
  {
    what: "genes that the data lacks",
    pairs: "gene_a\tgene_b\nG1\tg2\nG3\tg2\n",
    says: /2 of 3 genes are not in data\.h5ad.*G1, G3.*upper and lower case/,
    remedy: /--skip-missing/,
  },
  {
    what: "names of another column",
    extra: true,
    pairs: "id1 id2\n",
    says: /2 of 2 genes are not in data\.h5ad.*gene_ids/,
    remedy: /--gene-column gene_ids/,
  },
  {
    what: "a pair file that does not exist",
    extra: true,
    args: ["build-histograms", "data.h5ad", "--pairs", "none.tsv", "-o", "out.h5"],
    says: /no file none\.tsv/,
    remedy: /path/,
  },
  { what: "an empty pair file", pairs: "", says: /pairs\.tsv has no gene pairs/, remedy: /two genes/ },
  {
    what: "a pair file with a header only",
    extra: true,
    pairs: "gene_a\tgene_b\n",
    says: /pairs\.tsv has no gene pairs/,
    remedy: /./,
  },
  {
    what: "a line with one gene",
    pairs: "gene_a\tgene_b\ng1\tg2\ng3\n",
    says: /pairs\.tsv, line 3/,
    remedy: /two genes/,
  },
  {
    what: "a label that is not a number",
    extra: true,
    pairs: "gene_a\tgene_b\tlabel\ng1\tg2\t1\ng3\tg2\tyes\n",
    says: /pairs\.tsv, line 3: the label "yes"/,
    remedy: /integers/,
  },
  {
    what: "nothing left but pairs of a gene with itself",
    extra: true,
    pairs: "gene_a\tgene_b\tlabel\ng1\tg1\t1\n",
    says: /No gene pair of pairs\.tsv is left.*1 paired a gene with itself/,
    remedy: /different genes/,
  },
  {
    what: "an empty list of regulators",
    extra: true,
    folder: (folder) => writeFileSync(join(folder, "regulators.txt"), "\n"),
    args: ["build-histograms", "data.h5ad", "--regulators", "regulators.txt", "-o", "out.h5"],
    says: /regulators\.txt lists no genes/,
    remedy: /one gene on each line/,
  },
  {
    what: "a picture of a gene that the data lacks",
    extra: true,
    args: ["show-pair", "data.h5ad", "g1", "g9", "-o", "pair.png"],
    says: /1 of 2 genes are not in data\.h5ad.*g9/,
    remedy: /./,
  },
];

const OUTPUTS: Mistake[] = [
  {
    what: "an output folder that does not exist",
    args: ["build-histograms", "data.h5ad", "--pairs", "pairs.tsv", "-o", "none/out.h5"],
    says: /folder .*none does not exist/,
    remedy: /mkdir -p/,
  },
  {
    what: "an output that is a folder",
    extra: true,
    args: ["build-histograms", "data.h5ad", "--pairs", "pairs.tsv", "-o", "."],
    says: /\. is a folder/,
    remedy: /-o/,
  },
  {
    what: "npy into something that exists",
    extra: true,
    args: ["build-histograms", "data.h5ad", "--pairs", "pairs.tsv", "-o", "pairs.tsv", "--format", "npy"],
    says: /pairs\.tsv exists already/,
    remedy: /-o/,
  },
  {
    what: "the data as output",
    args: ["build-histograms", "data.h5ad", "--pairs", "pairs.tsv", "-o", "./data.h5ad"],
    says: /data\.h5ad/,
    remedy: /-o/,
  },
  {
    what: "the pair file as output",
    extra: true,
    args: ["build-histograms", "data.h5ad", "--pairs", "pairs.tsv", "-o", "pairs.tsv"],
    says: /pairs\.tsv/,
    remedy: /-o/,
  },
];

const TITLE = "$what: one clear sentence, exit code 2, nothing left";

describe.each([
  ["files", FILES],
  ["matrices", MATRICES],
  ["choices", CHOICES],
  ["pairs", PAIRS],
  ["outputs", OUTPUTS],
])("bad %s", (_, mistakes) => {
  it.concurrent.each(mistakes.filter(({ extra }) => !extra))(TITLE, (mistake) => check(mistake, runCnnc));
  it.each(mistakes.filter(({ extra }) => extra))(TITLE, (mistake) => check(mistake, runMain));
});

async function check(mistake: Mistake, run: typeof runCnnc | typeof runMain): Promise<void> {
  const folder = testFolder();
  await writeTinyH5ad(join(folder, "data.h5ad"), mistake.data);
  const pairs = mistake.pairs ?? "gene_a\tgene_b\tlabel\ng1\tg2\t1\ng2\tg3\t0\n";
  writeFileSync(join(folder, "pairs.tsv"), pairs);
  await mistake.folder?.(folder);
  const before = contents(folder);

  const usual = ["build-histograms", "data.h5ad", "--pairs", "pairs.tsv", "-o", "out.h5"];
  const outcome = await run([...(mistake.args ?? usual), ...(mistake.options ?? [])], folder);

  expectOneSentence(outcome, mistake);
  expect(contents(folder)).toEqual(before);
}
