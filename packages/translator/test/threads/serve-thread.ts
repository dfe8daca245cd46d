/** The thread's side of bundled-threads.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ArchitecturePackage, serveVcpu, type VcpuInit } from '@boardwalk/core';

/** Runs the vCPU that this worker is for until its machine ends. */
export async function serveThread(architecture: ArchitecturePackage): Promise<void> {
  await serveVcpu(workerData as VcpuInit, architecture, {
    ring: () => parentPort?.postMessage('call'),
    now: () => performance.timeOrigin + performance.now(),
    ready: () => parentPort?.postMessage('ready'),
  });
}
