export { openExpressionFile } from "./expression-file.js";
export { findMatrix, type MatrixChoice } from "./find-matrix.js";
export { type Annotation, createH5ad, type H5adWriter } from "./h5ad-writer.js";
export { hashFile } from "./hash-file.js";
export { HDF5_SIGNATURE } from "./hdf5-signature.js";
export { createHdf5, type GrowingDataset, type Hdf5Writer, type WritableNumbers } from "./hdf5-writer.js";
export {
  checkOutputFile,
  checkOutputFolder,
  guardWrites,
  writeWhole,
  writeWholeFolder,
} from "./output-file.js";
export {
  fixedText,
  type PlacedArray,
  type PlainArray,
  type PlainFile,
  type PlainType,
  placeArrays,
  readPlainHdf5,
  writeAll,
  writePlainHdf5,
} from "./plain-hdf5.js";
export { replaceWholeFolder, restoreReplaced } from "./replace-folder.js";
export { openScratchFile, type ScratchFile } from "./scratch-file.js";
export type {
  BlockOptions,
  Column,
  DenseBlock,
  ExpressionFile,
  MatrixBlock,
  MatrixInfo,
  Numbers,
  SparseBlock,
  Table,
} from "./types.js";
