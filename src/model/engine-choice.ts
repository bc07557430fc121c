import { addon } from "../native/addon.js";
import type { Device, Precision } from "../native/addon-types.js";
import { type DeviceChoice, resolveDevice } from "../native/device.js";

export const ENGINES = ["auto", "native", "tfjs"] as const;
/** What runs a network: oneDNN or TensorFlow.js. `auto` is native where it can be had. */
export type EngineChoice = (typeof ENGINES)[number];

/** Why the native engine cannot run here; undefined where it can. */
export function nativeEngineProblem(precision: Precision = "f32"): string | undefined {
  const { onednn, bf16 } = addon().systemInfo();
  if (onednn === "") return "cnnc was built without oneDNN";
  return precision === "bf16" && !bf16 ? "this processor does not compute in bfloat16" : undefined;
}

/** What a native engine is called, e.g. `oneDNN 2.6 (bfloat16)` or `NVIDIA H200 (float32)`. */
export function nativeEngineName(device: Device, precision: Precision): string {
  const { onednn, gpus } = addon().systemInfo();
  return `${device === "cuda" ? gpus[0].name : `oneDNN ${onednn}`} (${precision === "bf16" ? "bfloat16" : "float32"})`;
}

/**
 * The device that an engine will use: TensorFlow.js has no use for a GPU of ours.
 *
 * @throws CnncError `GPU_UNAVAILABLE` when `cuda` is asked for and cannot be had
 */
export const deviceFor = (engine: EngineChoice, choice: DeviceChoice): Device =>
  engine === "tfjs" && choice === "auto" ? "cpu" : resolveDevice(choice);
