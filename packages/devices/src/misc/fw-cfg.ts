// Firmware configuration device, memory-mapped form with DMA: a numbered set of byte strings for the firmware, with a directory of named ones.
// After: QEMU documentation, "QEMU Firmware Configuration (fw_cfg) Device" (docs/specs/fw_cfg), sections on the register locations,
// the directory and the guest-side DMA interface.

import { type AddressSpace, Device, MemoryRegion, type StateField, UserError } from '@boardwalk/core';
import { guestError, hex } from '../registers.ts';
import { GuestFault, GuestMemory } from '../virtio/guest-memory.ts';

/** Numbers of the items that every device has. */
export const FW_CFG_SIGNATURE = 0x00;
export const FW_CFG_ID = 0x01;
/** Numbers of items that boards commonly give. */
export const FW_CFG_UUID = 0x02;
export const FW_CFG_RAM_SIZE = 0x03;
export const FW_CFG_NOGRAPHIC = 0x04;
export const FW_CFG_NB_CPUS = 0x05;
export const FW_CFG_KERNEL_ADDR = 0x07;
export const FW_CFG_KERNEL_SIZE = 0x08;
export const FW_CFG_INITRD_ADDR = 0x0a;
export const FW_CFG_INITRD_SIZE = 0x0b;
export const FW_CFG_BOOT_MENU = 0x0e;
export const FW_CFG_MAX_CPUS = 0x0f;
export const FW_CFG_KERNEL_DATA = 0x11;
export const FW_CFG_INITRD_DATA = 0x12;
export const FW_CFG_CMDLINE_ADDR = 0x13;
export const FW_CFG_CMDLINE_SIZE = 0x14;
export const FW_CFG_CMDLINE_DATA = 0x15;
export const FW_CFG_FILE_DIR = 0x19;

const FIRST_FILE = 0x20;
const MAX_FILES = 0x1000 - FIRST_FILE;
const NAME_BYTES = 56;
const ENTRY_BYTES = 64;

const ID_TRADITIONAL = 1;
const ID_DMA = 2;

/** Register offsets; the whole region is 24 bytes. */
const DATA = 0;
const DATA_BYTES = 8;
const SELECTOR = 8;
const DMA_HIGH = 16;
const DMA_LOW = 20;
/** The device's region size in bytes. */
export const FW_CFG_SIZE = 24;

const DMA_SIGNATURE_HIGH = 0x51454d55;
const DMA_SIGNATURE_LOW = 0x20434647;
const DMA_ERROR = 1;
const DMA_READ = 2;
const DMA_SKIP = 4;
const DMA_SELECT = 8;
const DMA_WRITE = 16;
const DMA_DESCRIPTOR_BYTES = 16;
const DMA_STEP = 65536;

/** A named item, or one with a fixed number. */
interface Item {
  readonly bytes: Uint8Array;
  readonly writable: boolean;
  readonly written: ((bytes: Uint8Array) => void) | undefined;
}

/** Options of a named item. */
export interface FwCfgFileOptions {
  /** The guest may write it, by DMA. */
  readonly writable?: boolean;
  /** Called when the guest has written, with the item's bytes. */
  readonly onWrite?: (bytes: Uint8Array) => void;
}

/** The device. Items are added by the board before the machine starts. */
export class FwCfg extends Device {
  static override readonly typeName: string = 'fw_cfg_mem';
  static override readonly state: readonly StateField[] = [
    { name: 'selected', type: 'u16', reset: 0 },
    { name: 'position', type: 'number', reset: 0 },
    { name: 'dmaHigh', type: 'u32', reset: 0 },
  ];

  readonly region: MemoryRegion;
  readonly #items = new Map<number, Item>();
  readonly #files: { readonly name: string; readonly key: number }[] = [];
  readonly #dmaSpace: AddressSpace | undefined;

  selected = 0;
  /** Next byte of the selected item. */
  position = 0;
  dmaHigh = 0;

  /** @param dmaSpace where DMA addresses are; the machine's address space by default */
  constructor(dmaSpace?: AddressSpace) {
    super();
    this.#dmaSpace = dmaSpace;
    this.addBytes(FW_CFG_SIGNATURE, new TextEncoder().encode('QEMU'));
    this.addU32(FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
    this.#updateDirectory();
    this.region = this.addRegion(
      MemoryRegion.io('fwcfg', FW_CFG_SIZE, {
        endianness: 'big',
        valid: { min: 1, max: 8 },
        impl: { min: 1, max: 4 },
        read: (offset, size) => this.#read(offset, size),
        write: (offset, size, value) => this.#write(offset, size, value),
      }),
    );
  }

  /** Sets an item with a fixed number (below 0x20, or board-specific). */
  addBytes(key: number, bytes: Uint8Array): void {
    this.#items.set(key, { bytes, writable: false, written: undefined });
  }

  /** An item of text, with its terminating zero. */
  addString(key: number, text: string): void {
    this.addBytes(key, new TextEncoder().encode(`${text}\0`));
  }

  /** An item of one 16-bit number, little-endian as the device's traditional items are. */
  addU16(key: number, value: number): void {
    this.addBytes(key, Uint8Array.of(value & 0xff, (value >>> 8) & 0xff));
  }

  /** An item of one 32-bit number, little-endian. */
  addU32(key: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.addBytes(key, bytes);
  }

  /** An item of one 64-bit number, little-endian. */
  addU64(key: number, value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    this.addBytes(key, bytes);
  }

  /**
   * Adds or replaces a named item and returns its number.
   * @param name such as `etc/system-states` or `opt/org.example/thing`, at most 55 bytes
   * @throws UserError for a name that is too long or one item too many
   */
  addFile(name: string, bytes: Uint8Array, options: FwCfgFileOptions = {}): number {
    if (name === '' || new TextEncoder().encode(name).length >= NAME_BYTES) {
      throw new UserError(`fw_cfg name '${name}' is not 1 to ${NAME_BYTES - 1} bytes long`);
    }
    const known = this.#files.find((file) => file.name === name);
    if (known === undefined && this.#files.length >= MAX_FILES) throw new UserError('too many fw_cfg files');
    const key = known?.key ?? FIRST_FILE + this.#files.length;
    if (known === undefined) this.#files.push({ name, key });
    this.#items.set(key, { bytes, writable: options.writable ?? false, written: options.onWrite });
    this.#updateDirectory();
    return key;
  }

  /** The named items, in the directory's order. */
  get files(): readonly { readonly name: string; readonly bytes: Uint8Array }[] {
    return this.#sortedFiles().map(({ name, key }) => ({
      name,
      bytes: this.#items.get(key)?.bytes ?? new Uint8Array(0),
    }));
  }

  #sortedFiles(): readonly { readonly name: string; readonly key: number }[] {
    return [...this.#files].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The directory: a big-endian count, then size, number and name of each file. */
  #updateDirectory(): void {
    const directory = new Uint8Array(4 + ENTRY_BYTES * this.#files.length);
    const view = new DataView(directory.buffer);
    view.setUint32(0, this.#files.length);
    this.#sortedFiles().forEach(({ name, key }, i) => {
      const at = 4 + ENTRY_BYTES * i;
      view.setUint32(at, this.#items.get(key)?.bytes.length ?? 0);
      view.setUint16(at + 4, key);
      directory.set(new TextEncoder().encode(name), at + 8);
    });
    this.addBytes(FW_CFG_FILE_DIR, directory);
  }

  #read(offset: number, size: number): number {
    if (offset < DATA + DATA_BYTES) {
      let value = 0;
      for (let i = 0; i < size; i++) value = value * 256 + this.#nextByte();
      return value;
    }
    if (offset === DMA_HIGH && size === 4) return DMA_SIGNATURE_HIGH;
    if (offset === DMA_LOW && size === 4) return DMA_SIGNATURE_LOW;
    guestError(this, `read of ${size} bytes at ${hex(offset)}`);
    return 0;
  }

  #write(offset: number, size: number, value: number): void {
    if (offset === SELECTOR && size === 2) {
      this.#select(value);
    } else if (offset === DMA_HIGH && size === 4) {
      this.dmaHigh = value;
    } else if (offset === DMA_LOW && size === 4) {
      const address = this.dmaHigh * 2 ** 32 + value;
      this.dmaHigh = 0;
      this.#dma(address);
    } else {
      // The data register's write form is gone since version 2.4 of its specification: writes are ignored.
      guestError(this, `write of ${size} bytes at ${hex(offset)}`);
    }
  }

  #select(key: number): void {
    this.selected = key;
    this.position = 0;
  }

  /** The next byte of the selected item, 0 beyond its end. */
  #nextByte(): number {
    const byte = this.#items.get(this.selected)?.bytes[this.position] ?? 0;
    this.position++;
    return byte;
  }

  /** Carries out the request at a guest address, and clears its control word, or leaves the error bit in it. */
  #dma(address: number): void {
    const memory = new GuestMemory(this.#dmaSpace ?? this.machine.addressSpace);
    try {
      const request = new DataView(new ArrayBuffer(DMA_DESCRIPTOR_BYTES));
      memory.read(address, new Uint8Array(request.buffer));
      const control = request.getUint32(0);
      if ((control & DMA_SELECT) !== 0) this.#select(control >>> 16);
      const high = request.getUint32(8);
      const good = this.#transfer(memory, control, high * 2 ** 32 + request.getUint32(12), request.getUint32(4));
      const answer = new Uint8Array(4);
      new DataView(answer.buffer).setUint32(0, good ? 0 : DMA_ERROR);
      memory.write(address, answer);
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      guestError(this, `DMA request: ${error.message}`);
    }
  }

  #transfer(memory: GuestMemory, control: number, address: number, length: number): boolean {
    if ((control & DMA_READ) !== 0) return this.#dmaRead(memory, address, length);
    if ((control & DMA_WRITE) !== 0) return this.#dmaWrite(memory, address, length);
    if ((control & DMA_SKIP) !== 0) this.position += length;
    return true;
  }

  /** Copies what is left of the item, then zeros. */
  #dmaRead(memory: GuestMemory, address: number, length: number): boolean {
    if (!memory.isRam(address, length, true)) return false;
    const bytes = this.#items.get(this.selected)?.bytes ?? new Uint8Array(0);
    const have = bytes.subarray(this.position, this.position + length);
    memory.write(address, have);
    const zeros = new Uint8Array(DMA_STEP);
    for (let done = have.length; done < length; done += DMA_STEP) {
      memory.write(address + done, zeros.subarray(0, Math.min(DMA_STEP, length - done)));
    }
    this.position += length;
    return true;
  }

  #dmaWrite(memory: GuestMemory, address: number, length: number): boolean {
    const item = this.#items.get(this.selected);
    if (item?.writable !== true || length > item.bytes.length - this.position) return false;
    if (!memory.isRam(address, length, false)) return false;
    memory.read(address, item.bytes.subarray(this.position, this.position + length));
    this.position += length;
    item.written?.(item.bytes);
    return true;
  }
}
