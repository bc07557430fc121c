import type { Interval } from "../metrics/index.js";
import type { SplitMode } from "../pairs/index.js";
import { leadingNetwork } from "./leading-network.js";
import { differencesAgainst } from "./regulators.js";
import type { MethodResult, SplitResult } from "./results.js";
import { count, decimal, listed, range, signed } from "./words.js";

/** What any claim about a network must be compared with: neither has seen whether two genes depend on each other. */
export const CONTROLS: readonly string[] = ["margins-only", "degree"];

/** The method that is shown labels which were kept from all others, so that it is no rival. */
export const LEAK_METHOD = "mirror-lookup";

/**
 * With fewer regulators, a difference of chance alone too often has one sign in all of them, which keeps 0 out of its
 * interval: for 5 with probability 2 / 2^5 > .05.
 */
const FEWEST_REGULATORS = 6;

/** Methods that a sentence names at most for one reason. */
const MOST_NAMED = 3;

const ON: Readonly<Record<SplitMode, string>> = {
  "random-pairs": "On random pairs",
  "regulator-disjoint": "On unseen regulators",
  "target-disjoint": "On unseen targets",
  "both-disjoint": "On unseen regulators and targets",
};

/**
 * What a split has shown, in one sentence without promises: what the best network reaches, how much more that is than
 * the controls, which methods are ahead of it, and over which no advantage is shown because the difference's interval
 * includes 0. Other networks that learned are not compared with it, nor is `mirror-lookup`, which shows what a leak would
 * give. Without a network, it is about the best other method.
 *
 * It goes by mean AUROC per regulator; where no regulator can be judged, by that over all pairs.
 */
export function verdict(split: Pick<SplitResult, "name" | "mode" | "given" | "methods">): string {
  const on = `${ON[split.mode]}${split.given ? ` (folds of ${split.name})` : ""}`;
  const field = chooseField(split.methods);
  if (field === undefined) return `${on}, no method could be judged on test pairs of both kinds.`;
  const parts = [field.perRegulator ? byRegulator(on, field) : byAllPairs(on, field)];
  if (split.mode === "random-pairs") {
    parts.push("such scores on random pairs mostly show which genes were known from training");
  }
  return `${parts.join("; ")}.`;
}

/** Who is compared with whom, and by what. */
interface Field {
  readonly leader: MethodResult;
  /** How the leader was found. */
  readonly who: string;
  /** All others but the networks it was chosen from: first the controls, then the best. */
  readonly rivals: readonly MethodResult[];
  /** Whether regulators could be judged one by one. */
  readonly perRegulator: boolean;
}

function chooseField(methods: readonly MethodResult[]): Field | undefined {
  const perRegulator = methods.some((method) => method.perRegulator.regulators > 0);
  const aurocOf = perRegulator ? regulatorAuroc : pooledAuroc;
  const judged = methods
    .filter((method) => method.name !== LEAK_METHOD && !Number.isNaN(aurocOf(method)))
    .sort((one, other) => aurocOf(other) - aurocOf(one));
  const networks = judged.filter(({ group, learns }) => group === "network" && learns);
  const others = judged.filter((method) => !networks.includes(method));
  const leader = leadingNetwork(networks);
  if (leader !== undefined) {
    const who =
      networks.length === 1 ? leader.name : `${leader.name}, the best of ${networks.length} networks,`;
    return { leader, who, rivals: controlsFirst(others), perRegulator };
  }
  const best = others.find(({ group }) => group !== "control") ?? others[0];
  if (best === undefined) return undefined;
  const who = `no network was trained; ${best.name}${best === others[0] ? "" : ", the best beside controls,"}`;
  return {
    leader: best,
    who,
    rivals: controlsFirst(others.filter((other) => other !== best)),
    perRegulator,
  };
}

/** They must not get lost in a long list. */
function controlsFirst(methods: readonly MethodResult[]): MethodResult[] {
  const controls = CONTROLS.flatMap((name) => methods.filter((method) => method.name === name));
  return [...controls, ...methods.filter((method) => !controls.includes(method))];
}

const regulatorAuroc = ({ perRegulator }: MethodResult) => perRegulator.auroc.value;
const pooledAuroc = ({ pooled }: MethodResult) => pooled.auroc;

function byRegulator(on: string, { leader, who, rivals }: Field): string {
  const { auroc, regulators } = leader.perRegulator;
  const reached = `${on}, ${who} reaches a mean AUROC per regulator of ${decimal(auroc.value)}`;
  if (regulators < FEWEST_REGULATORS) {
    const only = regulators === 1 ? "a single regulator" : `only ${regulators} regulators`;
    return `${reached}${against(leader, rivals, regulatorAuroc)}; ${only} could be judged, too few to tell more than chance`;
  }
  const compared = rivals.map((rival) => ({ rival, difference: differenceFrom(leader, rival) }));
  const won = compared.filter(({ rival, difference }) => CONTROLS.includes(rival.name) && difference.low > 0);
  const lost = compared.filter(({ difference }) => difference.high < 0);
  const open = compared.filter(({ difference }) => !(difference.low > 0) && !(difference.high < 0));
  const text = (difference: Interval) => `${signed(difference.value)} ${range(difference)}`;

  const clauses: string[] = [];
  if (auroc.low <= 0.5) clauses.push("it is not shown to be better than guessing (.500)");
  if (lost.length > 0) {
    const names = named(lost, ({ rival, difference }) => `${rival.name} (${text(difference)})`);
    clauses.push(`it is behind ${names}`);
  }
  if (open.length > 0) {
    const names = named(open, ({ rival, difference }) => `${rival.name} (${text(difference)})`);
    clauses.push(`no advantage over ${names} is shown`);
  }
  if (!rivals.some(({ name }) => CONTROLS.includes(name))) {
    clauses.push(`neither ${CONTROLS.join(" nor ")} was there to compare it with`);
  }
  const gains = listed(won.map(({ rival, difference }) => `${text(difference)} over ${rival.name}`));
  const result = `${reached} ${range(auroc)}${gains === "" ? "" : `: ${gains}`}`;
  return clauses.length === 0 ? result : `${result}, but ${listed(clauses)}`;
}

function byAllPairs(on: string, { leader, who, rivals }: Field): string {
  return (
    `${on}, no regulator has the 5 positive and 5 negative test pairs in a fold that it takes to judge it; over all ` +
    `pairs, where knowing the genes helps, ${who} reaches an AUROC of ${decimal(pooledAuroc(leader))}` +
    against(leader, rivals, pooledAuroc)
  );
}

/** The controls, and all that are level or ahead; no intervals, no claims. */
function against(
  leader: MethodResult,
  rivals: readonly MethodResult[],
  aurocOf: (method: MethodResult) => number,
): string {
  const told = rivals.filter((rival) => CONTROLS.includes(rival.name) || aurocOf(rival) >= aurocOf(leader));
  if (told.length === 0) return "";
  return `, against ${named(told, (rival) => `${decimal(aurocOf(rival))} of ${rival.name}`)}`;
}

function named<T>(items: readonly T[], text: (item: T) => string): string {
  const more = items.length - MOST_NAMED;
  const shown = (more > 1 ? items.slice(0, MOST_NAMED) : items).map(text);
  return listed(more > 1 ? [...shown, `${count(more)} others`] : shown);
}

function differenceFrom(leader: MethodResult, rival: MethodResult): Interval {
  const known = leader.differences.find(({ against }) => against === rival.name);
  return (known ?? differencesAgainst(leader, [rival], 0)[0]).auroc;
}
