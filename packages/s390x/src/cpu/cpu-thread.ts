/** A CPU on a thread of its own: clocks are its own, and what instructions ask of the machine its device thread performs. */
import { CALL, type Machine, type VcpuThread } from '@boardwalk/core';
import { S390Frontend } from './frontend.ts';
import type { InstructionPort } from './isa/port.ts';
import type { CpuConfig } from './models.ts';
import { identification, Processor } from './processor.ts';
import { common } from './state.ts';

/** What a CPU is made from: plain data. */
export interface CpuDescription {
  readonly config: CpuConfig;
}

/** What the device thread performs for a CPU that waits, by its number in a call. Arguments and results are in the CPU's state. */
export const SERVICES = [
  'takeIo',
  'takeExternal',
  'takeMachineCheck',
  'stopped',
  'disabledWait',
  'setTod',
  'signal',
  'performMachine',
] as const satisfies readonly (keyof InstructionPort)[];

/** Place of the TOD clock's value at virtual time 0 among the words that a CPU's two sides share: 64 bits. */
export const TOD_BASE = 0;

class ThreadCpu extends Processor implements InstructionPort {
  static override readonly typeName: string = 's390x-thread-cpu';
  readonly #thread: VcpuThread;
  readonly #config: CpuConfig;

  constructor(frontend: S390Frontend, thread: VcpuThread) {
    super(thread.init.index, frontend);
    this.#thread = thread;
    this.#config = frontend.config;
    frontend.attach(thread.init.state, this);
  }

  protected override get todBase(): bigint {
    return this.machine.space.view.getBigUint64(this.threadWords + TOD_BASE, true);
  }

  override resynced(): void {
    super.resynced();
    this.updateTimers();
  }

  #ask(service: (typeof SERVICES)[number]): void {
    this.#thread.call({ kind: CALL.service, size: SERVICES.indexOf(service) });
  }

  flushOthers(): void {
    this.#thread.flushOthers();
  }

  identify(): void {
    this.setRegister(common.ret, identification(this.#config.machineType));
  }

  takeIo(): void {
    this.#ask('takeIo');
  }

  takeExternal(): void {
    this.#ask('takeExternal');
  }

  takeMachineCheck(): void {
    this.#ask('takeMachineCheck');
  }

  stopped(): void {
    this.#ask('stopped');
  }

  disabledWait(): void {
    this.#ask('disabledWait');
  }

  setTod(): void {
    this.#ask('setTod');
  }

  signal(): void {
    this.#ask('signal');
  }

  performMachine(): void {
    this.#ask('performMachine');
  }
}

/** Adds the CPU that a thread runs to the thread's machine. */
export function addThreadCpu(machine: Machine, thread: VcpuThread): ThreadCpu {
  const { config } = thread.init.description as CpuDescription;
  return machine.add(new ThreadCpu(new S390Frontend(config), thread), `cpu[${thread.init.index}]`);
}
