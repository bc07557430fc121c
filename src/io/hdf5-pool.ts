import { setMaxListeners } from "node:events";
import { Worker } from "node:worker_threads";
import { CnncError } from "../errors.js";
import type { Hdf5Node } from "./hdf5-node.js";
import type { Range } from "./hdf5-session.js";
import type { Numbers } from "./types.js";

/** What a reading thread is asked. */
export type Hdf5Request =
  | { kind: "node"; path: string }
  | { kind: "read"; path: string; ranges: Range[] }
  | { kind: "rows"; path: string; range: Range; field: string | undefined };

/** What it replies. */
export type Hdf5Answer =
  | { value: Hdf5Node | Numbers | string[] | undefined }
  | { error: { code: string; message: string; remedy: string } };

/** How a read is carried out. */
export interface ReadOptions {
  /** Threads that may be busy with this file at the same time. */
  readonly workers?: number;
  /** Aborting rejects the read at once with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Threads that share a queue of requests about one file. They are started when there is work for them. */
export interface Hdf5Pool {
  /** @throws CnncError what the thread reports, `READER_FAILED` when it dies, `READ_TIMEOUT` when it is stuck. */
  run(request: Hdf5Request, options: ReadOptions): Promise<unknown>;
  /** Ends the threads; requests that are not answered yet fail. */
  close(): void;
}

interface Job {
  readonly request: Hdf5Request;
  readonly workers: number;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
}

/** Reading threads for the HDF5 file `path`. */
export function createPool(path: string): Hdf5Pool {
  const timeout = timeoutSeconds();
  const idle: Worker[] = [];
  const busy = new Map<Worker, { job: Job; timer: NodeJS.Timeout }>();
  const queue: Job[] = [];
  let closed = false;

  function dispatch(): void {
    while (queue.length > 0 && busy.size < queue[0].workers) {
      const worker = idle.pop() ?? start();
      const job = queue.shift() as Job;
      busy.set(worker, { job, timer: setTimeout(() => giveUp(worker), timeout * 1000) });
      worker.ref();
      worker.postMessage(job.request);
    }
  }

  function start(): Worker {
    const worker = new Worker(new URL("./hdf5-worker.js", import.meta.url), {
      workerData: path,
      // Options of the main program, such as --input-type, are not meant for this thread.
      execArgv: [],
      // Keeps the library's own remarks on damaged files off the terminal; what matters of them is in the error.
      stderr: true,
    });
    worker.on("message", (answer: Hdf5Answer) => settle(worker, answer));
    worker.on("error", (cause) => lose(worker, cause));
    worker.on("exit", (status) => lose(worker, new Error(`it ended with status ${status}`)));
    return worker;
  }

  /** The job of a worker that is done with it, one way or another. */
  function takeJob(worker: Worker): Job | undefined {
    const work = busy.get(worker);
    clearTimeout(work?.timer);
    busy.delete(worker);
    return work?.job;
  }

  function settle(worker: Worker, answer: Hdf5Answer): void {
    const job = takeJob(worker);
    if ("error" in answer) {
      // HDF5 was interrupted at an arbitrary point: this thread's library is not to be trusted any more.
      void worker.terminate();
      job?.reject(new CnncError(answer.error.code, answer.error.message, answer.error.remedy));
    } else {
      // An idle thread must not keep the process alive.
      worker.unref();
      idle.push(worker);
      job?.resolve(answer.value);
    }
    dispatch();
  }

  /** A thread has died by itself, out of memory for example. */
  function lose(worker: Worker, cause: Error): void {
    if (idle.includes(worker)) idle.splice(idle.indexOf(worker), 1);
    const message = `The thread that reads ${path} failed: ${cause.message}.`;
    const remedy = "The file may be damaged, or memory short.";
    takeJob(worker)?.reject(new CnncError("READER_FAILED", message, remedy, { cause }));
    dispatch();
  }

  /** Damaged metadata can send the HDF5 library round in circles. */
  function giveUp(worker: Worker): void {
    const job = takeJob(worker);
    void worker.terminate();
    job?.reject(
      new CnncError(
        "READ_TIMEOUT",
        `${job.request.path} in ${path} could not be read within ${timeout} seconds.`,
        "The file is damaged or its storage very slow; for the latter, set CNNC_READ_TIMEOUT to more seconds.",
      ),
    );
    dispatch();
  }

  function run(request: Hdf5Request, { workers = 1, signal }: ReadOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (closed) throw new Error(`${path} is closed.`);
      signal?.throwIfAborted();
      const abort = () => {
        const position = queue.indexOf(job);
        if (position !== -1) queue.splice(position, 1);
        reject(signal?.reason);
      };
      const forgetSignal = () => signal?.removeEventListener("abort", abort);
      const job: Job = {
        request,
        workers,
        resolve: (value) => {
          forgetSignal();
          resolve(value);
        },
        reject: (reason) => {
          forgetSignal();
          reject(reason);
        },
      };
      // As many as there are reads under way, which is no leak.
      if (signal) setMaxListeners(0, signal);
      signal?.addEventListener("abort", abort, { once: true });
      queue.push(job);
      dispatch();
    });
  }

  function close(): void {
    closed = true;
    const unanswered = queue.splice(0);
    for (const worker of [...idle.splice(0), ...busy.keys()]) {
      const job = takeJob(worker);
      if (job !== undefined) unanswered.push(job);
      void worker.terminate();
    }
    for (const job of unanswered) job.reject(new Error(`${path} was closed while it was being read.`));
  }

  return { run, close };
}

const DEFAULT_TIMEOUT_SECONDS = 60;

/** A read is some megabytes, so that any storage in working order delivers it in time. */
function timeoutSeconds(): number {
  const seconds = Number(process.env.CNNC_READ_TIMEOUT);
  return seconds > 0 ? seconds : DEFAULT_TIMEOUT_SECONDS;
}
