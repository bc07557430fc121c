/**
 * Every failure that a user can cause or meet, by its stable `code`.
 *
 * The command line prints `message` (one sentence: what is wrong and where) and `remedy`, and exits
 * with 2; anything that is not a `CnncError` is our own fault and exits with 1.
 */
export class CnncError extends Error {
  override readonly name = "CnncError";
  /** Stable, machine-readable, e.g. `FILE_NOT_FOUND`. */
  readonly code: string;
  /** What the user can do about it; empty when nothing useful can be said. */
  readonly remedy: string;

  constructor(code: string, message: string, remedy = "", options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.remedy = remedy;
  }
}
