import { CnncError } from "../errors.js";

/** The sentences of yargs that users see, in our words; it fills in what `%s` stands for. */
export const YARGS_MESSAGES = {
  "Not enough non-option arguments: got %s, need at least %s": {
    one: "The command line is incomplete: %s of %s file or gene names are given.",
    other: "The command line is incomplete: %s of %s file or gene names are given.",
  },
  "Not enough arguments following: %s": "No value follows --%s.",
  "Missing required argument: %s": { one: "--%s is missing.", other: "%s are missing." },
  "Unknown argument: %s": { one: "%s is not understood here.", other: "%s are not understood here." },
  "Invalid values:": "There is no such choice:",
  "Argument: %s, Given: %s, Choices: %s": "--%s %s; it can be %s.",
  "Arguments %s and %s are mutually exclusive": "--%s and --%s cannot be combined.",
  "Did you mean %s?": "There is no such command; did you mean %s?",
  // The types of yargs do not know that it takes plurals.
} as object as Record<string, string>;

/** Options that may be given several times. */
const REPEATABLE = ["obs", "add", "compare", "shards"];

/**
 * @returns true, as yargs wants it
 * @throws CnncError `BAD_USAGE` for an option that is given twice or with an empty value.
 */
export function checkValues(args: Record<string, unknown>): true {
  for (const [name, value] of Object.entries(args)) {
    const isAlias = name.length === 1;
    if (isAlias || REPEATABLE.includes(name)) continue;
    if (value === "") throw usageError(`The value of ${name} is empty.`);
    if (Array.isArray(value)) throw usageError(`--${name} is given more than once.`);
  }
  return true;
}

/** The error for a command line that yargs refuses; errors of the commands themselves pass unchanged. */
export function usageError(message: string, error?: Error): Error {
  if (error !== undefined && error.name !== "YError") return error;
  const sentence = message.replaceAll(/\s+/g, " ").trim();
  return new CnncError("BAD_USAGE", sentence, "See cnnc --help, or cnnc COMMAND --help.");
}
