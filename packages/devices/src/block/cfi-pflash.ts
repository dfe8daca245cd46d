// Parallel NOR flash with the Intel/Sharp extended command set (CFI command set 0001), one or more chips side by side on a bank.
// After: JEDEC JESD68.01 "Common Flash Interface (CFI)" (query structure), JEP137B (command set codes);
// Intel "StrataFlash Embedded Memory (P30)" datasheet 306666, sections 9 to 12 (commands, status register, buffered programming, lock bits).

import { type BlockBackend, Device, MemoryRegion, type RegionOps, type StateField, UserError } from '@boardwalk/core';
import { guestError, hex, unimplemented } from '../registers.ts';
import { cfiQuery } from './cfi-query.ts';
import { WriteThrough } from './write-through.ts';

/** Commands, the lowest byte of what is written. */
const CMD_PROGRAM = 0x40;
const CMD_PROGRAM_ALTERNATE = 0x10;
const CMD_ERASE_SETUP = 0x20;
const CMD_CLEAR_STATUS = 0x50;
const CMD_LOCK_SETUP = 0x60;
const CMD_READ_STATUS = 0x70;
const CMD_READ_ID = 0x90;
const CMD_CFI_QUERY = 0x98;
const CMD_SUSPEND = 0xb0;
const CMD_CONFIRM = 0xd0;
const CMD_BUFFERED_PROGRAM = 0xe8;
const CMD_READ_ARRAY = 0xff;
const LOCK = 0x01;
const LOCK_DOWN = 0x2f;

/** Status register. */
const SR_READY = 0x80;
const SR_ERASE_ERROR = 0x20;
const SR_PROGRAM_ERROR = 0x10;
const SR_LOCKED = 0x02;
const SR_SEQUENCE_ERROR = SR_ERASE_ERROR | SR_PROGRAM_ERROR;

/** What a read returns. */
const READ_ARRAY = 0;
const READ_STATUS = 1;
const READ_ID = 2;
const READ_QUERY = 3;

/** What the next write is. */
const WRITE_COMMAND = 0;
const WRITE_PROGRAM_WORD = 1;
const WRITE_ERASE_CONFIRM = 2;
const WRITE_LOCK_COMMAND = 3;
const WRITE_BUFFER_COUNT = 4;
const WRITE_BUFFER_DATA = 5;
const WRITE_BUFFER_CONFIRM = 6;

/** Bytes of the piece that stands for erased flash. */
const PATTERN_BYTES = 2 ** 20;

/** How a {@link CfiPflash} is built. */
export interface CfiPflashOptions {
  readonly name: string;
  /** Bytes of the bank. */
  readonly size: number;
  /** Bytes of an erase block of the bank, all chips together. */
  readonly sectorSize: number;
  /** Bytes that the bank is wide. */
  readonly bankWidth: 1 | 2 | 4;
  /** Bytes that one chip is wide; as the bank by default: one chip. */
  readonly deviceWidth?: 1 | 2 | 4;
  /** Manufacturer's and device's code. */
  readonly id?: readonly [number, number];
  /** Bytes of each chip's write buffer, a power of two. */
  readonly writeBuffer?: number;
  /** Where the contents are kept. */
  readonly backend?: BlockBackend;
  /** What {@link readFlashImage} has read of the backend. Shorter contents are followed by erased flash. */
  readonly contents?: Uint8Array;
}

/**
 * Reads what a flash bank starts with; to be awaited before the device is made, since nothing waits inside a machine.
 * @throws UserError when the backend is larger than the bank
 */
export async function readFlashImage(backend: BlockBackend, bankSize: number): Promise<Uint8Array> {
  if (backend.size > bankSize) {
    throw new UserError(`device requires ${bankSize} bytes, block backend provides ${backend.size} bytes`);
  }
  const image = new Uint8Array(backend.size);
  await backend.read(0, image);
  return image;
}

/** A bank of CFI flash. Reads of the array are plain memory; writes are commands, and take no time. */
export class CfiPflash extends Device {
  static override readonly typeName: string = 'cfi.pflash01';
  static override readonly state: readonly StateField[] = [
    { name: 'readMode', type: 'u8', reset: READ_ARRAY },
    { name: 'writeState', type: 'u8', reset: WRITE_COMMAND },
    { name: 'statusRegister', type: 'u8', reset: SR_READY },
    { name: 'bufferAddress', type: 'u32', reset: 0 },
    { name: 'bufferLeft', type: 'u32', reset: 0 },
    { name: 'bufferBase', type: 'i32', reset: -1 },
    { name: 'buffer', type: 'bytes', reset: 0xff },
    { name: 'locked', type: 'bytes' },
  ];

  readonly #options: CfiPflashOptions;
  readonly #deviceWidth: number;
  readonly #query: Uint8Array;
  #region: MemoryRegion | undefined;
  #array: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
  #writeThrough: WriteThrough | undefined;

  readMode = READ_ARRAY;
  writeState = WRITE_COMMAND;
  statusRegister = SR_READY;
  /** Block that a two-cycle command was begun in. */
  bufferAddress = 0;
  /** Words that a buffered program still takes. */
  bufferLeft = 0;
  /** Where in the array the buffer begins; -1 until its first word. */
  bufferBase = -1;
  readonly buffer: Uint8Array;
  /** One byte a block, 1 when its lock bit is set. */
  readonly locked: Uint8Array;

  /** @throws UserError when sizes and widths do not fit each other */
  constructor(options: CfiPflashOptions) {
    super();
    const { size, sectorSize, bankWidth } = options;
    this.#options = options;
    this.#deviceWidth = options.deviceWidth ?? bankWidth;
    if (size % sectorSize !== 0 || bankWidth % this.#deviceWidth !== 0) {
      throw new UserError(`flash '${options.name}': ${size} bytes in blocks of ${sectorSize} is no bank`);
    }
    const chips = bankWidth / this.#deviceWidth;
    const chipBuffer = options.writeBuffer ?? 2048 / chips;
    this.#query = cfiQuery({
      chipSize: size / chips,
      blocks: size / sectorSize,
      chipBlockSize: sectorSize / chips,
      writeBuffer: chipBuffer,
      interface: this.#deviceWidth === 1 ? 0 : this.#deviceWidth === 2 ? 1 : 3,
    });
    this.buffer = new Uint8Array(chipBuffer * chips);
    this.locked = new Uint8Array(size / sectorSize);
  }

  override realize(): void {
    super.realize();
    const { name, size, backend, contents } = this.#options;
    const block = this.machine.allocateRam(name, size);
    this.#array = { offset: block.offset, bytes: block.bytes };
    this.#region = this.addRegion(MemoryRegion.romDevice(name, block, this.#ops()));
    this.#eraseAll(this.#region);
    if (contents !== undefined) {
      this.#region.materialize();
      block.bytes.set(contents.subarray(0, size));
    }
    if (backend?.readonly === true) this.locked.fill(1);
    if (backend?.readonly === false) this.#writeThrough = new WriteThrough(backend, block.bytes);
  }

  /** Erased flash is a piece of it, seen again and again: it takes memory when it is first programmed. */
  #eraseAll(region: MemoryRegion): void {
    const { name, size, sectorSize } = this.#options;
    const bytes = size % PATTERN_BYTES === 0 ? PATTERN_BYTES : sectorSize;
    const pattern = this.machine.allocateRam(`${name}.erased`, bytes);
    pattern.bytes.fill(0xff);
    region.showPattern(pattern);
  }

  /** To be mapped by the board, once the device is part of the machine. */
  get region(): MemoryRegion {
    if (this.#region === undefined) throw new Error('the flash is not part of a machine yet');
    return this.#region;
  }

  override resetHold(): void {
    super.resetHold();
    this.#region?.setRomdMode(true);
  }

  protected override afterRestore(): void {
    this.#region?.setRomdMode(this.readMode === READ_ARRAY);
  }

  /** Done when everything programmed so far is at the backend. Rejects when the backend could not write. */
  async flushed(): Promise<void> {
    await this.#writeThrough?.flushed();
  }

  override async dispose(): Promise<void> {
    super.dispose();
    await this.flushed();
  }

  #ops(): RegionOps {
    return {
      endianness: 'little',
      valid: { min: 1, max: 4 },
      read: (offset, size) => this.#read(offset, size),
      write: (offset, size, value) => this.#write(offset, size, value),
    };
  }

  get #bytes(): Uint8Array {
    if (this.#array === undefined) throw new Error('the flash is not part of a machine yet');
    return this.#array.bytes;
  }

  #read(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + this.#readByte(offset + i);
    return value;
  }

  /** One byte lane of what the chips answer: each chip gives the same, in its lowest byte. */
  #readByte(offset: number): number {
    if (this.readMode === READ_ARRAY) return this.#region?.pattern ? 0xff : (this.#bytes[offset] ?? 0);
    const { bankWidth, sectorSize } = this.#options;
    if (offset % this.#deviceWidth !== 0) return 0;
    if (this.readMode === READ_STATUS) return this.statusRegister;
    const word = Math.floor(offset / bankWidth);
    if (this.readMode === READ_QUERY) return this.#query[word & 0xff] ?? 0;
    const [manufacturer, device] = this.#options.id ?? [0x89, 0x18];
    switch (word & 0xff) {
      case 0:
        return manufacturer;
      case 1:
        return device;
      case 2:
        return this.locked[Math.floor(offset / sectorSize)] ?? 0;
      default:
        return 0;
    }
  }

  #write(offset: number, size: number, value: number): void {
    const command = value & 0xff;
    switch (this.writeState) {
      case WRITE_PROGRAM_WORD:
        this.#program(offset, littleEndian(value, size));
        this.#done();
        break;
      case WRITE_ERASE_CONFIRM:
        if (command === CMD_CONFIRM) this.#erase(offset);
        else this.#sequenceError(command);
        this.#done();
        break;
      case WRITE_LOCK_COMMAND:
        this.#lock(offset, command);
        this.#done();
        break;
      case WRITE_BUFFER_COUNT:
        this.#bufferCount(command, value, size);
        break;
      case WRITE_BUFFER_DATA:
        this.#bufferWord(offset, littleEndian(value, size));
        break;
      case WRITE_BUFFER_CONFIRM:
        if (command === CMD_CONFIRM) this.#program(this.bufferBase, this.buffer, this.bufferAddress);
        else this.#sequenceError(command);
        this.#done();
        break;
      default:
        this.#command(offset, command);
    }
  }

  #command(offset: number, command: number): void {
    switch (command) {
      case CMD_READ_ARRAY:
        this.#setReadMode(READ_ARRAY);
        break;
      case CMD_READ_STATUS:
        this.#setReadMode(READ_STATUS);
        break;
      case CMD_READ_ID:
        this.#setReadMode(READ_ID);
        break;
      case CMD_CFI_QUERY:
        this.#setReadMode(READ_QUERY);
        break;
      case CMD_CLEAR_STATUS:
        this.statusRegister = SR_READY;
        break;
      case CMD_PROGRAM:
      case CMD_PROGRAM_ALTERNATE:
        this.#expect(WRITE_PROGRAM_WORD);
        break;
      case CMD_ERASE_SETUP:
        this.#expect(WRITE_ERASE_CONFIRM);
        break;
      case CMD_LOCK_SETUP:
        this.#expect(WRITE_LOCK_COMMAND);
        break;
      case CMD_BUFFERED_PROGRAM:
        this.bufferAddress = this.#blockOf(offset);
        this.#expect(WRITE_BUFFER_COUNT);
        break;
      case CMD_SUSPEND:
      case CMD_CONFIRM:
        // Nothing takes time here, so there is nothing to suspend or resume.
        this.#setReadMode(READ_STATUS);
        break;
      default:
        unimplemented(this, `command ${hex(command)} at ${hex(offset)}`);
        this.#setReadMode(READ_ARRAY);
    }
  }

  #expect(state: number): void {
    this.writeState = state;
    this.#setReadMode(READ_STATUS);
  }

  #done(): void {
    this.writeState = WRITE_COMMAND;
    this.statusRegister |= SR_READY;
  }

  #setReadMode(mode: number): void {
    if (mode === this.readMode) return;
    this.readMode = mode;
    this.#region?.setRomdMode(mode === READ_ARRAY);
  }

  #sequenceError(command: number): void {
    guestError(this, `command ${hex(command)} does not end the command sequence`);
    this.statusRegister |= SR_SEQUENCE_ERROR;
  }

  #blockOf(offset: number): number {
    return offset - (offset % this.#options.sectorSize);
  }

  /** The count is words minus one, the same for each chip. */
  #bufferCount(command: number, value: number, size: number): void {
    const count = (this.#deviceWidth === 1 || size === 1 ? command : value & 0xffff) + 1;
    if (count * this.#options.bankWidth > this.buffer.length) {
      this.#sequenceError(command);
      this.#done();
      return;
    }
    this.bufferLeft = count;
    this.bufferBase = -1;
    this.buffer.fill(0xff);
    this.writeState = WRITE_BUFFER_DATA;
  }

  /** The first word's address aligns the buffer; the others may come in any order within it. */
  #bufferWord(offset: number, bytes: Uint8Array): void {
    if (this.bufferBase < 0) this.bufferBase = offset;
    const at = offset - this.bufferBase;
    if (at < 0 || at + bytes.length > this.buffer.length || this.#blockOf(offset) !== this.bufferAddress) {
      this.#sequenceError(bytes[0] ?? 0);
      this.#done();
      return;
    }
    this.buffer.set(bytes, at);
    this.bufferLeft--;
    if (this.bufferLeft === 0) this.writeState = WRITE_BUFFER_CONFIRM;
  }

  /** Programming clears bits; only an erase sets them. */
  #program(offset: number, bytes: Uint8Array, block = this.#blockOf(offset)): void {
    if (this.#refusedByLock(block, SR_PROGRAM_ERROR)) return;
    this.#region?.materialize();
    const array = this.#bytes;
    const end = Math.min(offset + bytes.length, block + this.#options.sectorSize);
    for (let i = offset; i < end; i++) array[i] = (array[i] ?? 0) & (bytes[i - offset] ?? 0xff);
    this.#changed(offset, end - offset);
  }

  #erase(offset: number): void {
    const block = this.#blockOf(offset);
    if (this.#refusedByLock(block, SR_ERASE_ERROR)) return;
    if (this.#region?.pattern) return;
    this.#bytes.fill(0xff, block, block + this.#options.sectorSize);
    this.#changed(block, this.#options.sectorSize);
  }

  #refusedByLock(block: number, error: number): boolean {
    if ((this.locked[block / this.#options.sectorSize] ?? 0) === 0) return false;
    this.statusRegister |= error | SR_LOCKED;
    return true;
  }

  #lock(offset: number, command: number): void {
    const index = Math.floor(offset / this.#options.sectorSize);
    const readonly = this.#options.backend?.readonly === true;
    if (command === LOCK || command === LOCK_DOWN) this.locked[index] = 1;
    else if (command === CMD_CONFIRM) this.locked[index] = readonly ? 1 : 0;
    else this.#sequenceError(command);
  }

  /** Tells the memory system, and brings the backend up to date. */
  #changed(offset: number, length: number): void {
    if (this.#array !== undefined) this.machine.space.noteWrite(this.#array.offset + offset, length);
    this.#writeThrough?.changed(offset, length);
  }
}

function littleEndian(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 0xff);
}
