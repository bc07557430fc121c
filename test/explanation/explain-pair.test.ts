import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import {
  describeExplanation,
  explainPair,
  explanationJson,
  openExplainer,
} from "../../dist/explanation/index.js";
import type { ExpressionStore } from "../../dist/expression/index.js";
import { openHistograms } from "../../dist/histograms/index.js";
import {
  ARCHITECTURES,
  buildModel,
  type ImageKind,
  loadTfjs,
  nativeEngineProblem,
} from "../../dist/model/index.js";
import type { Task } from "../../dist/pairs/index.js";
import { randomNumbers } from "../../dist/random.js";
import { errorOf } from "../support/errors.js";
import { type LinearWeights, linearNetwork } from "../support/linear-network.js";
import { plainBaseline, plainImage } from "../support/plain-images.js";
import { listed } from "../support/sessions.js";
import { tanhNetwork, testModel } from "../support/test-models.js";

const SAMPLE = fileURLToPath(new URL("../../data-samples/expression.h5ad", import.meta.url));
const noNative = nativeEngineProblem() !== undefined;
const { core } = await loadTfjs();

let store: ExpressionStore;
/** Two genes of the store that depend on each other. */
let a: number;
let b: number;
beforeAll(async () => {
  const session = await openHistograms(SAMPLE, listed([["TF01", "TF17"]]), { device: "cpu" });
  session.close();
  store = session.store;
  [a, b] = ["TF01", "TF17"].map((name) => store.geneNames.indexOf(name));
});

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);
const largest = (values: ArrayLike<number>) => Math.max(...Array.from(values, Math.abs));
const transposed = <T>(square: ArrayLike<T>, side = 32): T[] =>
  Array.from({ length: side * side }, (_, i) => square[(i % side) * side + Math.floor(i / side)]);

/** Weights between -1 and 1. */
function randomWeights(outputs: number, length: number): LinearWeights {
  const random = randomNumbers(5, "linear");
  return Array.from({ length: outputs }, () => Float32Array.from({ length }, () => 2 * random.next() - 1));
}

const cases = ARCHITECTURES.flatMap((architecture) =>
  (["interaction", "causality"] as const).flatMap((task) =>
    (task === "interaction" ? (["interaction"] as const) : (["interaction", "direction"] as const)).map(
      (output) => ({ architecture, task, output }),
    ),
  ),
);

describe("explaining a pair by a random network", () => {
  it.each(cases)("$architecture, $task: $output", async ({ architecture, task, output }) => {
    const images: ImageKind[] = ["nepdf", "residual", "margins"];
    const model = await testModel({ architecture, task, images, seed: 11 });
    const explained = await explainPair(store, model, a, b, { output, threads: 2 });
    // The answers are those of TensorFlow.js on images made here.
    const ask = (image: number[]) =>
      Array.from(
        (
          model.model.predict(core.tensor(image, [1, 32, 32, 3])) as ReturnType<typeof core.tensor>
        ).dataSync(),
      );
    const given = ask(plainImage(explained.counts, images));
    const independent = ask(plainBaseline(explained.counts, images));
    const logOdds = (p: number[]) => {
      if (task === "interaction") return Math.log(p[0] / (1 - p[0]));
      return output === "direction" ? Math.log(p[1] / p[2]) : Math.log((p[1] + p[2]) / p[0]);
    };
    given.forEach((p, i) => {
      expect(explained.probabilities[i]).toBeCloseTo(p, 5);
      expect(explained.baselineProbabilities[i]).toBeCloseTo(independent[i], 5);
    });
    expect(explained.score).toBeCloseTo(logOdds(given), 4);
    expect(explained.baselineScore).toBeCloseTo(logOdds(independent), 4);
    // Completeness.
    const change = explained.score - explained.baselineScore;
    expect(largest(explained.attribution)).toBeGreaterThan(0);
    const error = Math.abs(sum(explained.attribution) - change);
    expect(error).toBeLessThanOrEqual(0.01 * Math.max(0.1, Math.abs(change)));
    expect(explained.completenessError).toBeCloseTo(error, 12);
    expect([64, 128, 256, 512]).toContain(explained.steps);
  });

  // TensorFlow.js is slow: narrower networks, and not every combination.
  it.skipIf(noNative).each([
    { architecture: "cnnc", task: "interaction", output: "interaction" },
    { architecture: "compact", task: "causality", output: "direction" },
    { architecture: "mlp", task: "causality", output: "interaction" },
  ] as const)("natively as TensorFlow.js: $architecture, $task: $output", async (one) => {
    const images: ImageKind[] = ["residual", "margins"];
    const { architecture, task } = one;
    const network = await buildModel(architecture, { task, channels: 2, seed: 12, widthDivisor: 16 });
    const model = await testModel({ task, images }, network);
    const explain = (engine: "native" | "tfjs") =>
      explainPair(store, model, a, b, { engine, output: one.output, threads: 2 });
    const [native, judge] = [await explain("native"), await explain("tfjs")];
    expect(native.engine).toContain("oneDNN");
    expect(judge.engine).toContain("tfjs");
    expect(native.steps).toBe(judge.steps);
    const scale = largest(judge.attribution);
    judge.attribution.forEach((value, bin) => {
      expect(Math.abs(native.attribution[bin] - value)).toBeLessThan(1e-4 * scale);
    });
    const blocks = largest(judge.occlusion.changes);
    judge.occlusion.changes.forEach((value, block) => {
      expect(Math.abs(native.occlusion.changes[block] - value)).toBeLessThan(1e-3 * blocks);
    });
  });
});

describe("explaining a pair by a linear network", () => {
  it.each([
    { images: ["residual", "margins"] as ImageKind[], task: "interaction" as Task },
    { images: ["nepdf"] as ImageKind[], task: "interaction" as Task },
    { images: ["residual"] as ImageKind[], task: "causality" as Task },
  ])("attributes to each bin its weights times its difference: $images, $task", async ({ images, task }) => {
    const weights = randomWeights(task === "interaction" ? 1 : 3, 1024 * images.length);
    const network = await linearNetwork(weights, task);
    const model = await testModel({ images, task }, network);
    const output = task === "interaction" ? "interaction" : "direction";
    const { counts, attribution, occlusion, score, steps } = await explainPair(store, model, a, b, {
      output,
    });
    const image = plainImage(counts, images);
    const baseline = plainBaseline(counts, images);
    const weight = (i: number) => (task === "interaction" ? weights[0][i] : weights[1][i] - weights[2][i]);
    const expected = new Float64Array(1024);
    const blocks = new Float64Array(64);
    image.forEach((value, i) => {
      const bin = Math.floor(i / images.length);
      const part = weight(i) * (value - baseline[i]);
      expected[bin] += part;
      blocks[8 * Math.floor(bin / 128) + Math.floor((bin % 32) / 4)] += part;
    });
    expect(score).toBeCloseTo(sum(image.map((value, i) => weight(i) * value)), 3);
    attribution.forEach((value, bin) => {
      expect(value).toBeCloseTo(expected[bin], 5);
    });
    expect(steps).toBe(64);
    // Covering a block takes away what its bins add, no more and no less.
    occlusion.changes.forEach((change, block) => {
      expect(change).toBeCloseTo(blocks[block], 3);
    });
    expect(occlusion.agreement).toBeGreaterThan(0.99);
  });

  it("has the mirrored explanation for the swapped pair, by the network that is mirrored", async () => {
    const [none, forward, backward] = randomWeights(3, 1024);
    const mirror = (weights: Float32Array) => Float32Array.from(transposed(weights));
    const explain = async (weights: LinearWeights, first: number, second: number) => {
      const network = await linearNetwork(weights, "causality");
      const model = await testModel({ images: ["nepdf"], task: "causality" }, network);
      return explainPair(store, model, first, second, { output: "direction" });
    };
    const one = await explain([none, forward, backward], a, b);
    const other = await explain([mirror(none), mirror(backward), mirror(forward)], b, a);
    expect(Array.from(other.counts)).toEqual(transposed(one.counts));
    expect(other.score).toBeCloseTo(-one.score, 3);
    transposed(one.attribution).forEach((value, bin) => {
      expect(other.attribution[bin]).toBeCloseTo(-value, 5);
    });
    transposed(one.occlusion.changes, 8).forEach((value, block) => {
      expect(other.occlusion.changes[block]).toBeCloseTo(-value, 3);
    });
  });
});

describe("explainPair", () => {
  it("covers blocks as a plain loop does", async () => {
    const images: ImageKind[] = ["residual", "margins"];
    const model = await testModel({ architecture: "compact", images, seed: 4 });
    const { counts, occlusion, score } = await explainPair(store, model, a, b);
    const image = plainImage(counts, images);
    const baseline = plainBaseline(counts, images);
    for (const [row, column] of [
      [0, 0],
      [6, 0],
      [5, 6],
      [7, 7],
      [3, 2],
    ]) {
      const covered = image.map((value, i) => {
        const [r, c] = [Math.floor(i / 64), Math.floor(i / 2) % 32];
        const isIn = r >= 4 * row && r < 4 * row + 4 && c >= 4 * column && c < 4 * column + 4;
        return isIn ? baseline[i] : value;
      });
      const answer = model.model.predict(core.tensor(covered, [1, 32, 32, 2])) as ReturnType<
        typeof core.tensor
      >;
      const [p] = answer.dataSync();
      expect(occlusion.changes[8 * row + column]).toBeCloseTo(score - Math.log(p / (1 - p)), 5);
    }
  });

  it("tells the regions' cells, and those expected, as a plain loop counts them", async () => {
    const model = await testModel({ architecture: "mlp", images: ["residual"], seed: 2 });
    const { counts, cells, regions, attribution, edgesA, edgesB } = await explainPair(store, model, a, b);
    expect(regions.length).toBeGreaterThan(0);
    for (const region of regions) {
      const { binsA, binsB } = region;
      const total = { cells: 0, expected: 0, attribution: 0 };
      for (let i = 0; i < 1024; i++) {
        const [row, column] = [Math.floor(i / 32), i % 32];
        if (row < binsB[0] || row > binsB[1] || column < binsA[0] || column > binsA[1]) continue;
        total.cells += counts[i];
        total.attribution += attribution[i];
        const marginB = sum(counts.filter((_, k) => Math.floor(k / 32) === row));
        const marginA = sum(counts.filter((_, k) => k % 32 === column));
        total.expected += (marginA * marginB) / cells;
      }
      expect(region.cells).toBe(total.cells);
      expect(region.expectedCells).toBeCloseTo(total.expected, 6);
      expect(region.attribution).toBeCloseTo(total.attribution, 9);
      expect(region.rangeA).toEqual([edgesA[binsA[0]], edgesA[binsA[1] + 1]]);
      expect(region.rangeB).toEqual([edgesB[binsB[0]], edgesB[binsB[1] + 1]]);
      expect(region.words).toContain(`${total.cells.toLocaleString("en-US")} cell`);
    }
    const strengths = regions.map(({ attribution }) => Math.abs(attribution));
    expect(strengths).toEqual(strengths.toSorted((one, other) => other - one));
  });

  it("finds nothing to explain where a model sees the margins alone", async () => {
    const model = await testModel({ architecture: "mlp", images: ["margins"] });
    const explained = await explainPair(store, model, a, b);
    expect(explained.score).toBe(explained.baselineScore);
    expect(largest(explained.attribution)).toBe(0);
    expect(explained.regions).toEqual([]);
    expect(explained.occlusion.agreement).toBeNaN();
    expect(describeExplanation(explained).join("\n")).toMatch(/Nothing: to this model, independent genes/);
    const json = JSON.parse(JSON.stringify(explanationJson(explained)));
    expect(json.occlusion.agreement).toBeNull();
    expect(json.attribution).toHaveLength(32);
    expect(json.occlusion.changes).toHaveLength(8);
    expect(json.counts[0][0]).toBe(explained.counts[0]);
    expect(json.counts[2][5]).toBe(explained.counts[69]);
  });

  it("asks for the direction where the model says that there is one", async () => {
    const constant = (...logits: number[]) =>
      linearNetwork(
        logits.map((logit) => new Float32Array(1024).fill(logit / 1024)),
        "causality",
      );
    const outputOf = async (...logits: number[]) => {
      const model = await testModel({ images: ["nepdf"], task: "causality" }, await constant(...logits));
      return (await explainPair(store, model, a, b)).output;
    };
    expect(await outputOf(50, 10, 20)).toBe("interaction");
    expect(await outputOf(10, 50, 20)).toBe("direction");
    expect(await outputOf(10, 20, 50)).toBe("direction");
  });

  it("explains what it can although the model is sure beyond float32's probabilities", async () => {
    const weights = [new Float32Array(1024).fill(1)];
    const model = await testModel({ images: ["nepdf"] }, await linearNetwork(weights, "interaction"));
    const explained = await explainPair(store, model, a, b);
    expect(explained.probabilities).toEqual([1]);
    expect(explained.score).toBeGreaterThan(20);
    const change = explained.score - explained.baselineScore;
    expect(sum(explained.attribution)).toBeCloseTo(change, 2);
    expect(Math.abs(change)).toBeGreaterThan(1);
  });

  it("runs what only TensorFlow.js expresses, and says so", async () => {
    const model = await testModel({}, await tanhNetwork());
    const notices: string[] = [];
    const explained = await explainPair(store, model, a, b, { onNotice: (line) => notices.push(line) });
    expect(notices[0]).toMatch(/^Explaining in TensorFlow\.js, which is slower: .*tanh/);
    expect(explained.engine).toContain("tfjs");
    const error = await errorOf(() => explainPair(store, model, a, b, { engine: "native" }));
    expect(error.code).toBe("ENGINE_UNAVAILABLE");
  });

  it("uses a model's parameters rather than its own weights", async () => {
    const model = await testModel({ architecture: "mlp", images: ["residual"] });
    const parameters = model.parameters.map((value) => 2 * value);
    for (const engine of noNative ? (["tfjs"] as const) : (["native", "tfjs"] as const)) {
      const own = await explainPair(store, model, a, b, { engine });
      const { score } = await explainPair(store, { ...model, parameters }, a, b, { engine });
      // Two layers without biases: doubled weights make four times the output.
      expect(score).toBeCloseTo(4 * own.score, 4);
    }
  });

  it("explains many pairs with one explainer", async () => {
    const model = await testModel({ architecture: "mlp", images: ["residual"] });
    const explainer = await openExplainer(model, { threads: 1 });
    const forth = await explainer.explain(store, a, b);
    const back = await explainer.explain(store, b, a);
    explainer.close();
    expect(forth.geneA).toBe("TF01");
    expect(back.geneA).toBe("TF17");
    expect(forth.attribution).toEqual((await explainPair(store, model, a, b)).attribution);
  });

  it("refuses directions of models that tell none, genes that are not there, and stops", async () => {
    const model = await testModel({ architecture: "mlp" });
    expect((await errorOf(() => explainPair(store, model, a, b, { output: "direction" }))).code).toBe(
      "DIRECTION_UNKNOWN",
    );
    await expect(explainPair(store, model, a, 2)).rejects.toThrow(RangeError);
    const signal = AbortSignal.abort();
    expect((await errorOf(() => explainPair(store, model, a, b, { signal }))).code).toBe("CANCELLED");
  });
});
