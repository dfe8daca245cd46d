/** Worker threads for vCPUs of packages' sources: Node cannot run those as they are, so the program of a thread is bundled first. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { VcpuThreads } from '@boardwalk/core';
import { build } from 'esbuild';

export class BundledThreads implements VcpuThreads {
  readonly order = process.arch === 'x64' ? 'tso' : 'weak';
  readonly #source: URL;
  readonly #folder = mkdtempSync(join(tmpdir(), 'boardwalk-vcpus-'));
  readonly #program = join(this.#folder, 'vcpu.mjs');

  /** @param source a module that calls `serveThread` (serve-thread.ts) */
  constructor(source: URL) {
    this.#source = source;
  }

  async prepare(): Promise<void> {
    await build({
      entryPoints: [fileURLToPath(this.#source)],
      outfile: this.#program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      conditions: ['boardwalk-source'],
      logLevel: 'silent',
    });
  }

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true });
  }

  readonly start: VcpuThreads['start'] = (init, events) => {
    const worker = new Worker(this.#program, { workerData: init });
    worker.on('error', (error) => events.failed(error instanceof Error ? error : new Error(String(error))));
    const ready = new Promise<void>((resolve) => {
      worker.on('message', (message) => (message === 'call' ? events.called() : resolve()));
    });
    return { ready, threadId: undefined, end: async () => void (await worker.terminate()) };
  };
}
