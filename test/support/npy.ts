import { readFileSync } from "node:fs";

/** Reads a numpy file of little-endian numbers or text, by the published format, for checking against. */
export function readNpy(path: string): { dtype: string; shape: number[]; bytes: Buffer } {
  const file = readFileSync(path);
  const headerLength = file.readUInt16LE(8);
  const header = file.toString("latin1", 10, 10 + headerLength);
  const dtype = /'descr': '([^']+)'/.exec(header)?.[1] ?? "";
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .filter((size) => size.trim() !== "")
    .map(Number);
  // A copy, so that the data are aligned for typed arrays.
  return { dtype, shape, bytes: Buffer.from(Uint8Array.from(file.subarray(10 + headerLength)).buffer) };
}

/** The numbers of a uint16 file. */
export function readUint16Npy(path: string): Uint16Array {
  const { dtype, bytes } = readNpy(path);
  if (dtype !== "<u2") throw new Error(`${path} holds ${dtype}`);
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
}
