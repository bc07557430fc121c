/**
 * Works on items in order, one after the other, and on the next one while the consumer has a result. When the
 * consumer stops early, so does the work.
 *
 * @param work is given a signal that stops it, and must settle soon after; `signal` aborts it, too
 * @throws whatever `items` and `work` throw, when the turn of that item comes
 */
export async function* oneAhead<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): AsyncGenerator<Result, void, void> {
  const abandoned = new AbortController();
  const stop = AbortSignal.any([abandoned.signal, ...(signal ? [signal] : [])]);
  let ahead: Promise<Result> | undefined;
  try {
    for await (const item of items) {
      const current = ahead;
      const next = async () => {
        await current;
        return work(item, stop);
      };
      ahead = next();
      // A failure is reported when the result is awaited, not when the one before it is being consumed.
      ahead.catch(() => {});
      if (current) yield await current;
    }
    if (ahead) yield await ahead;
  } finally {
    abandoned.abort();
    // Native code may still write into arrays of the item: let it end before they can go.
    await ahead?.catch(() => {});
  }
}
