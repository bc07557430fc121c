import { CnncError } from "../errors.js";
import { abortError, type ProgressListener, throwIfAborted } from "../progress.js";
import { addon } from "./addon.js";
import type { NativeJob } from "./addon-types.js";

/**
 * Makes a native call that `signal` can stop.
 *
 * @param what names the work in messages, e.g. `Histograms`
 * @throws CnncError `CANCELLED`, and the native failures under their own codes
 */
export async function runJob(
  what: string,
  signal: AbortSignal | undefined,
  call: (job: NativeJob) => Promise<void>,
): Promise<void> {
  throwIfAborted(signal);
  const job = new (addon().Job)();
  const cancel = () => job.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    await call(job);
  } catch (error) {
    if (signal?.aborted) throw abortError(signal);
    const { code, message } = error as { code?: string; message: string };
    throw code ? new CnncError(code, `${what}: ${message}.`, "", { cause: error }) : error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
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
