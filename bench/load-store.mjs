/**
 * Loads a store as every command does, and prints how long that took and its peak memory as JSON.
 *
 *   node load-store.mjs FILE [GENES]
 *
 * FILE is of expression, or prepared; GENES of its genes are taken, evenly spread, all by default. The time is that of
 * the whole process but for its end.
 */
import { openExpression } from "../dist/expression/index.js";
import { resolveThreads } from "../dist/native/device.js";

const [path, count] = process.argv.slice(2);
const source = await openExpression(path);
const total = source.geneNames.length;
const genes = Array.from({ length: Number(count ?? total) }, (_, i) =>
  Math.floor((i * total) / Number(count ?? total)),
);
const store = await source.build({ genes, threads: resolveThreads(undefined) });
const seconds = performance.now() / 1000;
const { user, system } = process.cpuUsage();
source.close();
const peakBytes = 1024 * process.resourceUsage().maxRSS;
console.log(
  JSON.stringify({
    seconds,
    processorSeconds: (user + system) / 1e6,
    peakBytes,
    storeBytes: store.native.bytes,
    entries: store.native.entries,
  }),
);
