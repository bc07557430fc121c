import { tmpdir } from "node:os";
import { CnncError } from "../errors.js";
import {
  type ExpressionSource,
  type ExpressionStore,
  openExpression,
  type SelectionOptions,
  type StoreOptions,
} from "../expression/index.js";
import { type DeviceChoice, resolveDevice, resolveThreads } from "../native/device.js";
import {
  allPairsSource,
  type GeneIndex,
  indexGenes,
  type OrderOptions,
  type PairFile,
  type PairRange,
  type PairReport,
  type PairSource,
  type ResolvedPairs,
  resolvePairList,
  resolveProduct,
  sliceOf,
} from "../pairs/index.js";
import type { ProgressListener } from "../progress.js";
import { type BatchOptions, type HistogramBatch, histogramBatches } from "./batches.js";
import { orderedBatches } from "./ordered-batches.js";
import { type PartsOptions, type StorePart, storeParts } from "./store-parts.js";

/** Which pairs are wanted. */
export type PairRequest =
  | { readonly kind: "list"; readonly file: PairFile }
  | ({
      readonly kind: "product";
      readonly regulators: readonly string[];
      readonly targets?: readonly string[];
    } & OrderOptions)
  /** All unordered pairs of genes, the first of each before the second in the file. */
  | ({ readonly kind: "all" } & OrderOptions);

export interface HistogramOptions extends SelectionOptions {
  /** Leave out genes that fewer of the chosen cells express. */
  readonly minCells?: number;
  /** Leave out pairs of genes that the data lacks instead of failing. */
  readonly skipMissing?: boolean;
  /** Keep float32 values beside the bins, for Pearson and Spearman; see StoreOptions. Default false. */
  readonly keepValues?: StoreOptions["keepValues"];
  /**
   * What stores may take; a prepared store that takes more is read in parts, see HistogramSession. Default: any amount.
   */
  readonly memory?: MemoryLimit;
  /** Default `auto`. */
  readonly device?: DeviceChoice;
  /** Default: all processors granted to the process. */
  readonly threads?: number;
  readonly onProgress?: ProgressListener;
}

export interface MemoryLimit {
  readonly bytes: number;
  /** Bytes that the work keeps for each entry of a store with values, beside the store itself. Default 0. */
  readonly keptPerEntry?: number;
}

/** Histograms ready to be built, as often as wanted. */
export interface HistogramSession {
  readonly selection: ExpressionSource;
  /** What was asked for. */
  readonly request: PairRequest;
  /** Of all genes of the pairs; if that is more than the memory limit, without their entries: see `parts`. */
  readonly store: ExpressionStore;
  /** Pairs of genes of the store. */
  readonly source: PairSource;
  /** Whether it means something which gene of a pair comes first: not where all unordered pairs were asked for. */
  readonly ordered: boolean;
  /** Label of each pair, if the list had labels. */
  readonly labels?: Int32Array;
  /** Row of the pair file that each pair comes from, for lists. */
  readonly rows?: Uint32Array;
  readonly report: SessionReport;
  /** Histograms of all pairs, or those of a range, in order; see histogramBatches and, for parts, orderedBatches. */
  batches(
    options?: Pick<BatchOptions, "nepdf" | "batchSize" | "signal" | "reuseImages"> & {
      readonly range?: PairRange;
      /** Where parts may put what is not in order yet. Default: the system's. */
      readonly temporaryFolder?: string;
    },
  ): AsyncGenerator<HistogramBatch, void, void>;
  /**
   * Stores with the pairs that they answer for; together all pairs. It is the store of all genes with all pairs, unless
   * that is more than the memory limit: then several, to be used one after the other; see storeParts for their order.
   *
   * @throws CnncError of the source's build
   */
  parts(choice?: PartsChoice): AsyncGenerator<StorePart, void, void>;
  /** Whether there are several parts: the session must stay open for them. */
  readonly inParts: boolean;
  /** Bytes of the store; of several, the most that one of them may take. */
  readonly storeBytes: number;
  close(): void;
}

/** Which pairs parts are to answer for. */
export interface PartsChoice {
  /** Pairs of genes of the session's store. Default: those of the session. */
  readonly source?: PairSource;
  /** Default: all of them. */
  readonly range?: PairRange;
  /** Pairs, the first in the order of the parts, that nobody asks for. Default 0. */
  readonly done?: number;
}

/** What was left out or stood out, so that nothing is dropped silently. */
export interface SessionReport extends PairReport {
  /** Gene names that stand for several columns; nobody asked for them. */
  readonly duplicateNames: number;
  /** Genes of the pairs with one value in all chosen cells; they are binned as numpy does. */
  readonly constantGenes: number;
  /** Genes left out by `minCells`. */
  readonly rareGenes: number;
  /** Pairs left out because of those. */
  readonly rarePairs: number;
}

/**
 * Opens an expression file or a prepared store, finds the genes of the wanted pairs, and builds the store of just those genes.
 *
 * @throws CnncError of openExpression, its build, and the resolvers of src/pairs; `NO_PAIRS_LEFT`,
 *   `GPU_UNAVAILABLE`.
 */
export async function openHistograms(
  path: string,
  request: PairRequest,
  options: HistogramOptions = {},
): Promise<HistogramSession> {
  const device = resolveDevice(options.device ?? "auto");
  const threads = resolveThreads(options.threads);
  const selection = await openExpression(path, options);
  try {
    const skipMissing = options.skipMissing ?? false;
    const index = indexGenes({
      names: selection.geneNames,
      alternatives: await selection.alternativeNames(),
      source: path,
      column: selection.geneNameSource,
    });
    const asked = resolve(request, index, skipMissing);
    const genes = genesOf(request, asked.source, index);
    const storeOptions: StoreOptions = {
      ...(genes && { genes }),
      ...(options.minCells !== undefined && { minCells: options.minCells }),
      keepValues: options.keepValues ?? false,
      threads,
      ...(options.signal && { signal: options.signal }),
    };
    const large = options.memory && (await largeStore(selection, storeOptions, options.memory));
    const store =
      large?.outline ??
      (await selection.build({
        ...storeOptions,
        ...(options.onProgress && { onProgress: options.onProgress }),
      }));
    const found = resolveInStore(request, store, path, options.minCells);
    const whole: PairRange = { from: 0, to: found.source.count };
    return {
      selection,
      request,
      store,
      source: found.source,
      ordered: request.kind !== "all",
      ...(found.labels && { labels: found.labels }),
      ...(found.rows && { rows: found.rows }),
      report: {
        ...asked.report,
        pairs: found.source.count,
        duplicateNames: index.duplicates,
        constantGenes: store.constantGenes,
        rareGenes: store.rareGenes,
        rarePairs: asked.source.count - found.source.count,
      },
      inParts: large !== undefined,
      storeBytes: large ? large.parts.budget : store.native.bytes,
      parts: ({ source = found.source, range = { from: 0, to: source.count }, done = 0 } = {}) =>
        large
          ? storeParts(source, range, large.parts, done)
          : wholeStore(store, source, { from: range.from + done, to: range.to }),
      batches: ({ range = whole, temporaryFolder = tmpdir(), ...given } = {}) => {
        const batchOptions = {
          device,
          threads,
          ...(options.signal && { signal: options.signal }),
          ...given,
        };
        if (!large) return histogramBatches(store, sliceOf(found.source, range), batchOptions);
        const parts = storeParts(found.source, range, large.parts);
        return orderedBatches(store.cells, found.source, range, parts, { ...batchOptions, temporaryFolder });
      },
      close: () => selection.close(),
    };
  } catch (error) {
    selection.close();
    throw error;
  }
}

/** Bytes of a gene in a store, beside its entries. */
const BYTES_PER_GENE = 512;

/**
 * What there is to know of a store that takes more than the limit, and how to read it in parts; undefined for one that
 * fits.
 *
 * @throws CnncError `NOT_PREPARED`, `MEMORY_TOO_SMALL`
 */
async function largeStore(
  { path, prepared, build }: ExpressionSource,
  options: StoreOptions,
  { bytes: budget, keptPerEntry = 0 }: MemoryLimit,
): Promise<{ outline: ExpressionStore; parts: PartsOptions } | undefined> {
  if (prepared === undefined) {
    throw new CnncError(
      "NOT_PREPARED",
      `${path} cannot be read in parts, as a limit of memory needs.`,
      `Prepare it first: cnnc prepare ${path} ${options.keepValues ? "--values " : ""}-o NEW.cnnc.h5`,
    );
  }
  const { store: outline, genes, entries } = await prepared.outline(options);
  const perEntry = outline.hasValues ? 9 + keptPerEntry : 5;
  const sizes = entries.map((count) => BYTES_PER_GENE + count * perEntry);
  if (sizes.reduce((sum, size) => sum + size, 0) <= budget) return undefined;
  requireRoom(sizes, budget, outline.geneNames);
  const { minCells: _, ...rest } = options;
  const load = (chosen: Uint32Array) => build({ ...rest, genes: chosen.map((gene) => genes[gene]) });
  return { outline, parts: { sizes, budget, load } };
}

/** Any two genes must fit, so that no pair turns out too large when hours have passed. */
function requireRoom(sizes: Float64Array, budget: number, names: readonly string[]): void {
  const largest = sizes.reduce((most, size, gene) => (size > sizes[most] ? gene : most), 0);
  if (2 * sizes[largest] <= budget) return;
  const megabytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)}M`;
  throw new CnncError(
    "MEMORY_TOO_SMALL",
    `Two genes do not fit into the memory that is left for expression: ${names[largest]} takes ${megabytes(sizes[largest])}.`,
    `Allow ${megabytes(2 * sizes[largest] - budget)} more.`,
  );
}

async function* wholeStore(
  store: ExpressionStore,
  source: PairSource,
  range: PairRange,
): AsyncGenerator<StorePart, void, void> {
  yield { store, source: sliceOf(source, range), positions: () => [range] };
}

function resolve(request: PairRequest, genes: GeneIndex, skipMissing: boolean): ResolvedPairs {
  switch (request.kind) {
    case "list":
      return resolvePairList(request.file, genes, { skipMissing });
    case "product":
      return resolveProduct(request.regulators, request.targets, genes, { ...request, skipMissing });
    case "all": {
      const count = genes.genes.names.length;
      const source = allPairsSource(count, request);
      if (source.count === 0) {
        const { source: file } = genes.genes;
        throw new CnncError(
          "NO_PAIRS_LEFT",
          `${file} has ${count === 1 ? "1 gene" : "no genes"}, and a pair needs 2.`,
        );
      }
      const none = { missingGenes: [], pairsLeftOut: 0, selfPairsDropped: 0, duplicatePairs: 0 };
      return { source, report: { pairs: source.count, ...none } };
    }
  }
}

/**
 * The same pairs in terms of the store's genes, without those that the store leaves out.
 *
 * @throws CnncError `NO_PAIRS_LEFT` when `minCells` left out too many genes
 */
function resolveInStore(
  request: PairRequest,
  store: ExpressionStore,
  path: string,
  minCells = 0,
): ResolvedPairs {
  const names = { names: store.geneNames, source: path, column: "genes of the store" };
  try {
    return resolve(request, indexGenes(names), true);
  } catch (error) {
    if (!(error instanceof CnncError && error.code === "NO_PAIRS_LEFT")) throw error;
    throw new CnncError(
      "NO_PAIRS_LEFT",
      `No gene pair is left: genes are expressed in fewer than ${minCells} of the ${store.cells} chosen cells of ${path}.`,
      "Lower --min-cells.",
    );
  }
}

/** Gene columns that the pairs need; undefined for all. */
function genesOf(request: PairRequest, source: PairSource, index: GeneIndex): Set<number> | undefined {
  if (request.kind === "all") return undefined;
  if (request.kind === "product") {
    const { regulators, targets } = request;
    return targets && new Set([...regulators, ...targets].flatMap((name) => index.find(name) ?? []));
  }
  const genes = new Set<number>();
  for (const { a, b } of source.batches(1 << 16)) {
    for (const gene of a) genes.add(gene);
    for (const gene of b) genes.add(gene);
  }
  return genes;
}
