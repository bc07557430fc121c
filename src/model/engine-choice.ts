import { addon } from "../native/addon.js";
import type { Precision } from "../native/addon-types.js";

export const ENGINES = ["auto", "native", "tfjs"] as const;
/** What runs a network: oneDNN or TensorFlow.js. `auto` is native where it can be had. */
export type EngineChoice = (typeof ENGINES)[number];

/** Why the native engine cannot run here; undefined where it can. */
export function nativeEngineProblem(precision: Precision = "f32"): string | undefined {
  const { onednn, bf16 } = addon().systemInfo();
  if (onednn === "") return "cnnc was built without oneDNN";
  return precision === "bf16" && !bf16 ? "this processor does not compute in bfloat16" : undefined;
}
