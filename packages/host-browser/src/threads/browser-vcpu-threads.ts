// vCPUs on workers of a browser. A page can do it that is isolated from other origins: only such a page has shared memory.

import type { HostOrder, VcpuInit, VcpuThreadEvents, VcpuThreadHandle, VcpuThreads } from '@boardwalk/core';

/** What a worker says. */
export type VcpuWorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'call' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly error: string };

/** A worker that does not end by itself for so long is ended, ms. */
const PATIENCE_MS = 500;

/** Monotonic milliseconds, the same for every worker of a page. */
export const pageTimeMs = (): number => performance.timeOrigin + performance.now();

class BrowserVcpuThread implements VcpuThreadHandle {
  /** A browser numbers no threads. */
  readonly threadId = undefined;
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;

  constructor(worker: Worker, init: VcpuInit, events: VcpuThreadEvents) {
    this.#worker = worker;
    let ended: () => void = () => {};
    this.#ended = new Promise((resolve) => {
      ended = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      const fail = (text: string): void => {
        const error = new Error(`vCPU ${init.index}: ${text}`);
        reject(error);
        events.failed(error);
        ended();
      };
      worker.addEventListener('message', ({ data }: MessageEvent<VcpuWorkerMessage>) => {
        if (data.kind === 'call') events.called();
        else if (data.kind === 'ready') resolve();
        else if (data.kind === 'ended') ended();
        else fail(data.error);
      });
      worker.addEventListener('error', (event) => fail(event.message || "the worker's program cannot be loaded"));
    });
    worker.postMessage(init);
  }

  async end(): Promise<void> {
    let late: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => {
      late = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([this.#ended, patience]);
    clearTimeout(late);
    this.#worker.terminate();
  }
}

/**
 * Each vCPU on a worker.
 *
 * @param worker makes a worker whose program calls `serveVcpuWorker` with the machine's architecture
 * @param order how the host's processor orders plain accesses, where the page knows it: a browser does not say
 */
export function browserVcpuThreads(worker: () => Worker, order: HostOrder = 'weak'): VcpuThreads {
  return { order, now: pageTimeMs, start: (init, events) => new BrowserVcpuThread(worker(), init, events) };
}
