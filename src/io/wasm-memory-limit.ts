/**
 * To be imported before h5wasm, whose memory may grow to 2 GB: a damaged file can make HDF5 ask for all of it.
 * With this limit the allocation fails instead and is reported like any other damage. There is still room for a
 * chunk of `MAX_CHUNK_BYTES` (`matrix.ts`) compressed, decompressed and copied.
 */
const MAX_PAGES = 2 ** 30 / 65_536;

interface MemoryDescriptor {
  initial: number;
  maximum?: number;
}

// TypeScript declares WebAssembly together with the browser's globals only.
const wasm = (
  globalThis as unknown as { WebAssembly: { Memory: new (descriptor: MemoryDescriptor) => object } }
).WebAssembly;

wasm.Memory = class extends wasm.Memory {
  constructor({ initial, maximum = MAX_PAGES }: MemoryDescriptor) {
    super({ initial, maximum: Math.min(MAX_PAGES, maximum) });
  }
};
