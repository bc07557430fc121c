import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type HistogramSession, partsOf, writeHistogramsNpy } from "../../dist/histograms/index.js";
import { listSource } from "../../dist/pairs/index.js";
import { errorOf } from "../support/errors.js";
import { readNpy } from "../support/npy.js";
import { PYTHON, runPython } from "../support/python.js";
import { contents, testFolder } from "../support/run-cnnc.js";
import { allImages, listed, openSession } from "../support/sessions.js";

const DATA = fileURLToPath(new URL("../fixtures/oracle/expression.h5ad", import.meta.url));
/** Two regulators, one after the other, as in CNNC's own data. */
const BY_REGULATOR = [
  ["gene7", "gene0"],
  ["gene7", "gene12"],
  ["gene1", "gene2"],
] as const;

describe("partsOf", () => {
  const parts = (a: number[]) => partsOf(listSource(Uint32Array.from(a), new Uint32Array(a.length)));

  it("makes a part of each first gene whose pairs follow one another", () => {
    expect(parts([4, 4, 2, 9, 9, 9])).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 3 },
      { from: 3, to: 6 },
    ]);
  });

  it("makes a single part when a first gene comes back", () => {
    expect(parts([4, 4, 2, 4])).toEqual([{ from: 0, to: 4 }]);
  });

  it("sees a first gene across its own batches as one", () => {
    expect(parts(new Array((1 << 16) + 10).fill(3))).toEqual([{ from: 0, to: (1 << 16) + 10 }]);
  });
});

describe("writeHistogramsNpy", () => {
  it("writes CNNC's three files for each part", async () => {
    const session = await openSession(DATA, listed(BY_REGULATOR, [1, 0, 2]));
    const { folder, parts } = await write(session);
    expect(parts).toBe(2);
    expect(contents(folder)).toEqual([
      "Nxdata_tf0.npy",
      "Nxdata_tf1.npy",
      "cnnc.json",
      "ydata_tf0.npy",
      "ydata_tf1.npy",
      "zdata_tf0.npy",
      "zdata_tf1.npy",
    ]);
    const images = await allImages(session, { nepdf: true });
    expect(floats(join(folder, "Nxdata_tf0.npy"))).toEqual({
      shape: [2, 32, 32, 1],
      values: images.slice(0, 2048),
    });
    expect(floats(join(folder, "Nxdata_tf1.npy"))).toEqual({
      shape: [1, 32, 32, 1],
      values: images.slice(2048),
    });
    expect(texts(join(folder, "ydata_tf0.npy"))).toEqual(["1", "0"]);
    expect(texts(join(folder, "ydata_tf1.npy"))).toEqual(["2"]);
    expect(texts(join(folder, "zdata_tf0.npy"))).toEqual(["gene7\tgene0", "gene7\tgene12"]);
    expect(texts(join(folder, "zdata_tf1.npy"))).toEqual(["gene1\tgene2"]);
    expect(JSON.parse(readFileSync(join(folder, "cnnc.json"), "utf8"))).toMatchObject({
      cells: 300,
      scale: "counts",
      kind: "nepdf",
      parts: [
        { from: 0, to: 2 },
        { from: 2, to: 3 },
      ],
    });
  });

  it("writes no labels where there are none, and one part for pairs in any order", async () => {
    const session = await openSession(DATA, listed([...BY_REGULATOR, BY_REGULATOR[0]]));
    const { folder, parts } = await write(session);
    expect(parts).toBe(1);
    expect(contents(folder)).toEqual(["Nxdata_tf0.npy", "cnnc.json", "zdata_tf0.npy"]);
  });

  it("cuts parts and batches independently", async () => {
    // 29 parts; the batches end in the middle of some.
    const session = await openSession(DATA, { kind: "all", byFirstGene: true });
    const inSmallBatches: HistogramSession = {
      ...session,
      batches: (options) => session.batches({ ...options, batchSize: 40 }),
    };
    const { folder, parts } = await write(inSmallBatches);
    expect(parts).toBe(29);
    const written = Array.from(
      { length: 29 },
      (_, part) => floats(join(folder, `Nxdata_tf${part}.npy`)).values,
    );
    expect(written.flat()).toEqual(await allImages(session, { nepdf: true }));
  });

  it("begins its data at a multiple of 64 bytes, with a header of format 1.0", async () => {
    const { folder } = await write(await openSession(DATA, listed(BY_REGULATOR, [1, 0, 2])));
    for (const name of contents(folder).filter((file) => file.endsWith(".npy"))) {
      const file = readFileSync(join(folder, name));
      expect(file.toString("latin1", 0, 8)).toBe("\x93NUMPY\x01\x00");
      const start = 10 + file.readUInt16LE(8);
      expect(start % 64).toBe(0);
      expect(file.toString("latin1", 10, start)).toMatch(
        /^\{'descr': '[^']+', 'fortran_order': False, 'shape': \([\d, ]+\), \} *\n$/,
      );
    }
  });
});

describe("writeHistogramsNpy, when it does not run to its end", () => {
  it("leaves nothing when it is aborted while it builds", async () => {
    const folder = testFolder();
    const session = await openSession(DATA, { kind: "all" });
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort() };
    const error = await errorOf(() => writeHistogramsNpy(session, join(folder, "out"), options));
    expect(error.code).toBe("CANCELLED");
    expect(contents(folder)).toEqual([]);
  });

  it("leaves nothing when the listener fails", async () => {
    const folder = testFolder();
    const session = await openSession(DATA, listed(BY_REGULATOR));
    const onProgress = () => {
      throw new Error("the listener's own");
    };
    await expect(writeHistogramsNpy(session, join(folder, "out"), { onProgress })).rejects.toThrow("own");
    expect(contents(folder)).toEqual([]);
  });

  it("says that its folder cannot be made", async () => {
    const session = await openSession(DATA, listed(BY_REGULATOR));
    const path = join(testFolder(), "none", "out");
    const error = await errorOf(() => writeHistogramsNpy(session, path));
    expect(error.code).toBe("WRITE_FAILED");
    expect(error.message).toContain(path);
  });
});

describe.skipIf(PYTHON === undefined)("numpy (needs a python3 with numpy)", () => {
  it("loads it as CNNC's scripts do", async () => {
    const session = await openSession(DATA, listed(BY_REGULATOR, [1, 0, 2]));
    const { folder } = await write(session);
    const script = `
import json, sys, numpy as np
load = lambda name: np.load(f"{sys.argv[1]}/{name}data_tf0.npy")
x, y, z = load("Nx"), load("y"), load("z")
print(json.dumps([x.dtype.str, x.shape, x.ravel().tolist(), y.astype(int).tolist(), [pair.split("\\t") for pair in z]]))
`;
    const images = (await allImages(session, { nepdf: true })).slice(0, 2048);
    expect(runPython(script, [folder])).toEqual([
      "<f4",
      [2, 32, 32, 1],
      images,
      [1, 0],
      BY_REGULATOR.slice(0, 2),
    ]);
  });
});

async function write(session: HistogramSession): Promise<{ folder: string; parts: number }> {
  const folder = join(testFolder(), "out");
  return { folder, parts: await writeHistogramsNpy(session, folder) };
}

function floats(path: string): { shape: number[]; values: number[] } {
  const { dtype, shape, bytes } = readNpy(path);
  expect(dtype).toBe("<f4");
  return { shape, values: Array.from(new Float32Array(bytes.buffer)) };
}

function texts(path: string): string[] {
  const { dtype, shape, bytes } = readNpy(path);
  const width = Number(/^<U(\d+)$/.exec(dtype)?.[1]);
  const codes = new Uint32Array(bytes.buffer);
  return Array.from({ length: shape[0] }, (_, i) =>
    String.fromCodePoint(...codes.subarray(i * width, (i + 1) * width)).replace(/\0+$/, ""),
  );
}
