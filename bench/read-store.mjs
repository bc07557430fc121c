/**
 * Reads all genes of an h5ad file into a store, and prints how long that took and its peak memory as JSON.
 *
 *   node read-store.mjs FILE
 */
import { buildStore, selectExpression } from "../dist/expression/index.js";
import { resolveThreads } from "../dist/native/device.js";

const start = performance.now();
const selection = await selectExpression(process.argv[2]);
const store = await buildStore(selection, { threads: resolveThreads(undefined) });
const seconds = (performance.now() - start) / 1000;
selection.file.close();
const peakBytes = 1024 * process.resourceUsage().maxRSS;
console.log(JSON.stringify({ seconds, peakBytes, storeBytes: store.native.bytes }));
