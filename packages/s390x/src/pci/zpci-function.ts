/**
 * A PCI function as the mainframe's program sees it (`-device zpci`): a handle to address it by, its interrupts as bits in storage,
 * its DMA addresses, its measurement block. The program's view after Linux (arch/s390/pci), statuses as qemu-system-s390x 7.2 gives
 * them (observed).
 */
import {
  Device,
  type PropertySpec,
  resetTree,
  type StateField,
  type Timer,
  type TypeRegistry,
  typeOfClass,
  UserError,
} from '@boardwalk/core';
import type { PciDevice } from '@boardwalk/devices';
import { type Outcome, PGM_OPERAND, programInterruption } from '../cpu/services.ts';
import type { AbsoluteStorage } from '../css/storage.ts';
import {
  FIB,
  FIB_BLOCKED,
  FIB_DMA_REGISTERED,
  FIB_ENABLED,
  FIB_ERROR,
  FIRST_DMA,
  failed,
  HANDLE_EMULATED,
  HANDLE_ENABLED,
  LAST_DMA,
  MEASUREMENT_MS,
  PCI_ERROR,
  STATUS,
} from './words.ts';

/** The bus on which users say which function is which. */
export const ZPCI_BUS = 's390-pcibus';
export const MAX_UID = 0xffff;
const NS_PER_MS = 1e6;
/** Of the designation of translation tables: translation is on, and the first of them is a region-third table. No other can be. */
const TRANSLATION_ENABLED = 0x800n;
const REGION_THIRD_TABLE = 0x4n;
const DESIGNATION_MASK = 0x81cn;
const [ENTRY_INVALID, ENTRY_PROTECTED, PAGE_INVALID] = [0x20n, 0x200n, 0x400n];
/** Of a region-third entry: all of its segment table is there. */
const [TABLE_EXTENT_MASK, WHOLE_TABLE] = [0xc3n, 0x03n];
const ENTRY_TYPE_MASK = 0xcn;

/** The two levels of tables above pages: bits of the address, how large what an entry stands for is, its type, its table's origin. */
const LEVELS = [
  { shift: 31n, type: 0x4n, origin: ~0x3fffn },
  { shift: 20n, type: 0x0n, origin: ~0x7ffn },
] as const;
const PAGE_SHIFT = 12n;

/** How a function stands after an error: as always, with accesses let through again, in the error state. */
const [SOUND, UNBLOCKED, IN_ERROR] = [0, 1, 2] as const;

/** What the tables say of an address: how many bytes around it are so, and where they are; or what is wrong with the tables. */
type Walked =
  | { readonly bytes: bigint; readonly page?: { readonly at: bigint; readonly isProtected: boolean } }
  | { readonly error: number };

/** Operations of MODIFY PCI FUNCTION CONTROLS. */
const OPERATION = {
  registerInterrupts: 2,
  deregisterInterrupts: 3,
  registerTranslation: 4,
  deregisterTranslation: 5,
  reregisterTranslation: 6,
  resetError: 7,
  resetBlock: 9,
  setMeasurement: 10,
} as const;

/** What the function asks of the machine. */
export interface FunctionOwner {
  readonly storage: AbsoluteStorage;
  /** The TOD clock. */
  readonly tod: bigint;
  /** @throws UserError if the function's number or name is taken */
  join(function_: ZpciFunction): void;
  /** @throws UserError if it cannot go */
  leave(function_: ZpciFunction): void;
  /** An adapter interruption of a PCI function. */
  interrupt(subclass: number): void;
  /** Tells the program of an error. */
  error(handle: number, fid: number, code: number, address: bigint): void;
}

/** Measurement block: samples, time, and counts of loads, stores, block stores and refreshes. */
const MEASUREMENT = { samples: 4, time: 8, counts: 16 } as const;
const COUNTS = 4;
export const COUNT = { load: 0, store: 1, storeBlock: 2, refresh: 3 } as const;

export class ZpciFunction extends Device {
  static override readonly typeName: string = 'zpci';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'uid',
      type: 'uint16',
      description: "the user's number, 1 to 65535; 0: the first free one",
      get: (o) => (o instanceof ZpciFunction ? o.uid : 0),
      set: (o, value) => {
        if (o instanceof ZpciFunction) o.uid = Number(value);
      },
    },
    {
      name: 'fid',
      type: 'zpci_fid',
      reportedType: 'uint32',
      description: "the function's number; the first free one if not given",
      parse: (value) => {
        const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
        if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > 0xffff_ffff) {
          throw new UserError(`Property 'zpci.fid' doesn't take value '${String(value)}'`);
        }
        return number;
      },
      get: (o) => (o instanceof ZpciFunction ? o.fid : 0),
      set: (o, value) => {
        if (o instanceof ZpciFunction) o.fid = Number(value);
      },
    },
    { name: 'target', type: 'str', description: 'id of the PCI device that it is' },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'enabled', type: 'bool', reset: false },
    { name: 'errorState', type: 'u8', reset: SOUND },
    { name: 'configured', type: 'bool' },
    { name: 'unplugRequested', type: 'bool' },
    { name: 'interrupts', type: 'u32', reset: 0 },
    { name: 'bitVector', type: 'u64', reset: 0n },
    { name: 'summary', type: 'u64', reset: 0n },
    { name: 'interruptsRegistered', type: 'bool', reset: false },
    { name: 'dmaBase', type: 'u64', reset: 0n },
    { name: 'dmaLimit', type: 'u64', reset: 0n },
    { name: 'translation', type: 'u64', reset: 0n },
    { name: 'translationRegistered', type: 'bool', reset: false },
    { name: 'measurement', type: 'u64', reset: 0n },
    { name: 'measurementDue', type: 'number', reset: 0 },
    { name: 'samples', type: 'u32', reset: 0 },
    { name: 'counts', type: 'number', count: COUNTS, reset: 0 },
  ];

  /** The bus that it fits. */
  readonly busType = ZPCI_BUS;
  uid = 0;
  fid = -1;
  /** Its place among all functions. */
  index = -1;
  /** The program has enabled it. */
  enabled = false;
  /** The program is told of an error once, and then has to bring the function out of it. */
  errorState: number = SOUND;
  /** The program may use it; it can put it aside, and take it again. */
  configured = true;
  /** The user wants it back, and the program has been told. */
  unplugRequested = false;
  /** As the function information block has them. */
  interrupts = 0;
  bitVector = 0n;
  summary = 0n;
  interruptsRegistered = false;
  dmaBase = 0n;
  dmaLimit = 0n;
  translation = 0n;
  translationRegistered = false;
  /** Address of the measurement block, 0 for none. */
  measurement = 0n;
  measurementDue = 0;
  samples = 0;
  counts = new Float64Array(COUNTS);
  /** The device that it is; none before that is plugged in. */
  device: PciDevice | undefined;
  #owner: FunctionOwner | undefined;
  #timer: Timer | undefined;

  /** @internal the bus takes it */
  plugInto(owner: FunctionOwner): void {
    this.#owner = owner;
  }

  override realize(): void {
    super.realize();
    if (!this.target) throw new UserError('target must be defined');
    this.owner.join(this);
    this.#timer = this.machine.clock.timer(() => this.#measure());
  }

  override resetHold(): void {
    super.resetHold();
    this.#timer?.disarm();
  }

  protected override afterRestore(): void {
    super.afterRestore();
    this.#armTimer();
  }

  override get hotpluggable(): boolean {
    return true;
  }

  override unplug(): void {
    super.unplug();
    this.owner.leave(this);
  }

  override dispose(): void {
    this.#timer?.disarm();
    super.dispose();
  }

  /** Id of its device. */
  get target(): string {
    return String(this.getProperty('target') ?? '');
  }

  get owner(): FunctionOwner {
    if (this.#owner === undefined) throw new UserError(`No '${ZPCI_BUS}' bus found for device '${this.type}'`);
    return this.#owner;
  }

  /** What the program addresses it by. */
  get handle(): number {
    return ((this.enabled ? HANDLE_ENABLED : 0) | HANDLE_EMULATED | this.index) >>> 0;
  }

  /** Loads, stores and DMA are blocked until the program says otherwise. */
  get inError(): boolean {
    return this.errorState === IN_ERROR;
  }

  /** Gets into the error state, of which the program is told. */
  #fail(code: number, address: bigint): void {
    this.errorState = IN_ERROR;
    this.#tell(code, address);
  }

  #tell(code: number, address: bigint): void {
    this.owner.error(this.handle, this.fid, code, address);
  }

  count(what: number): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** The program disables it: all that it has set is gone, in the device too. */
  disable(): void {
    this.resetHold();
    if (this.device !== undefined) resetTree(this.device);
  }

  // --- MODIFY PCI FUNCTION CONTROLS

  /** @param dmaSpace number of the DMA address space; there is one */
  modify(operation: number, dmaSpace: number, fib: DataView): Outcome {
    if (fib.getUint8(FIB.format) !== 0) return programInterruption(PGM_OPERAND);
    switch (operation) {
      case OPERATION.registerInterrupts:
        return this.interruptsRegistered ? failed(STATUS.sequence) : this.#registerInterrupts(fib);
      case OPERATION.deregisterInterrupts:
        if (!this.interruptsRegistered) return failed(STATUS.sequence);
        this.interruptsRegistered = false;
        return 0;
      case OPERATION.registerTranslation:
        if (dmaSpace !== 0) return failed(STATUS.invalidDmaSpace);
        return this.translationRegistered ? failed(STATUS.sequence) : this.#registerTranslation(fib);
      case OPERATION.deregisterTranslation:
        if (dmaSpace !== 0) return failed(STATUS.invalidDmaSpace);
        if (!this.translationRegistered) return failed(STATUS.sequence);
        this.translationRegistered = false;
        return 0;
      case OPERATION.reregisterTranslation:
        if (dmaSpace !== 0) return failed(STATUS.invalidDmaSpace);
        return this.translationRegistered ? this.#registerTranslation(fib) : failed(STATUS.sequence);
      case OPERATION.resetError:
        if (this.errorState === SOUND) return failed(STATUS.sequence);
        this.errorState = SOUND;
        return 0;
      case OPERATION.resetBlock:
        if (!this.inError) return failed(STATUS.sequence);
        this.errorState = UNBLOCKED;
        return 0;
      case OPERATION.setMeasurement:
        return this.#measureAt(fib.getBigUint64(FIB.measurement));
      default:
        return programInterruption(PGM_OPERAND);
    }
  }

  #registerInterrupts(fib: DataView): Outcome {
    const interrupts = fib.getUint32(FIB.interrupts);
    this.interrupts = interrupts;
    this.bitVector = fib.getBigUint64(FIB.bitVector);
    this.summary = fib.getBigUint64(FIB.summary);
    this.interruptsRegistered = true;
    return 0;
  }

  #registerTranslation(fib: DataView): Outcome {
    const base = fib.getBigUint64(FIB.dmaBase) & ~0xfffn;
    const limit = fib.getBigUint64(FIB.dmaLimit) | 0xfffn;
    const translation = fib.getBigUint64(FIB.translation);
    const isMeant = (translation & DESIGNATION_MASK) === (TRANSLATION_ENABLED | REGION_THIRD_TABLE);
    if (!isMeant || base > limit || base < FIRST_DMA || limit > LAST_DMA) return programInterruption(PGM_OPERAND);
    this.dmaBase = base;
    this.dmaLimit = limit;
    this.translation = translation;
    this.translationRegistered = true;
    return 0;
  }

  // --- DMA

  /**
   * Where the device's access goes. One that is not allowed puts the function into the error state.
   * @returns an absolute address, or undefined where the device may not go
   */
  translate(address: number, forWrite: boolean): number | undefined {
    const at = BigInt(address);
    if (!this.translationRegistered || this.inError) return undefined;
    if (at < this.dmaBase || at > this.dmaLimit) {
      this.#fail(PCI_ERROR.outOfRange, at);
      return undefined;
    }
    const walked = this.#walk(at);
    const page = 'error' in walked ? undefined : walked.page;
    if (page === undefined || (forWrite && page.isProtected)) {
      this.#fail(PCI_ERROR.protection, at);
      return undefined;
    }
    return Number(page.at | (at & 0xfffn));
  }

  /** REFRESH PCI TRANSLATIONS. Tables are followed at each access: nothing is kept, but what is wrong with them is told here. */
  refresh(start: bigint, bytes: bigint): Outcome {
    if (this.inError) return failed(STATUS.recovery);
    const error = this.#errorIn(start, start + bytes);
    if (error === undefined) {
      this.count(COUNT.refresh);
      return 0;
    }
    this.#fail(error.code, error.at);
    return failed(STATUS.intoError);
  }

  #errorIn(start: bigint, end: bigint): { readonly code: number; readonly at: bigint } | undefined {
    if (!this.translationRegistered) return { code: PCI_ERROR.noTranslation, at: start };
    if (end < this.dmaBase || start > this.dmaLimit) return { code: PCI_ERROR.outOfRange, at: start };
    const last = end <= this.dmaLimit ? end : this.dmaLimit + 1n;
    for (let at = start; at < last; ) {
      const walked = this.#walk(at);
      if ('error' in walked) return { code: walked.error, at };
      at += walked.bytes;
    }
    return undefined;
  }

  /** Follows the program's tables, which are those of dynamic address translation (Linux, arch/s390/include/asm/pci_dma.h). */
  #walk(address: bigint): Walked {
    const { storage } = this.owner;
    let table = this.translation & ~0xfffn;
    let isProtected = false;
    for (const { shift, type, origin } of LEVELS) {
      const entry = storage.doubleword(Number(table + 8n * ((address >> shift) & 0x7ffn))) ?? 0n;
      if (entry === 0n) return { error: PCI_ERROR.invalidEntry };
      if ((entry & ENTRY_INVALID) !== 0n) return { bytes: 1n << shift };
      if (type !== 0n && (entry & TABLE_EXTENT_MASK) !== WHOLE_TABLE) return { error: PCI_ERROR.tableLength };
      table = entry & origin;
      if ((entry & ENTRY_TYPE_MASK) !== type || table === 0n) return { error: PCI_ERROR.tableType };
      isProtected ||= (entry & ENTRY_PROTECTED) !== 0n;
    }
    const page = storage.doubleword(Number(table + 8n * ((address >> PAGE_SHIFT) & 0xffn))) ?? 0n;
    if (page === 0n) return { error: PCI_ERROR.invalidEntry };
    const bytes = 1n << PAGE_SHIFT;
    if ((page & PAGE_INVALID) !== 0n) return { bytes };
    return { bytes, page: { at: page & ~0xfffn, isProtected: isProtected || (page & ENTRY_PROTECTED) !== 0n } };
  }

  // --- STORE PCI FUNCTION CONTROLS

  store(fib: DataView): Outcome {
    if (!this.enabled) return 0;
    let controls = FIB_ENABLED;
    if (this.errorState !== SOUND) controls |= FIB_BLOCKED;
    if (this.inError) controls |= FIB_ERROR;
    if (this.translationRegistered) {
      controls |= FIB_DMA_REGISTERED;
      fib.setBigUint64(FIB.dmaBase, this.dmaBase);
      fib.setBigUint64(FIB.dmaLimit, this.dmaLimit);
      fib.setBigUint64(FIB.translation, this.translation);
    }
    if (this.interruptsRegistered) {
      fib.setUint32(FIB.interrupts, this.interrupts);
      fib.setBigUint64(FIB.bitVector, this.bitVector);
      fib.setBigUint64(FIB.summary, this.summary);
    }
    fib.setBigUint64(FIB.measurement, this.measurement);
    fib.setUint8(FIB.controls, controls);
    return 0;
  }

  // --- interrupts

  /** A message of the device: its number is a bit in storage. */
  message(number: number): void {
    const count = (this.interrupts >>> 16) & 0xfff;
    if (!this.interruptsRegistered || number >= count || this.errorState !== SOUND) return;
    const { storage } = this.owner;
    const setBit = (vector: bigint, bit: number) =>
      storage.setBits(Number(vector) + Math.floor(bit / 8), 0x80 >> (bit % 8));
    if (setBit(this.bitVector, ((this.interrupts >>> 8) & 0x3f) + number) === undefined) {
      this.#tell(PCI_ERROR.interruptBit, 0n);
      return;
    }
    const wantsSummary = (this.interrupts & 0x80) !== 0;
    // Whoever finds the summary set already has an interruption coming.
    if (wantsSummary && setBit(this.summary, this.interrupts & 0x3f) !== 0) return;
    this.owner.interrupt((this.interrupts >>> 28) & 7);
  }

  // --- measurement

  /** @param address of the block; it ends with a storage key, which must be zero. */
  #measureAt(address: bigint): Outcome {
    const isKeyed = (address & 0xfn) !== 0n;
    if (isKeyed) this.#tell(PCI_ERROR.measurementKey, address);
    this.#setMeasurement(isKeyed ? 0n : address);
    return isKeyed ? failed(STATUS.none) : 0;
  }

  #setMeasurement(address: bigint): void {
    this.measurement = address;
    this.samples = 0;
    this.counts.fill(0);
    this.measurementDue = this.machine.clock.now() + MEASUREMENT_MS * NS_PER_MS;
    this.#armTimer();
  }

  #armTimer(): void {
    if (this.measurement === 0n) this.#timer?.disarm();
    else this.#timer?.arm(this.measurementDue);
  }

  #measure(): void {
    const { storage, tod } = this.owner;
    const at = Number(this.measurement);
    this.samples++;
    for (const [n, count] of this.counts.entries())
      storage.setDoubleword(at + MEASUREMENT.counts + 8 * n, BigInt(count));
    storage.setDoubleword(at + MEASUREMENT.time, tod);
    if (!storage.setWord(at + MEASUREMENT.samples, this.samples)) {
      this.#tell(PCI_ERROR.measurementBlock, this.measurement);
      this.#setMeasurement(0n);
      return;
    }
    this.measurementDue += MEASUREMENT_MS * NS_PER_MS;
    this.#armTimer();
  }
}

/** Registers it. `device` must be registered. */
export function registerZpci(registry: TypeRegistry): void {
  registry.register(
    typeOfClass(ZpciFunction, {
      description: 'PCI function, as the program sees it',
      create: () => new ZpciFunction(),
    }),
  );
}
