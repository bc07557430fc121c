import { describeFilter, type ExpressionSource } from "../expression/index.js";
import { VERSION } from "../version.js";
import type { HistogramSession } from "./session.js";

/**
 * How a file of histograms was made: written into it as attributes.
 *
 * @param origin of the session's expression
 */
export function provenance(
  session: HistogramSession,
  origin: Awaited<ReturnType<ExpressionSource["origin"]>>,
): Record<string, string | number> {
  const { matrix, cells, obs, scale, transform, geneNameSource } = session.selection;
  return {
    cnnc_version: VERSION,
    source: origin.name,
    source_sha256: origin.sha256,
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
