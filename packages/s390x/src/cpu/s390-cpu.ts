/**
 * A CPU as a device: states, resets, timers, status, and the port behind its instructions. Principles of Operation, SA22-7832,
 * chapters "Control", "Interruptions" and "Operating States".
 */
import { type DeviceState, UserError, type VirtualRange } from '@boardwalk/core';
import type { Slot } from '@boardwalk/translator';
import {
  AS_HOME,
  CR0,
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
import { type CpuDescription, SERVICES, TOD_BASE } from './cpu-thread.ts';
import type { InstructionPort } from './isa/port.ts';
import { formatMappings, mappingsOf, type SpaceMappings } from './mappings.ts';
import { performMachine } from './perform.ts';
import { at, bitOf, identification, Processor } from './processor.ts';
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
  KEYS_SEEN,
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
import { ASCE_REAL } from './translation.ts';

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

/** Machine-check-interruption code, with everything valid: the registers saved, the storage, the clocks. */
const MCIC_VALID = 0x0000_0f1d_4033_0000n;
const MCIC_CHANNEL_REPORT = 1n << 54n;
/** The vector registers are in the extended save area. */
const MCIC_VECTORS = 1n << 38n;

/** A CPU. Its address is its index. */
export class S390Cpu extends Processor implements CpuPort, InstructionPort {
  static override readonly typeName: string = 's390x-cpu';
  readonly complex: CpuComplex;
  #storeStatusOnStop = false;
  #resetOnStop: CpuResetKind | undefined;

  constructor(index: number, complex: CpuComplex) {
    super(index, complex.frontend);
    this.complex = complex;
  }

  override realize(): void {
    if (this.machine.team !== undefined && this.index !== this.complex.cpus.length)
      throw new UserError('thread=multi: CPUs cannot be plugged in');
    super.realize();
    this.complex.frontend.attach(this.base, this);
    this.complex.join(this);
  }

  // --- the CPU on its thread ---

  protected override threadDescription(): CpuDescription {
    return { config: this.complex.config };
  }

  protected override serveThread(number: number): void {
    this[at(SERVICES, number)]();
  }

  /**
   * Changes the CPU's state for another, between two of its instructions. @returns false where it is in the middle of one, on its
   * thread: whoever asks has to ask again
   */
  changeState(change: () => void): boolean {
    const { team } = this.machine;
    if (team !== undefined) return team.changeState(this.index, change);
    change();
    return true;
  }

  protected override get todBase(): bigint {
    return this.complex.todBase;
  }

  /** Tells the CPU's thread when the TOD clock began. */
  publishTod(): void {
    if (this.threadWords !== 0) {
      this.machine.space.view.setBigUint64(this.threadWords + TOD_BASE, BigInt.asUintN(64, this.todBase), true);
    }
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

  #setWord(slot: Slot, value: number): void {
    this.machine.space.i32[(this.base + slot.offset) >>> 2] = value;
  }

  // --- registers as the machine sees them ---

  override get architecturalState(): CpuState {
    return this.cpuState;
  }

  get cpuState(): CpuState {
    return STATES[this.word(cpuState)] ?? 'stopped';
  }

  gpr(number: number): bigint {
    return this.register(at(r, number));
  }

  setGpr(number: number, value: bigint): void {
    this.setRegister(at(r, number), value);
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
    if (this.word(cpuState) !== STATE_OPERATING) this.halted = true;
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
    // One that operates may be anywhere in its program.
    if (this.cpuState === 'check-stop' || this.cpuState === 'operating') return;
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

  /** It is to stop, and has not yet. */
  get isStopping(): boolean {
    return (this.word(common.pendingIrq) & IRQ.stop) !== 0;
  }

  /** Resets it at the end of its instruction. */
  resetWhenStopped(kind: CpuResetKind): void {
    this.#resetOnStop = kind;
    this.setIrqLine(bitOf(IRQ.stop), true);
    this.wakeUp();
  }

  storeStatusWhenStopped(): void {
    this.#storeStatusOnStop = true;
  }

  restartCpu(): void {
    // One that operates is in the middle of an instruction, maybe of the very one that restarts it.
    if (this.cpuState === 'operating') {
      this.setIrqLine(bitOf(IRQ.restart), true);
      this.wakeUp();
      return;
    }
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
    this.#saveRegisters(address, [0, 0x110]);
  }

  /** Stores the status where the prefix area has room for it, which says then of which architecture it is. */
  storeStatusInPrefixArea(): void {
    this.storeStatus(this.prefix + LOWCORE.saveArea);
    this.#identifyArchitecture();
  }

  #identifyArchitecture(): void {
    this.machine.addressSpace.writeBytes(this.prefix + LOWCORE.architectureMode, Uint8Array.of(1));
  }

  /** @param left registers and the PSW, or registers alone: which bytes of the area to its first gap */
  #saveRegisters(address: number, left: readonly [from: number, to: number]): void {
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
    area.setUint32(0x11c, this.word(fpc));
    area.setUint32(0x124, this.word(todpr));
    area.setBigUint64(0x128, this.timerValue);
    area.setBigUint64(0x130, this.register(ckc) >> 8n);
    // What lies between the fields is not the CPU's to write.
    const { addressSpace } = this.machine;
    const bytes = new Uint8Array(area.buffer);
    for (const [from, to] of [left, [0x118, 0x120], [0x124, 0x138], [0x140, 0x200]] as const) {
      addressSpace.writeBytes(address + from, bytes.slice(from, to));
    }
  }

  /** Its program has looked at storage keys, or set one. */
  get hasUsedKeys(): boolean {
    return this.word(keyUse) === KEYS_SEEN;
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

  // --- resets ---

  override resetHold(): void {
    super.resetHold();
    this.resetCpu('clear');
  }

  resetCpu(kind: CpuResetKind): void {
    this.#setWord(common.pendingIrq, 0);
    this.#storeStatusOnStop = false;
    this.#resetOnStop = undefined;
    for (const slot of [...emergencyFrom, ...malfunctionFrom, machineCheck]) this.setRegister(slot, 0n);
    const mask = this.pswMask;
    if (kind === 'clear') for (const slot of [...r, ...ar, ...v]) this.setRegister(slot, 0n);
    if (kind !== 'cpu') {
      const resets = new Map(this.frontend.state.fields.map((field) => [field.slot, field.reset]));
      for (const slot of [...cr, fpc, prefix, ckc, todpr, ccKind, ccA]) this.setRegister(slot, resets.get(slot) ?? 0n);
      this.setRegister(cpuTimerEnd, this.units());
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
    const isMore = (classes & ~this.word(ioClasses)) !== 0;
    this.#setWord(ioClasses, classes);
    set(IRQ.io, classes !== 0);
    set(IRQ.serviceSignal, complex.hasExternal);
    set(IRQ.machineCheck, complex.channelReport || this.register(machineCheck) !== 0n);
    // What a thread waits for cannot be known from here: it looks for itself.
    if (this.machine.team === undefined ? this.hasWork() : isMore) this.wakeUp();
  }

  get hasExternalCall(): boolean {
    return (this.word(common.pendingIrq) & IRQ.externalCall) !== 0;
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
    const { offset } = at(emergencyFrom, from >> 6);
    const half = from & 32 ? 4 : 0;
    Atomics.or(this.machine.space.i32, (this.base + offset + half) >>> 2, 1 << (from & 31));
    this.setIrqLine(bitOf(IRQ.emergency), true);
    this.wakeUp();
  }

  #setBlock(...values: readonly bigint[]): void {
    for (const [n, value] of values.entries()) this.setRegister(at(block, n), value);
  }

  takeIo(): void {
    const taken = this.complex.takeIo(this.word(at(common.args, 0)));
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
    const enabled = this.machineCheckEnabled;
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
    this.#saveRegisters(area + LOWCORE.saveArea, [0, 0x100]);
    this.#identifyArchitecture();
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
    if (this.#storeStatusOnStop) this.storeStatusInPrefixArea();
    this.#storeStatusOnStop = false;
    if (this.#resetOnStop !== undefined) {
      this.resetCpu(this.#resetOnStop);
      // Its thread has still to come out of the instruction.
      this.setIrqLine(bitOf(IRQ.stop), true);
    }
    this.#tellStopped('stopped');
  }

  disabledWait(): void {
    this.#tellStopped('disabled-wait');
  }

  #tellStopped(reason: StopReason): void {
    this.complex.services.cpuStopped(this, reason);
  }

  // --- clocks ---

  override updateTimers(): void {
    // On a thread the CPU has its own.
    if (this.machine.team === undefined) super.updateTimers();
    else this.machine.team.resync(this.index);
  }

  setTod(): void {
    this.complex.tod = this.register(at(common.args, 0));
  }

  // --- instructions ---

  flushOthers(): void {
    for (const cpu of this.complex.cpus) if (cpu !== this) this.engine.exports.tlbFlush(cpu.base);
  }

  signal(): void {
    const [order, address, , register] = common.args.map((slot) => this.word(slot));
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
    this.setRegister(common.ret, identification(this.complex.config.machineType));
  }

  /** What is mapped in the space that instructions come from. */
  #mapped(): SpaceMappings | undefined {
    const mask = this.register(pswMask);
    const space = Number((mask >> BigInt(PSW.AS_SHIFT)) & 3n);
    const asce = this.controlRegister(space === AS_HOME ? 13 : 1);
    if ((mask & PSW.DAT) === 0n || (asce & BigInt(ASCE_REAL)) !== 0n) return undefined;
    const edat = (this.controlRegister(0) & CR0.EDAT) !== 0n;
    return mappingsOf({ asce, prefix: this.register(prefix), edat }, this.machine.addressSpace);
  }

  override mappings(): readonly VirtualRange[] | undefined {
    return this.#mapped()?.ranges;
  }

  override formatMappings(): string | undefined {
    const mapped = this.#mapped();
    return mapped && formatMappings(mapped);
  }

  override describe(): string {
    const hex = (v: bigint): string => v.toString(16).padStart(16, '0');
    return `psw=${hex(this.pswMask)} ${hex(this.pswAddress)}`;
  }
}
