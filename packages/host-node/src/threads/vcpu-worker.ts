// The program of a vCPU's thread in Node.

import { parentPort, workerData } from 'node:worker_threads';
import { type ArchitecturePackage, serveVcpu } from '@boardwalk/core';
import { hostTimeMs } from './host-time.ts';
import type { VcpuMessage, VcpuWorkerData } from './node-vcpu-threads.ts';

const { init, module } = workerData as VcpuWorkerData;
const tell = (message: VcpuMessage): void => parentPort?.postMessage(message);
const call: VcpuMessage = { kind: 'call' };
const { architecture } = (await import(module)) as { readonly architecture: ArchitecturePackage };

await serveVcpu(init, architecture, {
  ring: () => tell(call),
  now: hostTimeMs,
  ready: () => tell({ kind: 'ready' }),
});
