import { CnncError } from "../errors.js";
import { addon } from "./addon.js";
import type { Device } from "./addon-types.js";

export type { Device } from "./addon-types.js";

export const DEVICES = ["auto", "cpu", "cuda"] as const;
/** What the user asks for. `auto` is the GPU where one can be used. */
export type DeviceChoice = (typeof DEVICES)[number];

/**
 * @throws CnncError `GPU_UNAVAILABLE` when `cuda` is asked for and cannot be had, saying why.
 */
export function resolveDevice(choice: DeviceChoice): Device {
  if (choice === "cpu") return "cpu";
  const { gpus, gpuProblem } = addon().systemInfo();
  if (gpus.length > 0) return "cuda";
  if (choice === "auto") return "cpu";
  throw new CnncError("GPU_UNAVAILABLE", gpuProblem, "Use --device cpu, or auto.");
}

/** All processors granted to this process, unless the user says otherwise. */
export function resolveThreads(threads: number | undefined): number {
  return threads ?? addon().systemInfo().threads;
}
