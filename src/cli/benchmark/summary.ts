import { type BenchmarkResults, type SplitResult, verdict } from "../../evaluation/index.js";
import { alignColumns, decimals, formatDuration } from "../text.js";

/** The verdict and the figures of every split, for a terminal. */
export function benchmarkSummary(output: string, results: BenchmarkResults): string {
  const { run, labels, splits } = results;
  const lines = [
    `${output}/index.html: the report, in ${formatDuration(run.seconds)}`,
    ...labels.leftOut,
    ...splits.flatMap((split) => ["", verdict(split), split.statement, "", ...table(split)]),
  ];
  return `${lines.join("\n")}\n`;
}

const HEADINGS = [
  "method",
  "AUROC per regulator",
  "pooled",
  "AUPRC ratio",
  "early precision ratio",
  "seconds",
];

function table({ methods }: SplitResult): string[] {
  const rows = methods.map(({ name, perRegulator, pooled, seconds }) => {
    const { value, low, high } = perRegulator.auroc;
    return [
      name,
      `${decimals(value)} [${decimals(low)}, ${decimals(high)}]`,
      decimals(pooled.auroc),
      decimals(pooled.auprcRatio, 2),
      decimals(pooled.earlyPrecisionRatio, 2),
      decimals(seconds, 1),
    ];
  });
  return alignColumns([HEADINGS, ...rows], 1);
}
