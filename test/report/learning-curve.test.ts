import { describe, expect, it } from "vitest";
import { renderLearningCurve } from "../../dist/report/learning-curve.js";

const HISTORY = [0.7, 0.5, 0.4].map((loss, i) => ({
  epoch: i + 1,
  loss,
  validation: { loss: loss + 0.05, auroc: 0.6 + 0.1 * i },
}));

describe("renderLearningCurve", () => {
  it("draws the losses, and the AUROC beside them", async () => {
    const svg = await renderLearningCurve(HISTORY, 2, "Learning curve");
    expect(svg).toMatch(/^<svg[\s\S]*<\/svg>\s*$/);
    expect(svg).toContain("Cross-entropy");
    expect(svg).toContain("AUROC of validation pairs");
    expect(svg).toContain(
      "3 epochs; epoch 2 was kept. Last training loss 0.4000, last validation AUROC 0.800.",
    );
    // A line of each series: two of losses and one of AUROCs.
    expect(svg.match(/aria-roledescription="line mark container"/g)).toHaveLength(3);
    expect(svg).not.toMatch(/NaN|undefined/);
  });

  it("draws the loss alone without validation, and a single epoch", async () => {
    const svg = await renderLearningCurve([{ epoch: 1, loss: 0.7 }], 1, "Learning curve");
    expect(svg).toContain("Cross-entropy");
    expect(svg).not.toContain("AUROC");
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
