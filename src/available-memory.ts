import { totalmem } from "node:os";

/**
 * Bytes that this process may have and has not yet. Not what is free: much of what is not is cache of files, which the
 * system gives up when asked.
 */
export function availableBytes(): number {
  const limit = process.constrainedMemory() || Number.POSITIVE_INFINITY;
  return Math.min(totalmem(), limit) - process.memoryUsage.rss();
}
