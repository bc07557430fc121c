import { rm } from "node:fs/promises";
import type { HistogramSession } from "../../histograms/index.js";
import {
  type Architecture,
  type EngineChoice,
  type ImageKind,
  readModel,
  saveModel,
} from "../../model/index.js";
import type { Device, Precision } from "../../native/addon-types.js";
import { trainPrepared, usualLearningRate } from "../../training/index.js";
import type { FoldScores, FoldTask, Method, MethodGroup, MethodOptions } from "../method.js";
import { scoreRows } from "./score-rows.js";

export interface NetworkSettings {
  /** Default: usualEpochs. */
  readonly epochs?: number;
  /** Negatives shown in an epoch for each positive. */
  readonly negativesPerPositive: number;
  readonly engine: EngineChoice;
  readonly device: Device;
  readonly precision: Precision;
  readonly threads: number;
  /** Memory for histograms, see ImageOptions. */
  readonly cacheBytes: number;
  readonly confirmSlow: () => boolean;
}

interface NetworkKind {
  readonly name: string;
  readonly label: string;
  readonly group: MethodGroup;
  readonly architecture: Architecture;
  readonly images: readonly ImageKind[];
}

/** Networks by the name that users know them by. */
export const NETWORKS = {
  compact: {
    name: "compact",
    label: "compact network, residual + margins",
    group: "network",
    architecture: "compact",
    images: ["residual", "margins"],
  },
  cnnc: {
    name: "cnnc",
    label: "CNNC as published, NEPDF",
    group: "network",
    architecture: "cnnc",
    images: ["nepdf"],
  },
  mlp: {
    name: "mlp",
    label: "small perceptron, residual + margins",
    group: "network",
    architecture: "mlp",
    images: ["residual", "margins"],
  },
  "margins-only": {
    name: "margins-only",
    label: "compact network that sees each gene alone",
    group: "control",
    architecture: "compact",
    images: ["margins"],
  },
} as const satisfies Record<string, NetworkKind>;

/**
 * A network that is trained in each fold, all with the same settings but their usual learning rate: AdamW with decay
 * 0.01, one-cycle, batches of 128, classes weighted alike, the last weights; no pairs are set apart. It leaves its
 * model in the fold's folder.
 *
 * @throws (score) CnncError of trainPrepared and openScorer
 */
export function networkMethod(
  { name, label, group, architecture, images }: NetworkKind,
  session: Pick<HistogramSession, "selection" | "store">,
  settings: NetworkSettings,
): Method {
  const { epochs, ...others } = settings;
  return {
    name,
    label,
    group,
    learns: true,
    async score(
      { task, pairs, training, test, seed }: FoldTask,
      options: MethodOptions,
    ): Promise<FoldScores> {
      const none = new Uint32Array(0);
      const report = { mirrorsDropped: { test: 0, validation: 0 }, leftOut: 0 };
      const { content, history } = await trainPrepared(
        session,
        { task, pairs, training, validation: none, test: none, report },
        {
          ...others,
          ...(epochs !== undefined && { epochs }),
          architecture,
          images,
          optimizer: { kind: "adamw", weightDecay: 0.01 },
          learningRate: usualLearningRate(architecture, "adamw"),
          schedule: "one-cycle",
          batchSize: 128,
          balanceClasses: true,
          scaleChannels: images.length > 1,
          split: "random-pairs",
          validationShare: 0,
          seed,
          ...listeners(options),
        },
      );
      await rm(options.folder, { recursive: true, force: true });
      await saveModel(options.folder, content);
      const model = await readModel(options.folder);
      const scores = await scoreRows(
        model,
        session.store,
        { task, pairs, test },
        { ...settings, ...options },
      );
      return { ...scores, losses: history.map(({ loss }) => loss) };
    },
  };
}

const listeners = ({ signal, onProgress, onNotice }: MethodOptions) => ({
  ...(signal && { signal }),
  ...(onProgress && { onProgress }),
  ...(onNotice && { onNotice }),
});
