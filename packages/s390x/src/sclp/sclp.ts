/**
 * The service processor: answers SERVICE CALL with what it knows of the machine, and passes events on. Commands and layouts after
 * Linux (drivers/s390/char/sclp_early.c, sclp_cmd.c), responses as qemu-system-s390x 7.2 gives them (observed).
 */
import { Device, formatBytes, MiB } from '@boardwalk/core';
import {
  type CpuPort,
  type FloatingInterruptions,
  type Outcome,
  PGM_ADDRESSING,
  PGM_SPECIFICATION,
  programInterruption,
} from '../cpu/services.ts';
import { AbsoluteStorage } from '../css/storage.ts';
import { ebcdicName } from './ebcdic.ts';
import { SclpEventBus } from './event-bus.ts';
import { EventFacility } from './event-facility.ts';
import { PAGE, RESPONSE, SCCB_HEADER, Sccb } from './sccb.ts';
import { CpuChange, SignalQuiesce } from './signals.ts';

/** Command words, without the byte that qualifies some of them. */
const COMMAND = {
  readCpuInfo: 0x0001_0001,
  readScpInfo: 0x0002_0001,
  readScpInfoForced: 0x0012_0001,
  writeEventData: 0x0076_0005,
  readEventData: 0x0077_0005,
  writeEventMask: 0x0078_0005,
  configureAdapter: 0x001a_0001,
  deconfigureAdapter: 0x001b_0001,
} as const;
const COMMAND_MASK = 0xffff_00ff;

/** An event waits: bit of a service signal's parameter, whose high bits are the SCCB's address. */
const EVENT_PENDING = 1;

/** Read SCP info. */
const SCP = {
  incrementCount: 8,
  incrementSize: 10,
  cpuCount: 16,
  cpuOffset: 18,
  loadParameter: 24,
  facilities: 48,
  byte85: 85,
  maxAddressBits: 99,
  wideIncrementSize: 100,
  wideIncrementCount: 104,
  highestCpu: 120,
  cpus: 128,
} as const;
/** READ CPU INFO is there. */
const FACILITY_CPU_INFO = 0x0800_0000_0000_0000n;
/** PCI functions can be configured and deconfigured. */
const FACILITY_ADAPTERS = 0x0000_0000_4000_0000n;
/** Suppression on protection tells more. */
const BYTE85_ENHANCED_SUPPRESSION = 0x02;

/** Read CPU info. */
const CPU_INFO = { configured: 8, configuredOffset: 10, standby: 12, standbyOffset: 14, cpus: 24 } as const;
const CPU_ENTRY_BYTES = 16;

/** Configure adapter: what kind of adapter, and which. */
const ADAPTER = { type: 8, id: 12, bytes: 16 } as const;
const ADAPTER_PCI = 2;

const MAX_INCREMENTS = 1020;
const MAX_NARROW_INCREMENT = 128;

/** Storage is divided into increments of a power of two of MiB, of which there are not too many. In bytes. */
export function storageIncrement(ramBytes: number): number {
  let increment = MiB(1);
  while (Math.floor(ramBytes / increment) > MAX_INCREMENTS) increment *= 2;
  return increment;
}

/** What is wrong with a size of storage, if anything: it is a whole number of increments. */
export function storageSizeProblem(bytes: number): string | undefined {
  const increment = storageIncrement(bytes);
  if (bytes === 0 || bytes % increment === 0) return undefined;
  const below = Math.floor(bytes / increment) * increment;
  const sizes = below === 0 ? [increment] : [below, below + increment];
  const nearest = sizes.length > 1 ? 'the nearest sizes are' : 'the smallest size is';
  return `Invalid RAM size ${formatBytes(bytes)}, should be a multiple of ${formatBytes(increment)}: ${nearest} ${sizes.map(formatBytes).join(' and ')}`;
}

/** What the service processor tells of the machine. */
export interface SclpMachine {
  /** Bytes of main storage. */
  readonly ramSize: number;
  /** Addresses of the CPUs that are configured. */
  readonly cpus: readonly number[];
  readonly maxCpus: number;
  /** Address bits of the largest machine of this model. */
  readonly addressBits: number;
  readonly enhancedSuppression: boolean;
  /** The load parameter, 8 characters at most. */
  readonly loadParameter: string;
}

/** Adapters that the program takes into use, and puts aside. */
export interface Adapters {
  configure(id: number, on: boolean): 'done' | 'unchanged' | 'unknown';
}

export class Sclp extends Device {
  static override readonly typeName: string = 'sclp';

  readonly #interruptions: FloatingInterruptions;
  readonly #facts: () => SclpMachine;
  readonly #adapters: Adapters | undefined;
  #storage: AbsoluteStorage | undefined;
  readonly events = this.add(
    new EventFacility(() => this.#interruptions.serviceSignal(EVENT_PENDING)),
    's390-sclp-event-facility',
  );
  /** Where consoles are plugged in. */
  readonly bus = this.events.add(new SclpEventBus(this.events), 's390-sclp-events-bus.0');
  readonly quiesce = this.events.add(new SignalQuiesce(), 'sclpquiesce');
  readonly cpuChange = this.events.add(new CpuChange(), 'sclp-cpu-hotplug');

  constructor(interruptions: FloatingInterruptions, facts: () => SclpMachine, adapters?: Adapters) {
    super();
    this.#adapters = adapters;
    this.#interruptions = interruptions;
    this.#facts = facts;
    this.bus.plug(this.quiesce);
    this.bus.plug(this.cpuChange);
  }

  override realize(): void {
    super.realize();
    this.#storage = new AbsoluteStorage(this.machine.addressSpace);
  }

  /** SERVICE CALL. The command is carried out at once; a service signal tells of its end. */
  serviceCall(cpu: CpuPort, command: number, address: number): Outcome {
    const storage = this.#storage;
    if (storage === undefined) throw new Error('sclp is used before it is realized');
    const low = address & ~0x1fff;
    if (address % 8 !== 0 || address >= 0x8000_0000 || low === 0 || low === cpu.prefix)
      return programInterruption(PGM_SPECIFICATION);
    const head = storage.word(address);
    if (head === undefined) return programInterruption(PGM_ADDRESSING);
    const length = head >>> 16;
    if (length < SCCB_HEADER) return programInterruption(PGM_SPECIFICATION);
    const inPage = PAGE - (address % PAGE);
    const bytes = new Uint8Array(Math.max(PAGE, length));
    if (!storage.read(address, bytes.subarray(0, length))) return programInterruption(PGM_ADDRESSING);
    const sccb = new Sccb(bytes);
    if (length > inPage) sccb.response = RESPONSE.boundaryViolation;
    else this.#perform((command & COMMAND_MASK) >>> 0, sccb);
    storage.write(address, bytes.subarray(0, Math.max(length, Math.min(sccb.length, inPage))));
    this.#interruptions.serviceSignal((address & ~7) | (this.events.pending ? EVENT_PENDING : 0));
    return 0;
  }

  #perform(command: number, sccb: Sccb): void {
    switch (command) {
      case COMMAND.readScpInfo:
      case COMMAND.readScpInfoForced:
        this.#readScpInfo(sccb);
        break;
      case COMMAND.readCpuInfo:
        this.#readCpuInfo(sccb);
        break;
      case COMMAND.writeEventData:
        this.events.write(sccb);
        break;
      case COMMAND.readEventData:
        this.events.read(sccb);
        break;
      case COMMAND.writeEventMask:
        this.events.writeMask(sccb);
        break;
      case COMMAND.configureAdapter:
      case COMMAND.deconfigureAdapter:
        this.#configureAdapter(sccb, command === COMMAND.configureAdapter);
        break;
      default:
        sccb.response = RESPONSE.invalidCommand;
    }
  }

  /** The adapters that there are are PCI functions. */
  #configureAdapter(sccb: Sccb, on: boolean): void {
    if (sccb.length < ADAPTER.bytes) sccb.response = RESPONSE.insufficientLength;
    else if (sccb.view.getUint8(ADAPTER.type) !== ADAPTER_PCI) sccb.response = RESPONSE.unknownAdapterType;
    else {
      const done = this.#adapters?.configure(sccb.view.getUint32(ADAPTER.id), on) ?? 'unknown';
      sccb.response = { done: RESPONSE.completion, unchanged: RESPONSE.noAction, unknown: RESPONSE.unknownAdapter }[
        done
      ];
    }
  }

  #readScpInfo(sccb: Sccb): void {
    const { view, bytes } = sccb;
    const facts = this.#facts();
    if (sccb.length < SCP.cpus + CPU_ENTRY_BYTES * facts.cpus.length) {
      sccb.response = RESPONSE.insufficientLength;
      return;
    }
    const increment = storageIncrement(facts.ramSize);
    const count = facts.ramSize / increment;
    const inMiB = increment / MiB(1);
    view.setUint16(SCP.incrementCount, count);
    if (inMiB <= MAX_NARROW_INCREMENT) view.setUint8(SCP.incrementSize, inMiB);
    else view.setUint32(SCP.wideIncrementSize, inMiB);
    view.setUint16(SCP.cpuCount, facts.cpus.length);
    view.setUint16(SCP.cpuOffset, SCP.cpus);
    bytes.set(ebcdicName(facts.loadParameter.toUpperCase(), 8), SCP.loadParameter);
    view.setBigUint64(SCP.facilities, FACILITY_CPU_INFO | FACILITY_ADAPTERS);
    view.setUint8(SCP.byte85, facts.enhancedSuppression ? BYTE85_ENHANCED_SUPPRESSION : 0);
    view.setUint8(SCP.maxAddressBits, facts.addressBits);
    view.setUint16(SCP.highestCpu, facts.maxCpus - 1);
    writeCpus(sccb, SCP.cpus, facts.cpus);
    sccb.response = RESPONSE.readCompletion;
  }

  #readCpuInfo(sccb: Sccb): void {
    const { cpus } = this.#facts();
    if (sccb.length < CPU_INFO.cpus + CPU_ENTRY_BYTES * cpus.length) {
      sccb.response = RESPONSE.insufficientLength;
      return;
    }
    sccb.view.setUint16(CPU_INFO.configured, cpus.length);
    sccb.view.setUint16(CPU_INFO.configuredOffset, CPU_INFO.cpus);
    sccb.view.setUint16(CPU_INFO.standby, 0);
    sccb.view.setUint16(CPU_INFO.standbyOffset, CPU_INFO.cpus + CPU_ENTRY_BYTES * cpus.length);
    writeCpus(sccb, CPU_INFO.cpus, cpus);
    sccb.response = RESPONSE.readCompletion;
  }
}

/** General-purpose CPUs, by their addresses. */
function writeCpus(sccb: Sccb, offset: number, cpus: readonly number[]): void {
  for (const [i, cpu] of cpus.entries()) {
    const at = offset + CPU_ENTRY_BYTES * i;
    sccb.bytes.fill(0, at, at + CPU_ENTRY_BYTES);
    sccb.bytes[at] = cpu;
  }
}

/** What is wrong with a load parameter; undefined if nothing is. */
export function loadParameterProblem(text: string): string | undefined {
  const bad = /[^A-Za-z0-9. ]/.exec(text)?.[0];
  if (bad !== undefined)
    return `LOADPARM: invalid character '${bad}' (ASCII 0x${bad.charCodeAt(0).toString(16).padStart(2, '0')})`;
  return text.length > 8 ? `LOADPARM: '${text}' has more than 8 characters` : undefined;
}
