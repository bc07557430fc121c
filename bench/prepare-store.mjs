/**
 * Prepares a store with the command line, and prints how long that took, on the clock and of processors, and
 * its peak memory, as JSON.
 *
 *   node prepare-store.mjs FILE STORE
 */
import { main } from "../dist/cli/cli.js";

const [file, store] = process.argv.slice(2);
const code = await main(["prepare", file, "-o", store]);
if (code !== 0) process.exit(code);
const seconds = performance.now() / 1000;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    seconds,
    processorSeconds: (user + system) / 1e6,
    peakBytes: 1024 * process.resourceUsage().maxRSS,
  }),
);
