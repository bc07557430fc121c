import { CnncError } from "../errors.js";
import { formatFloat32 } from "./formats-number.js";

/** What a score column holds, in its float32 numbers. */
export interface ScoreColumn {
  readonly name: string;
  /** Numbers; the positions of words in `labels`; or 0 and 1 for false and true. Default `number`. */
  readonly kind?: "number" | "label" | "flag";
  /** The words of a `label` column, e.g. `none`, `a->b`, `b->a`. */
  readonly labels?: readonly string[];
}

/** What the layouts need to know. */
export interface LayoutContext {
  readonly columns: readonly ScoreColumn[];
  readonly names: readonly string[];
  /** Column of the score that the pairs are ranked by. */
  readonly main: number;
  /** Whether gene a is the one that acts. */
  readonly directed: boolean;
}

/** A text format of ranked pairs. */
export interface Layout {
  readonly head: string;
  /** The text of pair `i`: genes a and b, and its numbers in each column. */
  row(a: number, b: number, scores: readonly Float32Array[], i: number): string;
  readonly tail: string;
}

/** Gene names as a format writes them; `undefined` for a name that it cannot. */
type Spelling = (name: string) => string | undefined;

/** A table with a header; all columns. */
export function tableLayout(separator: "\t" | ",", context: LayoutContext): Layout {
  const { columns } = context;
  const spell = spellingOf(separator);
  const genes = spellNames(context.names, separator === "\t" ? "tsv" : "csv", spell);
  const headings = ["gene_a", "gene_b", ...columns.map(({ name }) => name)];
  const cells = columns.map((column) => cellWriter(column, (word) => spell(word) ?? word));
  return {
    head: `${headings.map((heading) => spell(heading) ?? heading).join(separator)}\n`,
    row(a, b, scores, i) {
      let line = genes[a] + separator + genes[b];
      for (let column = 0; column < cells.length; column++)
        line += separator + cells[column](scores[column][i]);
      return `${line}\n`;
    },
    tail: "",
  };
}

/** Three columns: both genes and the main score. */
export function edgeListLayout(
  format: string,
  headings: readonly string[],
  separator: "\t" | ",",
  { columns, names, main }: LayoutContext,
): Layout {
  const genes = spellNames(names, format, spellingOf(separator));
  const cell = cellWriter(columns[main], (word) => word);
  return {
    head: `${headings.join(separator)}\n`,
    row: (a, b, scores, i) => `${genes[a]}${separator}${genes[b]}${separator}${cell(scores[main][i])}\n`,
    tail: "",
  };
}

/** Relations by the words of a direction column. */
const SIF_RELATIONS: Record<string, string> = {
  "a->b": "regulates",
  "b->a": "regulated-by",
  none: "interacts",
};

/**
 * Cytoscape's simple interaction format, which has no place for scores. The relation is that of the label column
 * `direction` if there is one: `regulates`, `regulated-by` or `interacts`.
 */
export function sifLayout({ columns, names, directed }: LayoutContext): Layout {
  const genes = spellNames(names, "sif", (name) => (/[\t\r\n]|^$/.test(name) ? undefined : name));
  const column = columns.findIndex(({ name, kind }) => name === "direction" && kind === "label");
  const relations = (columns[column]?.labels ?? []).map((label) => SIF_RELATIONS[label] ?? label);
  const usual = directed ? "regulates" : "interacts";
  return {
    head: "",
    row(a, b, scores, i) {
      const relation = column < 0 ? usual : wordAt(relations, scores[column][i]);
      return `${genes[a]}\t${relation}\t${genes[b]}\n`;
    },
    tail: "",
  };
}

const XML_TYPES = { number: "float", label: "string", flag: "boolean" } as const;

/**
 * GraphML with the genes as nodes, named by their ids, and all columns as attributes of the edges. A node stands
 * before its first edge, as readers that go through the file once need it, so the pairs need not be known before.
 */
export function graphmlLayout({ columns, names, directed }: LayoutContext): Layout {
  const genes = spellNames(names, "graphml", xmlText);
  const declared = new Set<string>();
  const cells = columns.map((column) => {
    const write = cellWriter(column, (word) => xmlText(word) ?? word);
    return (value: number) => write(value).replace("Infinity", "INF");
  });
  const node = (gene: string) => {
    if (declared.has(gene)) return "";
    declared.add(gene);
    return `    <node id="${gene}"/>\n`;
  };
  const keys = columns.map(
    ({ name, kind = "number" }, column) =>
      `  <key id="d${column}" for="edge" attr.name="${xmlText(name)}" attr.type="${XML_TYPES[kind]}"/>\n`,
  );
  return {
    head:
      `<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n` +
      `${keys.join("")}  <graph edgedefault="${directed ? "directed" : "undirected"}">\n`,
    row(a, b, scores, i) {
      let text = `${node(genes[a])}${node(genes[b])}    <edge source="${genes[a]}" target="${genes[b]}">`;
      for (let column = 0; column < cells.length; column++) {
        text += `<data key="d${column}">${cells[column](scores[column][i])}</data>`;
      }
      return `${text}</edge>\n`;
    },
    tail: "  </graph>\n</graphml>\n",
  };
}

/** One JSON object per line; all columns. A number that JSON lacks is `null`. */
export function jsonLinesLayout({ columns, names }: LayoutContext): Layout {
  const genes = names.map((name) => JSON.stringify(name));
  const keys = columns.map(({ name }) => `,${JSON.stringify(name)}:`);
  const cells = columns.map((column) => {
    if ((column.kind ?? "number") !== "number") return cellWriter(column, (word) => JSON.stringify(word));
    return (value: number) => (Number.isFinite(value) ? formatFloat32(value) : "null");
  });
  return {
    head: "",
    row(a, b, scores, i) {
      let line = `{"gene_a":${genes[a]},"gene_b":${genes[b]}`;
      for (let column = 0; column < cells.length; column++) {
        line += keys[column] + cells[column](scores[column][i]);
      }
      return `${line}}\n`;
    },
    tail: "",
  };
}

/**
 * How names stand between separators. Between tabs nothing can be quoted, and readers take a leading quote for
 * one; between commas everything can.
 */
function spellingOf(separator: "\t" | ","): Spelling {
  return separator === "\t"
    ? (name) => (/[\t\r\n]|^"/.test(name) ? undefined : name)
    : (name) => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name);
}

const XML_ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text for an attribute or element of XML 1.0, which has no place for most control characters. */
function xmlText(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text) || /\p{Surrogate}/u.test(text))
    return undefined;
  return text
    .replace(/[&<>"]/g, (character) => XML_ESCAPES[character])
    .replace(/[\t\r\n]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** @throws CnncError `GENE_NAME_UNWRITABLE` */
function spellNames(names: readonly string[], format: string, spell: Spelling): string[] {
  return names.map((name) => {
    const text = spell(name);
    if (text !== undefined) return text;
    throw new CnncError(
      "GENE_NAME_UNWRITABLE",
      `The gene name ${JSON.stringify(name)} cannot be written in the format ${format}.`,
      "Write --format jsonl, which takes any name, or rename the gene in the data.",
    );
  });
}

/** Writes the numbers of a column. */
function cellWriter({ kind = "number", labels = [] }: ScoreColumn, spell: (word: string) => string) {
  const words = labels.map(spell);
  switch (kind) {
    case "number":
      return formatFloat32;
    case "flag":
      return (value: number) => (value === 0 ? "false" : "true");
    case "label":
      return (value: number) => wordAt(words, value);
  }
}

function wordAt(words: readonly string[], value: number): string {
  const word = words[value];
  if (word === undefined) throw new RangeError(`label ${value} of ${words.length}`);
  return word;
}
