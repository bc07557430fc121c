import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { oneAhead } from "../../dist/scoring/one-ahead.js";

async function* slowly(items: number[]): AsyncGenerator<number> {
  for (const item of items) {
    await sleep(1);
    yield item;
  }
}

describe("oneAhead", () => {
  it.each([
    { what: "a list", items: () => [3, 1, 2] },
    { what: "a stream", items: () => slowly([3, 1, 2]) },
  ])("works on $what in order, on one item at a time, one ahead of the consumer", async ({ items }) => {
    const log: string[] = [];
    const work = async (item: number) => {
      log.push(`begin ${item}`);
      await sleep(item);
      log.push(`end ${item}`);
      return 10 * item;
    };
    const results: number[] = [];
    for await (const result of oneAhead(items(), work)) {
      results.push(result);
      log.push(`take ${result}`);
      await sleep(10);
    }
    expect(results).toEqual([30, 10, 20]);
    expect(log.filter((line) => !line.startsWith("take"))).toEqual(
      [3, 1, 2].flatMap((item) => [`begin ${item}`, `end ${item}`]),
    );
    expect(log.indexOf("end 1")).toBeLessThan(log.indexOf("take 10"));
    expect(log.indexOf("begin 2")).toBeLessThan(log.indexOf("take 20"));
  });

  it("does nothing without items", async () => {
    expect(await oneAhead([], async () => 1).next()).toEqual({ done: true, value: undefined });
  });

  it("stops the work under way, and waits for its end, when the consumer leaves", async () => {
    const ended: number[] = [];
    const work = async (item: number, signal: AbortSignal) => {
      if (item > 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      ended.push(item);
      return item;
    };
    for await (const _ of oneAhead([1, 2, 3], work)) break;
    expect(ended).toEqual([1, 2]);
  });

  it("passes on the caller's signal", async () => {
    const controller = new AbortController();
    const results = oneAhead([1], async (_, signal) => signal, controller.signal);
    const { value } = await results.next();
    controller.abort();
    expect((value as AbortSignal).aborted).toBe(true);
  });

  it("fails when the turn of the failed item comes, and works on none after it", async () => {
    const begun: number[] = [];
    const results = oneAhead([1, 2, 3], async (item) => {
      begun.push(item);
      if (item === 2) throw new Error("two");
      return item;
    });
    expect((await results.next()).value).toBe(1);
    await expect(results.next()).rejects.toThrow("two");
    expect(begun).toEqual([1, 2]);
  });
});
