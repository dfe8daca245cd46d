// A vCPU's thread from its start to its end, for any host: the host's worker calls it with what it was posted.

import { GuestLog, type LogCategory, logCategories } from '../log/index.ts';
import type { ArchitecturePackage } from '../machine/architecture.ts';
import { defineBoard } from '../machine/board.ts';
import { Machine } from '../machine/machine.ts';
import { VirtualClock } from '../time/index.ts';
import type { VcpuInit } from './host.ts';
import { CALL } from './layout.ts';
import { type ThreadedCpu, VcpuLoop } from './vcpu-loop.ts';
import { VcpuThread } from './vcpu-thread.ts';

/** What a worker has for its vCPU. */
export interface VcpuWorkerHost {
  /** Makes the device thread look at the vCPU's call; a message to it does. */
  ring(): void;
  /** Monotonic milliseconds, the same for every thread. */
  now(): number;
  /** Tells that the vCPU is made: the device thread waits for all of them. */
  ready(): void;
}

/**
 * Makes the vCPU that a thread is for and runs it until the machine ends.
 * @throws whatever goes wrong in it: the worker tells the device thread
 */
export async function serveVcpu(
  init: VcpuInit,
  architecture: ArchitecturePackage,
  host: VcpuWorkerHost,
): Promise<void> {
  const thread = new VcpuThread(
    init,
    () => host.ring(),
    () => host.now(),
  );
  let cpu: ThreadedCpu | undefined;
  const board = defineBoard({
    name: 'vcpu',
    description: 'one vCPU of a machine',
    arch: init.arch,
    defaultCpu: 'vcpu',
    maxCpus: 1,
    build(machine) {
      cpu = architecture.addThreadCpu?.(machine, thread);
    },
  });
  await Machine.create(board, {
    space: thread.space,
    clock: new VirtualClock(thread.clock),
    log: new GuestLog(init.logCategories.filter(isCategory), (category, text) =>
      thread.callWithText(CALL.log, `${category} ${text}`),
    ),
    vcpuThread: thread,
    ...(init.tier1 === undefined ? {} : { tier1: init.tier1 }),
  });
  if (cpu === undefined) throw new Error(`the CPUs of ${init.arch} do not run on threads`);
  const loop = new VcpuLoop(thread, cpu);
  host.ready();
  loop.run();
}

function isCategory(text: string): text is LogCategory {
  return Object.hasOwn(logCategories, text);
}
