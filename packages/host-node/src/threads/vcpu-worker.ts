// The program of a vCPU's thread in Node.

import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { type ArchitecturePackage, serveVcpu } from '@boardwalk/core';
import { hostTimeMs } from './host-time.ts';
import type { VcpuMessage, VcpuWorkerData } from './node-vcpu-threads.ts';

/** What Linux calls this thread. */
function kernelThreadId(): number | undefined {
  try {
    return Number(basename(readlinkSync('/proc/thread-self')));
  } catch {
    return undefined;
  }
}

const { init, module } = workerData as VcpuWorkerData;
const tell = (message: VcpuMessage): void => parentPort?.postMessage(message);
const call: VcpuMessage = { kind: 'call' };
const { architecture } = (await import(module)) as { readonly architecture: ArchitecturePackage };

await serveVcpu(init, architecture, {
  ring: () => tell(call),
  now: hostTimeMs,
  ready: () => tell({ kind: 'ready', threadId: kernelThreadId() }),
});
