import { readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { io } from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { CnncError } from "../errors.js";
import {
  checkOutputFolder,
  guardWrites,
  replaceWholeFolder,
  restoreReplaced,
  writeWholeFolder,
} from "../io/index.js";
import type { Task } from "../pairs/index.js";
import { VERSION } from "../version.js";
import { networkSpec, type Unsupported } from "./describe-model.js";
import {
  damaged,
  FORMAT_VERSION,
  type ModelFacts,
  type ModelInfo,
  parseJsonObject,
  parseModelInfo,
} from "./model-info.js";
import { type NetworkSpec, outputCount } from "./network-spec.js";
import { checkParameterCount, flatParameters, weightVariables } from "./parameters.js";
import { readStoredNetwork } from "./stored-network.js";
import { loadTfjs } from "./tfjs-backend.js";

const TOPOLOGY_FILE = "model.json";
const WEIGHTS_FILE = "weights.bin";
const INFO_FILE = "cnnc.json";

/** Probabilities per image. */
const OUTPUTS: Readonly<Record<Task, number>> = { interaction: 1, causality: 3 };

export interface ModelContent {
  readonly model: LayersModel;
  /** In the order of parameterList; default: those of `model`. */
  readonly parameters?: Float32Array;
  readonly info: ModelFacts;
}

export interface SaveOptions {
  /** Replaces a model at this place, whole; other files in its folder are kept. Default: an error. */
  readonly replace?: boolean;
  /** Writes further files into the folder, which appear together with the model. */
  readonly also?: (folder: string) => Promise<void>;
}

/**
 * Writes a model as a folder: model.json and weights.bin, which TensorFlow.js reads by itself, and cnnc.json. The
 * folder appears whole or not at all.
 *
 * @throws CnncError `OUTPUT_EXISTS` (with `replace` only where something else than a model is), and those of
 *   checkOutputFolder; `DISK_FULL`, `WRITE_FAILED`; `PARAMETERS_MISMATCH`; `MODEL_DAMAGED` if info and model do not belong together.
 */
export async function saveModel(
  folder: string,
  content: ModelContent,
  options: SaveOptions = {},
): Promise<void> {
  const path = withoutSlash(folder);
  const write = async (temporary: string) => {
    await writeFiles(temporary, path, content);
    await options.also?.(temporary);
  };
  if (options.replace) await restoreReplaced(path);
  if (options.replace && (await isThere(path))) {
    await checkReplaceable(path);
    return guardWrites(path, () => replaceWholeFolder(path, write));
  }
  await checkOutputFolder(path);
  return guardWrites(path, () => writeWholeFolder(path, write));
}

async function checkReplaceable(path: string): Promise<void> {
  if (await isThere(join(path, INFO_FILE))) return;
  throw new CnncError(
    "OUTPUT_EXISTS",
    `${path} exists already, and is not the folder of a model.`,
    "Name a new folder with -o, or remove that one.",
  );
}

async function writeFiles(folder: string, place: string, content: ModelContent): Promise<void> {
  const { model, parameters = flatParameters(model) } = content;
  checkParameterCount(parameters.length, model.countParams());
  const { core } = await loadTfjs();
  const versions = { cnnc: VERSION, tfjs: core.version_core, ...content.info.versions };
  const info: ModelInfo = { ...content.info, formatVersion: FORMAT_VERSION, versions };
  const infoText = toJson(info);
  checkFit(model, parseModelInfo(infoText, join(place, INFO_FILE)), place);
  await writeFile(join(folder, INFO_FILE), infoText);
  await writeFile(join(folder, TOPOLOGY_FILE), toJson(describeArtifacts(model)));
  await writeFile(join(folder, WEIGHTS_FILE), littleEndian(parameters));
}

const toJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** The content of a TensorFlow.js model.json whose weights are the flat parameters. */
function describeArtifacts(model: LayersModel): io.ModelJSON {
  return {
    format: "layers-model",
    generatedBy: `cnnc ${VERSION}`,
    convertedBy: null,
    modelTopology: JSON.parse(model.toJSON() as string),
    weightsManifest: [
      {
        paths: [WEIGHTS_FILE],
        weights: weightVariables(model).map(({ variable }) => ({
          name: variable.originalName,
          shape: variable.shape as number[],
          dtype: "float32",
        })),
      },
    ],
  };
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    bytes.setFloat32(4 * i, value, true);
  });
  return new Uint8Array(bytes.buffer);
}

/** What a model's folder tells engines other than TensorFlow.js. */
interface EngineModel {
  /** Or what of the model such engines cannot express. */
  readonly spec: NetworkSpec | Unsupported;
  /** In the order of parameterList. */
  readonly parameters: Float32Array;
  readonly info: ModelInfo;
}

/** A model from a folder. */
export interface LoadedModel extends EngineModel {
  readonly model: LayersModel;
}

/** A model from a folder that TensorFlow.js has not made yet. */
export interface StoredModel extends EngineModel {
  /**
   * Makes it in TensorFlow.js.
   *
   * @throws CnncError `MODEL_DAMAGED`
   */
  layersModel(): Promise<LayersModel>;
}

/**
 * Reads a model that saveModel wrote.
 *
 * @throws CnncError `MODEL_NOT_FOUND`; `MODEL_FOREIGN` for a TensorFlow.js model that is not ours; `MODEL_NEWER`;
 *   `MODEL_DAMAGED` for broken JSON, weights that are missing, do not fit or are not numbers, and for an input that is
 *   not 32 x 32 with one channel per image kind.
 */
export async function loadModel(folder: string): Promise<LoadedModel> {
  return makeModel(await readFolder(folder));
}

/**
 * The same without TensorFlow.js, which takes a third of a second and 20 MB to load, where the network is one that
 * this package makes; else with it.
 *
 * @throws CnncError as loadModel
 */
export async function readModel(folder: string): Promise<StoredModel> {
  const content = await readFolder(folder);
  const stored = readPlainly(content);
  if (stored) return { ...stored, layersModel: () => makeLayersModel(content) };
  const { model, ...loaded } = await makeModel(content);
  return { ...loaded, layersModel: async () => model };
}

/** The files of a model, each by itself sound. */
interface FolderContent {
  readonly path: string;
  readonly info: ModelInfo;
  readonly topology: object;
  readonly manifest: io.WeightsManifestConfig;
  readonly weights: ArrayBuffer;
}

async function readFolder(folder: string): Promise<FolderContent> {
  const path = withoutSlash(folder);
  await restoreReplaced(path);
  await checkModelFolder(path);
  const info = parseModelInfo(await readFile(join(path, INFO_FILE), "utf8"), join(path, INFO_FILE));
  const place = join(path, TOPOLOGY_FILE);
  const { modelTopology, weightsManifest } = parseJsonObject(await readFile(place, "utf8"), place);
  if (typeof modelTopology !== "object" || modelTopology === null || !isManifest(weightsManifest)) {
    throw damaged(`${place} is damaged: it is not the description of a TensorFlow.js layers model.`);
  }
  const weights = await readWeights(path, weightsManifest);
  return { path, info, topology: modelTopology, manifest: weightsManifest, weights };
}

async function makeModel(content: FolderContent): Promise<LoadedModel> {
  const { path, info } = content;
  const model = await makeLayersModel(content);
  checkFit(model, info, path);
  const parameters = flatParameters(model);
  if (!parameters.every(Number.isFinite)) {
    throw damaged(`${join(path, WEIGHTS_FILE)} is damaged: not all weights are finite numbers.`);
  }
  return { model, spec: networkSpec(model), parameters, info };
}

/** The model as other engines want it; undefined where it is unusual or unsound, which TensorFlow.js tells apart. */
function readPlainly({ info, topology, manifest, weights }: FolderContent): EngineModel | undefined {
  const stored = readStoredNetwork(topology);
  if (stored === undefined) return undefined;
  const { spec } = stored;
  const { height, width, channels } = spec.input;
  const fits = height === 32 && width === 32 && channels === info.images.length;
  if (!fits || outputCount(spec) !== OUTPUTS[info.task]) return undefined;
  const parameters = pickWeights(manifest, weights, stored.weights);
  return parameters?.every(Number.isFinite) ? { spec, parameters, info } : undefined;
}

/** The wanted arrays end to end; undefined unless the manifest lists just these. */
function pickWeights(
  manifest: io.WeightsManifestConfig,
  bytes: ArrayBuffer,
  wanted: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Float32Array | undefined {
  const view = new DataView(bytes);
  const listed = new Map<
    string,
    { readonly shape: string; readonly offset: number; readonly size: number }
  >();
  let offset = 0;
  for (const { name, shape, ...rest } of manifest.flatMap(({ weights }) => weights)) {
    if (listed.has(name) || Object.keys(rest).join() !== "dtype") return undefined;
    const size = shape.reduce((product, length) => product * length, 1);
    listed.set(name, { shape: shape.join(), offset, size });
    offset += size;
  }
  if (listed.size !== wanted.length) return undefined;
  const flat = new Float32Array(offset);
  let next = 0;
  for (const { name, shape } of wanted) {
    const found = listed.get(name);
    if (found?.shape !== shape.join()) return undefined;
    for (let i = 0; i < found.size; i++) flat[next++] = view.getFloat32(4 * (found.offset + i), true);
  }
  return flat;
}

/** @throws CnncError `MODEL_NOT_FOUND`, `MODEL_FOREIGN` */
async function checkModelFolder(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  const missing = (message: string) =>
    new CnncError("MODEL_NOT_FOUND", message, "Give the folder that cnnc train or cnnc import-keras wrote.");
  if (found === undefined) throw missing(`There is no folder ${path}.`);
  if (!found.isDirectory()) throw missing(`${path} is not a folder, so it is no model.`);
  if (!(await isThere(join(path, TOPOLOGY_FILE)))) {
    throw missing(`The folder ${path} has no ${TOPOLOGY_FILE}, so it is no model.`);
  }
  if (!(await isThere(join(path, INFO_FILE)))) {
    throw new CnncError(
      "MODEL_FOREIGN",
      `The folder ${path} holds a TensorFlow.js model without ${INFO_FILE}: what it takes and tells is unknown.`,
      "Give the folder that cnnc train or cnnc import-keras wrote.",
    );
  }
}

async function makeLayersModel(content: FolderContent): Promise<LayersModel> {
  const { path, topology, manifest, weights } = content;
  const artifacts: io.ModelArtifacts = {
    // A copy: TensorFlow.js uses up parts of what it reads a model from.
    modelTopology: structuredClone(topology),
    weightSpecs: manifest.flatMap(({ weights }) => weights),
    weightData: weights,
  };
  const { layers } = await loadTfjs();
  try {
    return await layers.loadLayersModel({ load: async () => artifacts });
  } catch (cause) {
    const reason = (cause as Error).message.split("\n", 1)[0].replace(/\.?$/, "");
    throw damaged(`${join(path, TOPOLOGY_FILE)} and its weights do not make a model: ${reason}.`, cause);
  }
}

function isManifest(value: unknown): value is io.WeightsManifestConfig {
  const isStrings = (list: unknown) => Array.isArray(list) && list.every((item) => typeof item === "string");
  const isSpec = ({ name, shape, dtype }: Record<string, unknown>) =>
    typeof name === "string" &&
    dtype === "float32" &&
    Array.isArray(shape) &&
    shape.every((length) => Number.isInteger(length) && length >= 0);
  const isGroup = ({ paths, weights }: Record<string, unknown>) =>
    isStrings(paths) && Array.isArray(weights) && weights.every((spec) => isSpec(Object(spec)));
  return Array.isArray(value) && value.every((group) => isGroup(Object(group)));
}

/** The weights' files end to end, checked to be as long as the manifest says. */
async function readWeights(path: string, manifest: io.WeightsManifestConfig): Promise<ArrayBuffer> {
  const parts: Buffer[] = [];
  for (const name of manifest.flatMap(({ paths }) => paths)) {
    const place = join(path, name);
    if (basename(name) !== name)
      throw damaged(`${join(path, TOPOLOGY_FILE)} names weights outside of its folder: ${name}.`);
    parts.push(
      await readFile(place).catch((cause: NodeJS.ErrnoException) => {
        const reason = cause.code === "ENOENT" ? "is missing" : `cannot be read: ${cause.message}`;
        throw damaged(`The file of weights ${place} ${reason}.`, cause);
      }),
    );
  }
  const bytes = Buffer.concat(parts);
  const needed = manifest
    .flatMap(({ weights }) => weights)
    .reduce((sum, { shape }) => sum + 4 * shape.reduce((product, length) => product * length, 1), 0);
  if (bytes.length !== needed) {
    throw damaged(`The weights in ${path} have ${bytes.length} bytes where ${needed} are needed.`);
  }
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

/** @throws CnncError `MODEL_DAMAGED` unless input and output are what the info says. */
function checkFit(model: LayersModel, info: ModelInfo, path: string): void {
  const input = model.inputs.map(({ shape }) => shape.slice(1).join(" x ")).join(" and ");
  const expected = `32 x 32 x ${info.images.length}`;
  if (input !== expected) {
    throw damaged(`The model in ${path} takes ${input} values where its images are ${expected}.`);
  }
  const outputs = model.outputs.map(({ shape }) => shape.slice(1).join(" x ")).join(" and ");
  const needed = OUTPUTS[info.task];
  if (outputs !== `${needed}`) {
    throw damaged(`The model in ${path} has ${outputs} outputs where the task ${info.task} needs ${needed}.`);
  }
}

const withoutSlash = (folder: string) => folder.replace(/(?<=.)\/+$/, "");

const isThere = async (path: string) => (await stat(path).catch(() => undefined)) !== undefined;
