// The one WebAssembly.Memory that a machine's RAM, CPU states and translator tables lie in. It never grows, so that its views and
// anything that is mapped into it stay valid.

import { UserError } from '../object/index.ts';
import { type HoleRequest, Holes, RangeSet } from './holes.ts';
import { PAGE_CLEAN, PAGE_SIZE, type PageFlags } from './page-flags.ts';
import { RamBlock } from './ram-block.ts';
import {
  guestRamProblem,
  has64BitMemory,
  type IndexBits,
  LARGEST_MEMORY,
  largestGuestRam,
  makeLargestMemory,
  makeMemory,
  WASM_PAGE,
} from './wasm-memory.ts';

/** Areas of the emulator lie below this, so that their addresses fit in 32 bits. */
const AREAS_END = 2 ** 32;

let defaultIndexBits: IndexBits | undefined;

/** Told of a range of whole or partial pages that share nothing but being next to each other. */
export type PageListener = (hostOffset: number, length: number, flags: PageFlags) => void;

/** How {@link RamSpace.create} makes a space. */
export interface RamSpaceOptions {
  /** Size in bytes, a multiple of 64 KiB. If not given: all that the index reaches, or the most that the runtime allows. */
  readonly bytes?: number;
  /** Bytes of guest RAM that must fit in. The index has 64 bits where they would not fit otherwise. */
  readonly guestRam?: number;
  /** Bytes of guest RAM that may come to be in it. The index has 64 bits where they need them and the runtime has such. */
  readonly maxGuestRam?: number;
  /** How wide the memory's index is; if not given: 32 bits, which are quicker, unless more is needed. */
  readonly indexBits?: IndexBits;
  /** Shared memory, which other threads can use; where the runtime has it if not given. */
  readonly shared?: boolean;
}

/** Where {@link RamSpace.allocateRam} puts a block. */
export interface RamPlacement {
  /** A power of two, in bytes; 64 KiB if not given. */
  readonly align?: number;
  /** Address of host offset 0 on the host: with it, it is the address there that is aligned. */
  readonly hostBase?: number;
  /** The block has so many whole units to itself, in bytes; a page if not given. */
  readonly granule?: number;
}

/** A space that another thread made, as this thread has it. */
export interface RamSpacePart {
  readonly memory: WebAssembly.Memory;
  readonly indexBits: IndexBits;
  /** Host offset of the flags of all pages. */
  readonly pageFlags: number;
  /** The zeroed part that this thread may give out. */
  readonly slice: { readonly offset: number; readonly bytes: number };
}

/** Makes whole pages of a range zero and gives them back to the host; false if it could not. */
export type PageZeroer = (hostOffset: number, length: number) => boolean;

function chooseIndexBits(options: RamSpaceOptions): IndexBits {
  const { bytes = 0, guestRam = 0, maxGuestRam = 0, indexBits = defaultIndexBits } = options;
  const isNeeded = bytes > LARGEST_MEMORY[32] || guestRam > largestGuestRam(32);
  const isWanted = maxGuestRam > largestGuestRam(32) && has64BitMemory();
  const chosen = indexBits ?? (isNeeded || isWanted ? 64 : 32);
  const problem = guestRamProblem(guestRam);
  if (problem !== undefined) throw new UserError(problem);
  if (chosen === 64 && !has64BitMemory()) {
    throw new UserError('this runtime has no 64-bit WebAssembly memories; Node.js 24 does');
  }
  return chosen;
}

function listen(listeners: PageListener[], listener: PageListener): () => void {
  listeners.push(listener);
  return () => {
    const index = listeners.indexOf(listener);
    if (index >= 0) listeners.splice(index, 1);
  };
}

/**
 * The memory of one machine on the host. Places in it are host offsets: numbers from 0 to {@link RamSpace.size}.
 *
 * Offset 0 and the page around it are never given out.
 */
export class RamSpace {
  readonly memory: WebAssembly.Memory;
  readonly shared: boolean;
  /** Bits of an index of the memory, in WebAssembly code. */
  readonly indexBits: IndexBits;
  /** Bytes. */
  readonly size: number;
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly view: DataView;
  /**
   * Host offset of one byte for every 4 KiB page of the whole space, the sum of its {@link PageFlags}. Where the byte is not zero, a
   * write must be followed by {@link noteWrite}.
   */
  readonly pageFlags: number;
  readonly #holes: Holes;
  /** What was ever given out: elsewhere the host has not made a page yet, and all is zero. */
  readonly #touched = new RangeSet();
  readonly #blocks = new Set<RamBlock>();
  #zeroer: PageZeroer | undefined;
  readonly #writeListeners: PageListener[] = [];
  readonly #raiseListeners: PageListener[] = [];

  /** Called before flags are looked at after a write of a device's, where vCPUs on other threads set them. */
  beforeFlagsLook: (() => void) | undefined;

  private constructor(memory: WebAssembly.Memory, shared: boolean, indexBits: IndexBits, attached?: RamSpacePart) {
    const { buffer } = memory;
    this.memory = memory;
    this.shared = shared;
    this.indexBits = indexBits;
    this.size = buffer.byteLength;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.view = new DataView(buffer);
    if (attached === undefined) {
      this.#holes = new Holes(WASM_PAGE, this.size);
      this.pageFlags = this.reserve(this.size / PAGE_SIZE);
      return;
    }
    const { offset, bytes } = attached.slice;
    this.#holes = new Holes(offset, offset + bytes);
    this.pageFlags = attached.pageFlags;
  }

  /** Another thread's space: all of its memory is seen, and a part of it is divided up here. */
  static attach(part: RamSpacePart): RamSpace {
    return new RamSpace(part.memory, true, part.indexBits, part);
  }

  /** @throws UserError if the host has no room for a memory of this size, or the runtime no index that is wide enough */
  static create(options: RamSpaceOptions = {}): RamSpace {
    const shared = options.shared ?? typeof SharedArrayBuffer === 'function';
    const { bytes } = options;
    const indexBits = chooseIndexBits(options);
    if (bytes === undefined) return new RamSpace(makeLargestMemory(shared, indexBits), shared, indexBits);
    if (bytes < 2 * WASM_PAGE || bytes % WASM_PAGE !== 0 || bytes > LARGEST_MEMORY[indexBits]) {
      throw new RangeError(`no RAM space can have ${bytes} bytes`);
    }
    try {
      return new RamSpace(makeMemory(bytes, shared, indexBits), shared, indexBits);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UserError('cannot set up the memory of the machine: Cannot allocate memory');
    }
  }

  /**
   * Index of spaces made from now on where {@link RamSpaceOptions} does not say one: for running tests and measurements with
   * either. `undefined`: as wide as is needed.
   */
  static preferIndex(indexBits: IndexBits | undefined): void {
    defaultIndexBits = indexBits;
  }

  /** The error of something that does not fit in; it names the limit where that is the index's. */
  noRoom(what: string): UserError {
    const whole = this.size === LARGEST_MEMORY[this.indexBits];
    const reach = `; RAM and the emulator share the ${this.size / 2 ** 30} GiB that ${this.indexBits}-bit indexes reach`;
    const more = has64BitMemory() ? '' : ' (Node.js 24 has 64-bit ones)';
    return new UserError(`cannot set up ${what}: Cannot allocate memory${whole ? reach + more : ''}`);
  }

  /** The blocks of RAM, in the order in which they were made. */
  get blocks(): readonly RamBlock[] {
    return [...this.#blocks];
  }

  /**
   * Takes a range of zeroed bytes for the emulator itself and returns its host offset, which is below 4 GiB.
   *
   * @param align a power of two, in bytes
   * @throws UserError when there is no room
   */
  reserve(bytes: number, align = WASM_PAGE): number {
    const offset = this.#take({ bytes, align, base: 0, from: 0, to: Math.min(this.size, AREAS_END) });
    if (offset < 0) throw this.noRoom('the emulator');
    return offset;
  }

  /** Gives back a range that {@link reserve} gave; it is zeroed when it is next given out. Nothing may refer to it any more. */
  release(hostOffset: number, bytes: number): void {
    const wholePages = hostOffset % PAGE_SIZE === 0 && bytes % PAGE_SIZE === 0;
    if (wholePages) this.#zeroer?.(hostOffset, bytes);
    this.#holes.giveBack(hostOffset, bytes);
  }

  /**
   * Makes a block of zeroed RAM. It has pages of its own even if `bytes` is no whole number of them.
   *
   * @throws UserError when there is no room
   */
  allocateRam(name: string, bytes: number, placement: RamPlacement = {}): RamBlock {
    const { align = WASM_PAGE, hostBase = 0, granule = PAGE_SIZE } = placement;
    const span = Math.ceil(bytes / granule) * granule;
    const request = { bytes: span, align: Math.max(align, PAGE_SIZE), base: hostBase, from: 0, to: this.size };
    let offset = this.#take({ ...request, from: this.#ramStart(span + request.align) });
    if (offset < 0) offset = this.#take(request);
    if (offset < 0) throw this.noRoom(`guest memory '${name}'`);
    const block = new RamBlock(this, name, offset, bytes, span);
    this.#blocks.add(block);
    return block;
  }

  /** Gives a block's bytes back; they are zeroed when they are next given out. Nothing may refer to the block any more. */
  releaseRam(block: RamBlock): void {
    if (!this.#blocks.delete(block)) throw new Error(`RAM block '${block.name}' is not in use`);
    const { offset, span } = block;
    this.noteWrite(offset, span);
    this.u8.fill(0, this.pageFlags + offset / PAGE_SIZE, this.pageFlags + (offset + span) / PAGE_SIZE);
    this.#zeroer?.(offset, span);
    this.#holes.giveBack(offset, span);
  }

  /** Lets the host zero pages, which makes them cost nothing until they are touched again. */
  zeroWith(zeroer: PageZeroer): void {
    this.#zeroer = zeroer;
  }

  /**
   * Registers for writes to pages with flags; the translator drops code made from them. The flags are those before the write.
   * @returns the function that ends it
   */
  onWriteFlagged(listener: PageListener): () => void {
    return listen(this.#writeListeners, listener);
  }

  /**
   * Registers for pages whose flags become other than zero: from now on writes there need {@link noteWrite}.
   * @returns the function that ends it
   */
  onFlagsRaised(listener: PageListener): () => void {
    return listen(this.#raiseListeners, listener);
  }

  /** Sets flags on all pages that a range touches. */
  raiseFlags(hostOffset: number, length: number, flags: PageFlags): void {
    const end = this.#flagEnd(hostOffset, length);
    let run = -1;
    for (let at = this.#flagOf(hostOffset); at < end; at++) {
      const old = Atomics.or(this.u8, at, flags);
      if (old === 0) {
        if (run < 0) run = at;
      } else if (run >= 0) {
        this.#tell(this.#raiseListeners, run, at, flags);
        run = -1;
      }
    }
    if (run >= 0) this.#tell(this.#raiseListeners, run, end, flags);
  }

  /** Clears flags on all pages that a range touches. */
  lowerFlags(hostOffset: number, length: number, flags: PageFlags): void {
    const end = this.#flagEnd(hostOffset, length);
    for (let at = this.#flagOf(hostOffset); at < end; at++) Atomics.and(this.u8, at, ~flags);
  }

  /** The flags of the page at a host offset. */
  flagsAt(hostOffset: number): PageFlags {
    return this.u8[this.#flagOf(hostOffset)] as number;
  }

  /**
   * Must follow every write to RAM that is not a CPU's own (DMA, loaders, debuggers), and a CPU's where flags are set: marks the pages
   * dirty and tells the listeners. Costs next to nothing where no flag is set.
   */
  noteWrite(hostOffset: number, length: number): void {
    if (length <= 0) return;
    this.beforeFlagsLook?.();
    const end = this.#flagEnd(hostOffset, length);
    for (let at = this.#flagOf(hostOffset); at < end; at++) {
      if (this.u8[at] !== 0) {
        this.#noteFlagged(hostOffset, length, at, end);
        return;
      }
    }
  }

  /** Clears the clean marks from `first` on and tells the listeners of every run of flagged pages. */
  #noteFlagged(hostOffset: number, length: number, first: number, end: number): void {
    let run = first;
    let flags = 0;
    for (let at = first; at < end; at++) {
      const old = this.u8[at] as number;
      if (old !== 0) {
        flags |= old;
        if ((old & PAGE_CLEAN) !== 0) Atomics.and(this.u8, at, ~PAGE_CLEAN);
        continue;
      }
      if (flags !== 0) this.#tellWritten(hostOffset, length, run, at, flags);
      flags = 0;
      run = at + 1;
    }
    if (flags !== 0) this.#tellWritten(hostOffset, length, run, end, flags);
  }

  #tellWritten(hostOffset: number, length: number, run: number, end: number, flags: PageFlags): void {
    const from = Math.max(hostOffset, (run - this.pageFlags) * PAGE_SIZE);
    const to = Math.min(hostOffset + length, (end - this.pageFlags) * PAGE_SIZE);
    for (const listener of this.#writeListeners) listener(from, to - from, flags);
  }

  #tell(listeners: readonly PageListener[], run: number, end: number, flags: PageFlags): void {
    const from = (run - this.pageFlags) * PAGE_SIZE;
    for (const listener of listeners) listener(from, (end - run) * PAGE_SIZE, flags);
  }

  #flagOf(hostOffset: number): number {
    return this.pageFlags + Math.floor(hostOffset / PAGE_SIZE);
  }

  #flagEnd(hostOffset: number, length: number): number {
    return length <= 0 ? 0 : this.#flagOf(hostOffset + length - 1) + 1;
  }

  /** From where on a place for RAM is looked for first: what is below 4 GiB is left to the emulator, or a part of it. */
  #ramStart(bytes: number): number {
    if (this.size <= AREAS_END) return 0;
    return Math.max(0, Math.min(AREAS_END, this.size - bytes));
  }

  #take(request: HoleRequest): number {
    const offset = this.#holes.take(request);
    if (offset >= 0) this.#clean(offset, offset + request.bytes);
    return offset;
  }

  /** Zeroes what was in use before, and nothing else, so that fresh memory stays unmade. */
  #clean(from: number, to: number): void {
    for (const [start, end] of this.#touched.add(from, to)) {
      const wholePages = start % PAGE_SIZE === 0 && end % PAGE_SIZE === 0;
      if (!wholePages) this.u8.fill(0, start, end);
      else if (!this.#zeroer?.(start, end - start)) this.#zeroPages(start, end);
    }
  }

  /** Zeroes pages without making those that nobody ever wrote: to read one costs no memory. */
  #zeroPages(from: number, end: number): void {
    const { i32 } = this;
    for (let page = from; page < end; page += PAGE_SIZE) {
      const last = (page + PAGE_SIZE) / 4;
      let word = page / 4;
      while (word < last && i32[word] === 0) word++;
      if (word < last) this.u8.fill(0, page, page + PAGE_SIZE);
    }
  }
}
