import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";

/** A Chromium of this machine, if there is one. */
export const CHROMIUM = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-pipe",
];

type Json = Record<string, unknown>;

/** A page in a headless browser. */
export interface BrowserPage {
  /** What went wrong so far: errors and warnings of the console, failed requests, requests of anything but the file. */
  readonly complaints: readonly string[];
  /** The value of an expression, which must be JSON. */
  evaluate<T>(expression: string): Promise<T>;
  /** In CSS pixels. */
  resize(width: number, height: number): Promise<void>;
  /** `print` or `screen`. */
  media(name: string): Promise<void>;
  /** PNG of the whole page. */
  screenshot(): Promise<Buffer>;
  /** PDF as it would be printed. */
  print(): Promise<Buffer>;
  close(): Promise<void>;
}

/** Opens a file in a browser of its own, over the DevTools protocol. */
export async function openInChromium(url: string): Promise<BrowserPage> {
  const profile = mkdtempSync(join(tmpdir(), "cnnc-chromium-"));
  const browser = spawn(CHROMIUM as string, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const complaints: string[] = [];
  const { send, on } = connect(browser);
  on("Runtime.exceptionThrown", (event) => complaints.push(JSON.stringify(event)));
  on("Runtime.consoleAPICalled", (event) => complaints.push(JSON.stringify(event)));
  on("Log.entryAdded", (event) => complaints.push(JSON.stringify(event)));
  on("Network.loadingFailed", (event) => complaints.push(JSON.stringify(event)));
  on("Network.requestWillBeSent", ({ request }) => {
    const asked = (request as { url: string }).url;
    if (asked !== url && !asked.startsWith("data:")) complaints.push(`request of ${asked}`);
  });

  const { targetInfos } = (await send("Target.getTargets")) as { targetInfos: Json[] };
  const targetId = targetInfos.find(({ type }) => type === "page")?.targetId;
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const ask = (method: string, params: Json = {}) => send(method, params, sessionId as string);
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await ask(`${domain}.enable`);
  const loaded = new Promise((resolve) => on("Page.loadEventFired", resolve));
  await ask("Page.navigate", { url });
  await loaded;

  return {
    complaints,
    async evaluate<T>(expression: string) {
      const { result, exceptionDetails } = await ask("Runtime.evaluate", { expression, returnByValue: true });
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { value: T }).value;
    },
    async resize(width, height) {
      const mobile = width < 600;
      await ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
    },
    async media(name) {
      await ask("Emulation.setEmulatedMedia", { media: name });
    },
    async screenshot() {
      const { data } = await ask("Page.captureScreenshot", { captureBeyondViewport: true });
      return Buffer.from(data as string, "base64");
    },
    async print() {
      const { data } = await ask("Page.printToPDF", { preferCSSPageSize: true });
      return Buffer.from(data as string, "base64");
    },
    async close() {
      const ended = new Promise((resolve) => browser.once("exit", resolve));
      await send("Browser.close").catch(() => browser.kill());
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Messages over the two pipes, each ended by a zero byte. */
function connect(browser: ChildProcess) {
  const [, , , output, input] = browser.stdio as unknown as [null, null, null, Writable, Readable];
  const listeners: [method: string, listener: (params: Json) => void][] = [];
  const waiting = new Map<number, { resolve: (result: Json) => void; reject: (error: Error) => void }>();
  let last = 0;
  let rest = "";
  input.setEncoding("utf8").on("data", (chunk: string) => {
    const messages = (rest + chunk).split("\0");
    rest = messages.pop() ?? "";
    for (const message of messages) receive(JSON.parse(message));
  });
  browser.once("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("Chromium has ended"));
  });

  function receive({ id, result, error, method, params }: Json): void {
    const asked = waiting.get(id as number);
    waiting.delete(id as number);
    if (error) asked?.reject(new Error(JSON.stringify(error)));
    else asked?.resolve(result as Json);
    for (const [name, listener] of listeners) if (name === method) listener(params as Json);
  }

  return {
    on: (method: string, listener: (params: Json) => void) => void listeners.push([method, listener]),
    send: (method: string, params: Json = {}, sessionId?: string): Promise<Json> => {
      const id = ++last;
      const answer = new Promise<Json>((resolve, reject) => waiting.set(id, { resolve, reject }));
      output.write(`${JSON.stringify({ id, method, params, ...(sessionId && { sessionId }) })}\0`);
      return answer;
    },
  };
}
