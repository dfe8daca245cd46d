/** The program of a thread that runs a vCPU of the x86-like test frontend. */
import { parentPort, workerData } from 'node:worker_threads';
import { serveVcpu, type VcpuInit } from '@boardwalk/core';
import { TranslatedCpu } from '@boardwalk/translator';
import { x86ish } from '../frontends/x86ish.ts';

class ThreadCpu extends TranslatedCpu {
  static override readonly typeName = 'thread-cpu';
}

await serveVcpu(
  workerData as VcpuInit,
  {
    names: ['test'],
    boards: [],
    cpuModels: () => [],
    addThreadCpu: (machine, thread) => machine.add(new ThreadCpu(thread.init.index, x86ish), 'cpu'),
  },
  {
    ring: () => parentPort?.postMessage('call'),
    now: () => performance.timeOrigin + performance.now(),
    ready: () => parentPort?.postMessage('ready'),
  },
);
