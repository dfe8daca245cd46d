// The program of a vCPU's worker.

import { type ArchitecturePackage, serveVcpu, type VcpuInit } from '@boardwalk/core';
import { pageTimeMs, type VcpuWorkerMessage } from './browser-vcpu-threads.ts';

/**
 * Runs the vCPU that the page sends to this worker. Call it at once: the page's message may already be on its way.
 *
 * @param architecture what the machine's CPUs are of
 */
export function serveVcpuWorker(architecture: ArchitecturePackage): void {
  const tell = (message: VcpuWorkerMessage): void => globalThis.postMessage(message);
  const serve = async (init: VcpuInit): Promise<void> => {
    await serveVcpu(init, architecture, {
      ring: () => tell({ kind: 'call' }),
      now: pageTimeMs,
      ready: () => tell({ kind: 'ready' }),
    });
    tell({ kind: 'ended' });
  };
  globalThis.addEventListener(
    'message',
    ({ data }: MessageEvent<VcpuInit>) => {
      serve(data).catch((error: unknown) => {
        tell({ kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      });
    },
    { once: true },
  );
}
