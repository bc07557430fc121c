import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type PairFile, readPairFile } from "../../dist/pairs/index.js";
import { errorOf, fileOf } from "./helpers.js";

const read = (content: string | Uint8Array) => readPairFile(fileOf(content));
const pairsOf = ({ a, b }: PairFile) => a.map((gene, i) => `${gene}>${b[i]}`);
const labelsOf = ({ labels }: PairFile) => labels && [...labels];
const extraOf = ({ extra }: PairFile) => Object.fromEntries(extra);

describe("formats of the field", () => {
  test.each([
    ["tabs", "Gata1\tTal1\t1\nTal1\tGata1\t2\nActb\tTal1\t0\n"],
    ["spaces", "Gata1 Tal1 1\nTal1  Gata1 2\n Actb Tal1 0 \n"],
  ])("CNNC's own, no header, %s", async (_, content) => {
    const file = await read(content);
    expect(pairsOf(file)).toEqual(["Gata1>Tal1", "Tal1>Gata1", "Actb>Tal1"]);
    expect(file.labels).toBeInstanceOf(Int32Array);
    expect(labelsOf(file)).toEqual([1, 2, 0]);
    expect(file.extra.size).toBe(0);
    expect(file.header).toBeUndefined();
    expect([...file.lines]).toEqual([1, 2, 3]);
  });

  test("gene_a gene_b label and fold columns", async () => {
    const file = await read("gene_a\tgene_b\tlabel\tfold_pair5\natf3\tmef2c\t0\t2\natf3\tgemin8\t1\t1\n");
    expect(pairsOf(file)).toEqual(["atf3>mef2c", "atf3>gemin8"]);
    expect(labelsOf(file)).toEqual([0, 1]);
    expect(extraOf(file)).toEqual({ fold_pair5: ["2", "1"] });
    expect(file.header).toEqual(["gene_a", "gene_b", "label", "fold_pair5"]);
    expect([...file.lines]).toEqual([2, 3]);
  });

  test("BEELINE: the type is no label", async () => {
    const file = await read("Gene1,Gene2,Type\nGATA1,TAL1,+\nTAL1,GATA1,-\nSPI1,GATA1,activation\n");
    expect(pairsOf(file)).toEqual(["GATA1>TAL1", "TAL1>GATA1", "SPI1>GATA1"]);
    expect(file.labels).toBeUndefined();
    expect(extraOf(file)).toEqual({ Type: ["+", "-", "activation"] });
  });

  test("CollecTRI: integer weights are no labels", async () => {
    const file = await read(
      "source,target,weight,PMID\nMYC,TERT,1,10022128;10491298\nSPI1,BGLAP,1,10022617\n",
    );
    expect(pairsOf(file)).toEqual(["MYC>TERT", "SPI1>BGLAP"]);
    expect(file.labels).toBeUndefined();
    expect(extraOf(file)).toEqual({ weight: ["1", "1"], PMID: ["10022128;10491298", "10022617"] });
  });

  test("DoRothEA: columns in another order", async () => {
    const file = await read("tf\tconfidence\ttarget\tmor\nADNP\tD\tATF7IP\t1\n");
    expect(pairsOf(file)).toEqual(["ADNP>ATF7IP"]);
    expect(extraOf(file)).toEqual({ confidence: ["D"], mor: ["1"] });
  });

  test("TRRUST: no header, a mode and PMIDs", async () => {
    const file = await read(
      "AATF\tBAX\tRepression\t22909821\nABL1\tBAX\tActivation\t11753601;12040080\nAR\tTF\tUnknown\t1\n",
    );
    expect(pairsOf(file)).toEqual(["AATF>BAX", "ABL1>BAX", "AR>TF"]);
    expect(file.header).toBeUndefined();
    expect(file.labels).toBeUndefined();
    expect(extraOf(file)).toEqual({
      "column 3": ["Repression", "Activation", "Unknown"],
      "column 4": ["22909821", "11753601;12040080", "1"],
    });
  });

  test("SCENIC adjacencies", async () => {
    const file = await read("TF\ttarget\timportance\nGATA1\tTAL1\t12.75\n");
    expect(pairsOf(file)).toEqual(["GATA1>TAL1"]);
    expect(extraOf(file)).toEqual({ importance: ["12.75"] });
  });

  test("OmniPath: gene symbols before accessions", async () => {
    const file = await read(
      "source\ttarget\tsource_genesymbol\ttarget_genesymbol\nP15976\tP17542\tGATA1\tTAL1\n",
    );
    expect(pairsOf(file)).toEqual(["GATA1>TAL1"]);
    expect(extraOf(file)).toEqual({ source: ["P15976"], target: ["P17542"] });
  });

  test("pandas' to_csv: an index column without a name", async () => {
    const file = await read(",TF,target\n0,GATA1,TAL1\n1,TAL1,GATA1\n");
    expect(pairsOf(file)).toEqual(["GATA1>TAL1", "TAL1>GATA1"]);
    expect(extraOf(file)).toEqual({ "": ["0", "1"] });
  });

  test("R's write.table: quotes, and row names that the header leaves out", async () => {
    const file = await read('"source" "target" "mor"\n"1" "GATA1" "TAL1" 1\n"2" "TAL1" "GATA1" -1\n');
    expect(pairsOf(file)).toEqual(["GATA1>TAL1", "TAL1>GATA1"]);
    expect(extraOf(file)).toEqual({ "": ["1", "2"], mor: ["1", "-1"] });
  });
});

describe("columns", () => {
  test.each([
    "geneA,geneB",
    "GENE_A,GENE_B",
    "Gene.1,Gene 2",
    "Regulator,Target",
    "TF,Gene",
    "source,Target_Gene",
  ])("the header %s is recognised", async (header) => {
    const file = await read(`${header}\nGATA1,TAL1\n`);
    expect(pairsOf(file)).toEqual(["GATA1>TAL1"]);
    expect(file.header).toEqual(header.split(","));
  });

  test("genes and labels are found by name, not by place", async () => {
    const file = await read("Class,target,weight,tf\n1,TAL1,0.5,GATA1\n-3,GATA1,1,SPI1\n");
    expect(pairsOf(file)).toEqual(["GATA1>TAL1", "SPI1>GATA1"]);
    expect(labelsOf(file)).toEqual([1, -3]);
    expect(extraOf(file)).toEqual({ weight: ["0.5", "1"] });
  });

  test("a header that names neither gene stands over two gene columns", async () => {
    const file = await read("upstream\tdownstream\tlabel\nGATA1\tTAL1\t1\n");
    expect(pairsOf(file)).toEqual(["GATA1>TAL1"]);
    expect(labelsOf(file)).toEqual([1]);
  });

  test("and over an index column without a name, where pandas wrote one", async () => {
    const file = await read(",upstream,downstream,label\n0,GATA1,TAL1,1\n");
    expect(pairsOf(file)).toEqual(["GATA1>TAL1"]);
    expect(extraOf(file)).toEqual({ "": ["0"] });
  });

  test("TF is a gene as well (transferrin) and alone makes no header", async () => {
    expect(pairsOf(await read("TF\tTFRC\nGATA1\tTF\n"))).toEqual(["TF>TFRC", "GATA1>TF"]);
    expect(pairsOf(await read("w\ty\nmor\tw\n"))).toEqual(["w>y", "mor>w"]);
  });

  test.each([
    ["weights", "A B 0.93\nC D 1\n"],
    ["weights that begin like labels", "A B 1\nC D 0.93\n"],
    ["signs", "A B 1\nC D -1\n"],
    ["words", "A B yes\nC D no\n"],
  ])("a third column of %s without a header is no label", async (_, content) => {
    const file = await read(content);
    expect(file.labels).toBeUndefined();
    expect(file.extra.get("column 3")).toHaveLength(2);
  });

  test("a short row lacks its last fields", async () => {
    const file = await read("source,target,weight,note\nA,B,1,x\nC,D\n");
    expect(extraOf(file)).toEqual({ weight: ["1", ""], note: ["x", ""] });
  });
});

describe("text", () => {
  const plain = "gene_a,gene_b,label\nGATA1,TAL1,1\nTAL1,SPI1,0\n";

  test.each([
    ["gzip", gzipSync(plain)],
    ["gzip of several members", Buffer.concat([gzipSync(plain.slice(0, 25)), gzipSync(plain.slice(25))])],
    ["a byte order mark", `\uFEFF${plain}`],
    ["CRLF", plain.replaceAll("\n", "\r\n")],
    ["no last line end", plain.trimEnd()],
    ["spaces around fields", plain.replaceAll(",", " , ")],
    ["quotes", plain.replaceAll(/\w+/g, '"$&"')],
    ["tabs and quotes", plain.replaceAll(",", "\t").replaceAll(/\w+/g, ' "$&" ')],
  ])("%s", async (_, content) => {
    const file = await read(content);
    expect(pairsOf(file)).toEqual(["GATA1>TAL1", "TAL1>SPI1"]);
    expect(labelsOf(file)).toEqual([1, 0]);
    expect([...file.lines]).toEqual([2, 3]);
  });

  test("comments and blank lines are passed over but counted", async () => {
    const file = await read("# a network\n\ngene_a gene_b\n  \nGATA1 TAL1\n#GATA1 SPI1\nTAL1 SPI1\n");
    expect(pairsOf(file)).toEqual(["GATA1>TAL1", "TAL1>SPI1"]);
    expect([...file.lines]).toEqual([5, 7]);
  });

  test("quoted fields hold commas, doubled quotes and nothing; a quote inside a field is itself", async () => {
    const file = await read(
      'source,target,note,ref\n"HLA-A","TAL1","says ""yes"", twice",""\nA,B,5" long,\n',
    );
    expect(pairsOf(file)).toEqual(["HLA-A>TAL1", "A>B"]);
    expect(extraOf(file)).toEqual({ note: ['says "yes", twice', '5" long'], ref: ["", ""] });
  });

  test("rows and characters that cross the blocks in which the file is read", async () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => `Génë${i % 977},β${i % 1009},${i % 3}`);
    for (const shift of [0, 1, 2, 3]) {
      const file = await read(`#${"-".repeat(shift)}\n${rows.join("\n")}`);
      expect(file.a.map((gene, i) => `${gene},${file.b[i]},${file.labels?.[i]}`)).toEqual(rows);
    }
  });
});

describe("bad input", () => {
  const manyRows = (last: string) => `${"A B 1\n".repeat(99)}${last}\n`;

  test.each([
    ["one field", manyRows("A"), "line 100: no gene in column 2"],
    ["one field on the first line", "GATA1\nTAL1\n", "line 1: no gene in column 2"],
    ["an empty gene", "A,B,1\n,B,0\n", "line 2: no gene in column 1"],
    ["a label that is no integer", "gene_a gene_b label\nA B 1\nA C 0.5\n", 'line 3: the label "0.5"'],
    ["a label too large", "gene_a gene_b label\nA B 3000000000\n", 'line 2: the label "3000000000"'],
    ["a label that is missing", "gene_a\tgene_b\tlabel\nA\tB\t1\nA\tC\t\n", 'line 3: the label ""'],
    ["a label that is no integer, no header", manyRows("A B x"), 'line 100: the label "x"'],
    ["a label that is missing, no header", manyRows("A B"), 'line 100: the label ""'],
    ["too many fields", manyRows("A B 1 2"), "line 100: 4 fields where the lines before have 3"],
    ["an unclosed quote", 'source,target\nA,"B\nC,D\n', "line 2: a quoted field is not closed"],
    ["text after a quoted field", 'source,target\n"A"x,B\n', "line 2: a quoted field is not closed"],
    ["one gene column", "regulator,partner\nA,B\n", 'has "regulator" but no column for the other gene'],
    ["a name twice", "source,target,weight,weight\nA,B,1,1\n", 'names two columns "weight"'],
    [
      "an HDF5 file",
      Buffer.from("894844460d0a1a0a0000000000080800", "hex"),
      "line 1: this is not UTF-8 text",
    ],
    ["zeros", Buffer.from("A B 1\nA\0B 1\n"), "line 2: this is not UTF-8 text"],
    ["Latin-1", Buffer.from("A B\nC\xe9 D\n", "latin1"), "line 2: this is not UTF-8 text"],
    ["UTF-16", Buffer.from("\uFEFFA\tB\n", "utf16le"), "line 1: this is not UTF-8 text"],
    ["old Mac line ends", "A B\rC D\r", "line 1: this is not UTF-8 text with one row on each line"],
    ["a long line", `A B 1\n${"A".repeat(1_100_000)}\n`, "line 2: this is not UTF-8 text"],
    // 640 MB in one line, more than a string can hold: reading must stop early.
    [
      "an endless line",
      Buffer.concat(Array(40).fill(gzipSync("A".repeat(2 ** 24)))),
      "line 1: this is not UTF-8 text",
    ],
    [
      "gzip cut short",
      gzipSync("A B 1\n".repeat(99)).subarray(0, -9),
      "the gzip data is damaged or cut short",
    ],
  ])("%s", async (_, content, message) => {
    const path = fileOf(content);
    const error = await errorOf(() => readPairFile(path));
    expect(error.code).toBe("PAIR_FILE_MALFORMED");
    expect(error.message).toContain(message);
    expect(error.message).toContain(path);
    expect(error.remedy).not.toBe("");
  });

  test.each(["", "\n\n", "# nothing\n", "gene_a\tgene_b\tlabel\n"])("no pairs: %j", async (content) => {
    const error = await errorOf(() => read(content));
    expect(error.code).toBe("PAIR_FILE_EMPTY");
  });

  test("no such file; a folder", async () => {
    const error = await errorOf(() => readPairFile("no/such/pairs.tsv"));
    expect(error.code).toBe("FILE_NOT_FOUND");
    expect(error.message).toContain("no/such/pairs.tsv");
    expect((await errorOf(() => readPairFile(tmpdir()))).code).toBe("FILE_UNREADABLE");
  });
});

/** Published pairs, with the numbers that their INDEX.md states. */
const published = [
  { file: "hhep/pairs_HepG2_ChIP.tsv.gz", regulators: 23, positives: 6667, negatives: 11733 },
  { file: "hhep/pairs_STRING.tsv.gz", regulators: 50, positives: 1144, negatives: 34006 },
  { file: "mdc/pairs_mDC_ChIP.tsv.gz", regulators: 10, positives: 723, negatives: 7477 },
  { file: "mdc/pairs_STRING.tsv.gz", regulators: 146, positives: 4350, negatives: 115370 },
  { file: "bone_marrow/pairs_NonSpecific_ChIP.tsv.gz", regulators: 70, positives: 3833, negatives: 207847 },
];
const shared = new URL("../../../shared/data/", import.meta.url);

describe.skipIf(!existsSync(shared))("published pairs (needs ../shared/data)", () => {
  test.each(published)("$file", async ({ file, regulators, positives, negatives }) => {
    const url = new URL(file, shared);
    const pairs = await readPairFile(fileURLToPath(url));
    expect(new Set(pairs.a).size).toBe(regulators);
    expect(pairs.labels?.filter((label) => label === 1)).toHaveLength(positives);
    expect(pairs.labels?.filter((label) => label === 0)).toHaveLength(negatives);
    const rows = gunzipSync(readFileSync(url)).toString().trimEnd().split("\n");
    const column = (name: string) => pairs.extra.get(name) as string[];
    const again = pairs.a.map((a, i) =>
      [
        a,
        pairs.b[i],
        pairs.labels?.[i],
        column("fold_tf3")[i],
        column("fold_gene5")[i],
        column("fold_pair5")[i],
      ].join("\t"),
    );
    expect(again).toEqual(rows.slice(1));
  });
});
