import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CommandModule } from "yargs";
import { CnncError } from "../../errors.js";

const require = createRequire(import.meta.url);

export const buildNativeCommand: CommandModule = {
  command: "build-native",
  describe: "Compile cnnc's native addon, once after installing the package",
  builder: (parser) =>
    parser.epilogue("Needs cmake and a C++20 compiler (Debian, Ubuntu: apt-get install g++ cmake make)."),
  handler: () => compile(),
};

/** Runs cmake-js in the package's own folder, with its output on this terminal. */
async function compile(): Promise<void> {
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  const cmakeJs = join(dirname(require.resolve("cmake-js/package.json")), "bin", "cmake-js");
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, [cmakeJs, "compile"], { cwd: root, stdio: "inherit" });
    child.on("error", reject).on("close", resolve);
  });
  if (code !== 0) {
    throw new CnncError(
      "NATIVE_BUILD_FAILED",
      "The native addon could not be compiled; the compiler's messages are above.",
      "Install cmake and a C++20 compiler (Debian, Ubuntu: apt-get install g++ cmake make) and try again.",
    );
  }
}
