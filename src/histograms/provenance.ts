import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { describeFilter } from "../expression/index.js";
import { abortError } from "../progress.js";
import { VERSION } from "../version.js";
import type { HistogramSession } from "./session.js";

/** How a file of histograms was made: written into it as attributes. */
export function provenance(session: HistogramSession, sourceHash: string): Record<string, string | number> {
  const { file, matrix, cells, obs, scale, transform, geneNameSource } = session.selection;
  return {
    cnnc_version: VERSION,
    source: basename(file.path),
    source_sha256: sourceHash,
    matrix: matrix.name,
    gene_names: geneNameSource,
    cells,
    cell_selection: obs.map(describeFilter).join(" and ") || "all",
    scale: scale.name,
    scale_reason: scale.reason,
    log_base: scale.name === "log1p" ? scale.logBase || Math.E : 0,
    transform,
    bins: 32,
    ordered: session.ordered ? 1 : 0,
    layout: "images[pair][bin of gene_b][bin of gene_a]",
  };
}

/**
 * SHA-256 of a file, in hexadecimal; read in the background.
 *
 * @throws CnncError `CANCELLED`
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const options = { highWaterMark: 1 << 20, ...(signal && { signal }) };
  try {
    for await (const chunk of createReadStream(path, options)) hash.update(chunk);
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : error;
  }
  return hash.digest("hex");
}
