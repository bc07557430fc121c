/** Bytes that reading ahead may hold for one dataset, unless a single read has more. */
const MAX_BYTES_AHEAD = 1 << 26;

/**
 * How many reads of `bytesPerRead` to have under way: enough to keep `workers` threads busy while the consumer
 * works on the last one, within bounded memory.
 */
export function readsAhead(workers: number, bytesPerRead: number): number {
  return Math.max(1, Math.min(workers + 1, Math.floor(MAX_BYTES_AHEAD / bytesPerRead)));
}

/**
 * Yields the results of `count` reads in order, with up to `ahead` of them begun before they are asked for.
 * A read that fails makes the iteration throw when its turn comes.
 */
export async function* readAhead<T>(
  count: number,
  ahead: number,
  read: (position: number) => Promise<T>,
): AsyncGenerator<T, void, void> {
  const begun: Promise<T>[] = [];
  let next = 0;
  for (let position = 0; position < count; position++) {
    // One more than `ahead`: the one that is awaited now.
    while (next < count && begun.length <= ahead) {
      const result = read(next++);
      // Its failure is reported when its turn comes; until then it must not count as unhandled.
      result.catch(() => {});
      begun.push(result);
    }
    yield await (begun.shift() as Promise<T>);
  }
}
