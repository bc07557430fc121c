import { CnncError } from "../errors.js";

/**
 * Runs work that Ctrl-C (or SIGTERM, which schedulers send) stops through its AbortSignal, so that it can
 * clean up. A second one ends the process at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new CnncError("CANCELLED", "Stopped."));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    // Whatever fails because of the abort (a closed worker, a cut stream) is the abort.
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
