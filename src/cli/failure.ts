import { CnncError } from "../errors.js";

const OUR_FAULT = 1;
const USER_MISTAKE = 2;
/** As shells report a process ended by SIGINT. */
const STOPPED = 130;

/** Prints an error for people and returns the exit code that fits it. */
export function reportFailure(error: unknown, verbose: boolean): number {
  if (verbose && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (!(error instanceof CnncError)) {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`cnnc: internal error: ${message}\n`);
    if (!verbose) process.stderr.write("Run it again with --verbose and report what it prints.\n");
    return OUR_FAULT;
  }
  if (error.code === "CANCELLED") {
    process.stderr.write(
      error.remedy === "" ? "Stopped; nothing was written.\n" : `Stopped. ${error.remedy}\n`,
    );
    return STOPPED;
  }
  process.stderr.write(`cnnc: ${error.message}\n`);
  if (error.remedy !== "") process.stderr.write(`${error.remedy}\n`);
  return error.code === "INTERNAL" ? OUR_FAULT : USER_MISTAKE;
}
