import { CnncError } from "../../errors.js";
import type { HistogramSession } from "../../histograms/index.js";
import { type LabelledPairs, readPairFile, type Task } from "../../pairs/index.js";
import { mostGenesInMemory } from "../../scoring/index.js";
import { boostingProblem } from "../boosting.js";
import type { Method } from "../method.js";
import { associationMethod, partialCorrelationMethod } from "./association.js";
import { degreeMethod } from "./degree.js";
import { mirrorLookupMethod } from "./mirror-lookup.js";
import { NETWORKS, type NetworkSettings, networkMethod } from "./network.js";
import { savedModelMethod } from "./saved-model.js";
import { scoreFileMethod } from "./score-file.js";
import { createSummary } from "./summary.js";
import { createBoosting } from "./summary-boosting.js";
import { createSummaryPerRegulator } from "./summary-per-regulator.js";
import type { SummaryContext } from "./summary-table.js";
import { createTreeEnsemble, treesProblem } from "./tree-ensemble.js";

export type { NetworkSettings } from "./network.js";

export interface MethodContext {
  /** Its store is built with `keepValues`. */
  readonly session: Pick<HistogramSession, "selection" | "store">;
  readonly task: Task;
  /** Those of all folds. */
  readonly pairs: LabelledPairs;
  readonly settings: NetworkSettings;
}

/** What makes a method, or why it cannot be had here. */
interface Entry {
  readonly create: (context: MethodContext) => Method;
  /** One sentence with the remedy, or undefined. */
  readonly problem?: (context: MethodContext) => string | undefined;
}

const network = (name: keyof typeof NETWORKS): Entry => ({
  create: ({ session, settings }) => networkMethod(NETWORKS[name], session, settings),
});
const summary = (create: (context: SummaryContext) => Method, problem?: Entry["problem"]): Entry => ({
  create: ({ session, settings }) => create({ store: session.store, threads: settings.threads }),
  ...(problem && { problem }),
});
const association = (name: Parameters<typeof associationMethod>[0]): Entry => ({
  create: ({ session, settings }) => associationMethod(name, session.store, settings.threads),
});

/** Methods that have a name of their own, in the order of the tables. */
const METHODS: Readonly<Record<string, Entry>> = {
  compact: network("compact"),
  cnnc: network("cnnc"),
  mlp: network("mlp"),
  summary: summary(createSummary),
  "summary-per-regulator": summary(createSummaryPerRegulator),
  boosting: summary(createBoosting, boostingProblem),
  pearson: association("pearson"),
  spearman: association("spearman"),
  "mutual-information": association("mutual-information"),
  "partial-correlation": {
    create: ({ session, settings }) => partialCorrelationMethod(session.store, settings.threads),
    problem: ({ session }) => genesProblem(session.store.geneNames.length),
  },
  trees: summary(
    createTreeEnsemble,
    ({ session, task, pairs, settings }) =>
      boostingProblem() ?? treesProblem(task, pairs, { store: session.store, threads: settings.threads }),
  ),
  "margins-only": network("margins-only"),
  degree: { create: degreeMethod },
  "mirror-lookup": { create: mirrorLookupMethod },
};

function genesProblem(genes: number): string | undefined {
  const most = mostGenesInMemory();
  return genes <= most
    ? undefined
    : `its matrix of ${genes} x ${genes} genes does not fit; ${most} genes would.`;
}

export const METHOD_NAMES: readonly string[] = Object.keys(METHODS);

/**
 * @param names of METHOD_NAMES, `model:FOLDER` or `scores:FILE`; all that have a name by default, except those that
 *   this installation lacks, of which `onNotice` is told
 * @param more methods beside those
 * @throws CnncError `UNKNOWN_METHOD`, `METHOD_UNAVAILABLE`, and those of loadModel, readPairFile and the methods
 */
export async function createMethods(
  names: readonly string[] | undefined,
  more: readonly string[],
  context: MethodContext,
  onNotice?: (line: string) => void,
): Promise<Method[]> {
  const methods: Method[] = [];
  for (const name of [...(names ?? METHOD_NAMES), ...more]) {
    const problem = METHODS[name]?.problem?.(context);
    if (problem === undefined) methods.push(await createMethod(name, context));
    else if (names === undefined && !more.includes(name)) onNotice?.(`Without ${name}: ${problem}`);
    else throw new CnncError("METHOD_UNAVAILABLE", `The method ${name} cannot be had here: ${problem}`);
  }
  const twice = methods.find(({ name }, i) => methods.findIndex((other) => other.name === name) < i);
  if (twice) throw new CnncError("BAD_USAGE", `The method ${twice.name} is named twice.`, "Name it once.");
  return methods;
}

async function createMethod(name: string, context: MethodContext): Promise<Method> {
  const { session, task, settings } = context;
  const [kind, ...rest] = name.split(":");
  const place = rest.join(":");
  if (kind === "model" && place !== "") return savedModelMethod(place, task, session, settings);
  if (kind === "scores" && place !== "") {
    return scoreFileMethod(await readPairFile(place), session.store.geneNames);
  }
  const entry = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (entry) return entry.create(context);
  throw new CnncError(
    "UNKNOWN_METHOD",
    `There is no method ${name}.`,
    `Methods are ${METHOD_NAMES.join(", ")}, model:FOLDER and scores:FILE.`,
  );
}
