/** A hart on a thread of its own: made from what the device thread says of it, with a view of the platform's counter. */
import type { LocalRegisters, Machine, VcpuThread } from '@boardwalk/core';
import { VCPU_OWN } from '@boardwalk/core';
import { IRQ_MSI } from './bits.ts';
import { RiscvFrontend } from './frontend.ts';
import type { CpuConfig } from './models.ts';
import { RiscvCpu, type TimeSource } from './riscv-cpu.ts';
import { common } from './state.ts';

/** What a hart is made from: plain data. */
export interface HartDescription {
  readonly config: CpuConfig;
  readonly resetVector: number;
  /** Rate of mtime in Hz. */
  readonly frequency: number;
  readonly logWalks: boolean;
  readonly semihosting: boolean;
  /** Physical address of the registers that raise harts' software interrupts, where this thread may write them itself. */
  readonly softwareIrqs: number | undefined;
}

/**
 * Software interrupts of every hart, one `msip` register each, without the device thread: the line is the register. RISC-V ACLINT
 * Specification, "MSWI Device".
 */
function softwareIrqs(thread: VcpuThread, base: number): LocalRegisters {
  const { space, init } = thread;
  const lines = init.all.map(({ state }) => (state + common.pendingIrq.offset) >>> 2);
  const bit = 1 << IRQ_MSI;
  return {
    base,
    count: lines.length,
    read: (hart) => ((Atomics.load(space.i32, lines[hart] ?? 0) & bit) === 0 ? 0 : 1),
    write: (hart, value) => {
      const at = lines[hart] ?? 0;
      if ((value & 1) === 0) Atomics.and(space.i32, at, ~bit);
      else if ((Atomics.or(space.i32, at, bit) & bit) === 0) thread.interruptRaised(hart);
    },
  };
}

const NS_PER_S = 1_000_000_000n;

/** The platform's mtime, from virtual time and what the device thread says is to be added. */
class ThreadTime implements TimeSource {
  readonly #machine: Machine;
  readonly #offsetAt: number;
  readonly #rate: bigint;

  constructor(machine: Machine, thread: VcpuThread, frequency: number) {
    this.#machine = machine;
    this.#offsetAt = thread.init.block + VCPU_OWN * 4;
    this.#rate = BigInt(frequency);
  }

  mtime(): bigint {
    return BigInt.asUintN(64, this.#ticks() + this.#offset());
  }

  timeOf(value: bigint): number {
    const ticks = this.#ticks() + value - this.mtime();
    const ns = (ticks * NS_PER_S + this.#rate - 1n) / this.#rate;
    return ns > BigInt(Number.MAX_SAFE_INTEGER) ? Infinity : Number(ns);
  }

  /** Who sets the counter is the device thread: harts look anew at {@link RiscvCpu.resynced}. */
  onSet(): void {}

  #ticks(): bigint {
    return (BigInt(this.#machine.clock.now()) * this.#rate) / NS_PER_S;
  }

  #offset(): bigint {
    return this.#machine.space.view.getBigUint64(this.#offsetAt, true);
  }
}

/** Adds the hart that a thread runs to the thread's machine. */
export function addThreadHart(machine: Machine, thread: VcpuThread): RiscvCpu {
  const description = thread.init.description as HartDescription;
  const { config, resetVector, frequency, logWalks, semihosting, softwareIrqs: irqs } = description;
  if (irqs !== undefined) thread.answers(softwareIrqs(thread, irqs));
  const time = new ThreadTime(machine, thread, frequency);
  const frontend = new RiscvFrontend(config, { logWalks, semihosting, isThreaded: true });
  return machine.add(new RiscvCpu(thread.init.index, frontend, { time, resetVector }), `cpu[${thread.init.index}]`);
}
