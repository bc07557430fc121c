import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { addon } from "../../dist/native/addon.js";
import type { NativeBlock, NativeStore, NativeStoreOptions } from "../../dist/native/addon-types.js";
import { expectOneSentence } from "../support/one-sentence.js";
import { testFolder } from "../support/run-cnnc.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

describe("addon-types.ts", () => {
  const text = readFileSync(join(ROOT, "src/native/addon-types.ts"), "utf8");
  const { Job, Simulator, Store, StoreBuilder } = addon();

  it.each([
    ["NativeAddon", Object.keys(addon())],
    ["NativeJob", membersOf(Job)],
    ["NativeSimulator", membersOf(Simulator)],
    ["NativeStore", membersOf(Store)],
    ["NativeStoreBuilder", membersOf(StoreBuilder)],
    ["SystemInfo", Object.keys(addon().systemInfo())],
  ])("describes %s as the addon has it", (name, members) => {
    expect(declaredMembers(text, name)).toEqual([...members].sort());
  });

  it("describes what the classes return", async () => {
    const arrays = (await smallStore()).geneArrays();
    const types = Object.entries(arrays).map(([name, array]) => [name, array.constructor.name]);
    const declared = Array.from(
      text.matchAll(/^ {4}(edges|marginal|expressing|constant|stored|zeroBin): (\w+);/gm),
      ([, ...pair]) => pair,
    );
    expect(types.sort()).toEqual(declared.sort());
  });
});

describe("a package whose addon cannot be loaded", () => {
  it("says that it has not been built, and how to", async () => {
    const folder = packageWithoutAddon();
    const { status, stdout, stderr } = cnncOf(folder, ["show-pair", "data.h5ad", "a", "b", "-o", "pair.png"]);
    const outcome = { code: status, stdout, stderr };
    expectOneSentence(outcome, { says: /native addon has not been built/, remedy: /cnnc build-native/ });
  });

  it("can still inspect a file", async () => {
    const sample = join(ROOT, "data-samples/expression.h5ad");
    expect(cnncOf(packageWithoutAddon(), ["inspect", sample])).toMatchObject({ status: 0, stderr: "" });
  });

  it("says why a built one cannot be loaded", async () => {
    const folder = packageWithoutAddon();
    mkdirSync(join(folder, "build/Release"), { recursive: true });
    writeFileSync(join(folder, "build/Release/cnnc.node"), "not an addon");
    const { status, stdout, stderr } = cnncOf(folder, ["show-pair", "data.h5ad", "a", "b", "-o", "pair.png"]);
    const outcome = { code: status, stdout, stderr };
    expectOneSentence(outcome, {
      says: /cnnc\.node cannot be loaded on \w+-\w+ with Node \d+/,
      remedy: /build-native/,
    });
  });
});

describe("arguments of a wrong type", () => {
  const WRONG: [string, () => unknown][] = [
    ["a block that is missing", () => builder().scan(undefined as never)],
    ["a block without values", () => builder().scan({ ...BLOCK, values: undefined as never })],
    ["values in an array", () => builder().scan({ ...BLOCK, values: [1, 2] as never })],
    [
      "a sparse block without indices",
      () => builder().scan({ ...BLOCK, kind: "sparse", indptr: new Uint32Array(7) }),
    ],
    ["offsets of 64 bits", () => builder().scan({ ...SPARSE, indptr: new BigUint64Array(7) as never })],
    ["genes to keep in an array", () => builder().beginFill([1, 1] as never)],
    ["no arguments at all", () => (addon().buildHistograms as () => unknown)()],
    ["pairs in an array", () => build({ a: [0] as never })],
    ["pairs of signed integers", () => build({ b: new Int32Array(1) as never })],
    ["counts of float64", () => build({ out: new Float64Array(1024) as never })],
    ["counts in an array", () => build({ out: [] as never })],
    ["no job", () => build({ job: undefined as never })],
    ["a method of another object", () => addon().StoreBuilder.prototype.endScan.call(new (addon().Job)())],
  ];
  it.each(WRONG)("%s: a TypeError", async (_, call) => {
    await expect((async () => call())()).rejects.toThrow(TypeError);
  });
});

describe("arguments that do not fit", () => {
  const UNFIT: [string, string, () => unknown][] = [
    ["a choice of cells of another length", "BAD_SELECTION", () => builder({ cellOf: Int32Array.of(0, 1) })],
    ["a choice of genes out of order", "BAD_SELECTION", () => builder({ geneOf: Int32Array.of(1, 0) })],
    [
      "a single cell",
      "TOO_FEW_CELLS",
      () => builder({ cellOf: Int32Array.of(0, -1, -1, -1, -1, -1), cells: 1 }),
    ],
    ["too few values", "BAD_BLOCK", () => builder().scan({ ...BLOCK, values: new Float32Array(11) })],
    ["rows out of order", "BAD_BLOCK", () => builder().scan({ ...BLOCK, first: 1, count: 5 })],
    ["offsets that do not fit", "BAD_BLOCK", () => builder().scan({ ...SPARSE, indptr: new Uint32Array(0) })],
    [
      "indices with fractions",
      "BAD_BLOCK",
      () => builder().scan({ ...SPARSE, indices: new Float32Array(0) }),
    ],
    ["a scan that ends too early", "BAD_BLOCK", () => builder().endScan()],
    ["columns of different length", "BAD_PAIRS", () => build({ a: new Uint32Array(2) })],
    ["a gene that the store lacks", "BAD_PAIRS", () => build({ a: Uint32Array.of(2) })],
    ["an empty store", "BAD_PAIRS", () => build({ store: new (addon().Store)() })],
    ["room for less than the pairs", "BAD_OUTPUT", () => build({ out: new Uint16Array(1023) })],
  ];
  it.each(UNFIT)("%s: %s", async (_, code, call) => {
    await expect((async () => call())()).rejects.toMatchObject({ code });
  });

  it("counts in a type too narrow for the cells: BAD_OUTPUT", async () => {
    const cells = 300;
    const wide = { fileCells: cells, cellOf: Int32Array.from({ length: cells }, (_, cell) => cell), cells };
    const store = await smallStore(wide, { ...BLOCK, count: cells, values: new Float32Array(2 * cells) });
    await expect(build({ store, out: new Uint8Array(1024) })).rejects.toMatchObject({ code: "BAD_OUTPUT" });
    await expect(build({ store, out: new Uint16Array(1024) })).resolves.toBeUndefined();
  });
});

describe("calls at a wrong time", () => {
  it("a second one while the first is at work: BUSY, and the first goes on", async () => {
    // Enough work to be still going on when the next line runs.
    const cells = 1 << 20;
    const store = builder({
      fileCells: cells,
      cellOf: Int32Array.from({ length: cells }, (_, i) => i),
      cells,
    });
    const block = { ...BLOCK, count: cells, values: new Float32Array(2 * cells).fill(1) };
    const first = store.scan(block);
    await expect((async () => store.scan(block))()).rejects.toMatchObject({ code: "BUSY" });
    await first;
    expect([...store.endScan().expressing]).toEqual([cells, cells]);
  });

  it("one with a job that has been cancelled: CANCELLED", async () => {
    const job = new (addon().Job)();
    job.cancel();
    await expect(build({ job })).rejects.toMatchObject({ code: "CANCELLED" });
  });

  it("a job tells how many pairs are done", async () => {
    const job = new (addon().Job)();
    expect(job.done).toBe(0);
    await build({ a: new Uint32Array(3), b: new Uint32Array(3), out: new Uint8Array(3072), job });
    expect(job.done).toBe(3);
  });
});

const SIZES = { fileCells: 6, fileGenes: 2, cells: 6, genes: 2 };
const MAPS = { cellOf: Int32Array.of(0, 1, 2, 3, 4, 5), geneOf: Int32Array.of(0, 1) };
const RULES = {
  majorAxis: "cell",
  scale: "linear",
  logBase: 0,
  transform: "log10",
  keepValues: false,
  threads: 1,
} as const;
const BLOCK: NativeBlock = {
  kind: "dense",
  first: 0,
  count: 6,
  values: Float32Array.of(1, 0, 2, 2, 3, 3, 0, 4, 5, 0, 1, 1),
};
const SPARSE: NativeBlock = {
  ...BLOCK,
  kind: "sparse",
  indptr: new Uint32Array(7),
  indices: new Int32Array(0),
};

function builder(options: Partial<NativeStoreOptions> = {}) {
  return new (addon().StoreBuilder)({ ...SIZES, ...MAPS, ...RULES, ...options });
}

/** A store of 6 cells and 2 genes, unless told otherwise. */
async function smallStore(options: Partial<NativeStoreOptions> = {}, block = BLOCK): Promise<NativeStore> {
  const store = builder(options);
  await store.scan(block);
  store.endScan();
  await store.beginFill();
  await store.fill(block);
  return store.finish();
}

/** The histogram of genes 0 and 0 of a small store, unless told otherwise. */
async function build(change: {
  store?: NativeStore;
  a?: Uint32Array;
  b?: Uint32Array;
  out?: Uint8Array | Uint16Array;
  job?: InstanceType<ReturnType<typeof addon>["Job"]>;
}): Promise<void> {
  const usual = {
    store: change.store ?? (await smallStore()),
    a: new Uint32Array(1),
    b: new Uint32Array(1),
    out: new Uint8Array(1024),
    job: new (addon().Job)(),
  };
  const { store, a, b, out, job } = { ...usual, ...change };
  return addon().buildHistograms(store, a, b, out, "cpu", 1, job);
}

/** Methods and accessors of a native class. */
function membersOf(nativeClass: { prototype: object }): string[] {
  return Object.getOwnPropertyNames(nativeClass.prototype).filter((name) => name !== "constructor");
}

/** Member names of an interface, from the text of its declaration. */
function declaredMembers(text: string, name: string): string[] {
  const body = new RegExp(`^export interface ${name} \\{\\n(.*?)^\\}`, "ms").exec(text)?.[1] ?? "";
  return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)[?(:]/gm), ([, member]) => member).sort();
}

/** The package as npm installs it, before its addon is built. */
function packageWithoutAddon(): string {
  const folder = testFolder();
  for (const part of ["bin", "dist", "package.json"])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "dir");
  return folder;
}

function cnncOf(folder: string, args: readonly string[]) {
  return spawnSync(process.execPath, [join(folder, "bin/cnnc.js"), ...args], {
    cwd: folder,
    encoding: "utf8",
  });
}
