import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { CnncError } from "../errors.js";
import type { NativeAddon } from "./addon-types.js";

const require = createRequire(import.meta.url);
/** Where cmake-js leaves the addon, the first that exists. */
const BUILDS = ["build/Release/cnnc.node", "build/Debug/cnnc.node"];

let loaded: NativeAddon | undefined;

/**
 * The native addon, loaded on first use.
 *
 * @throws CnncError `ADDON_MISSING` when it has not been built, `ADDON_UNUSABLE` when it cannot be loaded.
 */
export function addon(): NativeAddon {
  loaded ??= load();
  return loaded;
}

function load(): NativeAddon {
  const paths = BUILDS.map((build) => fileURLToPath(new URL(`../../${build}`, import.meta.url)));
  const path = paths.find((candidate) => existsSync(candidate));
  const remedy = "Build it with: npx cnnc build-native (it needs cmake and a C++20 compiler).";
  if (path === undefined) {
    throw new CnncError("ADDON_MISSING", "cnnc's native addon has not been built yet.", remedy);
  }
  try {
    return require(path) as NativeAddon;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new CnncError(
      "ADDON_UNUSABLE",
      `cnnc's native addon ${path} cannot be loaded on ${process.platform}-${process.arch} with Node ` +
        `${process.versions.node}: ${reason}.`,
      remedy,
      { cause },
    );
  }
}
