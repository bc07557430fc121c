import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { FoldTask } from "../../../dist/evaluation/index.js";
import { savedModelMethod } from "../../../dist/evaluation/methods/saved-model.js";
import { errorOf } from "../../support/errors.js";
import { testFolder } from "../../support/run-cnnc.js";
import { openSession } from "../../support/sessions.js";
import { saveTestModel, type TestModel } from "../../support/test-models.js";

const DATA = fileURLToPath(new URL("../../fixtures/oracle/expression.h5ad", import.meta.url));
const SETTINGS = { engine: "auto", precision: "f32", threads: 1 } as const;

const fold = (task: FoldTask["task"], a: readonly number[], b: readonly number[]): FoldTask => ({
  task,
  pairs: { a: Uint32Array.from(a), b: Uint32Array.from(b), labels: new Uint8Array(a.length) },
  training: new Uint32Array(0),
  test: Uint32Array.from(a.keys()),
  seed: 1,
});

async function methodOf(options: TestModel, task: FoldTask["task"]) {
  const folder = join(testFolder(), "model");
  await saveTestModel(folder, options);
  const session = await openSession(DATA, { kind: "all" }, { scale: "linear" });
  return { folder, method: await savedModelMethod(folder, task, session, SETTINGS) };
}

describe("savedModelMethod", () => {
  it("asks the model about both orders for causality", async () => {
    const { method } = await methodOf({ task: "causality", info: { scale: "linear" } }, "causality");
    const forth = await method.score(fold("causality", [0, 3, 5], [1, 4, 6]), { folder: "" });
    const back = await method.score(fold("causality", [1, 4, 6], [0, 3, 5]), { folder: "" });
    expect([...(forth.probabilities ?? [])]).toEqual([...(back.swapped ?? [])]);
    expect([...(forth.swapped ?? [])]).toEqual([...(back.probabilities ?? [])]);
    const p = forth.probabilities ?? new Float64Array(0);
    expect(p).toHaveLength(9);
    expect([...forth.interaction]).toEqual([1 - p[0], 1 - p[3], 1 - p[6]]);
    expect([...(forth.direction ?? [])]).toEqual([p[1] - p[2], p[4] - p[5], p[7] - p[8]]);
    expect(method).toMatchObject({ group: "external", learns: false });
  });

  it("tells what is not known of the model, and what it reads unlike its training", async () => {
    const { folder, method } = await methodOf({ info: { transform: "log1p" } }, "interaction");
    const notices: string[] = [];
    const onNotice = (line: string) => notices.push(line);
    await method.score(fold("interaction", [0], [1]), { folder: "", onNotice });
    expect(notices).toEqual([
      `model:${folder}: Whether the model was trained on pairs that are tested here cannot be told.`,
      expect.stringContaining("trained with scale counts, and here it is linear"),
      expect.stringContaining("trained with transform log1p, and here it is log10"),
    ]);
  });

  it("refuses a model for another task", async () => {
    const error = await errorOf(() => methodOf({}, "causality"));
    expect(error.code).toBe("MODEL_MISMATCH");
    expect(error.message).toMatch(/is for interaction; the labels are for causality/);
  });
});
