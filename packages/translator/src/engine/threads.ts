/** vCPUs on threads: the translator's part of both sides. docs/threads.md. */
import {
  CALL,
  type DebugStop,
  GO,
  type Machine,
  VCPU_SAMPLE_EVERY,
  type VcpuThread,
  type Watchpoint,
} from '@boardwalk/core';
import { COMMON } from '../state.ts';
import type { Sampler } from './execution.ts';
import type { TranslatedCpu } from './translated-cpu.ts';

/** Code cache of an engine that executes nothing: room for the largest block. */
export const TEAM_ENGINE_ARENA = 2 ** 20;

/** Reasons of a stop, as threads tell them. */
const STOPS = ['breakpoint', 'step', 'watchpoint'] as const;

/** Gives a vCPU to the threads of its machine. @param service answers calls of the architecture's own @returns host offset of its block */
export function joinTeam(cpu: TranslatedCpu, description: unknown, service: (number: number) => void): number {
  const { machine, base, index } = cpu;
  if (machine.team === undefined) throw new Error('a machine without threads');
  return machine.team.add({
    index,
    state: base,
    exitRequest: base + COMMON.exitRequest.offset,
    description,
    code: () => cpu.engine.code,
    service,
    sample: () => cpu.sampler?.sample(),
    goes: () => {
      if (cpu.held) return GO.hold;
      const { step } = cpu.debug;
      if (step === undefined) return GO.run;
      return step.noIrq === true ? GO.stepNoIrq : GO.step;
    },
    debugStopped: (reason, number) => {
      const name = STOPS[reason];
      const watchpoint = cpu.engine.debug.watchpoints[number];
      if (name === 'watchpoint') {
        if (watchpoint !== undefined) machine.debugStop(cpu, { reason: name, watchpoint });
      } else if (name !== undefined) machine.debugStop(cpu, { reason: name });
    },
  });
}

/** Tells the device thread of a stop, and waits for the machine to stop. */
export function stopOnThread(thread: VcpuThread, stop: DebugStop, watchpoints: readonly Watchpoint[]): void {
  const number = stop.reason === 'watchpoint' ? watchpoints.findIndex((w) => w.address === stop.watchpoint.address) : 0;
  thread.awaitStop();
  thread.call({ kind: CALL.debugStop, size: STOPS.indexOf(stop.reason), extra: number });
}

/** The device thread's side: the vCPU's thread calls it every so many instructions; 0 for never. From when the vCPU next goes on. */
export function sampleOnThread(machine: Machine, index: number, every: number): void {
  const words = machine.team?.blockOf(index)?.words;
  if (words !== undefined) machine.space.view.setFloat64((words.at + VCPU_SAMPLE_EVERY) * 4, every, true);
}

/** The thread's side of {@link sampleOnThread}: what looks at the vCPU, if anything does. */
export function threadSampler(thread: VcpuThread): Sampler | undefined {
  const every = thread.space.view.getFloat64((thread.words.at + VCPU_SAMPLE_EVERY) * 4, true);
  return every === 0 ? undefined : { every, sample: () => void thread.call({ kind: CALL.sample }) };
}

/**
 * Between two runs of translated code: forgets requests to leave it, which are looked at next.
 * @returns whether the thread has to do something else first
 */
export function threadGoes(thread: VcpuThread, base: number): boolean {
  Atomics.exchange(thread.space.i32, (base + COMMON.exitRequest.offset) >>> 2, 0);
  return thread.wanted;
}
