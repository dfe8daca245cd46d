/**
 * The mainframe's PCI bridge: the program reaches each function by instructions, as if it were alone on a bus. Condition codes and
 * statuses as qemu-system-s390x 7.2 gives them (observed).
 */
import { type AccessSize, type AddressSpace, Device, removeDevice, type StateField, UserError } from '@boardwalk/core';
import { PciBus, type PciDevice, type PciHost } from '@boardwalk/devices';
import {
  CC_UNCHANGED,
  type CpuPort,
  type FloatingInterruptions,
  type Outcome,
  type PciServices,
  PGM_OPERAND,
  PGM_SPECIFICATION,
  programInterruption,
} from '../cpu/services.ts';
import type { PciEvent } from '../css/chsc.ts';
import { AbsoluteStorage } from '../css/storage.ts';
import { OpenBus } from '../open-bus.ts';
import { type ClpTarget, callLogicalProcessor } from './clp.ts';
import {
  failed,
  HANDLE_ENABLED,
  HANDLE_INDEX_MASK,
  MAX_STORE_BLOCK,
  MESSAGE_ADDRESS_HIGH,
  NO_FUNCTION,
  PCI_EVENT,
  type PciRequest,
  parseRequest,
  SPACE_CONFIG,
  STATUS,
  WINDOWS,
} from './words.ts';
import { COUNT, type FunctionOwner, MAX_UID, ZPCI_BUS, ZpciFunction } from './zpci-function.ts';

/** Modes of SET INTERRUPTION CONTROLS: every interruption, or one and no other until the mode is set again. */
const MODE_ALL = 0;
const MODE_SINGLE = 1;

/** How {@link S390PciHost.configure} ends. */
export type Configuration = 'done' | 'unchanged' | 'unknown';

/** A function that has its device. */
type Present = ZpciFunction & { readonly device: PciDevice };

/** How a {@link S390PciHost} is made. */
export interface PciHostOptions {
  readonly interruptions: FloatingInterruptions;
  /** Tells the program of functions that come and go, or are in an error. */
  readonly event: (event: PciEvent) => void;
  /** The CPUs can suppress interruptions. */
  readonly suppression: boolean;
  /** The TOD clock. */
  readonly tod: () => bigint;
}

export class S390PciHost extends Device implements PciServices, PciHost, FunctionOwner, ClpTarget {
  static override readonly typeName: string = 's390-pcihost';
  static override readonly state: readonly StateField[] = [
    { name: 'singleMode', type: 'u8', reset: 0 },
    { name: 'suppressed', type: 'u8', reset: 0 },
  ];

  readonly bigEndian = true;
  readonly bus: PciBus = this.add(new PciBus(this), 'pci.0');
  readonly functionBus: ZpciBus = this.add(new ZpciBus(this), 's390-pcibus.0');
  /** Subclasses, a bit each, that are told of one interruption only, and those that have been told. */
  singleMode = 0;
  suppressed = 0;
  readonly #options: PciHostOptions;
  readonly #functions: ZpciFunction[] = [];
  #storage: AbsoluteStorage | undefined;

  constructor(options: PciHostOptions) {
    super();
    this.#options = options;
  }

  get storage(): AbsoluteStorage {
    this.#storage ??= new AbsoluteStorage(this.machine.addressSpace);
    return this.#storage;
  }

  get tod(): bigint {
    return this.#options.tod();
  }

  get functions(): readonly Present[] {
    return this.#functions.filter(isPresent);
  }

  // --- users' devices

  join(joining: ZpciFunction): void {
    const others = this.#functions;
    const target = joining.target;
    if (others.some((other) => other.target === target)) {
      throw new UserError(`target ${target} already has an associated zpci device`);
    }
    for (const name of ['uid', 'fid'] as const) {
      const number = joining[name];
      if (others.some((other) => other[name] === number)) throw new UserError(`${name} ${number} already in use`);
    }
    if (joining.uid === 0) joining.uid = free(1, new Set(others.map(({ uid }) => uid)));
    if (joining.uid > MAX_UID) throw new UserError('no free uid could be found');
    if (joining.fid < 0) joining.fid = free(0, new Set(others.map(({ fid }) => fid)));
    joining.index = free(0, new Set(others.map(({ index }) => index)));
    others.push(joining);
  }

  leave(leaving: ZpciFunction): void {
    if (leaving.device?.realized === true && this.bus.devices.includes(leaving.device)) {
      throw new UserError(`zpci device of '${leaving.target}' goes with that device`);
    }
    this.#functions.splice(this.#functions.indexOf(leaving), 1);
  }

  pciPlugged(device: PciDevice): void {
    if (device.vectors === 0) throw new UserError('MSI-X support is mandatory in the S390 architecture');
    const target = device.name;
    const known = this.#functions.find((candidate) => candidate.target === target);
    const found = known ?? new ZpciFunction();
    if (known === undefined) {
      found.setProperty('target', target);
      this.functionBus.plug(found);
      found.parentBus = this.functionBus;
      this.add(found, 'zpci[*]');
    }
    found.device = device;
    found.configured = true;
    if (device.hotplugged) this.#available(found, PCI_EVENT.toConfigured);
  }

  pciUnplugRequested(device: PciDevice): boolean {
    const found = this.#of(device);
    if (found?.configured !== true) return false;
    found.unplugRequested = true;
    this.#available(found, PCI_EVENT.deconfigurationRequested);
    return true;
  }

  /** Its function goes with it. */
  pciUnplugged(device: PciDevice): void {
    const found = this.#of(device);
    if (found === undefined) return;
    this.#available(found, PCI_EVENT.standbyToReserved);
    found.device = undefined;
    removeDevice(found);
  }

  #available({ handle, fid }: ZpciFunction, code: number): void {
    this.#options.event({ isError: false, handle, fid, code, address: 0n });
  }

  error(handle: number, fid: number, code: number, address: bigint): void {
    this.#options.event({ isError: true, handle, fid, code, address });
  }

  #of(device: PciDevice): ZpciFunction | undefined {
    return this.#functions.find((candidate) => candidate.device === device);
  }

  // --- the service processor

  /** The program takes a function into use, or puts it aside. */
  configure(fid: number, on: boolean): Configuration {
    const found = this.functions.find((candidate) => candidate.fid === fid);
    if (found === undefined) return 'unknown';
    if (found.configured === on) return 'unchanged';
    found.configured = on;
    if (on) return 'done';
    const { unplugRequested, device } = found;
    found.disable();
    if (unplugRequested) removeDevice(device);
    return 'done';
  }

  pciMessage(device: PciDevice, _addressLow: number, addressHigh: number, data: number): void {
    if (addressHigh !== MESSAGE_ADDRESS_HIGH) return;
    this.#of(device)?.message(data);
  }

  pciTranslate(device: PciDevice, address: number, forWrite: boolean): number | undefined {
    return this.#of(device)?.translate(address, forWrite);
  }

  interrupt(subclass: number): void {
    const bit = 0x80 >> subclass;
    if ((this.suppressed & bit) !== 0) return;
    this.suppressed |= this.singleMode & bit;
    this.#options.interruptions.queueIo({ subsystemId: 0, parameter: 0, word: (0x8000_0000 | (subclass << 27)) >>> 0 });
  }

  // --- instructions

  callLogicalProcessor(_cpu: CpuPort, page: DataView): Outcome {
    return callLogicalProcessor(this, page);
  }

  pciLoad(_cpu: CpuPort, text: bigint, offset: bigint, value: DataView): Outcome {
    const request = parseRequest(text);
    const found = this.#enabled(request);
    if (found === undefined) return NO_FUNCTION;
    if (found.inError) return failed(STATUS.blocked);
    found.count(COUNT.load);
    const at = placeOf(request, offset);
    if (typeof at !== 'number') return at.outcome;
    const { low: length } = request;
    if (request.space === SPACE_CONFIG) {
      if (!isAccessSize(length)) return programInterruption(PGM_OPERAND);
      value.setBigUint64(0, swap(BigInt(found.device.readConfig(at, length)), length));
      return 0;
    }
    const window = found.device.window(request.space);
    if (window === undefined) return failed(STATUS.invalidSpace);
    const read = loadWindow(window, at, length);
    if (read === undefined) return programInterruption(PGM_OPERAND);
    value.setBigUint64(0, read);
    return 0;
  }

  pciStore(_cpu: CpuPort, text: bigint, offset: bigint, value: bigint): Outcome {
    const request = parseRequest(text);
    const found = this.#enabled(request);
    if (found === undefined) return NO_FUNCTION;
    if (found.inError) return failed(STATUS.blocked);
    found.count(COUNT.store);
    const at = placeOf(request, offset);
    if (typeof at !== 'number') return at.outcome;
    const { low: length } = request;
    if (request.space === SPACE_CONFIG) {
      if (!isAccessSize(length)) return programInterruption(PGM_OPERAND);
      found.device.writeConfig(at, length, Number(swap(value, length)));
      return 0;
    }
    const window = found.device.window(request.space);
    if (window === undefined) return failed(STATUS.invalidSpace);
    return storeWindow(window, at, length, value) ? 0 : programInterruption(PGM_OPERAND);
  }

  pciStoreBlock(_cpu: CpuPort, text: bigint, offset: bigint, data: DataView): Outcome {
    const request = parseRequest(text);
    const found = this.#enabled(request);
    if (found === undefined) return NO_FUNCTION;
    if (found.inError) return failed(STATUS.blocked);
    found.count(COUNT.storeBlock);
    if (request.space >= WINDOWS) return failed(STATUS.invalidSpace);
    const { low: length } = request;
    const crosses = Number(offset & 0xfffn) + length > 4096;
    if (length < 16 || length > MAX_STORE_BLOCK || length % 8 !== 0 || offset % 8n !== 0n || crosses) {
      return programInterruption(PGM_SPECIFICATION);
    }
    const window = found.device.window(request.space);
    if (window === undefined || offset + BigInt(length) > BigInt(found.device.bars[request.space]?.region.size ?? 0)) {
      return programInterruption(PGM_OPERAND);
    }
    for (let at = 0; at < length; at += 8) window.store64(Number(offset) + at, data.getBigUint64(at, true));
    return 0;
  }

  modifyPciControls(_cpu: CpuPort, text: bigint, fib: DataView): Outcome {
    const request = parseRequest(text);
    return this.#enabled(request)?.modify(request.low, request.dmaSpace, fib) ?? NO_FUNCTION;
  }

  /** Of a function that is disabled, too, and then nothing. */
  storePciControls(_cpu: CpuPort, text: bigint, fib: DataView): Outcome {
    const { handle } = parseRequest(text);
    const found = this.functions.find(({ index }) => index === (handle & HANDLE_INDEX_MASK));
    if (found?.configured !== true) return NO_FUNCTION;
    if (!found.enabled && (handle & HANDLE_ENABLED) !== 0) return NO_FUNCTION;
    return found.store(fib);
  }

  refreshPciTranslations(_cpu: CpuPort, text: bigint, start: bigint, bytes: bigint): Outcome {
    return this.#enabled(parseRequest(text))?.refresh(start, bytes) ?? NO_FUNCTION;
  }

  setInterruptionControls(_cpu: CpuPort, mode: number, subclass: number): Outcome {
    if (!this.#options.suppression || (mode !== MODE_ALL && mode !== MODE_SINGLE)) {
      return programInterruption(PGM_OPERAND);
    }
    const bit = 0x80 >> subclass;
    this.singleMode = mode === MODE_SINGLE ? this.singleMode | bit : this.singleMode & ~bit;
    this.suppressed &= ~bit;
    return CC_UNCHANGED;
  }

  #enabled({ handle }: PciRequest): Present | undefined {
    const found = this.#functions.find((candidate) => candidate.handle === handle);
    return found?.enabled && isPresent(found) ? found : undefined;
  }
}

/** Where a load or store goes, checked; or how the instruction ends. */
function placeOf({ space, low: length }: PciRequest, offset: bigint): number | { readonly outcome: Outcome } {
  const isConfig = space === SPACE_CONFIG;
  if (!isConfig && space >= WINDOWS) return { outcome: failed(STATUS.invalidSpace) };
  const unit = isConfig ? 4 : 8;
  const at = Number(offset);
  // An access lies in one doubleword, of configuration space in one word.
  if (length === 0 || length > unit - Number(offset % BigInt(unit)))
    return { outcome: programInterruption(PGM_OPERAND) };
  return at;
}

/** The bytes of a number that are exchanged: registers have them in the order in which they are in storage. */
function swap(value: bigint, length: number): bigint {
  let swapped = 0n;
  for (let i = 0n; i < BigInt(length); i++) swapped = (swapped << 8n) | ((value >> (8n * i)) & 0xffn);
  return swapped;
}

/** Reads a window by one access of its device; undefined where the device has none of that kind. Other lengths are byte by byte. */
function loadWindow(window: AddressSpace, at: number, length: number): bigint | undefined {
  if (length === 8) return window.loadPair(at) < 0 ? undefined : swap(pairOf(window), 8);
  if (isAccessSize(length)) {
    const value = window.load(at, length);
    return value < 0 ? undefined : swap(BigInt(value), length);
  }
  const bytes = new Uint8Array(8);
  if (window.readBytes(at, bytes.subarray(8 - length)) < 0) return undefined;
  return new DataView(bytes.buffer).getBigUint64(0);
}

/** Writes it so; false where the device has no such access. */
function storeWindow(window: AddressSpace, at: number, length: number, value: bigint): boolean {
  if (length === 8) return window.store64(at, swap(value, 8)) >= 0;
  if (isAccessSize(length)) return window.store(at, length, Number(swap(value, length))) >= 0;
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, value);
  return window.writeBytes(at, new Uint8Array(bytes.buffer, 8 - length)) >= 0;
}

const pairOf = ({ lo, hi }: AddressSpace): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
const isAccessSize = (length: number): length is AccessSize => length === 1 || length === 2 || length === 4;

function isPresent(candidate: ZpciFunction): candidate is Present {
  return candidate.device !== undefined;
}

/** The first number that is not taken. */
function free(from: number, taken: ReadonlySet<number>): number {
  let number = from;
  while (taken.has(number)) number++;
  return number;
}

/** Where users say which function is which device. */
export class ZpciBus extends OpenBus<S390PciHost> {
  static override readonly typeName: string = ZPCI_BUS;
  readonly busType = ZPCI_BUS;

  protected takes(device: Device): device is ZpciFunction {
    return device instanceof ZpciFunction;
  }
}
