import { CnncError } from "../errors.js";
import { abortError, type ProgressListener, throwIfAborted } from "../progress.js";
import { addon } from "./addon.js";
import type { NativeJob } from "./addon-types.js";

/** What helps to understand a native failure. */
export interface FailureWords {
  /** Of the store that the work is about; a failure names the gene it came from. */
  readonly geneNames?: readonly string[];
  /** What to do, by code. */
  readonly remedies?: Readonly<Record<string, string>>;
}

/**
 * Makes a native call that `signal` can stop.
 *
 * @param what names the work in messages, e.g. `Histograms`
 * @throws CnncError `CANCELLED`, and the native failures under their own codes
 */
export async function runJob<T>(
  what: string,
  signal: AbortSignal | undefined,
  call: (job: NativeJob) => Promise<T>,
  words: FailureWords = {},
): Promise<T> {
  throwIfAborted(signal);
  const job = new (addon().Job)();
  const cancel = () => job.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    return await call(job);
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : explained(error, what, words);
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

/** A native failure as a CnncError; anything else as it is. */
function explained(error: unknown, what: string, { geneNames, remedies }: FailureWords): unknown {
  const { code, message, gene } = error as { code?: string; message: string; gene?: number };
  if (code === undefined) return error;
  const place = gene === undefined || !geneNames ? "" : `, in gene ${geneNames[gene]}`;
  return new CnncError(code, `${what}: ${message}${place}.`, remedies?.[code] ?? "", { cause: error });
}

const REPORT_EVERY_MS = 100;

/** Makes a native call and tells how far its job is while it runs. */
export async function reporting<T>(
  job: NativeJob,
  {
    onProgress,
    ...rest
  }: { phase: string; unit: string; total: number; onProgress: ProgressListener | undefined },
  call: () => Promise<T>,
): Promise<T> {
  const report = () => onProgress?.({ ...rest, done: job.done });
  const timer = setInterval(report, REPORT_EVERY_MS);
  try {
    const result = await call();
    report();
    return result;
  } finally {
    clearInterval(timer);
  }
}
