/**
 * A subchannel: its status, and the functions that instructions start at it. After the Principles of Operation, SA22-7832, chapters
 * "I/O Instructions", "Basic I/O Functions" (start, halt, clear and resume) and "I/O Interruptions" (subchannel-status word).
 *
 * Devices here finish a command at once, so a program usually ends within START SUBCHANNEL. A long one is run in turns: a program
 * that never ends keeps its subchannel busy, not the host.
 */
import type { Timer } from '@boardwalk/core';
import { type Outcome, PGM_OPERAND, programInterruption } from '../cpu/services.ts';
import { ChannelCheck, ChannelData } from './channel-data.ts';
import { addressingOf, type Command, ProgramReader } from './channel-program.ts';
import type { DeviceId } from './device-id.ts';
import type { AbsoluteStorage } from './storage.ts';
import * as W from './words.ts';

/** How a device ends a command. `reject`: it does not know it, or not now. */
export type CommandEnd = 'done' | 'reject';

/** What is at the other end of a subchannel. */
export interface ChannelDevice {
  /** What SENSE ID gives. */
  readonly senseId: Uint8Array;
  /** Carries out a command that is not common to all devices. @throws ChannelCheck */
  command(code: number, data: ChannelData): CommandEnd;
  /** MODIFY SUBCHANNEL has enabled or disabled the subchannel. */
  enabledChanged(enabled: boolean): void;
}

/** What a subchannel wants from the channel subsystem. */
export interface SubchannelOwner {
  readonly storage: AbsoluteStorage;
  /** The subchannel has status to be cleared by TEST SUBCHANNEL: makes an interruption pending. */
  statusPending(subchannel: Subchannel): void;
  /** The status that an interruption was to tell of is gone. */
  statusCleared(subchannel: Subchannel): void;
  /** A start or resume function begins: counts in the subchannel's measurement block. */
  measured(subchannel: Subchannel): void;
  timer(callback: () => void): Timer;
  /** Virtual time, ns. */
  now(): number;
}

/** Places in {@link Subchannel.program}. */
const ORB_FLAGS = 0;
const NEXT_CCW = 1;
const AT_START = 2;
/** Commands that are carried out in one go. */
const COMMANDS_IN_A_TURN = 256;
/** Time that they take, ns. */
const TURN_NS = 10_000;
const VIRTUAL_PATH = 0x80;

/** One subchannel. {@link schib}, {@link sense} and {@link program} are all of its state. */
export class Subchannel {
  readonly id: DeviceId;
  /** The subchannel-information block as STORE SUBCHANNEL gives it. */
  readonly schib = new Uint8Array(W.SCHIB_BYTES);
  readonly sense = new Uint8Array(W.SENSE_BYTES);
  /** The program that is under way: flags of its ORB, the next CCW, whether that is the first. */
  readonly program = new Uint32Array(3);
  readonly device: ChannelDevice;
  readonly #owner: SubchannelOwner;
  readonly #view = new DataView(this.schib.buffer);
  readonly #continuation: Timer;
  readonly deviceNumber: number;

  constructor(owner: SubchannelOwner, id: DeviceId, deviceNumber: number, device: ChannelDevice) {
    this.#owner = owner;
    this.id = id;
    this.deviceNumber = deviceNumber;
    this.device = device;
    this.#continuation = owner.timer(() => this.#run());
  }

  // --- fields

  /** First halfword of the SCSW. */
  get #flags(): number {
    return this.#view.getUint16(W.SCSW);
  }

  set #flags(value: number) {
    this.#view.setUint16(W.SCSW, value);
  }

  /** Functions, activity and status control: the second halfword of the SCSW. */
  get control(): number {
    return this.#view.getUint16(W.SCSW + 2);
  }

  set control(value: number) {
    this.#view.setUint16(W.SCSW + 2, value);
  }

  #setStatus(device: number, subchannel: number): void {
    this.#view.setUint8(W.SCSW + 8, device);
    this.#view.setUint8(W.SCSW + 9, subchannel);
  }

  get #pmcwFlags(): number {
    return this.#view.getUint16(W.PMCW.flags);
  }

  get enabled(): boolean {
    return (this.#pmcwFlags & W.PMCW_ENABLED) !== 0 && this.valid;
  }

  /** A device number is assigned: a program can use the subchannel. */
  get valid(): boolean {
    return (this.#pmcwFlags & W.PMCW_DEVICE_NUMBER_VALID) !== 0;
  }

  get interruptionParameter(): number {
    return this.#view.getUint32(W.PMCW.parameter);
  }

  /** Interruption subclass, 0 to 7. */
  get subclass(): number {
    return (this.#pmcwFlags >> W.PMCW_ISC_SHIFT) & 7;
  }

  get measured(): boolean {
    return (this.#pmcwFlags & W.PMCW_MEASUREMENT_BLOCK) !== 0;
  }

  get measurementIndex(): number {
    return this.#view.getUint16(W.PMCW.measurementBlockIndex);
  }

  /** Address of a measurement block of format 1; undefined where it is one of the array's (format 0). */
  get measurementBlock(): number | undefined {
    if ((this.#view.getUint32(W.PMCW.characteristics) & W.PMCW_MEASUREMENT_FORMAT1) === 0) return undefined;
    return Number(this.#view.getBigUint64(W.MEASUREMENT_BLOCK_ADDRESS));
  }

  // --- life

  /** Back to the state after a subsystem reset: disabled, idle. */
  reset(): void {
    this.#continuation.disarm();
    const wasEnabled = this.enabled;
    this.schib.fill(0);
    this.sense.fill(0);
    this.program.fill(0);
    this.#view.setUint16(W.PMCW.flags, W.PMCW_DEVICE_NUMBER_VALID);
    this.#view.setUint16(W.PMCW.deviceNumber, this.deviceNumber);
    this.schib[W.PMCW.logicalPathMask] = VIRTUAL_PATH;
    this.schib[W.PMCW.pathInstalledMask] = VIRTUAL_PATH;
    this.schib[W.PMCW.pathOperationalMask] = 0xff;
    this.schib[W.PMCW.pathAvailableMask] = VIRTUAL_PATH;
    if (wasEnabled) this.device.enabledChanged(false);
  }

  /** The device is gone, for good. */
  unplug(): void {
    this.reset();
    this.#owner.statusCleared(this);
  }

  /** A snapshot was put back. */
  restored(): void {
    if ((this.control & W.AC_SUBCHANNEL_ACTIVE) !== 0) this.#continuation.arm(this.#owner.now());
    else this.#continuation.disarm();
  }

  dispose(): void {
    this.#continuation.disarm();
  }

  // --- instructions; the subchannel has been found

  /** SSCH, the ORB checked. */
  start(orb: DataView): Outcome {
    if (!this.enabled) return 3;
    if ((this.control & W.SC_PENDING) !== 0) return 1;
    if ((this.control & W.FC_ALL) !== 0) return 2;
    const flags = orb.getUint32(4);
    if (((flags >>> 8) & (this.schib[W.PMCW.pathAvailableMask] ?? 0)) === 0) return 3;
    this.#view.setUint32(W.PMCW.parameter, orb.getUint32(0));
    this.schib[W.PMCW.lastPathUsedMask] = VIRTUAL_PATH;
    this.#flags = scswFlags(flags);
    this.control = W.FC_START;
    this.#view.setUint32(W.SCSW + 4, 0);
    this.#view.setUint32(W.SCSW + 8, 0);
    this.program.set([flags, orb.getUint32(8), 1]);
    this.#begin();
    return 0;
  }

  /** TSCH. */
  test(irb: DataView): Outcome {
    if (!this.enabled) return 3;
    this.#fillIrb(irb);
    if ((this.control & W.SC_PENDING) === 0) return 1;
    const { control } = this;
    const intermediate = (control & W.SC_ALL) === (W.SC_INTERMEDIATE | W.SC_PENDING);
    const halted = (control & W.FC_HALT) !== 0 && (control & W.AC_SUSPENDED) !== 0;
    let left = control & ~W.SC_ALL;
    if (!intermediate || halted) left &= ~(W.FC_ALL | W.AC_PENDING | W.AC_SUSPENDED);
    else if ((control & W.AC_SUSPENDED) !== 0) left &= ~W.AC_RESUME_PENDING;
    this.control = left;
    if (!intermediate) this.#flags &= ~W.SCSW_PATH_NOT_OPERATIONAL;
    if (this.#concurrentSense) this.sense.fill(0);
    this.#owner.statusCleared(this);
    return 0;
  }

  /** MSCH, the block checked. */
  modify(schib: DataView): Outcome {
    if (!this.valid) return 0;
    if ((this.control & W.SC_PENDING) !== 0) return 1;
    if ((this.control & W.FC_ALL) !== 0) return 2;
    const wasEnabled = this.enabled;
    const changeable = 0xffff & ~(W.PMCW_FLAGS_ZERO | W.PMCW_TIMING | W.PMCW_DEVICE_NUMBER_VALID);
    const flags = (this.#pmcwFlags & ~changeable) | (schib.getUint16(W.PMCW.flags) & changeable);
    this.#view.setUint32(W.PMCW.parameter, schib.getUint32(W.PMCW.parameter));
    this.#view.setUint16(W.PMCW.flags, flags);
    for (const at of [W.PMCW.logicalPathMask, W.PMCW.pathOperationalMask]) this.schib[at] = schib.getUint8(at);
    this.#view.setUint16(W.PMCW.measurementBlockIndex, schib.getUint16(W.PMCW.measurementBlockIndex));
    const chosen = W.PMCW_MEASUREMENT_FORMAT1 | W.PMCW_CONCURRENT_SENSE;
    this.#view.setUint32(W.PMCW.characteristics, schib.getUint32(W.PMCW.characteristics) & chosen);
    this.#view.setBigUint64(W.MEASUREMENT_BLOCK_ADDRESS, schib.getBigUint64(W.MEASUREMENT_BLOCK_ADDRESS));
    if (wasEnabled !== this.enabled) this.device.enabledChanged(this.enabled);
    return 0;
  }

  /** STSCH. */
  store(schib: DataView): Outcome {
    for (const [at, byte] of this.schib.entries()) schib.setUint8(at, byte);
    return 0;
  }

  /** CSCH. */
  clear(): Outcome {
    if (!this.enabled) return 3;
    this.#continuation.disarm();
    this.#owner.statusCleared(this);
    this.#flags = 0;
    this.#view.setUint32(W.SCSW + 4, 0);
    this.#view.setUint32(W.SCSW + 8, 0);
    this.sense.fill(0);
    this.#present(W.FC_CLEAR | W.SC_PENDING);
    return 0;
  }

  /** HSCH. */
  halt(): Outcome {
    if (!this.enabled) return 3;
    const status = this.control & W.SC_ALL;
    const ended = (status & (W.SC_ALERT | W.SC_PRIMARY | W.SC_SECONDARY)) !== 0 || status === W.SC_PENDING;
    if ((status & W.SC_PENDING) !== 0 && ended) return 1;
    if ((this.control & (W.FC_HALT | W.FC_CLEAR)) !== 0) return 2;
    this.#continuation.disarm();
    this.#owner.statusCleared(this);
    const active = (this.control & W.AC_ALL) !== 0;
    this.#setStatus(active ? 0 : W.DS_DEVICE_END, 0);
    const kept = this.control & ~(W.SC_ALL | W.AC_PENDING | W.AC_SUBCHANNEL_ACTIVE | W.AC_DEVICE_ACTIVE);
    this.#present(kept | W.FC_HALT | W.SC_PENDING);
    return 0;
  }

  /** RSCH. */
  resume(): Outcome {
    if (!this.enabled) return 3;
    if ((this.control & W.SC_PENDING) !== 0 && (this.control & W.SC_ALL) !== (W.SC_INTERMEDIATE | W.SC_PENDING))
      return 1;
    const suspendable = (this.#orbFlags & W.ORB_SUSPEND_CONTROL) !== 0;
    if ((this.control & W.FC_ALL) !== W.FC_START || (this.control & W.AC_RESUME_PENDING) !== 0 || !suspendable)
      return 2;
    if ((this.control & W.AC_SUSPENDED) === 0) {
      this.control |= W.AC_RESUME_PENDING;
      return 0;
    }
    this.#owner.statusCleared(this);
    this.control &= ~(W.AC_SUSPENDED | W.SC_ALL);
    this.#setStatus(0, 0);
    this.#begin();
    return 0;
  }

  /** XSCH: takes back a start function that has not begun, as that of a suspended program. */
  cancel(): Outcome {
    if (!this.enabled) return 3;
    if ((this.control & W.SC_PENDING) !== 0) return 1;
    const waiting = (this.control & (W.AC_START_PENDING | W.AC_SUSPENDED)) !== 0;
    if ((this.control & W.FC_ALL) !== W.FC_START || !waiting) return 2;
    this.control = 0;
    return 0;
  }

  /** Status that no program has asked for: alert status. Status that is pending already will be looked at anyway. */
  raiseAlert(): void {
    if (!this.enabled || (this.control & W.SC_PENDING) !== 0) return;
    this.#present((this.control & ~W.SC_ALL) | W.SC_ALERT | W.SC_PENDING);
  }

  // --- inside

  get #orbFlags(): number {
    return this.program[ORB_FLAGS] ?? 0;
  }

  get #concurrentSense(): boolean {
    return (this.#view.getUint32(W.PMCW.characteristics) & W.PMCW_CONCURRENT_SENSE) !== 0;
  }

  #begin(): void {
    this.#owner.measured(this);
    this.control |= W.AC_SUBCHANNEL_ACTIVE | W.AC_DEVICE_ACTIVE;
    this.#run();
  }

  /** Carries out commands, until the program ends, is suspended, or has had its turn. */
  #run(): void {
    const start = { address: this.program[NEXT_CCW] ?? 0, first: this.program[AT_START] !== 0 };
    const reader = new ProgramReader(this.#owner.storage, this.#orbFlags, start);
    for (let turn = 0; turn < COMMANDS_IN_A_TURN; turn++) {
      if (!this.#step(reader)) return;
      this.program[NEXT_CCW] = reader.next;
      this.program[AT_START] = 0;
    }
    this.#continuation.arm(this.#owner.now() + TURN_NS);
  }

  /** One command. @returns whether there is another */
  #step(reader: ProgramReader): boolean {
    try {
      const command = reader.command();
      if (command.suspend && (this.control & W.AC_RESUME_PENDING) === 0) {
        this.#suspend(reader.next);
        return false;
      }
      this.control &= ~W.AC_RESUME_PENDING;
      return this.#execute(command, reader.next);
    } catch (error) {
      if (!(error instanceof ChannelCheck)) throw error;
      this.#view.setUint16(W.SCSW + 10, 0);
      this.#end(reader.next, { device: 0, subchannel: error.status, alert: true });
      return false;
    }
  }

  #execute({ ccws, addresses }: Command, next: number): boolean {
    const [first] = ccws;
    const last = ccws.at(-1);
    if (first === undefined || last === undefined) throw new Error('a command without a CCW');
    if (ccws.some(({ flags }) => (flags & W.CCW_PROGRAM_CONTROLLED) !== 0)) this.#programControlled();
    const data = new ChannelData(this.#owner.storage, addressingOf(this.#orbFlags), ccws);
    const end = this.#carryOut(first.command, data);
    if (end === 'reject') {
      this.sense.fill(0);
      this.sense[0] = W.SENSE_COMMAND_REJECT;
      this.#end(next, { device: W.DS_UNIT_CHECK, subchannel: 0, alert: true });
      return false;
    }
    const { residual, ccwsUsed } = data;
    this.#view.setUint16(W.SCSW + 10, residual);
    const ended = ccws[Math.max(0, ccwsUsed - 1)] ?? last;
    const wrongLength = (residual !== 0 || data.overrun || ended !== last) && first.command !== W.CMD_NO_OPERATION;
    const suppressed = (ended.flags & W.CCW_SUPPRESS_LENGTH) !== 0 && (ended.flags & W.CCW_CHAIN_DATA) === 0;
    const ends = W.DS_CHANNEL_END | W.DS_DEVICE_END;
    if (wrongLength && !suppressed) {
      const at = (addresses[Math.max(0, ccwsUsed - 1)] ?? next - 8) + 8;
      this.#end(at, { device: ends, subchannel: W.SS_INCORRECT_LENGTH, alert: false });
      return false;
    }
    if ((last.flags & W.CCW_CHAIN_COMMAND) !== 0) return true;
    this.#end(next, { device: ends, subchannel: 0, alert: false });
    return false;
  }

  #carryOut(code: number, data: ChannelData): CommandEnd {
    switch (code) {
      case W.CMD_NO_OPERATION:
        return 'done';
      case W.CMD_BASIC_SENSE:
        data.write(this.sense);
        this.sense.fill(0);
        return 'done';
      case W.CMD_SENSE_ID:
        data.write(this.device.senseId);
        return 'done';
      default:
        return this.device.command(code, data);
    }
  }

  /** An intermediate status: the program asked to hear that it has come so far. */
  #programControlled(): void {
    this.#view.setUint8(W.SCSW + 9, this.#view.getUint8(W.SCSW + 9) | W.SS_PROGRAM_CONTROLLED);
    this.#present(this.control | W.SC_INTERMEDIATE | W.SC_PENDING);
  }

  #suspend(next: number): void {
    this.program[NEXT_CCW] = next - 8;
    this.#view.setUint32(W.SCSW + 4, next);
    const kept = (this.control & ~(W.AC_ALL | W.SC_ALL)) | W.AC_SUSPENDED;
    if ((this.#orbFlags & W.ORB_SUPPRESS_SUSPENDED) !== 0) this.control = kept;
    else this.#present(kept | W.SC_INTERMEDIATE | W.SC_PENDING);
  }

  #end(next: number, status: { device: number; subchannel: number; alert: boolean }): void {
    const told = this.#view.getUint8(W.SCSW + 9) & W.SS_PROGRAM_CONTROLLED;
    this.#view.setUint32(W.SCSW + 4, next);
    this.#setStatus(status.device, status.subchannel | told);
    const ended = W.SC_PRIMARY | W.SC_SECONDARY | W.SC_PENDING | (status.alert ? W.SC_ALERT : 0);
    this.#present((this.control & ~W.AC_ALL) | ended);
  }

  #present(control: number): void {
    this.control = control;
    this.#owner.statusPending(this);
  }

  #fillIrb(irb: DataView): void {
    for (let i = 0; i < W.SCSW_BYTES; i++) irb.setUint8(i, this.schib[W.SCSW + i] ?? 0);
    const pending = (this.control & W.SC_PENDING) !== 0;
    if (!pending) return;
    irb.setUint8(W.IRB_ESW + 1, this.schib[W.PMCW.lastPathUsedMask] || VIRTUAL_PATH);
    const unitCheck = (this.#view.getUint8(W.SCSW + 8) & W.DS_UNIT_CHECK) !== 0;
    if (!unitCheck || !this.#concurrentSense) return;
    // The sense data are here already: extended control, and their number in the extended-report word.
    irb.setUint16(0, irb.getUint16(0) | W.SCSW_EXTENDED | W.SCSW_LOGOUT_FORMAT0);
    irb.setUint32(W.IRB_ESW + 4, 0x0100_0000 | (W.SENSE_BYTES << 16));
    for (let i = 0; i < W.SENSE_BYTES; i++) irb.setUint8(W.IRB_ECW + i, this.sense[i] ?? 0);
  }
}

/** What the SCSW repeats of the ORB. */
function scswFlags(orb: number): number {
  const bits = [
    [W.ORB_SUSPEND_CONTROL, W.SCSW_SUSPEND_CONTROL],
    [W.ORB_FORMAT1, W.SCSW_FORMAT1],
    [W.ORB_PREFETCH, W.SCSW_PREFETCH],
    [W.ORB_INITIAL_STATUS, W.SCSW_INITIAL_STATUS],
    [W.ORB_LIMIT_CHECK, W.SCSW_LIMIT_CHECK],
    [W.ORB_SUPPRESS_SUSPENDED, W.SCSW_SUPPRESS_SUSPENDED],
  ] as const;
  return bits.reduce((flags, [from, to]) => flags | ((orb & from) !== 0 ? to : 0), (orb >>> 16) & W.SCSW_KEY);
}

/** What is wrong with an ORB, or a SCHIB to be modified by, is an operand exception. */
export const OPERAND_EXCEPTION: Outcome = programInterruption(PGM_OPERAND);

/** Whether START SUBCHANNEL takes an ORB. */
export function orbValid(orb: DataView): boolean {
  const flags = orb.getUint32(4);
  if ((flags & (W.ORB_FLAGS_ZERO | W.ORB_TRANSPORT_MODE)) !== 0) return false;
  return orb.getUint32(8) < 0x8000_0000;
}

/** Whether MODIFY SUBCHANNEL takes a SCHIB. */
export function schibValid(schib: DataView): boolean {
  const flags = schib.getUint16(W.PMCW.flags);
  const limitMode = flags & W.PMCW_LIMIT_MODE;
  if ((flags & W.PMCW_FLAGS_ZERO) !== 0 || limitMode === W.PMCW_LIMIT_MODE) return false;
  const word6 = schib.getUint32(W.PMCW.characteristics);
  return (word6 & 0xff1f_fff8) === 0 && (word6 & W.PMCW_EXTENDED_MEASUREMENT) === 0;
}
