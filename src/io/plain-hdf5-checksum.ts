/**
 * The checksum that HDF5 puts behind its superblock and object headers: Bob Jenkins' lookup3 ("hashlittle") with an
 * initial value of 0.
 */
export function hdf5Checksum(bytes: Uint8Array): number {
  // Twelve zero bytes behind the data: those that are missing in the last block count as 0.
  const padded = new DataView(new ArrayBuffer(bytes.length + BLOCK));
  new Uint8Array(padded.buffer).set(bytes);
  let a = (0xdeadbeef + bytes.length) | 0;
  let b = a;
  let c = a;
  const add = (at: number) => {
    a = (a + padded.getInt32(at, true)) | 0;
    b = (b + padded.getInt32(at + 4, true)) | 0;
    c = (c + padded.getInt32(at + 8, true)) | 0;
  };
  let at = 0;
  for (; bytes.length - at > BLOCK; at += BLOCK) {
    add(at);
    a = (a - c) ^ rotated(c, 4);
    c = (c + b) | 0;
    b = (b - a) ^ rotated(a, 6);
    a = (a + c) | 0;
    c = (c - b) ^ rotated(b, 8);
    b = (b + a) | 0;
    a = (a - c) ^ rotated(c, 16);
    c = (c + b) | 0;
    b = (b - a) ^ rotated(a, 19);
    a = (a + c) | 0;
    c = (c - b) ^ rotated(b, 4);
    b = (b + a) | 0;
  }
  if (bytes.length === 0) return c >>> 0;
  add(at);
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  return c >>> 0;
}

const BLOCK = 12;

const rotated = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));
