/**
 * The channel subsystem: finds subchannels, carries out I/O instructions, makes I/O interruptions pending. After the Principles of
 * Operation, SA22-7832, chapters "I/O Overview", "I/O Instructions" and "I/O Support Functions".
 */
import { Device, type StateField, type Timer, UserError } from '@boardwalk/core';
import {
  type ChannelServices,
  type CpuPort,
  type FloatingInterruptions,
  type Outcome,
  PGM_OPERAND,
  programInterruption,
} from '../cpu/services.ts';
import { OpenBus } from '../open-bus.ts';
import {
  type ChannelReport,
  ChannelReports,
  RECOVERY_EVENT,
  RECOVERY_INITIALIZED,
  RECOVERY_PARAMETERS,
  SOURCE_CHANNEL_PATH,
  SOURCE_CHANNEL_SUBSYSTEM,
  SOURCE_SUBCHANNEL,
} from './channel-reports.ts';
import { type ChscTarget, channelSubsystemCall, type PciEvent } from './chsc.ts';
import { checkDeviceId, type DeviceId, formatDeviceId, SET_SIZE, SUBCHANNEL_SETS, VIRTUAL_CSSID } from './device-id.ts';
import { AbsoluteStorage } from './storage.ts';
import {
  type ChannelDevice,
  OPERAND_EXCEPTION,
  orbValid,
  Subchannel,
  type SubchannelOwner,
  schibValid,
} from './subchannel.ts';

/** The bus that devices with a subchannel are plugged into. */
export const CCW_BUS = 'virtual-css-bus';

/** Bits of a subsystem-identification word. */
const SID_ONE = 0x0001_0000;
const SID_MULTIPLE = 0x0008_0000;
const SID_ZERO = 0x00f0_0000;

/** The channel path that virtual devices are on. */
const VIRTUAL_PATH = 0;

/** SCHM's general register 1. */
const SCHM_BLOCKS = 0x02;
const SCHM_CONNECT_TIME = 0x01;
const MEASUREMENT_FORMAT0_BYTES = 32;

/** Events of PCI functions that wait for the program, and words of one. */
const MAX_PCI_EVENTS = 64;
const PCI_EVENT_WORDS = 6;

/** A device that the channel subsystem gives a subchannel. */
export interface CcwDevice extends Device, ChannelDevice {
  /** @internal the bus takes it */
  plugInto(css: ChannelSubsystem): void;
}

function isCcwDevice(device: Device): device is CcwDevice {
  return 'plugInto' in device && 'senseId' in device && 'command' in device;
}

/** The bridge to virtual devices, with the bus that they are on. */
export class ChannelSubsystem extends Device implements ChannelServices, SubchannelOwner, ChscTarget {
  static override readonly typeName: string = 'virtual-css-bridge';
  static override readonly state: readonly StateField[] = [
    { name: 'maxSsid', type: 'u8', reset: 0 },
    { name: 'allChannelSubsystems', type: 'bool', reset: false },
    { name: 'measurementMode', type: 'u8', reset: 0 },
    { name: 'measurementOrigin', type: 'u64', reset: 0n },
    { name: 'reportWords', type: 'u32', count: ChannelReports.capacity, reset: 0 },
    { name: 'reportCount', type: 'u8', reset: 0 },
    { name: 'reportsTold', type: 'bool', reset: false },
    { name: 'pciEvents', type: 'u32', count: PCI_EVENT_WORDS * MAX_PCI_EVENTS, reset: 0 },
    { name: 'pciEventCount', type: 'u8', reset: 0 },
  ];

  readonly defaultCssid = VIRTUAL_CSSID;
  readonly bus: VirtualCssBus = this.add(new VirtualCssBus(this), 'virtual-css');
  readonly #interruptions: FloatingInterruptions;
  readonly #reports = new ChannelReports();
  /** By channel subsystem and subchannel set; places by subchannel number. */
  readonly #sets = new Map<number, (Subchannel | undefined)[]>();
  #storage: AbsoluteStorage | undefined;

  /** The highest subchannel set that the program has made visible. */
  maxSsid = 0;
  /** The program has made channel subsystems other than its own visible. */
  allChannelSubsystems = false;
  measurementMode = 0;
  measurementOrigin = 0n;
  /** Handle, number, code, whether it is an error, and the halves of the address of each, the oldest first. */
  readonly pciEvents = new Uint32Array(PCI_EVENT_WORDS * MAX_PCI_EVENTS);
  pciEventCount = 0;

  constructor(interruptions: FloatingInterruptions) {
    super();
    this.#interruptions = interruptions;
  }

  get storage(): AbsoluteStorage {
    this.#storage ??= new AbsoluteStorage(this.machine.addressSpace);
    return this.#storage;
  }

  get reportWords(): Uint32Array {
    return this.#reports.words;
  }

  get reportCount(): number {
    return this.#reports.count;
  }

  set reportCount(count: number) {
    this.#reports.count = count;
  }

  get reportsTold(): boolean {
    return this.#reports.told;
  }

  set reportsTold(told: boolean) {
    this.#reports.told = told;
  }

  timer(callback: () => void): Timer {
    return this.machine.clock.timer(callback);
  }

  now(): number {
    return this.machine.clock.now();
  }

  // --- devices

  /**
   * Makes a device's subchannel: the first free one.
   * @param wanted its device number; the first free one if undefined
   * @throws UserError if that is taken or cannot be
   */
  attachDevice(device: ChannelDevice, wanted: DeviceId | undefined, hotplugged: boolean): Subchannel {
    const id = wanted ?? this.#freeDeviceNumber();
    checkDeviceId(id);
    const set = this.#set(id.cssid, id.ssid);
    if (set.some((other) => other?.deviceNumber === id.number)) {
      throw new UserError(`Device ${formatDeviceId(id)} already exists`);
    }
    let number = set.indexOf(undefined);
    if (number < 0) number = set.length;
    if (number >= SET_SIZE) throw new UserError(`No free subchannel found for ${formatDeviceId(id)}`);
    const subchannel = new Subchannel(this, { ...id, number }, id.number, device);
    set[number] = subchannel;
    subchannel.reset();
    if (hotplugged) this.#reportSubchannel(subchannel);
    return subchannel;
  }

  /** The device goes, and its subchannel with it: whatever the program asks of that is for none. */
  detachDevice(subchannel: Subchannel): void {
    const { id } = subchannel;
    subchannel.unplug();
    const set = this.#set(id.cssid, id.ssid);
    set[id.number] = undefined;
    while (set.length > 0 && set.at(-1) === undefined) set.pop();
    this.#reportSubchannel(subchannel);
  }

  /** Every subchannel, in order. */
  *subchannels(): Generator<Subchannel> {
    for (const set of this.#sets.values()) for (const place of set) if (place !== undefined) yield place;
  }

  override resetHold(): void {
    super.resetHold();
    for (const subchannel of this.subchannels()) subchannel.reset();
  }

  override dispose(): void {
    for (const subchannel of this.subchannels()) subchannel.dispose();
    super.dispose();
  }

  // --- what subchannels and devices tell

  statusPending(subchannel: Subchannel): void {
    const subsystemId = this.subsystemId(subchannel);
    this.#interruptions.cancelIo(subsystemId);
    const word = subchannel.subclass << 27;
    this.#interruptions.queueIo({ subsystemId, parameter: subchannel.interruptionParameter, word });
  }

  statusCleared(subchannel: Subchannel): void {
    this.#interruptions.cancelIo(this.subsystemId(subchannel));
  }

  /** An adapter interruption: the program looks at its indicators. */
  adapterInterruption(subclass: number): void {
    this.#interruptions.queueIo({ subsystemId: 0, parameter: 0, word: (0x8000_0000 | (subclass << 27)) >>> 0 });
  }

  measured(subchannel: Subchannel): void {
    if (!subchannel.measured || (this.measurementMode & SCHM_BLOCKS) === 0) return;
    const block = subchannel.measurementBlock;
    if (block === undefined) {
      const at = Number(this.measurementOrigin) + MEASUREMENT_FORMAT0_BYTES * subchannel.measurementIndex;
      const counts = this.storage.word(at);
      // The counts of SSCH and RSCH, and of the samples, are halfwords.
      if (counts !== undefined)
        this.storage.setWord(at, (((counts + 0x1_0000) & 0xffff_0000) | ((counts + 1) & 0xffff)) >>> 0);
      return;
    }
    for (const at of [block, block + 4]) this.storage.setWord(at, ((this.storage.word(at) ?? 0) + 1) >>> 0);
  }

  /** How the program knows a subchannel. */
  subsystemId({ id }: Subchannel): number {
    const named = this.allChannelSubsystems ? ((id.cssid << 24) | SID_MULTIPLE) >>> 0 : 0;
    return (named | (id.ssid << 17) | SID_ONE | id.number) >>> 0;
  }

  /**
   * The subchannel that a subsystem-identification word means.
   * @returns `invalid` for a word that is none, undefined where there is no such subchannel
   */
  find(sid: number): Subchannel | 'invalid' | undefined {
    const set = this.#setOf(sid);
    return set === 'invalid' ? set : set?.[sid & 0xffff];
  }

  /** The set that a subsystem-identification word means, as {@link find}. */
  #setOf(sid: number): readonly (Subchannel | undefined)[] | 'invalid' | undefined {
    const multiple = (sid & SID_MULTIPLE) !== 0;
    if ((sid & SID_ONE) === 0 || (sid & SID_ZERO) !== 0 || (!multiple && sid >>> 24 !== 0)) return 'invalid';
    const cssid = multiple ? sid >>> 24 : this.defaultCssid;
    const ssid = (sid >>> 17) & 3;
    return this.#isVisible({ cssid, ssid }) ? this.#sets.get(setKey(cssid, ssid)) : undefined;
  }

  #isGap(sid: number): boolean {
    const set = this.#setOf(sid);
    const number = sid & 0xffff;
    return Array.isArray(set) && number < set.length && set[number] === undefined;
  }

  // --- instructions

  startSubchannel(_cpu: CpuPort, sid: number, orb: DataView): Outcome {
    if (!orbValid(orb)) return OPERAND_EXCEPTION;
    return this.#at(sid, (subchannel) => subchannel.start(orb));
  }

  testSubchannel(_cpu: CpuPort, sid: number, irb: DataView): Outcome {
    return this.#at(sid, (subchannel) => subchannel.test(irb));
  }

  modifySubchannel(_cpu: CpuPort, sid: number, schib: DataView): Outcome {
    if (!schibValid(schib)) return OPERAND_EXCEPTION;
    return this.#at(sid, (subchannel) => subchannel.modify(schib));
  }

  storeSubchannel(_cpu: CpuPort, sid: number, schib: DataView): Outcome {
    // Programs take the first number that is none for the end of the set: a gap below the last has a subchannel without a device.
    if (this.#isGap(sid)) {
      for (let at = 0; at < schib.byteLength; at++) schib.setUint8(at, 0);
      return 0;
    }
    return this.#at(sid, (subchannel) => subchannel.store(schib));
  }

  clearSubchannel(_cpu: CpuPort, sid: number): Outcome {
    return this.#at(sid, (subchannel) => subchannel.clear());
  }

  haltSubchannel(_cpu: CpuPort, sid: number): Outcome {
    return this.#at(sid, (subchannel) => subchannel.halt());
  }

  resumeSubchannel(_cpu: CpuPort, sid: number): Outcome {
    return this.#at(sid, (subchannel) => subchannel.resume());
  }

  cancelSubchannel(_cpu: CpuPort, sid: number): Outcome {
    return this.#at(sid, (subchannel) => subchannel.cancel());
  }

  resetChannelPath(_cpu: CpuPort, parameter: number): Outcome {
    if ((parameter & 0xff00_ff00) !== 0) return programInterruption(PGM_OPERAND);
    const path = parameter & 0xff;
    if (!this.channelPaths(this.defaultCssid).includes(path)) return 3;
    this.#report({ source: SOURCE_CHANNEL_PATH, recovery: RECOVERY_INITIALIZED, id: path, solicited: true });
    return 0;
  }

  /** The limit itself concerns no device here: addresses are checked against storage. */
  setAddressLimit(_cpu: CpuPort, limit: number): Outcome {
    return (limit & 0x8000_ffff) === 0 ? 0 : programInterruption(PGM_OPERAND);
  }

  setChannelMonitor(_cpu: CpuPort, parameter: number, blockOrigin: bigint): Outcome {
    const mode = parameter & (SCHM_BLOCKS | SCHM_CONNECT_TIME);
    if ((parameter & 0x0fff_fffc) !== 0) return programInterruption(PGM_OPERAND);
    if ((mode & SCHM_BLOCKS) !== 0 && blockOrigin % 32n !== 0n) return programInterruption(PGM_OPERAND);
    this.measurementMode = mode;
    if ((mode & SCHM_BLOCKS) !== 0) this.measurementOrigin = blockOrigin;
    return 0;
  }

  storeChannelReportWord(_cpu: CpuPort, crw: DataView): Outcome {
    const word = this.#reports.take();
    crw.setUint32(0, word ?? 0);
    return word === undefined ? 1 : 0;
  }

  /** No device keeps its path busy after the instruction that used it. */
  storeChannelPathStatus(_cpu: CpuPort, status: DataView): Outcome {
    for (let i = 0; i < 32; i++) status.setUint8(i, 0);
    return 0;
  }

  channelSubsystemCall(_cpu: CpuPort, page: DataView): Outcome {
    return channelSubsystemCall(this, page);
  }

  /** Something has happened to a PCI function: the program is told to ask what. One event too many is lost. */
  pciEvent({ isError, handle, fid, code, address }: PciEvent): void {
    if (this.pciEventCount === MAX_PCI_EVENTS) return;
    const halves = [Number(BigInt.asUintN(32, address >> 32n)), Number(BigInt.asUintN(32, address))];
    this.pciEvents.set([handle, fid, code, Number(isError), ...halves], PCI_EVENT_WORDS * this.pciEventCount++);
    // One report for all that wait.
    if (this.pciEventCount > 1) return;
    this.#report({ source: SOURCE_CHANNEL_SUBSYSTEM, recovery: RECOVERY_EVENT, id: 0 });
  }

  // --- for CHSC

  takePciEvent(): (PciEvent & { readonly more: boolean }) | undefined {
    if (this.pciEventCount === 0) return undefined;
    const [handle = 0, fid = 0, code = 0, isError = 0, high = 0, low = 0] = this.pciEvents;
    this.pciEvents.copyWithin(0, PCI_EVENT_WORDS);
    this.pciEventCount--;
    const address = (BigInt(high) << 32n) | BigInt(low);
    return { isError: isError !== 0, handle, fid, code, address, more: this.pciEventCount > 0 };
  }

  hasCss(cssid: number): boolean {
    return cssid === this.defaultCssid || this.channelPaths(cssid).length > 0;
  }

  channelPaths(cssid: number): readonly number[] {
    const inUse = Array.from({ length: SUBCHANNEL_SETS }, (_, ssid) => this.#sets.get(setKey(cssid, ssid)) ?? []);
    return inUse.some((set) => set.length > 0) ? [VIRTUAL_PATH] : [];
  }

  subchannelBlock(ssid: number, number: number): Uint8Array | undefined {
    const found = this.#sets.get(setKey(this.defaultCssid, ssid))?.[number];
    return found?.schib;
  }

  enableChannelSubsystems(): void {
    this.allChannelSubsystems = true;
  }

  enableSubchannelSets(): void {
    this.maxSsid = SUBCHANNEL_SETS - 1;
  }

  // --- inside

  #at(sid: number, action: (subchannel: Subchannel) => Outcome): Outcome {
    const subchannel = this.find(sid);
    if (subchannel === 'invalid') return OPERAND_EXCEPTION;
    return subchannel === undefined ? 3 : action(subchannel);
  }

  #set(cssid: number, ssid: number): (Subchannel | undefined)[] {
    const key = setKey(cssid, ssid);
    const known = this.#sets.get(key);
    if (known !== undefined) return known;
    const set: (Subchannel | undefined)[] = [];
    this.#sets.set(key, set);
    return set;
  }

  #freeDeviceNumber(): DeviceId {
    for (let ssid = 0; ssid < SUBCHANNEL_SETS; ssid++) {
      const taken = new Set(this.#set(this.defaultCssid, ssid).map((place) => place?.deviceNumber ?? -1));
      for (let number = 0; number < SET_SIZE; number++) {
        if (!taken.has(number)) return { cssid: this.defaultCssid, ssid, number };
      }
    }
    throw new UserError('No free device number found');
  }

  /** A subchannel has come or gone: the program is told if it knows of the set and the channel subsystem that it is in. */
  #reportSubchannel({ id }: Subchannel): void {
    if (!this.#isVisible(id)) return;
    const report = { source: SOURCE_SUBCHANNEL, recovery: RECOVERY_PARAMETERS };
    // A second report says where the number counts, as soon as the program knows of more than one such place.
    const chained = this.maxSsid > 0 || this.allChannelSubsystems;
    this.#report({ ...report, id: id.number, chained });
    const cssid = this.allChannelSubsystems ? id.cssid : 0;
    if (chained) this.#report({ ...report, id: (cssid << 8) | (id.ssid << 4) });
  }

  #isVisible({ cssid, ssid }: Pick<DeviceId, 'cssid' | 'ssid'>): boolean {
    return ssid <= this.maxSsid && (cssid === this.defaultCssid || this.allChannelSubsystems);
  }

  /** One machine check tells of all reports that come until the program has found none left. */
  #report(report: ChannelReport): void {
    if (this.#reports.add(report)) this.#interruptions.channelReportPending();
  }
}

const setKey = (cssid: number, ssid: number): number => cssid * SUBCHANNEL_SETS + ssid;

/** Where users plug their devices in. */
export class VirtualCssBus extends OpenBus<ChannelSubsystem> {
  static override readonly typeName: string = CCW_BUS;
  readonly busType = CCW_BUS;

  protected takes(device: Device): device is CcwDevice {
    return isCcwDevice(device);
  }
}
