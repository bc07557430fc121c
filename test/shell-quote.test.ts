import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { shellQuoted } from "../dist/shell-quote.js";

it.each(["data.h5ad", "/a/b-c_1.h5", "my data", "it's", "$HOME", "a;b", "`x`", "*", "", 'say "so"', "ä"])(
  "the shell reads back %j",
  (word) => {
    const printed = execFileSync("/bin/sh", ["-c", `printf %s ${shellQuoted(word)}`]).toString();
    expect(printed).toBe(word);
    expect(shellQuoted("plain/name.h5ad")).toBe("plain/name.h5ad");
  },
);
