import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { CnncError } from "../../dist/errors.js";
import { readPairFile } from "../../dist/pairs/index.js";
import {
  RANKED_FORMATS,
  type RankedFormat,
  rankedFormat,
  type ScoreColumn,
  type WriteRankedOptions,
  writeRanked,
} from "../../dist/scoring/formats.js";
import { formatFloat32 } from "../../dist/scoring/formats-number.js";
import type { RankedBatch } from "../../dist/scoring/ranking.js";
import { errorOf } from "../support/errors.js";
import { PYTHON, runPython } from "../support/python.js";
import { contents, testFolder } from "../support/run-cnnc.js";

const NAMES = ["GATA1", "KLF1", "SPI1"];
const COLUMNS: ScoreColumn[] = [
  { name: "p_interaction" },
  { name: "direction", kind: "label", labels: ["none", "a->b", "b->a"] },
  { name: "swap_agrees", kind: "flag" },
];
/** GATA1 -> KLF1, then SPI1 <- GATA1, then KLF1, SPI1; in two batches. */
const BATCHES: RankedBatch[] = [
  batch(0, [0, 0], [1, 2], [0.75, 0.1], [1, 2], [1, 0]),
  batch(2, [1], [2], [1e-7], [0], [1]),
];

describe("writeRanked", () => {
  it.each<[RankedFormat, string]>([
    [
      "tsv",
      "gene_a\tgene_b\tp_interaction\tdirection\tswap_agrees\n" +
        "GATA1\tKLF1\t0.75\ta->b\ttrue\nGATA1\tSPI1\t0.1\tb->a\tfalse\nKLF1\tSPI1\t1e-7\tnone\ttrue\n",
    ],
    [
      "csv",
      "gene_a,gene_b,p_interaction,direction,swap_agrees\n" +
        "GATA1,KLF1,0.75,a->b,true\nGATA1,SPI1,0.1,b->a,false\nKLF1,SPI1,1e-7,none,true\n",
    ],
    ["beeline", "Gene1\tGene2\tEdgeWeight\nGATA1\tKLF1\t0.75\nGATA1\tSPI1\t0.1\nKLF1\tSPI1\t1e-7\n"],
    ["scenic", "TF,target,importance\nGATA1,KLF1,0.75\nGATA1,SPI1,0.1\nKLF1,SPI1,1e-7\n"],
    ["sif", "GATA1\tregulates\tKLF1\nGATA1\tregulated-by\tSPI1\nKLF1\tinteracts\tSPI1\n"],
    [
      "graphml",
      `<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="edge" attr.name="p_interaction" attr.type="float"/>
  <key id="d1" for="edge" attr.name="direction" attr.type="string"/>
  <key id="d2" for="edge" attr.name="swap_agrees" attr.type="boolean"/>
  <graph edgedefault="directed">
    <node id="GATA1"/>
    <node id="KLF1"/>
    <edge source="GATA1" target="KLF1"><data key="d0">0.75</data><data key="d1">a-&gt;b</data><data key="d2">true</data></edge>
    <node id="SPI1"/>
    <edge source="GATA1" target="SPI1"><data key="d0">0.1</data><data key="d1">b-&gt;a</data><data key="d2">false</data></edge>
    <edge source="KLF1" target="SPI1"><data key="d0">1e-7</data><data key="d1">none</data><data key="d2">true</data></edge>
  </graph>
</graphml>
`,
    ],
    [
      "jsonl",
      '{"gene_a":"GATA1","gene_b":"KLF1","p_interaction":0.75,"direction":"a->b","swap_agrees":true}\n' +
        '{"gene_a":"GATA1","gene_b":"SPI1","p_interaction":0.1,"direction":"b->a","swap_agrees":false}\n' +
        '{"gene_a":"KLF1","gene_b":"SPI1","p_interaction":1e-7,"direction":"none","swap_agrees":true}\n',
    ],
  ])("writes %s", async (format, expected) => {
    expect(await written("out.csv", format)).toBe(expected);
  });

  it("separates SCENIC's columns as pySCENIC expects of the extension", async () => {
    expect(await written("adj.tsv", "scenic")).toMatch(/^TF\ttarget\timportance\nGATA1\tKLF1\t/);
    const folder = testFolder();
    await write(join(folder, "adj.csv.gz"), "scenic");
    expect(gunzipSync(readFileSync(join(folder, "adj.csv.gz"))).toString()).toMatch(
      /^TF,target,importance\n/,
    );
  });

  it("compresses when the name ends in .gz, to the same text", async () => {
    const path = join(testFolder(), "out.tsv.gz");
    expect(await write(path, "tsv")).toBe(3);
    expect(gunzipSync(readFileSync(path)).toString()).toBe(await written("out.tsv", "tsv"));
  });

  it("writes the main column as the weight, and undirected networks as such", async () => {
    const columns = [{ name: "pearson" }, { name: "abs_pearson" }];
    const batches = [batch(0, [0], [1], [-0.5], [0.5])];
    const options = { main: 1, directed: false };
    expect(await written("out.tsv", "beeline", { batches, columns, options })).toMatch(/GATA1\tKLF1\t0.5\n$/);
    expect(await written("out.sif", "sif", { batches, columns, options })).toBe("GATA1\tinteracts\tKLF1\n");
    expect(await written("out.graphml", "graphml", { batches, columns, options })).toContain(
      '<graph edgedefault="undirected">',
    );
  });

  it("writes a whole file when there are no pairs", async () => {
    for (const format of RANKED_FORMATS) {
      const text = await written("out.csv", format, { batches: [] });
      expect(text.split("\n").length).toBeLessThan(10);
      if (format === "graphml") expect(text).toMatch(/<\/graphml>\n$/);
    }
  });

  it("quotes and escapes what can be", async () => {
    const names = ['a,"b', "c<&>\td", "é😀"];
    const batches = [batch(0, [0, 2], [1, 0], [1, 0.5])];
    const columns = [{ name: "p" }];
    expect(await written("out.csv", "csv", { names, batches, columns })).toBe(
      'gene_a,gene_b,p\n"a,""b",c<&>\td,1\né😀,"a,""b",0.5\n',
    );
    const lines = (await written("out.jsonl", "jsonl", { names, batches, columns })).trim().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { gene_a: 'a,"b', gene_b: "c<&>\td", p: 1 },
      { gene_a: "é😀", gene_b: 'a,"b', p: 0.5 },
    ]);
    expect(await written("out.graphml", "graphml", { names, batches, columns })).toContain(
      '<edge source="a,&quot;b" target="c&lt;&amp;&gt;&#9;d">',
    );
  });

  it("writes numbers that JSON and XML lack in a way that they read", async () => {
    const batches = [batch(0, [0, 0, 0], [1, 1, 1], [Infinity, -Infinity, NaN])];
    const columns = [{ name: "p" }];
    expect(await written("out.jsonl", "jsonl", { batches, columns })).toMatch(/(.*"p":null\}\n){3}/);
    const xml = await written("out.graphml", "graphml", { batches, columns });
    expect([...xml.matchAll(/"d0">([^<]+)/g)].map(([, text]) => text)).toEqual(["INF", "-INF", "NaN"]);
  });

  it("writes tables that are pair files too", async () => {
    for (const format of ["tsv", "csv", "beeline", "scenic"] as const) {
      const path = join(testFolder(), format === "tsv" ? "out.tsv" : "out.csv");
      await write(path, format);
      const { a, b } = await readPairFile(path);
      expect([a, b]).toEqual([
        ["GATA1", "GATA1", "KLF1"],
        ["KLF1", "SPI1", "SPI1"],
      ]);
    }
  });

  it("tells how far it is", async () => {
    const told: number[][] = [];
    const onProgress: WriteRankedOptions["onProgress"] = ({ done, total }) => told.push([done, total]);
    await written("out.tsv", "tsv", { options: { onProgress } });
    expect(told).toEqual([
      [2, 3],
      [3, 3],
    ]);
  });

  it.skipIf(!PYTHON)("writes XML and tables that Python reads back", async () => {
    const folder = testFolder();
    const names = ['a,"b', "c<&>'d", "é"];
    const scores = Array.from({ length: 200 }, (_, i) => Math.fround(Math.sin(i) ** 3));
    const genes = scores.map((_, i) => i % 3);
    const batches = [
      batch(
        0,
        genes,
        genes.map((gene) => (gene + 1) % 3),
        scores,
      ),
    ];
    const read = {
      graphml:
        "import xml.etree.ElementTree as e; n='{http://graphml.graphdrawing.org/xmlns}'; g=e.parse(f).getroot().find(n+'graph');" +
        "rows=[[x.get('source'),x.get('target'),float(x.find(n+'data').text)] for x in g.findall(n+'edge')]",
      csv: "import csv; rows=[[a,b,float(c)] for a,b,c in list(csv.reader(open(f,encoding='utf8')))[1:]]",
    } as const;
    for (const format of ["graphml", "csv"] as const) {
      const path = join(folder, `out.${format}`);
      await write(path, format, { names, batches, columns: [{ name: "p" }] });
      const script = `import sys, json; f=sys.argv[1]; ${read[format]}; json.dump(rows, sys.stdout)`;
      const rows = runPython(script, [path]) as [string, string, number][];
      expect(rows.map(([a, b, p]) => [a, b, Math.fround(p)])).toEqual(
        scores.map((score, i) => [names[i % 3], names[(i + 1) % 3], score]),
      );
    }
  });
});

describe("writeRanked, when it fails", () => {
  it.each<[RankedFormat, string]>([
    ["tsv", "a\tb"],
    ["tsv", '"a"'],
    ["beeline", "a\nb"],
    ["scenic", "a\rb"],
    ["sif", "a\tb"],
    ["sif", ""],
    ["graphml", "a\u0001b"],
    ["graphml", "a\ud800b"],
  ])("refuses, in %s, the gene name %j before the first pair is asked for", async (format, name) => {
    const path = join(testFolder(), "out.tsv");
    let asked = false;
    async function* pairs() {
      asked = true;
      yield* BATCHES;
    }
    const error = await errorOf(() => writeRanked(path, format, pairs(), COLUMNS, ["x", name, "y"]));
    expect(error.code).toBe("GENE_NAME_UNWRITABLE");
    expect(error.message).toContain(JSON.stringify(name));
    expect(asked).toBe(false);
  });

  it("leaves an earlier file as it was, and nothing else", async () => {
    const folder = testFolder();
    const path = join(folder, "out.tsv");
    writeFileSync(path, "earlier");
    async function* failing() {
      yield* BATCHES;
      throw new CnncError("GPU_FAILED", "The GPU is gone.");
    }
    for (const name of ["out.tsv", "out.tsv.gz"]) {
      const error = await errorOf(() => writeRanked(join(folder, name), "tsv", failing(), COLUMNS, NAMES));
      expect(error.code).toBe("GPU_FAILED");
    }
    expect(contents(folder)).toEqual(["out.tsv"]);
    expect(readFileSync(path, "utf8")).toBe("earlier");
  });

  it("does not take a failure of the scoring for one of its own", async () => {
    const path = join(testFolder(), "out.tsv");
    const reading = Object.assign(new Error("the disk under the data is gone"), { code: "EIO" });
    async function* failing() {
      yield* BATCHES;
      throw reading;
    }
    await expect(writeRanked(path, "tsv", failing(), COLUMNS, NAMES)).rejects.toBe(reading);
  });

  it("stops when it is aborted", async () => {
    const folder = testFolder();
    const options = { signal: AbortSignal.abort() };
    const error = await errorOf(() => write(join(folder, "out.tsv"), "tsv", { options }));
    expect(error.code).toBe("CANCELLED");
    expect(contents(folder)).toEqual([]);
  });

  it("says where it cannot write", async () => {
    const path = join(testFolder(), "missing", "out.tsv");
    const error = await errorOf(() => write(path, "tsv"));
    expect(error).toMatchObject({ code: "WRITE_FAILED" });
    expect(error.message).toContain(path);
  });

  it("refuses columns that do not fit", async () => {
    const path = join(testFolder(), "out.tsv");
    await expect(write(path, "tsv", { columns: [{ name: "p" }] })).rejects.toThrow(RangeError);
    await expect(write(path, "tsv", { options: { main: 3 } })).rejects.toThrow(RangeError);
  });
});

describe("rankedFormat", () => {
  it.each([
    ["a/out.tsv", undefined, "tsv"],
    ["out.TXT", undefined, "tsv"],
    ["out.csv.gz", undefined, "csv"],
    ["net.v2.graphml", undefined, "graphml"],
    ["x.sif", undefined, "sif"],
    ["x.ndjson.gz", undefined, "jsonl"],
    ["results/rankedEdges.csv", undefined, "beeline"],
    ["out.csv", "beeline", "beeline"],
    ["out", "tsv", "tsv"],
    ["adj.tsv", "scenic", "scenic"],
  ])("%s, asked for %s: %s", (path, asked, format) => {
    expect(rankedFormat(path, asked)).toBe(format);
  });

  it.each([
    ["out", undefined],
    ["out.xlsx", undefined],
    ["out.constructor", undefined],
    [".gz", undefined],
    ["out.tsv", "excel"],
    ["adj.txt", "scenic"],
  ])("%s, asked for %s: an error with a remedy", async (path, asked) => {
    const error = await errorOf(() => rankedFormat(path, asked));
    expect(error.code).toBe("FORMAT_UNKNOWN");
    expect(error.remedy).toMatch(/\.tsv/);
  });
});

describe("formatFloat32", () => {
  it.each([
    [0, "0"],
    [1, "1"],
    [-2, "-2"],
    [0.1, "0.1"],
    [-0.3, "-0.3"],
    [1 / 3, "0.33333334"],
    [0.99999994, "0.99999994"],
    [1e-7, "1e-7"],
    [2 ** -149, "1.4013e-45"],
    [3.4028234663852886e38, "3.4028234663852886e+38"],
    [1234567.5, "1234567.5"],
  ])("%d is %s", (value, text) => {
    expect(formatFloat32(Math.fround(value))).toBe(text);
  });

  it("reads back as the same float32, in at most 9 digits, over all magnitudes", () => {
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    for (let i = 0; i < 200_000; i++) {
      bits[0] = Math.imul(i, 2654435761);
      if (!Number.isFinite(value[0]) || Number.isInteger(value[0])) continue;
      const text = formatFloat32(value[0]);
      if (Math.fround(Number(text)) !== value[0]) throw new Error(`${value[0]} was written ${text}`);
      const digits = text.replace(/e.*/, "").replace(/[-.]/g, "").replace(/^0+/, "");
      if (digits.length > 9) throw new Error(`${value[0]} was written ${text}`);
    }
  });
});

function batch(first: number, a: number[], b: number[], ...scores: number[][]): RankedBatch {
  return {
    first,
    total: 3,
    a: Uint32Array.from(a),
    b: Uint32Array.from(b),
    scores: scores.map((column) => Float32Array.from(column)),
  };
}

interface Change {
  batches?: RankedBatch[];
  columns?: ScoreColumn[];
  names?: string[];
  options?: WriteRankedOptions;
}

async function write(path: string, format: RankedFormat, change: Change = {}): Promise<number> {
  const { batches = BATCHES, columns = COLUMNS, names = NAMES, options } = change;
  async function* pairs() {
    yield* batches;
  }
  return writeRanked(path, format, pairs(), columns, names, options);
}

/** The text that the sample's pairs become. */
async function written(name: string, format: RankedFormat, change?: Change): Promise<string> {
  const path = join(testFolder(), name);
  await write(path, format, change);
  return readFileSync(path, "utf8");
}
