import { cpus } from "node:os";
import type { BenchmarkResults, NetworkSettings } from "../../evaluation/index.js";
import type { HistogramSession } from "../../histograms/index.js";
import { addon } from "../../native/addon.js";
import { regulatorsOf, targetsOf } from "../../pairs/index.js";
import type { Labelled } from "../../training/index.js";
import { VERSION } from "../../version.js";
import { describeLeftOut } from "../training-summary.js";
import type { BenchmarkArguments } from "./options.js";

export interface Hashes {
  /** Of the expression file, also where a store was prepared from it. */
  readonly data: string;
  /** Of the prepared store. */
  readonly store?: string;
  readonly labels: string;
}

/** Options that decide neither folds nor scores, or whose part in them is known otherwise. */
const INDIFFERENT = [
  "data",
  "labels",
  "output",
  "o",
  "json",
  "verbose",
  "methods",
  "add",
  "split",
  "fold-column",
  "yes",
  "_",
  "$0",
];

/** Changes with everything that decides what a method says about a fold of a given name. */
export function fingerprintOf(args: BenchmarkArguments, hashes: Hashes, { store }: HistogramSession): string {
  const others = Object.entries(args).filter(
    ([name, value]) => !INDIFFERENT.includes(name) && !/[A-Z]/.test(name) && value !== undefined,
  );
  const facts = { version: VERSION, hashes, cells: store.cells, ...Object.fromEntries(others.sort()) };
  return `${JSON.stringify(facts, null, 2)}\n`;
}

interface Run {
  readonly session: HistogramSession;
  readonly labelled: Labelled;
  readonly hashes: Hashes;
  readonly settings: NetworkSettings;
  readonly notices: readonly string[];
  /** Of performance.now. */
  readonly started: number;
}

/** What was run on what. */
export function benchmarkFacts(
  args: BenchmarkArguments,
  { session, labelled, hashes, settings, notices, started }: Run,
): Pick<BenchmarkResults, "run" | "data" | "labels"> {
  const { selection, store } = session;
  const { pairs, task } = labelled;
  const classCounts = new Array<number>(task === "causality" ? 3 : 2).fill(0);
  for (const label of pairs.labels) classCounts[label]++;
  return {
    run: {
      command: ["cnnc", ...process.argv.slice(2)],
      finished: new Date().toISOString(),
      seconds: (performance.now() - started) / 1000,
      seed: args.seed,
      threads: settings.threads,
      processor:
        (settings.device === "cuda" ? addon().systemInfo().gpus[0]?.name : cpus()[0]?.model) ?? "unknown",
      precision: settings.precision,
      versions: { cnnc: VERSION, node: process.versions.node },
      notices,
    },
    data: {
      path: args.data as string,
      sha256: hashes.data,
      cells: store.cells,
      genes: selection.matrix.shape[1],
      scale: selection.scale.name,
      transform: selection.transform,
    },
    labels: {
      path: args.labels as string,
      sha256: hashes.labels,
      pairs: pairs.a.length,
      classCounts,
      regulators: new Set(regulatorsOf(pairs)).size,
      targets: new Set(targetsOf(pairs)).size,
      leftOut: describeLeftOut(session, {
        ...labelled.report,
        mirrorsDropped: { test: 0, validation: 0 },
        leftOut: 0,
      }),
    },
  };
}
