/**
 * Builds the histograms of all gene pairs of an h5ad file into an HDF5 file, and prints how long that took and
 * the peak memory as JSON.
 *
 *   node write-histograms.mjs DATA OUT
 */
import { openHistograms, writeHistogramsHdf5 } from "../dist/histograms/index.js";

const [data, out] = process.argv.slice(2);
const start = performance.now();
const session = await openHistograms(data, { kind: "all" }, { device: "cpu" });
const ready = performance.now();
await writeHistogramsHdf5(session, out);
const end = performance.now();
session.close();
console.log(
  JSON.stringify({
    readSeconds: (ready - start) / 1000,
    writeSeconds: (end - ready) / 1000,
    peakBytes: 1024 * process.resourceUsage().maxRSS,
  }),
);
