import { CnncError } from "../errors.js";
import { abortError, throwIfAborted } from "../progress.js";
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
