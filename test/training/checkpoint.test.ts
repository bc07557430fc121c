import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Checkpoint,
  readCheckpoint,
  requireNoCheckpoint,
  writeCheckpoint,
} from "../../dist/training/checkpoint.js";
import { errorOf } from "../support/errors.js";
import { contents, testFolder } from "../support/run-cnnc.js";

const CHECKPOINT: Checkpoint = {
  fingerprint: "of this training",
  history: [
    { epoch: 1, loss: 0.7, learningRate: 1e-3, validation: { loss: 0.69, auroc: 0.6 }, seconds: 1.5 },
    {
      epoch: 2,
      loss: 0.1 + 0.2,
      learningRate: 4e-8,
      validation: { loss: 0.6, auroc: 2 / 3, directionAuroc: 0.5 },
      seconds: 2,
    },
  ],
  // Part of a larger array, as typed arrays may be.
  parameters: Float32Array.of(9, 1.5, -2.25, 1e-38, 9).subarray(1, 4),
  state: { steps: 12345, first: Float32Array.of(0.1, 0.2, 0.3), second: new Float32Array(0) },
  learningRates: [
    { fromEpoch: 1, learningRate: 0.01 },
    { fromEpoch: 2, learningRate: 0.002 },
  ],
  best: { epoch: 1, parameters: Float32Array.of(3, 2, 1) },
};

async function written(): Promise<string> {
  const path = join(testFolder(), "model.checkpoint");
  await writeCheckpoint(path, CHECKPOINT);
  return path;
}

describe("a checkpoint", () => {
  it("is read as it was written, and nothing lies beside it", async () => {
    const folder = testFolder();
    const path = join(folder, "model.checkpoint");
    await writeCheckpoint(path, { ...CHECKPOINT, fingerprint: "of one before" });
    await writeCheckpoint(path, CHECKPOINT);
    expect(await readCheckpoint(path, CHECKPOINT.fingerprint)).toEqual({
      ...CHECKPOINT,
      parameters: Float32Array.of(1.5, -2.25, 1e-38),
    });
    expect(contents(folder)).toEqual(["model.checkpoint"]);
  });

  it("is sealed with the SHA-256 of what follows", async () => {
    const content = readFileSync(await written());
    const [magic, digest] = content.toString("latin1").split("\n", 2);
    const body = content.subarray(magic.length + digest.length + 2);
    expect(digest).toBe(createHash("sha256").update(body).digest("hex"));
  });

  it("must be there to be read", async () => {
    const path = join(testFolder(), "none.checkpoint");
    expect(await errorOf(() => readCheckpoint(path, "any"))).toMatchObject({
      code: "CHECKPOINT_NOT_FOUND",
      message: expect.stringContaining(path),
    });
  });

  it("must be of the same training", async () => {
    const path = await written();
    expect(await errorOf(() => readCheckpoint(path, "of another training"))).toMatchObject({
      code: "CHECKPOINT_FOREIGN",
      message: expect.stringContaining(path),
    });
  });

  const damages: [string, (whole: Buffer) => Buffer][] = [
    ["empty", () => Buffer.alloc(0)],
    ["shorter than its first line", (whole) => whole.subarray(0, 10)],
    ["cut in the header", (whole) => whole.subarray(0, 120)],
    ["cut in the weights", (whole) => whole.subarray(0, whole.length - 1)],
    ["longer", (whole) => Buffer.concat([whole, Buffer.from([0])])],
    [
      "of a newer kind",
      (whole) => Buffer.from(whole.toString("latin1").replace("checkpoint 1", "checkpoint 2"), "latin1"),
    ],
    ["something else", () => Buffer.from("gene_a\tgene_b\n".repeat(50))],
  ];

  it.each(damages)("that is %s is damaged", async (_, damage) => {
    const path = await written();
    writeFileSync(path, damage(readFileSync(path)));
    expect(await errorOf(() => readCheckpoint(path, CHECKPOINT.fingerprint))).toMatchObject({
      code: "CHECKPOINT_DAMAGED",
      message: expect.stringContaining(path),
    });
  });

  it("is damaged with any one bit turned", async () => {
    const path = await written();
    const whole = readFileSync(path);
    for (let i = 0; i < whole.length; i += 7) {
      const spoiled = Buffer.from(whole);
      spoiled[i] ^= 1 << (i % 8);
      writeFileSync(path, spoiled);
      expect((await errorOf(() => readCheckpoint(path, CHECKPOINT.fingerprint))).code).toBe(
        "CHECKPOINT_DAMAGED",
      );
    }
  });

  it("that cannot be written is reported, and the one before stays", async () => {
    const path = await written();
    const before = readFileSync(path);
    const nowhere = join(path, "below", "a.checkpoint");
    expect(await errorOf(() => writeCheckpoint(nowhere, CHECKPOINT))).toMatchObject({ code: "WRITE_FAILED" });
    expect(existsSync(nowhere)).toBe(false);
    expect(readFileSync(path)).toEqual(before);
  });

  it("is not to be replaced by a new training", async () => {
    const path = await written();
    expect(await errorOf(() => requireNoCheckpoint(path))).toMatchObject({
      code: "CHECKPOINT_EXISTS",
      message: expect.stringContaining(path),
    });
    await requireNoCheckpoint(`${path}.other`);
  });
});
