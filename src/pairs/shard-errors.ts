import { CnncError } from "../errors.js";

export const notAShard = (path: string): CnncError =>
  new CnncError(
    "NOT_A_SHARD",
    `${path} is no shard.`,
    "Give files that cnnc predict-pairs or cnnc build-histograms wrote with --shard.",
  );

export const damagedShard = (path: string, options?: ErrorOptions): CnncError =>
  new CnncError(
    "SHARD_DAMAGED",
    `${path} is damaged, or was not written or copied to its end.`,
    "Copy it again, or delete it and give the command that makes it once more.",
    options,
  );

/** @param known newest version of the format that is read here */
export const newerShard = (path: string, version: number, known: number): CnncError =>
  new CnncError(
    "SHARD_NEWER",
    `${path} has format version ${version}; this version of cnnc reads ${known}.`,
    "Use the version of cnnc that made it.",
  );

export const unreadableShard = (path: string, cause: NodeJS.ErrnoException): CnncError => {
  const reason =
    cause.code === "ENOENT" ? `There is no file ${path}` : `${path} cannot be opened: ${cause.message}`;
  return new CnncError("SHARD_UNREADABLE", `${reason}.`, "Check the path.", { cause });
};
