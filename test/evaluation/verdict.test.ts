import { describe, expect, test } from "vitest";
import type { MethodResult, SplitResult } from "../../dist/evaluation/results.js";
import { verdict } from "../../dist/evaluation/verdict.js";
import { madeMethod, madeSplit } from "./made-results.js";

const CONTROL = { group: "control", learns: true } as const;
const SUMMARY = { group: "summary", learns: true } as const;
const ASSOCIATION = { group: "association", learns: false } as const;

/** Twelve regulators about `centre`, each `shift` higher. */
const around = (centre: number, shift = 0) =>
  Array.from({ length: 12 }, (_, i) => centre + shift + ((i % 6) - 2.5) / 100);
/** As far above as below `centre`, in another order than `around`. */
const unlike = (centre: number) =>
  Array.from({ length: 12 }, (_, i) => centre + (i % 2 === 0 ? 0.08 : -0.08));

const NETWORK = madeMethod("compact", around(0.7));
const MARGINS = madeMethod("margins-only", around(0.65), CONTROL);
const DEGREE = madeMethod("degree", around(0.5), CONTROL);

const say = (methods: readonly MethodResult[], more: Partial<SplitResult> = {}) =>
  verdict(madeSplit(methods, more));

describe("verdict", () => {
  test("a network that is better than the controls", () => {
    // All differences are the same, so their intervals have no width.
    expect(say([NETWORK, MARGINS, DEGREE])).toMatch(
      /^On unseen targets, compact reaches a mean AUROC per regulator of \.700 \[\.6\d\d, \.7\d\d\]: \+\.050 \[\.050, \.050\] over margins-only and \+\.200 \[\.200, \.200\] over degree\.$/,
    );
  });

  test("no advantage where the interval includes 0", () => {
    const text = say([NETWORK, madeMethod("degree", unlike(0.69), CONTROL), MARGINS]);
    expect(text).toMatch(
      /: \+\.050 \[\.050, \.050\] over margins-only, but no advantage over degree \(\+\.010 \[-\.0\d\d, \.0\d\d\]\) is shown\.$/,
    );
  });

  test("a control that is ahead", () => {
    expect(say([NETWORK, MARGINS, madeMethod("degree", around(0.8), CONTROL)])).toMatch(
      /over margins-only, but it is behind degree \(-\.100 \[-\.100, -\.100\]\)\.$/,
    );
  });

  test("summary and association methods that are level or ahead are named, others are not", () => {
    const text = say([
      NETWORK,
      madeMethod("boosting", around(0.74), SUMMARY),
      madeMethod("summary", unlike(0.7), SUMMARY),
      madeMethod("spearman", around(0.6), ASSOCIATION),
      madeMethod("pearson", unlike(0.71), ASSOCIATION),
      madeMethod("scores:other.tsv", around(0.72), { group: "external", learns: false }),
      MARGINS,
      DEGREE,
    ]);
    expect(text).toMatch(
      /but it is behind boosting \(-\.040 .*\) and scores:other\.tsv \(-\.020 .*\) and no advantage/,
    );
    expect(text).toMatch(/no advantage over pearson \(.*\) and summary \(.*\) is shown\.$/);
    expect(text).not.toContain("spearman");
    expect(text.match(/\./g)?.at(-1)).toBe(".");
  });

  test("of many that are ahead the controls and the best are named", () => {
    const ahead = Array.from({ length: 6 }, (_, i) =>
      madeMethod(`summary-${i}`, around(0.75 + i / 100), SUMMARY),
    );
    const text = say([NETWORK, ...ahead, madeMethod("degree", around(0.71), CONTROL)]);
    expect(text).toMatch(
      /behind degree \(-\.010 [^)]*\), summary-5 \(-\.100 [^)]*\), summary-4 \(-\.090 [^)]*\) and 4 others\.$/,
    );
  });

  test("no better than guessing", () => {
    expect(say([madeMethod("compact", unlike(0.51)), madeMethod("degree", around(0.4), CONTROL)])).toMatch(
      /of \.510 \[\.4\d\d, \.5\d\d\]: \+\.110 .* over degree, but it is not shown to be better than guessing \(\.500\)\.$/,
    );
  });

  test("of several networks the best, which is said; they are not compared with each other", () => {
    const text = say([madeMethod("cnnc", around(0.6)), NETWORK, MARGINS, DEGREE]);
    expect(text).toMatch(/^On unseen targets, compact, the best of 2 networks, reaches/);
    expect(text).not.toContain("cnnc");
  });

  test("a model that was trained elsewhere is a rival", () => {
    expect(say([NETWORK, madeMethod("model:old", around(0.8), { learns: false }), DEGREE])).toContain(
      "but it is behind model:old (-.100",
    );
  });

  test("mirror-lookup is no rival: it is shown what was kept from the others", () => {
    const lookup = madeMethod("mirror-lookup", around(0.9), CONTROL);
    expect(say([NETWORK, lookup, MARGINS, DEGREE])).toBe(say([NETWORK, MARGINS, DEGREE]));
    expect(say([lookup])).toBe("On unseen targets, no method could be judged on test pairs of both kinds.");
  });

  test("without controls", () => {
    expect(say([NETWORK])).toMatch(/\], but neither margins-only nor degree was there to compare it with\.$/);
  });

  test("random pairs", () => {
    expect(say([NETWORK, DEGREE], { name: "random-pairs", mode: "random-pairs" })).toMatch(
      /^On random pairs, compact .* over degree; such scores on random pairs mostly show which genes were known from training\.$/,
    );
  });

  test.each([
    ["regulator-disjoint", "On unseen regulators, "],
    ["both-disjoint", "On unseen regulators and targets, "],
  ] as const)("%s", (mode, start) => {
    expect(say([NETWORK, DEGREE], { mode }).startsWith(start)).toBe(true);
  });

  test("given folds", () => {
    expect(say([NETWORK, DEGREE], { name: "fold_gene5", given: true })).toMatch(
      /^On unseen targets \(folds of fold_gene5\), compact reaches/,
    );
  });

  test("too few regulators for claims", () => {
    const few = [madeMethod("compact", [0.7, 0.8]), madeMethod("degree", [0.6, 0.7], CONTROL)];
    expect(say(few)).toBe(
      "On unseen targets, compact reaches a mean AUROC per regulator of .750, against .650 of degree; " +
        "only 2 regulators could be judged, too few to tell more than chance.",
    );
    expect(say([madeMethod("compact", [0.7]), madeMethod("pearson", [0.7], ASSOCIATION)])).toBe(
      "On unseen targets, compact reaches a mean AUROC per regulator of .700, against .700 of pearson; " +
        "a single regulator could be judged, too few to tell more than chance.",
    );
  });

  test("no regulator can be judged: over all pairs", () => {
    const pooled = (auroc: number) => ({ pooled: { ...NETWORK.pooled, auroc } });
    const methods = [
      madeMethod("compact", [], pooled(0.71)),
      madeMethod("degree", [], { ...CONTROL, ...pooled(0.8) }),
      madeMethod("margins-only", [], { ...CONTROL, ...pooled(0.69) }),
      madeMethod("pearson", [], { ...ASSOCIATION, ...pooled(0.6) }),
    ];
    expect(say(methods)).toBe(
      "On unseen targets, no regulator has the 5 positive and 5 negative test pairs in a fold that it takes to judge " +
        "it; over all pairs, where knowing the genes helps, compact reaches an AUROC of .710, against .690 of " +
        "margins-only and .800 of degree.",
    );
    expect(say([madeMethod("compact", [])])).toBe(
      "On unseen targets, no method could be judged on test pairs of both kinds.",
    );
  });

  test("no network", () => {
    const methods = [
      madeMethod("pearson", around(0.6), ASSOCIATION),
      madeMethod("boosting", around(0.7), SUMMARY),
      DEGREE,
    ];
    expect(say(methods)).toMatch(
      /^On unseen targets, no network was trained; boosting reaches .*: \+\.200 .* over degree\.$/,
    );
    expect(say([...methods.slice(0, 2), madeMethod("degree", around(0.9), CONTROL)])).toMatch(
      /no network was trained; boosting, the best beside controls, reaches .*, but it is behind degree/,
    );
    expect(say([DEGREE])).toContain("no network was trained; degree reaches");
    expect(say([])).toContain("no method could be judged");
  });
});
