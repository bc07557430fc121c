import type { CommandModule } from "yargs";
import {
  type ColumnReport,
  describePrepared,
  type FileReport,
  inspectFile,
  inspectPrepared,
  type MatrixReport,
  openPrepared,
  type PreparedReport,
} from "../../expression/index.js";
import { openExpressionFile } from "../../io/index.js";
import { interruptible } from "../interrupt.js";
import { DATA_FILES, withExamples } from "../options.js";
import { formatBytes, formatCount, plural } from "../text.js";

interface Arguments {
  file: string;
  json: boolean;
}

export const inspectCommand: CommandModule<object, Arguments> = {
  command: "inspect <file>",
  describe: "Show what is in an expression file, and what cnnc would make of it",
  builder: (parser) =>
    withExamples(
      parser
        .positional("file", {
          type: "string",
          demandOption: true,
          describe: DATA_FILES,
        })
        .option("json", { type: "boolean", default: false, describe: "Print JSON" }),
      [["inspect data-samples/expression.h5ad", "matrices, cell annotation and gene names of the sample"]],
    ),
  handler: ({ file: path, json }) =>
    interruptible(async (signal) => {
      const report = await reportOf(path, signal);
      const text = () => ("made" in report ? describeStore(report) : describe(report));
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : text());
    }),
};

async function reportOf(path: string, signal: AbortSignal): Promise<FileReport | PreparedReport> {
  const prepared = await openPrepared(path);
  const file = prepared ?? (await openExpressionFile(path));
  try {
    return "facts" in file ? inspectPrepared(file) : await inspectFile(file, signal);
  } finally {
    file.close();
  }
}

function describeStore({ made, ...report }: PreparedReport): string {
  const { scale, rareGenes, minCells, cnncVersion } = made;
  const memory = [report.storeBytes, report.storeBytesWithValues].filter((bytes) => bytes !== undefined);
  const lines = [
    `${report.path}: ${report.format}, ${plural(report.cells, "cell")} x ${plural(report.genes, "gene")}, ` +
      `${formatCount(report.entries)} entries, ${report.values ? "with" : "without"} values`,
    "",
    `Prepared with cnnc ${cnncVersion} from ${describePrepared(made)}`,
    `${made.matrix} read as ${scale.name}: ${scale.reason}`,
    ...(rareGenes > 0
      ? [`Left out: ${plural(rareGenes, "gene")} expressed in fewer than ${plural(minCells, "cell")}`]
      : []),
    `Genes: ${report.exampleGenes.join(", ")}, ...`,
    `Memory of the store: ${memory.map(formatBytes).join(", with values ")}`,
  ];
  return `${lines.join("\n")}\n`;
}

function describe(report: FileReport): string {
  const lines = [`${report.path}: ${report.format}, ${plural(report.cells, "cell")}`, "", "Matrices"];
  if (report.matrices.length === 0) lines.push("  none");
  lines.push(...report.matrices.flatMap(describeMatrix));
  lines.push(...report.unreadable.map(({ name, reason }) => `  ${name}: ${reason}`));
  lines.push("", "Cell annotation (obs), for --obs");
  lines.push(...(report.obs.length > 0 ? report.obs.map(describeColumn) : ["  none"]));
  lines.push("", "Gene names (var), for --gene-column");
  for (const { column, examples, duplicates } of report.geneNames) {
    const note = duplicates > 0 ? ` (${plural(duplicates, "name")} not unique)` : "";
    lines.push(`  ${column}: ${examples.join(", ")}, ...${note}`);
  }
  for (const [type, count] of Object.entries(report.otherFeatures)) {
    lines.push(`  left out: ${formatCount(count)} features of type ${type}`);
  }
  return `${lines.join("\n")}\n`;
}

function describeMatrix(matrix: MatrixReport): string[] {
  const compression = matrix.compression.length > 0 ? matrix.compression.join(" + ") : "not compressed";
  return [
    `  ${matrix.name}: ${formatCount(matrix.cells)} cells x ${formatCount(matrix.genes)} genes, ` +
      `${matrix.encoding} ${matrix.dtype}, ${compression}, ${(100 * matrix.density).toFixed(1)} % non-zero, ` +
      `maximum ${formatNumber(matrix.maximum)}`,
    `    --scale auto: ${matrix.scale} (${matrix.scaleReason}); memory of the store: ${formatBytes(matrix.storeBytes)}`,
  ];
}

function describeColumn(column: ColumnReport): string {
  const missing = column.missing > 0 ? `; ${formatCount(column.missing)} missing` : "";
  if (column.range) return `  ${column.name}: ${column.range.map(formatNumber).join(" to ")}${missing}`;
  const top = (column.top ?? []).map(({ level, cells }) => `${level} (${formatCount(cells)})`).join(", ");
  const more = (column.levels ?? 0) - (column.top?.length ?? 0);
  return `  ${column.name}: ${top}${more > 0 ? ` and ${formatCount(more)} more` : ""}${missing}`;
}

const formatNumber = (value: number) =>
  Number.isInteger(value)
    ? formatCount(value)
    : value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
