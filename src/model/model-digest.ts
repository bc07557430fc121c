import { createHash } from "node:crypto";
import type { StoredModel } from "./folder.js";

/** SHA-256, hexadecimal, of all that a model is: its network, its weights, and what is known of it. */
export async function modelDigest(model: StoredModel): Promise<string> {
  const { spec, parameters, info } = model;
  const network = "unsupported" in spec ? (await model.layersModel()).toJSON() : spec;
  return createHash("sha256")
    .update(JSON.stringify({ network, info }))
    .update(new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength))
    .digest("hex");
}
