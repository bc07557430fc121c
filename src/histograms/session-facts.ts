import { createHash } from "node:crypto";
import { describeFilter, type ExpressionStore } from "../expression/index.js";
import type { RunFacts } from "../pairs/index.js";
import { VERSION } from "../version.js";
import type { HistogramSession } from "./session.js";

/**
 * All that decides the histograms of a session and the order of its pairs, to tell whether shards belong together.
 *
 * @throws CnncError `CANCELLED`
 */
export async function sessionFacts(session: HistogramSession, signal?: AbortSignal): Promise<RunFacts> {
  const { matrix, cells, obs, scale, transform, geneNameSource } = session.selection;
  return {
    "version of cnnc": VERSION,
    data: await session.selection.digest(signal),
    matrix: matrix.name,
    cells: `${cells}${obs.length === 0 ? "" : ` (${obs.map(describeFilter).join(" and ")})`}`,
    scale: scale.name === "log1p" ? `log1p to the base ${scale.logBase || "e"}` : scale.name,
    transform,
    "gene names": geneNameSource,
    genes: genesDigest(session.store),
    pairs: pairsDigest(session),
  };
}

/** Of the genes, and of how their values are binned: the C library's logarithms need not be the same everywhere. */
export function genesDigest({
  geneNames,
  edges,
  expressing,
}: Pick<ExpressionStore, "geneNames" | "edges" | "expressing">): string {
  return createHash("sha256")
    .update(JSON.stringify(geneNames))
    .update(bytesOf(edges))
    .update(bytesOf(expressing))
    .digest("hex");
}

/** Of the pairs, given the genes: of listed ones themselves, of others how they were asked for. */
function pairsDigest({ request, source, labels }: HistogramSession): string {
  const hash = createHash("sha256").update(request.kind);
  if (request.kind === "list") {
    for (const { a, b } of source.batches(1 << 16)) hash.update(bytesOf(a)).update(bytesOf(b));
    if (labels) hash.update(bytesOf(labels));
  } else {
    const { byFirstGene = false } = request;
    const lists = request.kind === "product" ? [request.regulators, request.targets ?? null] : [];
    hash.update(JSON.stringify([source.count, byFirstGene, ...lists]));
  }
  return hash.digest("hex");
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);
