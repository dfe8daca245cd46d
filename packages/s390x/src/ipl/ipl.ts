/**
 * IPL: what lies in storage and where the first CPU starts after a reset, and DIAGNOSE 0x308, by which a program asks for it again.
 * After Linux (arch/s390/include/asm/diag.h, arch/s390/kernel/ipl.c) and qemu-system-s390x 7.2 (observed).
 */
import { Device, loadImage, type MemoryImage, type StateField } from '@boardwalk/core';
import {
  CC_UNCHANGED,
  type CpuPort,
  type Outcome,
  PGM_ADDRESSING,
  PGM_SPECIFICATION,
  programInterruption,
} from '../cpu/services.ts';
import { AbsoluteStorage } from '../css/storage.ts';
import { decodeIplBlock, encodeIplBlock, IPL_BLOCK_BYTES, type IplDevice } from './ipl-block.ts';
import { type BootLayout, named } from './kernel.ts';

/** Subcodes of DIAGNOSE 0x308. */
const SUBCODE = { modifiedClear: 0, loadNormal: 1, loadClear: 3, loadNormalDump: 4, set: 5, store: 6 } as const;
const RC_OK = 0x0001n;
const RC_NO_CONFIGURATION = 0x0102n;
const RC_INVALID = 0x0402n;

/** 64-bit addressing: bits 31 and 32 of the PSW. */
const PSW_64BIT = 0x0000_0001_8000_0000n;

const PAGE = 4096;
/** What the firmware finds in the prefix area about the boot menu: flags, and the time that it waits. */
const BOOT_PARAMETERS = 0xcc;
const BOOT_PARAMETERS_BYTES = 28;

/** What is loaded, from the user's options. */
export interface IplSources {
  readonly kernel: BootLayout | undefined;
  readonly firmware: (MemoryImage & { readonly entry: number }) | undefined;
  /** The device that is tried, where the user said nothing else. */
  readonly device: () => IplDevice | undefined;
}

/** The rest of the machine, as IPL needs it. */
export interface IplMachine {
  readonly cpus: readonly CpuPort[];
  /** Resets channel subsystem, service processor and what is pending, not storage and CPUs. */
  subsystemReset(): void;
}

export class Ipl extends Device {
  static override readonly typeName: string = 's390-ipl';
  static override readonly state: readonly StateField[] = [
    { name: 'block', type: 'bytes' },
    { name: 'blockValid', type: 'bool' },
    { name: 'programAsked', type: 'bool' },
  ];

  /** The IPL parameter block. */
  readonly block = new Uint8Array(IPL_BLOCK_BYTES);
  /** The program has set it. */
  blockValid = false;
  /** The reset that comes is one that the program asked for: its block counts. */
  programAsked = false;
  #isLoading = false;
  readonly #sources: IplSources;
  readonly #machine: IplMachine;

  constructor(sources: IplSources, machine: IplMachine) {
    super();
    this.#sources = sources;
    this.#machine = machine;
  }

  /** The load parameter of the device that is loaded from; empty without. */
  get loadParameter(): string {
    return this.blockValid || this.#sources.kernel === undefined
      ? (decodeIplBlock(this.block)?.loadParameter ?? '')
      : '';
  }

  /** Loads storage and starts the first CPU; at each reset, when all devices have their reset values. */
  load(): void {
    if (!this.programAsked) {
      this.blockValid = false;
      const device = this.#sources.device();
      this.block.set(device === undefined ? new Uint8Array(IPL_BLOCK_BYTES) : encodeIplBlock(device));
    }
    this.programAsked = false;
    const [cpu] = this.#machine.cpus;
    const { kernel, firmware } = this.#sources;
    if (cpu === undefined) return;
    const { addressSpace } = this.machine;
    if (kernel !== undefined && !this.blockValid) {
      named('-kernel', () => loadImage(addressSpace, kernel.image));
      this.#start(cpu, kernel.start.kind === 'address' ? kernel.start.address : undefined);
    } else if (firmware !== undefined) {
      named('-bios', () => loadImage(addressSpace, firmware));
      addressSpace.writeBytes(BOOT_PARAMETERS, new Uint8Array(BOOT_PARAMETERS_BYTES));
      this.#start(cpu, firmware.entry);
    }
  }

  /** DIAGNOSE 0x308: the subcode is in r3; r1 is an even register with the address of a block, the next one gets the result. */
  diagnose(cpu: CpuPort, r1: number, r3: number): Outcome {
    const subcode = Number(cpu.gpr(r3) & 0xffff_ffffn);
    switch (subcode) {
      case SUBCODE.modifiedClear:
      case SUBCODE.loadNormal:
        this.#askToLoad(cpu, subcode === SUBCODE.modifiedClear);
        return CC_UNCHANGED;
      case SUBCODE.loadClear:
      case SUBCODE.loadNormalDump:
        this.programAsked = true;
        cpu.stopCpu();
        this.machine.reset('guest');
        return CC_UNCHANGED;
      case SUBCODE.set:
      case SUBCODE.store:
        return this.#transferBlock(cpu, r1, subcode === SUBCODE.set);
      default:
        return programInterruption(PGM_SPECIFICATION);
    }
  }

  #start(cpu: CpuPort, address: number | undefined): void {
    if (address === undefined) cpu.setShortPsw(this.#shortPsw());
    else cpu.setPsw(PSW_64BIT, BigInt(address));
    cpu.startCpu();
  }

  #shortPsw(): bigint {
    return new AbsoluteStorage(this.machine.addressSpace).doubleword(0) ?? 0n;
  }

  /** Loads at once, or when CPUs that run on threads stand still; until then this one does nothing more. */
  #askToLoad(cpu: CpuPort, clear: boolean): void {
    if (this.machine.team === undefined) {
      this.#loadFromStorage(cpu, clear);
      return;
    }
    this.#isLoading = true;
    cpu.stopCpu();
    this.machine.whenStill(() => {
      this.#isLoading = false;
      this.#loadFromStorage(cpu, clear);
    });
  }

  /** A program is about to be loaded: CPUs that stop do so for that. */
  get isLoading(): boolean {
    return this.#isLoading || this.programAsked;
  }

  /** The machine is reset but for storage, and goes on with the PSW that lies there: how a loader starts what it has loaded. */
  #loadFromStorage(cpu: CpuPort, clear: boolean): void {
    for (const other of this.#machine.cpus) if (other !== cpu) other.resetCpu(clear ? 'clear' : 'cpu');
    this.#machine.subsystemReset();
    cpu.resetCpu(clear ? 'clear' : 'initial');
    cpu.setShortPsw(this.#shortPsw());
    cpu.startCpu();
  }

  #transferBlock(cpu: CpuPort, r1: number, set: boolean): Outcome {
    const address = Number(cpu.gpr(r1));
    if (r1 % 2 !== 0 || address % PAGE !== 0) return programInterruption(PGM_SPECIFICATION);
    const storage = new AbsoluteStorage(this.machine.addressSpace);
    if (!storage.has(address, PAGE)) return programInterruption(PGM_ADDRESSING);
    cpu.setGpr(r1 + 1, set ? this.#setBlock(storage, address) : this.#storeBlock(storage, address));
    return CC_UNCHANGED;
  }

  #setBlock(storage: AbsoluteStorage, address: number): bigint {
    const block = new Uint8Array(IPL_BLOCK_BYTES);
    storage.read(address, block);
    if (decodeIplBlock(block) === undefined) return RC_INVALID;
    block.fill(0, new DataView(block.buffer).getUint32(0));
    this.block.set(block);
    this.blockValid = true;
    return RC_OK;
  }

  #storeBlock(storage: AbsoluteStorage, address: number): bigint {
    const length = new DataView(this.block.buffer).getUint32(0);
    // A kernel that the machine was given has been loaded from no device.
    if (length === 0 || (!this.blockValid && this.#sources.kernel !== undefined)) return RC_NO_CONFIGURATION;
    storage.write(address, this.block.subarray(0, length));
    return RC_OK;
  }
}
