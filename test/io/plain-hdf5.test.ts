import { open, readFile, truncate, writeFile } from "node:fs/promises";
import { type Dataset, File, Module, ready } from "h5wasm/node";
import { beforeAll, describe, expect, it } from "vitest";
import {
  type PlacedArray,
  type PlainArray,
  type PlainFile,
  placeArrays,
  readPlainHdf5,
  writeAll,
  writePlainHdf5,
} from "../../dist/io/index.js";
import { hdf5Checksum } from "../../dist/io/plain-hdf5-checksum.js";
import { PYTHON, runPython } from "../support/python.js";
import { writeTinyH5ad } from "../support/tiny-h5ad.js";
import { scratchFile, scratchPath } from "./helpers.js";

const ARRAYS: PlainArray[] = [
  { name: "bytes", type: "uint8", shape: [5] },
  { name: "shorts", type: "uint16", shape: [3] },
  { name: "signed", type: "int32", shape: [2] },
  { name: "words", type: "uint32", shape: [2, 3] },
  { name: "longs", type: "uint64", shape: [2] },
  { name: "floats", type: "float32", shape: [3] },
  { name: "doubles", type: "float64", shape: [2, 2] },
  { name: "texts", type: { text: 6 }, shape: [2] },
  { name: "one", type: { text: 4 }, shape: [] },
  { name: "nothing", type: "float32", shape: [0] },
];
const DATA: Record<string, Uint8Array> = {
  bytes: Uint8Array.of(1, 2, 3, 4, 255),
  shorts: bytesOf(Uint16Array.of(1, 256, 65535)),
  signed: bytesOf(Int32Array.of(-1, 2 ** 31 - 1)),
  words: bytesOf(Uint32Array.of(1, 2, 3, 4, 5, 2 ** 32 - 1)),
  longs: bytesOf(BigUint64Array.of(7n, 2n ** 63n)),
  floats: bytesOf(Float32Array.of(0.5, -1e30, 3)),
  doubles: bytesOf(Float64Array.of(Math.PI, -0.1, 1e300, 0)),
  texts: Buffer.from("ab\0\0\0\0äöü"),
  one: Buffer.from("text"),
  nothing: new Uint8Array(0),
};
const ATTRIBUTES = { format: "a test", version: 3, base: Math.E, below: -2 };

const PLAIN = scratchPath(".h5");
let placed: PlacedArray[];
beforeAll(async () => {
  placed = placeArrays(ARRAYS);
  const file = await open(PLAIN, "w");
  for (const { name, at } of placed) await writeAll(file, DATA[name], at);
  await writePlainHdf5(file, placed, ATTRIBUTES);
  await file.close();
});

describe("the checksum of HDF5", () => {
  // The values that come with its author's own code.
  it.each([
    ["", 0xdeadbeef],
    ["Four score and seven years ago", 0x17770551],
  ])("of %j", (text, sum) => expect(hdf5Checksum(Buffer.from(text))).toBe(sum));
});

describe("a plain HDF5 file", () => {
  it("is read by the HDF5 library", async () => {
    await ready;
    Module.activate_throwing_error_handler();
    const file = new File(PLAIN, "r");
    const value = (name: string) => (file.get(name) as Dataset).value;
    const shape = (name: string) => (file.get(name) as Dataset).shape;
    expect(file.keys().sort()).toEqual(ARRAYS.map(({ name }) => name).sort());
    for (const array of ARRAYS) expect([array.name, shape(array.name)]).toEqual([array.name, array.shape]);
    expect(value("bytes")).toEqual(Uint8Array.of(1, 2, 3, 4, 255));
    expect(value("shorts")).toEqual(Uint16Array.of(1, 256, 65535));
    expect(value("signed")).toEqual(Int32Array.of(-1, 2 ** 31 - 1));
    expect(value("words")).toEqual(Uint32Array.of(1, 2, 3, 4, 5, 2 ** 32 - 1));
    expect(value("longs")).toEqual(BigUint64Array.of(7n, 2n ** 63n));
    expect(value("floats")).toEqual(Float32Array.of(0.5, -1e30, 3));
    expect(value("doubles")).toEqual(Float64Array.of(Math.PI, -0.1, 1e300, 0));
    expect(value("texts")).toEqual(["ab", "äöü"]);
    expect(value("one")).toBe("text");
    expect([file.attrs.format.value, Number(file.attrs.version.value)]).toEqual(["a test", 3]);
    expect([file.attrs.base.value, file.attrs.below.value]).toEqual([Math.E, -2]);
    file.close();
  });

  it.skipIf(PYTHON === undefined)("is read by h5py", () => {
    const script = `
import h5py, json, sys
with h5py.File(sys.argv[1]) as file:
    print(json.dumps({name: [str(file[name].dtype), list(file[name].shape), file[name].chunks] for name in file}))
`;
    expect(runPython(script, [PLAIN])).toEqual({
      bytes: ["uint8", [5], null],
      shorts: ["uint16", [3], null],
      signed: ["int32", [2], null],
      words: ["uint32", [2, 3], null],
      longs: ["uint64", [2], null],
      floats: ["float32", [3], null],
      doubles: ["float64", [2, 2], null],
      texts: ["|S6", [2], null],
      one: ["|S4", [], null],
      nothing: ["float32", [0], null],
    });
  });

  it("tells where everything is without that library", async () => {
    const plain = (await readPlain(PLAIN)) as PlainFile;
    expect(Object.fromEntries(plain.attributes)).toEqual(ATTRIBUTES);
    const whole = await readFile(PLAIN);
    for (const { name, at, bytes } of plain.arrays.values()) {
      expect(Buffer.from(DATA[name])).toEqual(whole.subarray(at, at + bytes));
    }
    expect([...plain.arrays.keys()]).toEqual(ARRAYS.map(({ name }) => name));
    const shapes = ({ name, type, shape }: PlainArray) => ({ name, type, shape });
    expect([...plain.arrays.values()].map(shapes)).toEqual(ARRAYS);
  });

  it("is told from other files", async () => {
    expect(await readPlain(await writeTinyH5ad(scratchPath(".h5ad")))).toBeUndefined();
    expect(await readPlain(scratchFile(".h5", ""))).toBeUndefined();
    expect(await readPlain(scratchFile(".h5", Buffer.alloc(10_000, "gene,c1,c2\n")))).toBeUndefined();
  });

  it("is another file when a bit of its structure fell over, or its end is missing", async () => {
    const whole = await readFile(PLAIN);
    const end = Math.max(...placed.map(({ at, bytes }) => at + bytes));
    const structure = [...Array(48).keys(), ...Array.from({ length: whole.length - end }, (_, i) => end + i)];
    const path = scratchFile(".h5", whole);
    const file = await open(path, "r+");
    let unread = 0;
    for (const position of structure) {
      await writeAll(file, Uint8Array.of(whole[position] ^ (1 << (position % 8))), position);
      if ((await readPlainHdf5(file)) === undefined) unread++;
      await writeAll(file, whole.subarray(position, position + 1), position);
    }
    expect(await readPlainHdf5(file)).toBeDefined();
    await file.close();
    expect(unread).toBe(structure.length);
    for (const length of [whole.length - 1, end, 47]) {
      await writeFile(path, whole);
      await truncate(path, length);
      expect(await readPlain(path)).toBeUndefined();
    }
  });
});

async function readPlain(path: string): Promise<PlainFile | undefined> {
  const file = await open(path);
  try {
    return await readPlainHdf5(file);
  } finally {
    await file.close();
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
