import { CnncError } from "../errors.js";

/** HDF5 filters by their registered number (https://support.hdfgroup.org/services/filters.html). */
const FILTER_NAMES: Readonly<Record<number, string>> = {
  1: "gzip",
  2: "shuffle",
  3: "fletcher32",
  4: "szip",
  5: "nbit",
  6: "scaleoffset",
  307: "bzip2",
  32000: "lzf",
  32001: "blosc",
  32004: "lz4",
  32008: "bitshuffle",
  32013: "zfp",
  32015: "zstd",
  32019: "jpeg",
  32022: "bitgroom",
  32023: "bitround",
  32026: "blosc2",
};

/** The usual name of a filter, e.g. `gzip`, or `filter 32100 (its own name)`. */
export function filterName(id: number, ownName: string): string {
  return FILTER_NAMES[id] ?? (ownName === "" ? `filter ${id}` : `filter ${id} (${ownName})`);
}

/**
 * Turns what the HDF5 library reported, a stack trace of its C functions, into one sentence.
 *
 * @param failure what h5wasm threw
 * @param file path of the file
 * @param place path inside the file; undefined while the file is being opened
 * @param filters names of the dataset's filters, where known
 */
export function translateHdf5Failure(
  failure: unknown,
  file: string,
  place?: string,
  filters: readonly string[] = [],
): CnncError {
  const trace = failure instanceof Error ? failure.message : String(failure);
  const error = (code: string, message: string, remedy: string) =>
    new CnncError(code, message, remedy, { cause: failure });
  if (/truncated file/.test(trace)) {
    return error(
      "FILE_TRUNCATED",
      `${file} is cut off: it is shorter than its own header says.`,
      "Copy or download the file again.",
    );
  }
  if (/file signature/.test(trace)) {
    return error(
      "NOT_HDF5",
      `${file} is not an HDF5 file.`,
      "Give an .h5ad or 10x .h5 file, or a .csv or .tsv table.",
    );
  }
  if (/required filter .* is not registered/.test(trace)) {
    return error(
      "UNSUPPORTED_FILTER",
      `${place} in ${file} is compressed with ${filters.join(" + ")}, which cannot be read here.`,
      'Write the file again with anndata: adata.write_h5ad("new.h5ad", compression="gzip").',
    );
  }
  return error(
    "FILE_CORRUPT",
    `${place === undefined ? "" : `${place} in `}${file} cannot be read: ${innermostReason(trace)}.`,
    "The file is damaged; copy or download it again.",
  );
}

/** The last line of the trace that says what went wrong: the innermost function's. */
function innermostReason(trace: string): string {
  const reasons = [...trace.matchAll(/^\s*#\d+: .* in \w+\(\): (.*)$/gm)];
  return reasons.at(-1)?.[1] ?? trace.split("\n", 1)[0];
}
