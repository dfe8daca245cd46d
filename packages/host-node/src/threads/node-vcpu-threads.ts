// vCPUs on Node's worker threads.

import type { Worker } from 'node:worker_threads';
import type { VcpuInit, VcpuThreadEvents, VcpuThreadHandle, VcpuThreads } from '@boardwalk/core';
import { hostTimeMs } from './host-time.ts';

/** Processors whose plain accesses pass each other only where a load passes an earlier store. */
const STRONGLY_ORDERED: readonly string[] = ['x64', 'ia32'];

/**
 * A thread's heap, in MiB. A host's V8 gives each heap up to 192 MiB for what is young, and lets what is old grow to a multiple of what
 * lives; a machine has many threads, and a translator lets go of most of what it makes before it makes the next. The old generation
 * lives on 30 to 60 MiB: the limit is far above that, and only tells V8 how generously it may grow.
 */
const HEAP = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 512 };

/** What a worker says. */
export type VcpuMessage = { readonly kind: 'ready'; readonly threadId: number | undefined } | { readonly kind: 'call' };

/** What a worker is given. */
export interface VcpuWorkerData {
  readonly init: VcpuInit;
  /** URL of the module that exports the architecture's package. */
  readonly module: string;
}

class NodeVcpuThread implements VcpuThreadHandle {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  #threadId: number | undefined;

  constructor(data: VcpuWorkerData, events: VcpuThreadEvents) {
    // Loaded when it is needed: it takes its share of the time that a program needs to start.
    const workers = process.getBuiltinModule('node:worker_threads');
    const worker = new workers.Worker(new URL('./vcpu-worker.js', import.meta.url), {
      workerData: data,
      name: `vcpu ${data.init.index}`,
      resourceLimits: HEAP,
    });
    this.#worker = worker;
    this.#exited = new Promise((resolve) => worker.once('exit', () => resolve()));
    this.ready = new Promise((resolve, reject) => {
      worker.on('message', (message: VcpuMessage) => {
        if (message.kind === 'call') {
          events.called();
          return;
        }
        this.#threadId = message.threadId;
        resolve();
      });
      worker.on('error', (error) => {
        reject(error);
        events.failed(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  /** The kernel's number of the thread, on Linux. */
  get threadId(): number | undefined {
    return this.#threadId;
  }

  async end(): Promise<void> {
    const late = setTimeout(() => void this.#worker.terminate(), 500);
    await this.#exited;
    clearTimeout(late);
  }
}

/** @param module URL of the module that exports the machine's architecture, for the threads to import */
export function nodeVcpuThreads(module: string): VcpuThreads {
  return {
    order: STRONGLY_ORDERED.includes(process.arch) ? 'tso' : 'weak',
    now: hostTimeMs,
    start: (init, events) => new NodeVcpuThread({ init, module }, events),
  };
}
