/**
 * Runs a command line, and prints how long the whole process took, on the clock and of processors, and its peak
 * memory, as JSON.
 *
 *   node run-cnnc.mjs ARGUMENTS...
 */
import { main } from "../dist/cli/cli.js";

const code = await main(process.argv.slice(2));
if (code !== 0) process.exit(code);
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    seconds: performance.now() / 1000,
    processorSeconds: (user + system) / 1e6,
    peakBytes: 1024 * process.resourceUsage().maxRSS,
  }),
);
