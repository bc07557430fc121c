import { CnncError } from "./errors.js";

/** Tells how far long work is. Called often; the listener decides how often to show it. */
export type ProgressListener = (progress: Progress) => void;

export interface Progress {
  /** What is being done, e.g. `Reading expression (pass 1 of 2)`. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** What is counted, e.g. `cells` or `pairs`. */
  readonly unit: string;
}

/**
 * @throws CnncError `CANCELLED`, or the signal's own reason if that is a CnncError.
 */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/** The error that work stopped by `signal` ends with. */
export function abortError(signal: AbortSignal): CnncError {
  return signal.reason instanceof CnncError ? signal.reason : new CnncError("CANCELLED", "Stopped.");
}
