/** vCPUs of the x86-like test frontend on worker threads. */
import { defineBoard, Machine, type MachineOptions } from '@boardwalk/core';
import type { Slot } from '@boardwalk/translator';
import { RAM_BYTES, TestCpu } from '../frontends/harness.ts';
import { x86ish } from '../frontends/x86ish.ts';
import { BundledThreads } from './bundled-threads.ts';

/** A CPU whose thread makes one of its own. */
class ThreadedCpu extends TestCpu {
  protected override threadDescription(): unknown {
    return {};
  }
}

/** A machine whose vCPUs run on threads. */
export interface ThreadedMachine {
  readonly machine: Machine;
  readonly cpus: readonly TestCpu[];
  /** What went wrong on a thread, or on this one. */
  readonly failure: unknown;
}

/** The frontend's threads. */
export class TestThreads extends BundledThreads {
  constructor() {
    super(new URL('vcpu-program.ts', import.meta.url));
  }

  /** RAM at 0 and so many vCPUs, which stand still. */
  async machine(count: number, tier1: MachineOptions['tier1']): Promise<ThreadedMachine> {
    const cpus: TestCpu[] = [];
    const board = defineBoard({
      name: 'test',
      description: 'CPUs and RAM',
      arch: 'test',
      defaultCpu: 'test',
      maxCpus: 8,
      defaultRamSize: RAM_BYTES,
      defaultRamId: 'ram',
      build(made) {
        made.map(0, made.ram);
        for (let n = 0; n < count; n++) cpus.push(made.add(new ThreadedCpu(n, x86ish, undefined), `cpu${n}`));
      },
    });
    const options = tier1 === undefined ? {} : { tier1 };
    const machine = await Machine.create(board, { smp: { cpus: count }, threads: this, ...options });
    let failure: unknown;
    machine.on('error', ({ error }) => {
      failure = error;
    });
    return {
      machine,
      cpus,
      get failure() {
        return failure;
      },
    };
  }
}

/** A register of the frontend by its name. */
export function slotOf(name: string): Slot {
  const field = x86ish.state.fields.find((f) => f.slot.name === name);
  if (field === undefined) throw new Error(`no register ${name}`);
  return field.slot;
}
