import { expect } from "vitest";
import type { Outcome } from "./run-cnnc.js";

/** Exit code 2, a sentence that says what is wrong and where, at most one that says what to do, nothing else. */
export function expectOneSentence(
  { code, stdout, stderr }: Omit<Outcome, "signal">,
  { says, remedy }: { says: RegExp; remedy: RegExp },
): void {
  const [sentence, ...rest] = stderr.trimEnd().split("\n");
  expect(sentence).toMatch(/^cnnc: .*[.?]$/);
  expect(sentence).toMatch(says);
  expect(rest.join("\n")).toMatch(remedy);
  expect(rest.length).toBeLessThanOrEqual(1);
  expect(stderr).not.toMatch(/^\s+at |#\d+: |Error:|undefined|\[object/m);
  expect(stdout).toBe("");
  expect(code).toBe(2);
}
