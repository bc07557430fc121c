import { CnncError } from "../errors.js";
import type { ExpressionStore } from "../expression/index.js";

/**
 * A native failure as a CnncError that names the gene it is about; anything else as it is.
 *
 * @param what names the work, e.g. `Association (pearson)`
 * @param remedies by code
 */
export function explained(
  error: unknown,
  store: ExpressionStore,
  what: string,
  remedies: Readonly<Record<string, string>>,
): unknown {
  const { code, message, gene } = error as { code?: string; message: string; gene?: number };
  if (code === undefined) return error;
  const place = gene === undefined ? "" : `, in gene ${store.geneNames[gene]}`;
  return new CnncError(code, `${what}: ${message}${place}.`, remedies[code] ?? "", { cause: error });
}
