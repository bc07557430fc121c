import { CnncError } from "../errors.js";

/** npx passes on the Ctrl-C that the terminal has sent already: signals this close together are one. */
const ONE_KEYSTROKE_MS = 500;

/**
 * Runs work that Ctrl-C (or SIGTERM, which schedulers send) stops through its AbortSignal, so that it can
 * clean up. A second one, later, ends the process at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let stoppedAt = 0;
  const stop = () => {
    const now = performance.now();
    if (controller.signal.aborted && now - stoppedAt > ONE_KEYSTROKE_MS) process.exit(130);
    stoppedAt = now;
    controller.abort(new CnncError("CANCELLED", "Stopped."));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted || (error instanceof CnncError && error.code === "CANCELLED")) throw error;
    // Whatever fails because of the abort (a closed worker, a cut stream) is the abort.
    throw controller.signal.reason;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}
