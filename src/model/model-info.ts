import { createHash } from "node:crypto";
import { CnncError } from "../errors.js";
import { SCALES, type Scale, TRANSFORMS, type Transform } from "../expression/index.js";
import { CLASSES, TASKS, type Task } from "../pairs/index.js";
import { IMAGE_KINDS, type ImageKind } from "./image-kinds.js";

/** The version of cnnc.json that this package writes, and the newest that it reads. */
export const FORMAT_VERSION = 1;

/** What the numbers 0, 1, ... of a class stand for. */
export const CLASS_NAMES: Readonly<Record<Task, readonly string[]>> = {
  interaction: ["none", "interaction"],
  causality: ["none", "a->b", "b->a"],
};

/** Which names something was made from, without listing them. */
export interface NamesDigest {
  readonly count: number;
  /** SHA-256, hexadecimal, of the names sorted by UTF-16 code units, each followed by a line feed, as UTF-8. */
  readonly sha256: string;
}

/** What one must know of a model to use it honestly. Fields that this version does not know are kept as they are. */
export interface ModelFacts {
  readonly task: Task;
  /** One of ARCHITECTURES, or the name of another network. */
  readonly architecture: string;
  /** What the channels of the input hold. */
  readonly images: readonly ImageKind[];
  /** How the values of the training's matrix were read. */
  readonly scale: Scale["name"];
  /** Base of the logarithm of the scale log1p; 0 is e. */
  readonly logBase?: number;
  /** What was binned. */
  readonly transform: Transform;
  /** A side of the image. */
  readonly bins: 32;
  /** What the numbers of the classes stand for. */
  readonly classes: readonly string[];
  /** The genes of the training pairs. */
  readonly genes?: NamesDigest;
  /** The cells that the images were made from. */
  readonly cells?: NamesDigest;
  /** How pairs for validation were kept apart. */
  readonly split?: { readonly rule: string; readonly seed: number; readonly [further: string]: unknown };
  /** Decided the initial weights, the order of pairs, and dropout. */
  readonly seed?: number;
  /** Of the packages that took part, `cnnc` among them. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Settings of the training, as the user gave them or they were decided. */
  readonly training?: Readonly<Record<string, unknown>>;
  /** Measured on the validation pairs. */
  readonly metrics?: Readonly<Record<string, unknown>>;
  /** Pairs that score at least this were right in this share of the validation pairs. */
  readonly threshold?: { readonly score: number; readonly precision: number };
  /** What is known of a model that was not trained here. */
  readonly source?: Readonly<Record<string, unknown>>;
  readonly [further: string]: unknown;
}

/** The content of cnnc.json. */
export interface ModelInfo extends ModelFacts {
  readonly formatVersion: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** See NamesDigest. */
export function digestNames(names: readonly string[]): NamesDigest {
  const hash = createHash("sha256");
  for (const name of [...names].sort()) hash.update(`${name}\n`);
  return { count: names.length, sha256: hash.digest("hex") };
}

/**
 * Reads the text of a cnnc.json.
 *
 * @param place path of the file, for messages
 * @throws CnncError `MODEL_NEWER`, `MODEL_DAMAGED`
 */
export function parseModelInfo(text: string, place: string): ModelInfo {
  const info = parseJsonObject(text, place);
  const { formatVersion } = info;
  if (typeof formatVersion === "number" && formatVersion > FORMAT_VERSION) {
    throw new CnncError(
      "MODEL_NEWER",
      `${place} has format version ${formatVersion}; this version of cnnc reads ${FORMAT_VERSION}.`,
      "Update cnnc: npm install cnnc@latest",
    );
  }
  for (const [field, isSound] of Object.entries(CHECKS)) {
    if (!isSound(info[field], info)) {
      const value = JSON.stringify(info[field])?.slice(0, 60) ?? "missing";
      throw damaged(`${place} is damaged: its field ${field} is ${value}.`);
    }
  }
  return info as unknown as ModelInfo;
}

type Check = (value: unknown, info: Readonly<Record<string, unknown>>) => boolean;

const oneOf =
  (values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string);

const CHECKS: Readonly<Record<string, Check>> = {
  formatVersion: (value) => value === FORMAT_VERSION,
  task: oneOf(TASKS),
  architecture: (value) => typeof value === "string",
  images: (value) =>
    Array.isArray(value) && value.length > 0 && value.every((kind) => IMAGE_KINDS.includes(kind)),
  scale: oneOf(SCALES.filter((scale) => scale !== "auto")),
  transform: oneOf(TRANSFORMS),
  bins: (value) => value === 32,
  classes: (value, { task }) =>
    Array.isArray(value) &&
    value.length === CLASSES[task as Task] &&
    value.every((name) => typeof name === "string"),
  versions: (value) => typeof value === "object" && value !== null,
  threshold: (value) => value === undefined || isThreshold(value),
};

function isThreshold(value: unknown): boolean {
  const { score, precision } = Object(value) as { score?: unknown; precision?: unknown };
  return typeof score === "number" && typeof precision === "number";
}

/** @throws CnncError `MODEL_DAMAGED` */
export function parseJsonObject(text: string, place: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch (cause) {
    throw damaged(`${place} is damaged: ${(cause as Error).message.replace(/\.$/, "")}.`, cause);
  }
  throw damaged(`${place} is damaged: it does not hold a JSON object.`);
}

export function damaged(message: string, cause?: unknown): CnncError {
  return new CnncError(
    "MODEL_DAMAGED",
    message,
    "Copy the model again from where it came, or train it again.",
    {
      cause,
    },
  );
}
