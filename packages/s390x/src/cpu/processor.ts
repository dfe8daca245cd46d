/**
 * What a CPU is both where the machine's devices are and on a thread of its own: its clocks, and when it has work. Principles of
 * Operation, SA22-7832, chapters "Control" and "Interruptions".
 */
import type { Timer } from '@boardwalk/core';
import { type Slot, TranslatedCpu } from '@boardwalk/translator';
import { CR0, CR14_CHANNEL_REPORT, IRQ, PER, PSW, STATE_OPERATING } from './bits.ts';
import { CODE_STORE } from './per.ts';
import { ckc, common, cpuState, cpuTimerEnd, cr, ioClasses, machineCheck, per, pswMask } from './state.ts';
import { nanosecondsOf, unitsOf } from './tod.ts';

/** The member of a list that must be there. */
export function at<T>(list: readonly T[], n: number): T {
  const found = list[n];
  if (found === undefined) throw new Error(`no register ${n}`);
  return found;
}

/** The number of a bit of `pendingIrq`. */
export function bitOf(irq: number): number {
  return 31 - Math.clz32(irq);
}

export abstract class Processor extends TranslatedCpu {
  #comparator: Timer | undefined;
  #cpuTimer: Timer | undefined;

  override realize(): void {
    super.realize();
    this.#comparator = this.machine.clock.timer(() => this.updateTimers());
    this.#cpuTimer = this.machine.clock.timer(() => this.updateTimers());
  }

  override dispose(): void {
    this.#comparator?.disarm();
    this.#cpuTimer?.disarm();
    super.dispose();
  }

  /** The TOD clock's value at virtual time 0. */
  protected abstract get todBase(): bigint;

  /** A register of 32 bits, without a bigint: the run loop asks often. */
  protected word(slot: Slot): number {
    return this.machine.space.i32[(this.base + slot.offset) >>> 2] ?? 0;
  }

  controlRegister(number: number): bigint {
    return this.register(at(cr, number));
  }

  /** Something happened that a CPU which waits may be waiting for. */
  wakeUp(): void {
    this.requestExit();
    this.machine.wake();
  }

  // --- interruptions ---

  /** A CPU that waits has work when something is pending that its PSW and control registers enable. */
  override hasWork(): boolean {
    if (!this.halted) return true;
    const pending = this.word(common.pendingIrq);
    if ((pending & (IRQ.stop | IRQ.invalidPsw)) !== 0) return true;
    if (pending === 0 || this.word(cpuState) !== STATE_OPERATING) return false;
    if ((pending & IRQ.restart) !== 0) return true;
    const mask = this.register(pswMask);
    if ((mask & PSW.EXT) !== 0n && (pending & enabledExternals(this.controlRegister(0))) !== 0) return true;
    if ((mask & PSW.IO) !== 0n && (pending & IRQ.io) !== 0) {
      if ((this.word(ioClasses) & Number((this.controlRegister(6) >> 24n) & 0xffn)) !== 0) return true;
    }
    return (mask & PSW.MCHECK) !== 0n && (pending & IRQ.machineCheck) !== 0 && this.machineCheckEnabled;
  }

  /** Whether a pending machine check is enabled: one of this CPU always is, else it is a channel report. */
  protected get machineCheckEnabled(): boolean {
    return this.register(machineCheck) !== 0n || (this.controlRegister(14) & CR14_CHANNEL_REPORT) !== 0n;
  }

  // --- program-event recording ---

  /** Where its end is below its start the range goes round the end of storage: everything is looked at then. */
  watchRange(): void {
    const [first, last] = [this.controlRegister(10), this.controlRegister(11)];
    this.watchStores(first <= last ? { first, last } : { first: 0n, last: 2n ** 64n - 1n });
  }

  /** The instruction that was noted stores into the range: an event, if it is asked for at this moment. */
  override ownRangeWritten(from: bigint, to: bigint): void {
    const isAsked = (this.register(pswMask) & PSW.PER) !== 0n && (this.controlRegister(9) & PER.STORE) !== 0n;
    const [first, last] = [this.controlRegister(10), this.controlRegister(11)];
    const isInRange = first <= last ? from <= last && to >= first : from <= last || to >= first;
    if (!isAsked || !isInRange) return;
    this.setRegister(per.events, this.register(per.events) | BigInt(CODE_STORE));
    this.setIrqLine(bitOf(IRQ.per), true);
  }

  // --- clocks ---

  /** Units since virtual time 0. */
  protected units(): bigint {
    return unitsOf(this.machine.clock.now());
  }

  /** Sets what the clock comparator and the CPU timer have pending, and the timers for when they will. */
  updateTimers(): void {
    const now = this.units();
    const comparator = BigInt.asUintN(64, this.register(ckc)) - this.todBase;
    // The CPU timer is a signed number: the largest lasts for 71 years, whatever the time is.
    const timer = BigInt.asIntN(64, this.register(cpuTimerEnd) - now);
    this.setIrqLine(bitOf(IRQ.clockComparator), comparator <= now);
    this.setIrqLine(bitOf(IRQ.cpuTimer), timer < 0n);
    this.#comparator?.arm(comparator > now ? nanosecondsOf(comparator) : Infinity);
    this.#cpuTimer?.arm(timer >= 0n ? nanosecondsOf(now + timer + 1n) : Infinity);
    if (this.hasWork()) this.wakeUp();
  }

  /** The CPU timer's value, as SPT takes it. */
  get timerValue(): bigint {
    return BigInt.asUintN(64, this.register(cpuTimerEnd) - this.units());
  }

  readTod(): void {
    this.setRegister(common.ret, BigInt.asUintN(64, this.todBase + this.units()));
  }

  readTimer(): void {
    this.setRegister(common.ret, this.timerValue);
  }

  setTimer(): void {
    this.setRegister(cpuTimerEnd, this.register(at(common.args, 0)) + this.units());
    this.updateTimers();
  }

  comparatorChanged(): void {
    this.updateTimers();
  }
}

/** What STIDP stores: version 0, a made-up serial number, the machine type, no multiple epochs. */
export function identification(machineType: number): bigint {
  return BigInt(machineType) << 16n;
}

/** External interruptions that control register 0 enables, as bits of `pendingIrq`. */
function enabledExternals(control: bigint): number {
  let irqs = 0;
  for (const [subclass, irq] of [
    [CR0.MALFUNCTION, IRQ.malfunction],
    [CR0.EMERGENCY, IRQ.emergency],
    [CR0.EXTERNAL_CALL, IRQ.externalCall],
    [CR0.CLOCK_COMPARATOR, IRQ.clockComparator],
    [CR0.CPU_TIMER, IRQ.cpuTimer],
    [CR0.SERVICE_SIGNAL, IRQ.serviceSignal | IRQ.external],
  ] as const) {
    if ((control & subclass) !== 0n) irqs |= irq;
  }
  return irqs;
}
