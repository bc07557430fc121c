import { expect } from "vitest";
import { CnncError } from "../../dist/errors.js";

/** The `CnncError` that an action ends in; the test fails if it ends in anything else. */
export async function errorOf(action: () => unknown): Promise<CnncError> {
  try {
    await action();
  } catch (error) {
    expect(error).toBeInstanceOf(CnncError);
    return error as CnncError;
  }
  throw new Error("no error was thrown");
}
