import type { LayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { loadTfjs, networkSpec } from "../../dist/model/index.js";

const tfjs = await loadTfjs();
const make = tfjs.layers.layers;
type Layer = LayersModel["layers"][number];

/** A model of these layers between an image 6 x 6 x 2 and a softmax. */
const around = (...layers: Layer[]): LayersModel =>
  tfjs.layers.sequential({
    layers: [
      make.inputLayer({ inputShape: [6, 6, 2] }),
      ...layers,
      make.flatten(),
      make.dense({ units: 3, activation: "softmax" }),
    ],
  });

const conv = (config: object) => make.conv2d({ name: "odd", filters: 2, kernelSize: 3, ...config });

describe("the description of a model", () => {
  it("tells fused and separate activations alike", () => {
    const fused = networkSpec(around(conv({ activation: "relu" })));
    for (const relu of [make.activation({ activation: "relu" }), make.reLU({})]) {
      expect(networkSpec(around(conv({}), relu))).toEqual(fused);
    }
    expect(fused).toEqual({
      input: { height: 6, width: 6, channels: 2 },
      layers: [
        { kind: "conv", filters: 2, kernel: 3, padding: "valid", bias: true },
        { kind: "relu" },
        { kind: "flatten" },
        { kind: "dense", units: 3, bias: true },
        { kind: "softmax" },
      ],
    });
  });

  it("passes over what does nothing", () => {
    const nothing = [make.dropout({ rate: 0 }), make.activation({ activation: "linear" })];
    expect(networkSpec(around(...nothing))).toEqual(networkSpec(around()));
  });

  it("takes any way to end in probabilities", () => {
    const ends: [Layer[], string][] = [
      [[make.dense({ units: 1, activation: "sigmoid" })], "sigmoid"],
      [[make.dense({ units: 1 }), make.activation({ activation: "sigmoid" })], "sigmoid"],
      [[make.dense({ units: 3 }), make.activation({ activation: "softmax" })], "softmax"],
      [[make.dense({ units: 3 }), make.softmax()], "softmax"],
    ];
    for (const [layers, kind] of ends) {
      const model = tfjs.layers.sequential({ layers: [make.flatten({ inputShape: [6, 6, 2] }), ...layers] });
      expect(networkSpec(model)).toMatchObject({ layers: [{}, { kind: "dense" }, { kind }] });
    }
  });

  it("pools with padding only where it adds nothing", () => {
    const pool = (poolSize: number) =>
      networkSpec(around(make.maxPooling2d({ name: "odd", poolSize, padding: "same" })));
    expect(pool(3)).toMatchObject({ layers: [{ kind: "max_pool", size: 3 }, {}, {}, {}] });
    expect(pool(4)).toMatchObject({ unsupported: expect.stringContaining("odd pools beyond the edge") });
  });
});

/** A model with something that only TensorFlow.js can run. */
interface Foreign {
  what: string;
  model: () => LayersModel;
  says: RegExp;
}

const l2 = () => tfjs.layers.regularizers.l2({ l2: 0.1 });

const FOREIGN: Foreign[] = [
  { what: "strides", model: () => around(conv({ strides: 2 })), says: /strides 2/ },
  { what: "dilation", model: () => around(conv({ dilationRate: 2 })), says: /dilation 2/ },
  { what: "an oblong kernel", model: () => around(conv({ kernelSize: [1, 3] })), says: /1 x 3/ },
  {
    what: "padding of an even kernel",
    model: () => around(conv({ kernelSize: 2, padding: "same" })),
    says: /even size 2/,
  },
  {
    what: "channels first",
    model: () => around(conv({ dataFormat: "channelsFirst" })),
    says: /channels first/,
  },
  { what: "another activation", model: () => around(conv({ activation: "elu" })), says: /activation elu/ },
  {
    what: "regularised weights",
    model: () => around(conv({ kernelRegularizer: l2() })),
    says: /kernelRegularizer/,
  },
  { what: "frozen weights", model: () => around(conv({ trainable: false })), says: /frozen/ },
  {
    what: "a bounded ReLU",
    model: () => around(make.reLU({ name: "odd", maxValue: 6 })),
    says: /cut off at 6/,
  },
  {
    what: "overlapping pools",
    model: () => around(make.averagePooling2d({ name: "odd", poolSize: 3, strides: 1 })),
    says: /overlap/,
  },
  {
    what: "oblong pools",
    model: () => around(make.averagePooling2d({ name: "odd", poolSize: [1, 2] })),
    says: /1 x 2/,
  },
  {
    what: "batch normalisation of rows",
    model: () => around(make.batchNormalization({ name: "odd", axis: 1 })),
    says: /axis 1/,
  },
  {
    what: "batch normalisation without gamma",
    model: () => around(make.batchNormalization({ name: "odd", scale: false })),
    says: /no gamma/,
  },
  {
    what: "dropout of whole channels",
    model: () => around(make.dropout({ name: "odd", rate: 0.5, noiseShape: [4, 1, 1, 2] })),
    says: /together/,
  },
  {
    what: "a dense layer per pixel",
    model: () => around(make.dense({ name: "odd", units: 2 })),
    says: /flattened/,
  },
  {
    what: "another class",
    model: () => around(make.upSampling2d({ name: "odd" })),
    says: /UpSampling2D/,
  },
];

describe("a model that only TensorFlow.js can run", () => {
  it.each(FOREIGN)("has its layer with $what named", ({ model, says }) => {
    const { unsupported } = networkSpec(model()) as { unsupported: string };
    expect(unsupported).toMatch(/^The layer odd .*, which only TensorFlow\.js can run\.$/);
    expect(unsupported).toMatch(says);
  });

  it("can be a graph, end otherwise, or take no images", () => {
    const input = tfjs.layers.input({ shape: [6, 6, 2] });
    const graph = tfjs.layers.model({ inputs: input, outputs: make.flatten().apply(input) as typeof input });
    expect(networkSpec(graph)).toMatchObject({ unsupported: expect.stringContaining("is a graph") });
    const sequence = (...layers: Layer[]) => networkSpec(tfjs.layers.sequential({ layers }));
    const dense = (units: number, activation?: "softmax" | "sigmoid") =>
      make.dense({ units, ...(activation && { activation }) });
    const flatten = () => make.flatten({ inputShape: [6, 6, 2] });
    expect(sequence(flatten(), dense(3))).toMatchObject({
      unsupported: expect.stringContaining("does not end in"),
    });
    expect(sequence(flatten(), dense(3, "softmax"), dense(1, "sigmoid"))).toMatchObject({
      unsupported: expect.stringContaining("softmax before its last layer"),
    });
    expect(sequence(flatten(), dense(2, "sigmoid"))).toMatchObject({
      unsupported: expect.stringContaining("sigmoid of 2 outputs"),
    });
    expect(sequence(make.dense({ units: 1, inputShape: [8] }))).toMatchObject({
      unsupported: expect.stringContaining("not images of a fixed size"),
    });
  });
});
