/** The shape of the native addon: the only description of it in TypeScript. Everything else uses this. */
export interface NativeAddon {
  Job: new () => NativeJob;
  Simulator: new (options: NativeSimulationOptions) => NativeSimulator;
  Store: new () => NativeStore;
  StoreBuilder: new (options: NativeStoreOptions) => NativeStoreBuilder;
  Trainer: new (network: NativeNetwork, options: NativeTrainerOptions) => NativeTrainer;
  Predictor: new (network: NativeNetwork, options: NativeEngineOptions) => NativePredictor;
  /**
   * Fills `out` with rows x 32 x 32 x kinds.length images: of histogram `rows[i]` of `counts` (n x 32 x 32), or of
   * the swapped pair where `swapped[i]` is 1.
   */
  buildImages(
    counts: CountArray,
    cells: number,
    kinds: readonly ImageKind[],
    rows: Uint32Array,
    swapped: Uint8Array,
    out: Float32Array,
  ): void;
  /**
   * Fills `out` with pairs x 32 x 32 counts (Uint8Array, Uint16Array or Uint32Array, wide enough for the
   * number of cells) or NEPDFs (Float32Array). `a` and `b` are genes of the store. None of the arrays may
   * be touched until the promise settles.
   */
  buildHistograms(
    store: NativeStore,
    a: Uint32Array,
    b: Uint32Array,
    out: HistogramArray,
    device: Device,
    threads: number,
    job: NativeJob,
  ): Promise<void>;
  /**
   * Fills `out` with one number per pair; see native/core/association.hpp. Pearson and Spearman need a store
   * built with `keepValues`, and keep 4 bytes per stored cell of the genes in use. None of the arrays may be
   * touched until the promise settles.
   */
  associations(
    store: NativeStore,
    measure: AssociationMeasure,
    a: Uint32Array,
    b: Uint32Array,
    out: Float32Array,
    threads: number,
    job: NativeJob,
  ): Promise<void>;
  /**
   * Fills `out` with one number per pair of `genes`, and tells `job` of each distinct one of those; resolves to lambda,
   * how much correlations were shrunk. See native/core/partial_correlation.hpp. The store must have been built with
   * `keepValues`. None of the arrays may be touched until the promise settles.
   */
  partialCorrelations(
    store: NativeStore,
    genes: Uint32Array,
    a: Uint32Array,
    b: Uint32Array,
    out: Float32Array,
    threads: number,
    job: NativeJob,
  ): Promise<number>;
  /**
   * Fills `out` with genes x 8 numbers; see native/core/gene_features.hpp. The store must have been built with
   * `keepValues`. Here and below, none of the arrays may be touched until the promise settles.
   */
  geneFeatures(
    store: NativeStore,
    genes: Uint32Array,
    out: Float32Array,
    threads: number,
    job: NativeJob,
  ): Promise<void>;
  /**
   * Learns the classes of the rows of `training` (rows x columns), and fills `out` with the probabilities of those of
   * `test`, means over `bags` boosters: test x 1 for two classes, test x classes for more; see
   * native/boosting/boosting.hpp. The job counts rounds.
   */
  boostClasses(
    training: Float32Array,
    labels: Uint8Array,
    classes: number,
    test: Float32Array,
    columns: number,
    bags: number,
    growth: NativeTreeGrowth,
    out: Float32Array,
    threads: number,
    job: NativeJob,
  ): Promise<void>;
  /** Fills `out` with targets x regulators importances; see native/boosting/boosting.hpp. The job counts targets. */
  treeImportances(
    store: NativeStore,
    regulators: Uint32Array,
    targets: Uint32Array,
    growth: NativeTreeGrowth,
    patience: number,
    out: Float32Array,
    threads: number,
    job: NativeJob,
  ): Promise<void>;
  /**
   * Writes the entries of all genes of a store into an open file; see native/core/prepared_store.hpp, also for
   * `readEntries`. Resolves to the checksums of each gene's cells and, where the store has them, values. The job counts
   * entries. The file must stay open until the promise settles.
   */
  writeEntries(
    store: NativeStore,
    places: NativeEntryPlaces,
    job: NativeJob,
  ): Promise<{ cells: BigUint64Array; values?: BigUint64Array }>;
  /** The store of some genes of a prepared file, ascending; with values where `prepared` has their checksums. */
  readEntries(
    prepared: NativePreparedGenes,
    places: NativeEntryPlaces,
    genes: Uint32Array,
    threads: number,
    job: NativeJob,
  ): Promise<NativeStore>;
  systemInfo(): SystemInfo;
}

/** Byte positions of the entries of all genes in a file. */
export interface NativeEntryPlaces {
  /** Descriptor. */
  file: number;
  cellIds: number;
  bins: number;
  /** Any number where there are no values. */
  values: number;
}

/** What a prepared file says of all its genes. */
export interface NativePreparedGenes {
  cells: number;
  /** genes + 1; where each gene's entries begin, and where all end. */
  first: BigUint64Array;
  zeroBin: Uint8Array;
  /** genes x 32. */
  marginal: Uint32Array;
  /** genes x 33. */
  edges: Float64Array;
  expressing: Uint32Array;
  constant: Uint8Array;
  cellChecks: BigUint64Array;
  valueChecks?: BigUint64Array;
}

/** How boosted trees are grown. */
export interface NativeTreeGrowth {
  /** Trees one after the other (of each class). */
  readonly rounds: number;
  readonly depth: number;
  /** Learning rate. */
  readonly rate: number;
  /** Share of the rows that each tree sees. */
  readonly rowShare: number;
  /** Share of the columns that each split is chosen among. */
  readonly columnShare: number;
  readonly minChildWeight: number;
  readonly seed: number;
}

/**
 * `pearson` of log10(x + 0.01), x the linear expression; `spearman` of x; `mutual-information` of the 32 x 32
 * counts, plug-in estimate, in nats.
 */
export type AssociationMeasure = "pearson" | "spearman" | "mutual-information";

/** What one channel of a network's input shows of a histogram; see native/cnn/image.hpp. */
export type ImageKind = "nepdf" | "residual" | "margins";

/** A sequential network; NetworkSpec of src/model. */
export interface NativeNetwork {
  readonly input: { readonly height: number; readonly width: number; readonly channels: number };
  readonly layers: readonly { readonly kind: string }[];
}

/** Factors of products and activations are of this type; sums, parameters and gradients are float32. */
export type Precision = "f32" | "bf16";
export type Device = "cpu" | "cuda";

export interface NativeEngineOptions {
  precision: Precision;
  threads: number;
  /** Images that a call usually has. */
  batch: number;
  /** Default `cpu`. */
  device?: Device;
}

export interface NativeTrainerOptions extends NativeEngineOptions {
  optimizer: { readonly kind: "sgd" | "adam" | "adamw" };
  /** Of the dropout masks. */
  seed: number;
}

/**
 * A network in training; parameters and optimiser state start at 0. A call while another runs throws `BUSY`. Arrays
 * given to a call may not be touched until its promise settles.
 */
export interface NativeTrainer {
  /**
   * On a GPU: histograms (n x 32 x 32) that stepRows may name, kept on the device where they fit. They may not be touched
   * until others are held.
   */
  hold(counts: CountArray, cells: number, kinds: readonly ImageKind[]): void;
  /**
   * One optimiser step; resolves to the loss before it, or to NaN where the loss, a gradient or a new parameter is not
   * finite.
   */
  step(images: Float32Array, classes: Uint8Array, weights: Float32Array, rate: number): Promise<number>;
  /** The same with the images of histograms that are held, of the swapped pair where `swapped[i]` is 1. */
  stepRows(
    rows: Uint32Array,
    swapped: Uint8Array,
    classes: Uint8Array,
    weights: Float32Array,
    rate: number,
  ): Promise<number>;
  /** Without dropout; changes nothing. */
  gradients(
    images: Float32Array,
    classes: Uint8Array,
    weights: Float32Array,
  ): Promise<{ loss: number; gradients: Float32Array }>;
  parameters(): Float32Array;
  setParameters(parameters: Float32Array): void;
  state(): { steps: number; first: Float32Array; second: Float32Array };
  setState(state: { steps: number; first: Float32Array; second: Float32Array }): void;
}

/** A network that gives probabilities; parameters start at 0. Calls and arrays: as with NativeTrainer. */
export interface NativePredictor {
  setParameters(parameters: Float32Array): void;
  /** n x outputs probabilities of n images. */
  predict(images: Float32Array): Promise<Float32Array>;
  /** The same before their sigmoid or softmax. */
  logits(images: Float32Array): Promise<Float32Array>;
  /**
   * Fills `out` with the probabilities of n histograms: outputs of each, followed with `both` by those of the swapped
   * pair.
   */
  predictCounts(
    counts: CountArray,
    cells: number,
    kinds: readonly ImageKind[],
    both: boolean,
    out: Float32Array,
    job: NativeJob,
  ): Promise<void>;
  /** The same for pairs of genes of a store. */
  scorePairs(
    store: NativeStore,
    a: Uint32Array,
    b: Uint32Array,
    kinds: readonly ImageKind[],
    both: boolean,
    out: Float32Array,
    job: NativeJob,
  ): Promise<void>;
  /** Derivatives of one output before its sigmoid or softmax by the values of n images. */
  inputGradients(images: Float32Array, output: number): Promise<Float32Array>;
}

export type CountArray = Uint8Array | Uint16Array | Uint32Array;
export type HistogramArray = CountArray | Float32Array;

/** Stops a running native call and tells how far it is. */
export interface NativeJob {
  /** The call rejects with code `CANCELLED` soon after. */
  cancel(): void;
  /** Pairs finished so far. */
  readonly done: number;
}

/** Binned expression in native memory, freed with this object. */
export interface NativeStore {
  readonly cells: number;
  readonly genes: number;
  /** Size of the store's arrays. */
  readonly bytes: number;
  /** Stored cells of all genes together. */
  readonly entries: number;
  geneArrays(): {
    /** genes x 33, in transformed units. */
    edges: Float64Array;
    /** genes x 32, each gene's cells per bin. */
    marginal: Uint32Array;
    /** Cells with a value other than 0. */
    expressing: Uint32Array;
    /** 1 where all cells hold one value. */
    constant: Uint8Array;
    /** Entries of each gene. */
    stored: Uint32Array;
    /** The bin of an expression of 0. */
    zeroBin: Uint8Array;
  };
  /** Frees the arrays now instead of when this object is collected; the store has no genes any more. */
  release(): void;
}

export interface NativeStoreOptions {
  fileCells: number;
  fileGenes: number;
  /** fileCells; number of the cell among the chosen ones, in file order, or -1. */
  cellOf: Int32Array;
  /** fileGenes; number of the gene in the store, in file order, or -1. */
  geneOf: Int32Array;
  cells: number;
  genes: number;
  majorAxis: "cell" | "gene";
  scale: "counts" | "linear" | "log1p";
  /** Base of scale log1p; 0 is e. */
  logBase: number;
  transform: "log10" | "log1p" | "none";
  keepValues: boolean;
  threads: number;
}

/** Rows of a matrix, as src/io delivers them. */
export interface NativeBlock {
  kind: "sparse" | "dense";
  first: number;
  count: number;
  indptr?: Uint32Array;
  indices?: ArrayBufferView;
  values: ArrayBufferView;
}

/** Builds a store; see native/core/store_builder.hpp for the order of calls and the error codes. */
export interface NativeStoreBuilder {
  readonly needsTotals: boolean;
  totals(block: NativeBlock): Promise<void>;
  scan(block: NativeBlock): Promise<void>;
  endScan(): { expressing: Uint32Array; hasFractions: boolean };
  beginFill(keep?: Uint8Array): Promise<void>;
  fill(block: NativeBlock): Promise<void>;
  finish(): Promise<NativeStore>;
}

export interface NativeSimulationOptions {
  genes: number;
  /** Genes 0 to regulators - 1 may regulate. */
  regulators: number;
  cells: number;
  cellTypes: number;
  /** Mean UMIs of a cell. */
  umisPerCell: number;
  seed: number;
}

/** A random regulatory network and the cells that it makes; see native/simulation. */
export interface NativeSimulator {
  /** The edges, one entry per edge in each array; a negative strength is a repression. */
  network(): { regulator: Uint32Array; target: Uint32Array; strength: Float32Array };
  /** Counts of the cells first, ..., first + count - 1 as CSR, and their types. */
  simulate(
    first: number,
    count: number,
    threads: number,
    job: NativeJob,
  ): Promise<{ indptr: Float64Array; indices: Int32Array; counts: Int32Array; cellType: Uint8Array }>;
}

export interface SystemInfo {
  /** Processors that this process may use. */
  threads: number;
  /** `avx512` or `portable`. */
  cpuKernel: string;
  /** Version of oneDNN, on which networks run; empty where the build has none. */
  onednn: string;
  /** The instruction set that oneDNN uses here, e.g. `avx512_core_bf16`; empty without it. */
  onednnIsa: string;
  /** Version of XGBoost, which grows trees; empty where the build has none. */
  xgboost: string;
  /** Whether the processor computes in bfloat16. */
  bf16: boolean;
  gpuBuilt: boolean;
  /** Why no GPU can be used; empty when one can. */
  gpuProblem: string;
  gpus: { index: number; name: string; memoryBytes: number }[];
}
