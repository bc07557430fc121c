/** A reading thread: answers the requests of `hdf5-pool.ts` about one file, one at a time. */
import "./wasm-memory-limit.js";
import { parentPort, workerData } from "node:worker_threads";
import { CnncError } from "../errors.js";
import type { Hdf5Answer, Hdf5Request } from "./hdf5-pool.js";
import { openSession } from "./hdf5-session.js";

const session = openSession(workerData as string);

async function answer(request: Hdf5Request): Promise<Hdf5Answer> {
  try {
    const { node, read, rows } = await session;
    switch (request.kind) {
      case "node":
        return { value: node(request.path) };
      case "read":
        return { value: read(request.path, request.ranges) };
      case "rows":
        return { value: rows(request.path, request.range, request.field) };
    }
  } catch (error) {
    if (!(error instanceof CnncError)) throw error;
    // Errors lose their class and own properties on the way to another thread.
    return { error: { code: error.code, message: error.message, remedy: error.remedy } };
  }
}

parentPort?.on("message", async (request: Hdf5Request) => {
  const reply = await answer(request);
  const value = "value" in reply ? reply.value : undefined;
  parentPort?.postMessage(reply, ArrayBuffer.isView(value) ? [value.buffer as ArrayBuffer] : []);
});
