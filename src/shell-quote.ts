/** A word of a command line that a POSIX shell takes as it is, for commands that messages advise. */
export function shellQuoted(word: string): string {
  return /^[\w./+@%:=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
