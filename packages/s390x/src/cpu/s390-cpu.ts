/**
 * A CPU as a device: states, resets, timers, status, and the port behind its instructions. Principles of Operation, SA22-7832,
 * chapters "Control", "Interruptions" and "Operating States".
 */
import type { DeviceState, Timer } from '@boardwalk/core';
import { type Slot, TranslatedCpu } from '@boardwalk/translator';
import {
  CR0,
  CR14_CHANNEL_REPORT,
  IRQ,
  LOWCORE,
  PSW,
  STATE_CHECK_STOP,
  STATE_LOAD,
  STATE_OPERATING,
  STATE_STOPPED,
} from './bits.ts';
import type { CpuComplex } from './complex.ts';
import { conditionCode } from './condition.ts';
import type { InstructionPort } from './isa/port.ts';
import { performMachine } from './perform.ts';
import { loadPsw, updateSpaces } from './psw.ts';
import type { CpuPort, CpuResetKind, CpuState, StopReason } from './services.ts';
import { signalProcessor } from './sigp.ts';
import {
  ar,
  block,
  ccA,
  ccKind,
  ckc,
  common,
  cpuAddress,
  cpuCount,
  cpuState,
  cpuTimerEnd,
  cr,
  emergencyFrom,
  externalCaller,
  fpc,
  ioClasses,
  keyCount,
  keyTable,
  keyUse,
  machineCheck,
  malfunctionFrom,
  prefix,
  pswMask,
  r,
  todpr,
  v,
  vh,
} from './state.ts';
import { nanosecondsOf } from './tod.ts';

type Compiled = (cpu: number, ...args: (number | bigint)[]) => unknown;

/** Helpers that the device calls itself, compiled once for an engine. */
interface Calls {
  readonly loadPsw: Compiled;
  readonly updateSpaces: Compiled;
  readonly conditionCode: Compiled;
}
const compiled = new WeakMap<object, Calls>();

const STATES: Readonly<Record<number, CpuState>> = {
  [STATE_OPERATING]: 'operating',
  [STATE_STOPPED]: 'stopped',
  [STATE_CHECK_STOP]: 'check-stop',
  [STATE_LOAD]: 'load',
};

/** Machine-check-interruption code of a channel report, with everything valid: the registers saved, the storage, the clocks. */
const MCIC_VALID = 0x0040_0f1d_4037_0000n;
const MCIC_CHANNEL_REPORT = 1n << 54n;
/** The vector registers are in the extended save area. */
const MCIC_VECTORS = 1n << 38n;

function at<T>(list: readonly T[], n: number): T {
  const found = list[n];
  if (found === undefined) throw new Error(`no register ${n}`);
  return found;
}

/** A CPU. Its address is its index. */
export class S390Cpu extends TranslatedCpu implements CpuPort, InstructionPort {
  static override readonly typeName: string = 's390x-cpu';
  readonly complex: CpuComplex;
  #comparator: Timer | undefined;
  #cpuTimer: Timer | undefined;
  #storeStatusOnStop = false;

  constructor(index: number, complex: CpuComplex) {
    super(index, complex.frontend);
    this.complex = complex;
  }

  override realize(): void {
    super.realize();
    this.#comparator = this.machine.clock.timer(() => this.updateTimers());
    this.#cpuTimer = this.machine.clock.timer(() => this.updateTimers());
    this.complex.frontend.attach(this.base, this);
    this.complex.join(this);
  }

  override dispose(): void {
    this.#comparator?.disarm();
    this.#cpuTimer?.disarm();
    super.dispose();
  }

  get #calls(): Calls {
    const { engine } = this;
    let calls = compiled.get(engine);
    if (calls === undefined) {
      calls = {
        loadPsw: engine.compile(loadPsw),
        updateSpaces: engine.compile(updateSpaces),
        conditionCode: engine.compile(conditionCode),
      };
      compiled.set(engine, calls);
    }
    return calls;
  }

  #word(slot: Slot): number {
    return this.machine.space.i32[(this.base + slot.offset) >>> 2] ?? 0;
  }

  #setWord(slot: Slot, value: number): void {
    this.machine.space.i32[(this.base + slot.offset) >>> 2] = value;
  }

  // --- registers as the machine sees them ---

  override get architecturalState(): CpuState {
    return this.cpuState;
  }

  get cpuState(): CpuState {
    return STATES[this.#word(cpuState)] ?? 'stopped';
  }

  gpr(number: number): bigint {
    return this.register(at(r, number));
  }

  setGpr(number: number, value: bigint): void {
    this.setRegister(at(r, number), value);
  }

  controlRegister(number: number): bigint {
    return this.register(at(cr, number));
  }

  get prefix(): number {
    return Number(this.register(prefix));
  }

  get pswMask(): bigint {
    const cc = Number(this.#calls.conditionCode(this.base));
    const mask = this.register(pswMask) & ~(3n << BigInt(PSW.CC_SHIFT));
    return mask | (BigInt(cc) << BigInt(PSW.CC_SHIFT));
  }

  get pswAddress(): bigint {
    return this.pc;
  }

  setPsw(mask: bigint, address: bigint): void {
    this.#calls.loadPsw(this.base, BigInt.asIntN(64, mask), BigInt.asIntN(64, address));
    // Whoever set it from outside changed where the CPU goes on.
    this.setRegister(common.pc, address);
    if (this.#word(cpuState) !== STATE_OPERATING) this.halted = true;
    this.wakeUp();
  }

  setShortPsw(word: bigint): void {
    const high = word & 0xffff_ffff_8000_0000n;
    this.setPsw(high ^ PSW.SHORT, word & 0x7fff_ffffn);
  }

  /** Whether bytes at an absolute address are storage. */
  isStorage(address: number, bytes: number): boolean {
    return address + bytes <= this.machine.ramSize;
  }

  setPrefix(to: number): void {
    this.setRegister(prefix, BigInt(to));
    this.stateChanged();
  }

  setCpuCount(count: number): void {
    this.setRegister(cpuCount, BigInt(count));
  }

  // --- states ---

  #setState(state: number): void {
    this.#setWord(cpuState, state);
    this.halted = state !== STATE_OPERATING;
  }

  startCpu(): void {
    if (this.cpuState === 'check-stop') return;
    this.#setState(STATE_OPERATING);
    // A PSW that waits still waits.
    this.halted = (this.register(pswMask) & PSW.WAIT) !== 0n;
    this.wakeUp();
  }

  stopCpu(): void {
    if (this.cpuState !== 'operating') return;
    this.setIrqLine(bitOf(IRQ.stop), true);
    this.wakeUp();
  }

  storeStatusWhenStopped(): void {
    this.#storeStatusOnStop = true;
  }

  restartCpu(): void {
    const area = this.prefix;
    const { addressSpace } = this.machine;
    const psw = new DataView(new ArrayBuffer(16));
    psw.setBigUint64(0, this.pswMask);
    psw.setBigUint64(8, this.pswAddress);
    addressSpace.writeBytes(area + LOWCORE.restartOld, new Uint8Array(psw.buffer));
    const next = this.#read(area + LOWCORE.restartNew);
    this.#setState(STATE_OPERATING);
    this.setPsw(next.getBigUint64(0), next.getBigUint64(8));
  }

  /** Sixteen bytes at an absolute address: a PSW. */
  #read(address: number): DataView {
    const bytes = new Uint8Array(16);
    this.machine.addressSpace.readBytes(address, bytes);
    return new DataView(bytes.buffer);
  }

  storeStatus(address: number): void {
    const area = new DataView(new ArrayBuffer(0x200));
    for (let n = 0; n < 16; n++) {
      area.setBigUint64(n * 8, this.register(at(vh, n)));
      area.setBigUint64(0x80 + n * 8, this.gpr(n));
      area.setUint32(0x140 + n * 4, Number(this.register(at(ar, n))));
      area.setBigUint64(0x180 + n * 8, this.controlRegister(n));
    }
    area.setBigUint64(0x100, this.pswMask);
    area.setBigUint64(0x108, this.pswAddress);
    area.setUint32(0x118, this.prefix);
    area.setUint32(0x11c, this.#word(fpc));
    area.setUint32(0x124, this.#word(todpr));
    area.setBigUint64(0x128, this.timerValue);
    area.setBigUint64(0x130, this.register(ckc) >> 8n);
    // What lies between the fields is not the CPU's to write.
    const { addressSpace } = this.machine;
    const bytes = new Uint8Array(area.buffer);
    for (const [from, to] of [
      [0, 0x110],
      [0x118, 0x120],
      [0x124, 0x138],
      [0x140, 0x200],
    ] as const) {
      addressSpace.writeBytes(address + from, bytes.slice(from, to));
    }
  }

  /** The vector facility is installed. */
  get hasVectors(): boolean {
    return this.complex.config.facilities.has('vx');
  }

  /** Stores the vector registers at an absolute address, 512 bytes. */
  storeVectors(address: number): void {
    const area = new DataView(new ArrayBuffer(0x200));
    for (let n = 0; n < 32; n++) {
      const value = this.register(at(v, n));
      area.setBigUint64(n * 16, value >> 64n);
      area.setBigUint64(n * 16 + 8, BigInt.asUintN(64, value));
    }
    this.machine.addressSpace.writeBytes(address, new Uint8Array(area.buffer));
  }

  /** Stores them where the prefix area says that a machine check is to: whether it does. */
  #storeExtendedArea(): boolean {
    if (!this.hasVectors) return false;
    const to = Number(this.#read(this.prefix + LOWCORE.extendedSaveArea).getBigUint64(0) & ~0x3ffn);
    if (to === 0 || !this.isStorage(to, 1024)) return false;
    this.storeVectors(to);
    return true;
  }

  queueMachineCheck(code: bigint): void {
    this.setRegister(machineCheck, this.register(machineCheck) | code);
    this.floatingChanged();
  }

  /** Something happened that a CPU which waits may be waiting for. */
  wakeUp(): void {
    this.requestExit();
    this.machine.wake();
  }

  // --- resets ---

  override resetHold(): void {
    super.resetHold();
    this.resetCpu('clear');
  }

  resetCpu(kind: CpuResetKind): void {
    this.#setWord(common.pendingIrq, 0);
    this.#storeStatusOnStop = false;
    for (const slot of [...emergencyFrom, ...malfunctionFrom, machineCheck]) this.setRegister(slot, 0n);
    const mask = this.pswMask;
    if (kind === 'clear') for (const slot of [...r, ...ar, ...v]) this.setRegister(slot, 0n);
    if (kind !== 'cpu') {
      const resets = new Map(this.frontend.state.fields.map((field) => [field.slot, field.reset]));
      for (const slot of [...cr, fpc, prefix, ckc, todpr, ccKind, ccA]) this.setRegister(slot, resets.get(slot) ?? 0n);
      this.setRegister(cpuTimerEnd, this.complex.units());
    }
    this.setRegister(cpuAddress, BigInt(this.index));
    this.setRegister(keyTable, BigInt(this.complex.keys.host));
    this.setRegister(keyCount, BigInt(this.complex.keys.count));
    if (kind === 'clear') this.setRegister(keyUse, 0n);
    this.setRegister(cpuCount, BigInt(this.complex.cpus.length));
    this.#setState(STATE_STOPPED);
    this.#calls.updateSpaces(this.base);
    if (kind === 'cpu') this.setPsw(mask, this.pc);
    else this.setPsw(0n, 0n);
    this.#setWord(common.pendingIrq, 0);
    this.stateChanged();
    this.updateTimers();
    this.floatingChanged();
  }

  override restore(state: DeviceState): void {
    super.restore(state);
    this.setRegister(keyTable, BigInt(this.complex.keys.host));
    this.updateTimers();
    this.floatingChanged();
  }

  // --- interruptions ---

  /** Looks anew which floating interruptions there are. */
  floatingChanged(): void {
    const { complex } = this;
    const set = (irq: number, level: boolean): void => this.setIrqLine(bitOf(irq), level);
    const classes = complex.ioClasses;
    this.#setWord(ioClasses, classes);
    set(IRQ.io, classes !== 0);
    set(IRQ.serviceSignal, complex.hasExternal);
    set(IRQ.machineCheck, complex.channelReport || this.register(machineCheck) !== 0n);
    if (this.hasWork()) this.wakeUp();
  }

  get hasExternalCall(): boolean {
    return (this.#word(common.pendingIrq) & IRQ.externalCall) !== 0;
  }

  /** Makes an external call pending; false where one is already. */
  externalCall(from: number): boolean {
    if (this.hasExternalCall) return false;
    this.#setWord(externalCaller, from);
    this.setIrqLine(bitOf(IRQ.externalCall), true);
    this.wakeUp();
    return true;
  }

  emergencySignal(from: number): void {
    const slot = at(emergencyFrom, from >> 6);
    this.setRegister(slot, this.register(slot) | (1n << BigInt(from & 63)));
    this.setIrqLine(bitOf(IRQ.emergency), true);
    this.wakeUp();
  }

  /** A CPU that waits has work when something is pending that its PSW and control registers enable. */
  override hasWork(): boolean {
    if (!this.halted) return true;
    const pending = this.#word(common.pendingIrq);
    if ((pending & (IRQ.stop | IRQ.invalidPsw)) !== 0) return true;
    if (pending === 0 || this.#word(cpuState) !== STATE_OPERATING) return false;
    const mask = this.register(pswMask);
    if ((mask & PSW.EXT) !== 0n && (pending & enabledExternals(this.controlRegister(0))) !== 0) return true;
    if ((mask & PSW.IO) !== 0n && (pending & IRQ.io) !== 0) {
      if ((this.#word(ioClasses) & Number((this.controlRegister(6) >> 24n) & 0xffn)) !== 0) return true;
    }
    return (mask & PSW.MCHECK) !== 0n && (pending & IRQ.machineCheck) !== 0 && this.#machineCheckEnabled();
  }

  #machineCheckEnabled(): boolean {
    if (this.register(machineCheck) !== 0n) return true;
    return this.complex.channelReport && (this.controlRegister(14) & CR14_CHANNEL_REPORT) !== 0n;
  }

  #setBlock(...values: readonly bigint[]): void {
    for (const [n, value] of values.entries()) this.setRegister(at(block, n), value);
  }

  takeIo(): void {
    const taken = this.complex.takeIo(this.#word(at(common.args, 0)));
    this.setRegister(common.ret, taken === undefined ? 0n : 1n);
    if (taken === undefined) return;
    this.#setBlock(BigInt(taken.subsystemId), BigInt(taken.parameter), BigInt(taken.word));
  }

  takeExternal(): void {
    const taken = this.complex.takeExternal();
    this.setRegister(common.ret, taken === undefined ? 0n : 1n);
    if (taken === undefined) return;
    const wide = taken.code === 0x2603 ? 1n : 0n;
    // With a 64-bit parameter the CPU address tells its kind: 0x0d00 says that there is one.
    const address = wide === 1n ? 0x0d00n : 0n;
    this.#setBlock(BigInt(taken.code), BigInt(taken.parameter), taken.parameter64, wide, address);
  }

  takeMachineCheck(): void {
    const enabled = this.#machineCheckEnabled();
    this.setRegister(common.ret, enabled ? 1n : 0n);
    if (!enabled) return;
    let code = this.register(machineCheck);
    this.setRegister(machineCheck, 0n);
    if (code === 0n) {
      this.complex.takeChannelReport();
      code = MCIC_VALID | MCIC_CHANNEL_REPORT;
    }
    const area = this.prefix;
    const { addressSpace } = this.machine;
    this.storeStatus(area + LOWCORE.saveArea);
    const words = new DataView(new ArrayBuffer(16));
    words.setBigUint64(0, this.#storeExtendedArea() ? code | MCIC_VECTORS : code);
    addressSpace.writeBytes(area + LOWCORE.machineCheckCode, new Uint8Array(words.buffer, 0, 8));
    words.setBigUint64(0, this.pswMask);
    words.setBigUint64(8, this.pswAddress);
    addressSpace.writeBytes(area + LOWCORE.machineCheckOld, new Uint8Array(words.buffer));
    const next = this.#read(area + LOWCORE.machineCheckNew);
    this.setPsw(next.getBigUint64(0), next.getBigUint64(8));
    this.floatingChanged();
  }

  stopped(): void {
    this.#setState(STATE_STOPPED);
    if (this.#storeStatusOnStop) this.storeStatus(this.prefix + LOWCORE.saveArea);
    this.#storeStatusOnStop = false;
    this.#tellStopped('stopped');
  }

  disabledWait(): void {
    this.#tellStopped('disabled-wait');
  }

  #tellStopped(reason: StopReason): void {
    this.complex.services.cpuStopped(this, reason);
  }

  // --- clocks ---

  /** Sets what the clock comparator and the CPU timer have pending, and the timers for when they will. */
  updateTimers(): void {
    const { complex } = this;
    const now = complex.units();
    const comparator = BigInt.asUintN(64, this.register(ckc)) - complex.todBase;
    const timer = BigInt.asIntN(64, this.register(cpuTimerEnd));
    this.setIrqLine(bitOf(IRQ.clockComparator), comparator <= now);
    this.setIrqLine(bitOf(IRQ.cpuTimer), timer < now);
    this.#comparator?.arm(comparator > now ? nanosecondsOf(comparator) : Infinity);
    this.#cpuTimer?.arm(timer >= now ? nanosecondsOf(timer + 1n) : Infinity);
    if (this.hasWork()) this.wakeUp();
  }

  /** The CPU timer's value, as SPT takes it. */
  get timerValue(): bigint {
    return BigInt.asUintN(64, this.register(cpuTimerEnd) - this.complex.units());
  }

  readTod(): void {
    this.setRegister(common.ret, this.complex.tod);
  }

  setTod(): void {
    this.complex.tod = this.register(at(common.args, 0));
  }

  readTimer(): void {
    this.setRegister(common.ret, this.timerValue);
  }

  setTimer(): void {
    this.setRegister(cpuTimerEnd, this.register(at(common.args, 0)) + this.complex.units());
    this.updateTimers();
  }

  comparatorChanged(): void {
    this.updateTimers();
  }

  // --- instructions ---

  flushOthers(): void {
    for (const cpu of this.complex.cpus) if (cpu !== this) this.engine.exports.tlbFlush(cpu.base);
  }

  signal(): void {
    const [order, address, , register] = common.args.map((slot) => this.#word(slot));
    const parameter = this.register(at(common.args, 2));
    const { cc, status } = signalProcessor(this.complex, this, order ?? 0, address ?? 0, parameter);
    if (status !== undefined) {
      const kept = this.gpr(register ?? 0) & 0xffff_ffff_0000_0000n;
      this.setGpr(register ?? 0, kept | BigInt(status));
    }
    this.setRegister(common.ret, BigInt(cc));
  }

  performMachine(): void {
    this.setRegister(common.ret, BigInt.asUintN(64, BigInt(performMachine(this))));
  }

  identify(): void {
    const { machineType } = this.complex.config;
    // Version 0, a made-up serial number, the machine type, no multiple epochs.
    this.setRegister(common.ret, BigInt(machineType) << 16n);
  }

  override describe(): string {
    const hex = (v: bigint): string => v.toString(16).padStart(16, '0');
    return `psw=${hex(this.pswMask)} ${hex(this.pswAddress)}`;
  }
}

/** The number of a bit of `pendingIrq`. */
function bitOf(irq: number): number {
  return 31 - Math.clz32(irq);
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
