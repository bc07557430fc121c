/**
 * How long a process may live on after a signal, in milliseconds. It takes less than a second on an idle machine, which
 * a test's machine need not be.
 */
export const STOPPING_MS = 5000;
