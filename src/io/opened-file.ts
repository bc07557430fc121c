import type { Matrix } from "./matrix.js";
import type { ExpressionFile, Table } from "./types.js";

/** What a format's own reader finds in a file; `expression-file.ts` makes the same `ExpressionFile` of all. */
export interface OpenedFile
  extends Pick<
    ExpressionFile,
    "format" | "formatDetail" | "obs" | "var" | "unreadable" | "otherFeatures" | "log1pBase"
  > {
  readonly matrices: readonly Matrix[];
  /** The genes of `raw/X`. */
  readonly rawVar?: Table | undefined;
  close(): void;
}
