/** TensorFlow.js, loaded: its operations, its Layers API, and what runs them. */
export interface Tfjs {
  readonly core: typeof import("@tensorflow/tfjs-core");
  readonly layers: typeof import("@tensorflow/tfjs-layers");
  /** `tfjs-node-gpu`, `tfjs-node` or `cpu`. */
  readonly backend: string;
}

export interface TfjsOptions {
  /** Uses `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` where installed, to compute fast. */
  readonly accelerated?: boolean;
  /** Is told, in one line, about an installed package that does not load. */
  readonly onProblem?: (line: string) => void;
}

const ACCELERATED = ["tfjs-node-gpu", "tfjs-node"] as const;

let plain: Promise<Tfjs> | undefined;
let accelerated: Promise<Tfjs | string[]> | undefined;

/**
 * Loads TensorFlow.js on first use, which takes a third of a second, so that nothing else pays for it. Models
 * are made, read and written with the plain cpu backend (the default); an engine asks for `accelerated`. The
 * two may be separate copies of the library, so that a model of the one is no object of the other.
 */
export async function loadTfjs(options: TfjsOptions = {}): Promise<Tfjs> {
  if (options.accelerated) {
    accelerated ??= loadAccelerated();
    const found = await accelerated;
    if (!Array.isArray(found)) return found;
    for (const problem of found) options.onProblem?.(problem);
  }
  plain ??= loadPlain();
  return plain;
}

async function loadPlain(): Promise<Tfjs> {
  const core = await import("@tensorflow/tfjs-core");
  const layers = await import("@tensorflow/tfjs-layers");
  await import("@tensorflow/tfjs-backend-cpu");
  // Else the backend advertises another package on its first use.
  core.env().set("PROD", true);
  await core.ready();
  return { core, layers, backend: "cpu" };
}

/** The fastest package that works, or what is wrong with those installed. */
async function loadAccelerated(): Promise<Tfjs | string[]> {
  const problems: string[] = [];
  for (const name of ACCELERATED) {
    const loaded = await loadPackage(`@tensorflow/${name}`);
    if (typeof loaded !== "object") problems.push(...(loaded === undefined ? [] : [loaded]));
    else return { core: loaded, layers: loaded, backend: name };
  }
  return problems;
}

type WholeTfjs = Tfjs["core"] & Tfjs["layers"];

/** The package, `undefined` where it is not installed, or a line that says why it does not load. */
export async function loadPackage(
  name: string,
  load: (name: string) => Promise<unknown> = (specifier) => import(specifier),
): Promise<WholeTfjs | string | undefined> {
  try {
    const loaded = (await load(name)) as WholeTfjs & { default?: WholeTfjs };
    const tfjs = loaded.default ?? loaded;
    if (!(await tfjs.setBackend("tensorflow"))) return `${name} is installed, but has no working backend.`;
    tfjs.env().set("PROD", true);
    return tfjs;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND" && message.includes(`'${name}'`)) return undefined;
    const reason = message.split("\n", 1)[0].replace(/[.:]?$/, "");
    return `${name} is installed but does not load: ${reason}.`;
  }
}
