import { execFileSync } from "node:child_process";
import { cpSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Module } from "h5wasm/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Hdf5File, openHdf5 } from "../../dist/io/hdf5-file.js";
import type { DatasetNode } from "../../dist/io/hdf5-node.js";
import { findMatrix } from "../../dist/io/index.js";
import { drain, errorOf, fixture, openForTest, scratchPath, writeHdf5 } from "./helpers.js";

async function open(path: string): Promise<Hdf5File> {
  const file = await openHdf5(path);
  onTestFinished(() => file.close());
  return file;
}

/** 4 million float32 that gzip takes its time over. */
function writeLarge(): Promise<string> {
  return writeHdf5((root) => {
    const data = Float32Array.from({ length: 1 << 22 }, (_, i) => (i * 2654435761) % 1000);
    for (const [name, rows, columns] of [["X", 1 << 11, 1 << 11]] as const) {
      root.create_dataset({ name, data, shape: [rows, columns], chunks: [64, columns], compression: 9 });
    }
    for (const [name, length] of [
      ["obs", 1 << 11],
      ["var", 1 << 11],
    ] as const) {
      const table = root.create_group(name);
      table.create_attribute("_index", "_index");
      table.create_dataset({ name: "_index", data: Int32Array.from({ length }, (_, i) => i) });
    }
  });
}

describe("filters", () => {
  // The parameters are those that each filter's own documentation gives as usual.
  const filters: [name: string, id: number, parameters: number[]][] = [
    ["gzip", 1, [4]],
    ["shuffle", 2, []],
    ["fletcher32", 3, []],
    ["bzip2", 307, [9]],
    ["lzf", 32000, []],
    ["blosc", 32001, [0, 0, 0, 0, 5, 1, 1]],
    ["lz4", 32004, [0]],
    ["bitshuffle", 32008, [0, 2]],
    ["zstd", 32015, [3]],
    ["blosc2", 32026, [0, 0, 0, 0, 5, 1, 0]],
  ];

  it.each(filters)("reads what %s compressed", async (name, id, parameters) => {
    const data = Int32Array.from({ length: 5000 }, (_, i) => (i * i) % 17);
    const plugins = join(createRequire(import.meta.url).resolve("h5wasm-plugins/package.json"), "../plugins");
    const path = await writeHdf5((root) => {
      Module.insert_plugin_search_path(plugins, 0);
      root.create_dataset({ name: "d", data, chunks: [512], compression: id, compression_opts: parameters });
    });
    const file = await open(path);
    expect(await file.node("/d")).toMatchObject({ filters: [name], chunks: [512], dtype: "int32" });
    expect(await file.read("/d", [[3, 4321]])).toEqual(data.slice(3, 4321));
  });
});

it("works from a folder whose name has spaces and other characters", async () => {
  const path = scratchPath(" übung #1 %20.h5ad");
  cpSync(fixture("tables-0.7.h5ad"), path);
  const file = await openForTest(path);
  expect(await drain(file, findMatrix(file))).toBe(1);
});

it("does not block the event loop while it decompresses", async () => {
  const file = await openForTest(await writeLarge());
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await drain(file, findMatrix(file));
  clearInterval(timer);
  expect(longest).toBeLessThan(250);
});

describe("aborting", () => {
  it("ends an iteration at once with the signal's reason, and leaves the file usable", async () => {
    const file = await openForTest(await writeLarge());
    const reason = new Error("enough");
    const controller = new AbortController();
    let blocks = 0;
    let abortedAt = 0;
    const reading = (async () => {
      const options = { maxEntries: 1 << 15, workers: 2, signal: controller.signal };
      for await (const block of file.blocks(findMatrix(file), options)) {
        blocks += block.count > 0 ? 1 : 0;
        if (blocks === 3) {
          abortedAt = performance.now();
          controller.abort(reason);
        }
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(performance.now() - abortedAt).toBeLessThan(500);
    expect(blocks).toBe(3);
    expect(await drain(file, findMatrix(file))).toBeGreaterThan(1);
  });

  it("rejects a read that is waiting for a thread", async () => {
    const file = await open(await writeLarge());
    const controller = new AbortController();
    const first = file.read("/X", [[0, 2048], [0, 2048]]); // biome-ignore format: one range per axis
    const second = file.read("/X", [[0, 1], [0, 1]], { signal: controller.signal }); // biome-ignore format: likewise
    controller.abort(new Error("stop"));
    await expect(second).rejects.toThrow("stop");
    expect((await first).length).toBe(2048 * 2048);
  });

  it("does not begin when the signal is already aborted", async () => {
    const file = await openForTest(fixture("matrices.h5ad"));
    const reading = drain(file, findMatrix(file), { signal: AbortSignal.abort(new Error("early")) });
    await expect(reading).rejects.toThrow("early");
  });
});

it("fails reads in progress when it is closed", async () => {
  const file = await open(await writeLarge());
  const reading = file.read("/X", [[0, 2048], [0, 2048]]); // biome-ignore format: one range per axis
  const outcome = expect(reading).rejects.toThrow(/was closed while it was being read/);
  file.close();
  await outcome;
  await expect(file.read("/X", [[0, 1], [0, 1]])).rejects.toThrow(/is closed/); // biome-ignore format: likewise
});

it("does not keep the process alive when somebody forgets to close it, nor leave files behind", () => {
  const program = `
    import { openExpressionFile } from ${JSON.stringify(new URL("../../dist/io/index.js", import.meta.url).href)};
    const file = await openExpressionFile(${JSON.stringify(fixture("matrices.h5ad"))});
    for await (const block of file.blocks(file.matrices[0])) console.log(block.count);
  `;
  const before = readdirSync(fixture(""));
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 20_000 });
  expect(output.toString().trim()).toBe("23");
  expect(readdirSync(fixture(""))).toEqual(before);
});

it("refuses a column of a type that is neither number nor text", async () => {
  const file = await open(fixture("matrices.h5ad"));
  const node = (await file.node("/layers/half_floats")) as DatasetNode;
  const error = await errorOf(() => file.readAll({ ...node, shape: [23] }));
  expect(error.code).toBe("UNSUPPORTED_DTYPE");
  expect(error.message).toMatch(/float16/);
});

it("says that there is nothing at a path", async () => {
  const file = await open(fixture("matrices.h5ad"));
  expect(await file.node("/obs/nothing/here")).toBeUndefined();
});

it("reads a chunk of the largest size that is allowed", async () => {
  const side = 1 << 13;
  const path = await writeHdf5((root) => {
    const data = new Float32Array(side * side).fill(3);
    root.create_dataset({ name: "d", data, shape: [side, side], chunks: [side, side], compression: 1 });
  });
  const file = await open(path);
  expect((await file.node("/d")) as DatasetNode).toMatchObject({ itemBytes: 4, chunks: [side, side] });
  const values = await file.read("/d", [
    [0, side],
    [0, side],
  ]);
  expect(values.length * values.BYTES_PER_ELEMENT).toBe(1 << 28);
  expect(values.every((value: number | bigint) => value === 3)).toBe(true);
});
