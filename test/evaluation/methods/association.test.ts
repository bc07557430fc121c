import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createMethods, type FoldTask } from "../../../dist/evaluation/index.js";
import { partialCorrelationMethod } from "../../../dist/evaluation/methods/association.js";
import { openSession } from "../../support/sessions.js";

const DATA = fileURLToPath(new URL("../../fixtures/oracle/expression.h5ad", import.meta.url));
const EXPECTED = fileURLToPath(new URL("../../fixtures/association/partial.json", import.meta.url));
/** Of all pairs i < j of 30 genes; see make_partial.py. */
const [shrunkWholly, expected]: { lambda: number; scores: number[] }[] = JSON.parse(
  readFileSync(EXPECTED, "utf8"),
);

/** All pairs of the sample's genes; the rows from 400 are tested. */
const fold: FoldTask = (() => {
  const rows = Array.from({ length: 30 }, (_, i) =>
    Array.from({ length: 29 - i }, (_, k) => [i, i + 1 + k]),
  ).flat();
  const all = Uint32Array.from(rows.keys());
  return {
    task: "interaction",
    pairs: {
      a: Uint32Array.from(rows, ([i]) => i),
      b: Uint32Array.from(rows, ([, j]) => j),
      labels: new Uint8Array(rows.length),
    },
    training: all.slice(0, 400),
    test: all.slice(400),
    seed: 1,
  };
})();

const open = (scale: "counts" | "linear") => openSession(DATA, { kind: "all" }, { keepValues: true, scale });

describe("partialCorrelationMethod", () => {
  it("scores test pairs by the size of their partial correlation, given the genes of all labelled pairs", async () => {
    const { store } = await open("linear");
    const notices: string[] = [];
    const options = { folder: "", onNotice: (line: string) => notices.push(line) };
    const { interaction, direction } = await partialCorrelationMethod(store, 2).score(fold, options);
    expect([...interaction]).toEqual(
      expected.scores.slice(400).map((score) => expect.closeTo(Math.abs(score), 5)),
    );
    expect(direction).toBeUndefined();
    expect(notices).toEqual([]);
  });

  it("tells when nearly everything was shrunk away", async () => {
    expect(shrunkWholly.lambda).toBe(1);
    const { store } = await open("counts");
    const notices: string[] = [];
    const options = { folder: "", onNotice: (line: string) => notices.push(line) };
    const { interaction } = await partialCorrelationMethod(store, 1).score(fold, options);
    expect(interaction.every((score) => score === 0)).toBe(true);
    expect(notices).toEqual([expect.stringMatching(/^partial-correlation: .* shrunk by 100 %\.$/)]);
  });

  it("can be asked for by name", async () => {
    const session = await open("linear");
    const settings = { threads: 1 } as Parameters<typeof createMethods>[2]["settings"];
    const context = { session, task: "interaction", pairs: fold.pairs, settings } as const;
    const [method] = await createMethods(["partial-correlation"], [], context);
    expect(method).toMatchObject({ name: "partial-correlation", group: "association", learns: false });
  });
});
