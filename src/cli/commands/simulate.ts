import type { CommandModule } from "yargs";

export const simulateCommand: CommandModule = {
  command: "simulate",
  describe: "Simulate",
  handler: () => {},
};
