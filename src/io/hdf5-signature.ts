/** The first 8 bytes of an HDF5 file. */
export const HDF5_SIGNATURE: Buffer = Buffer.from("\x89HDF\r\n\x1a\n", "latin1");
