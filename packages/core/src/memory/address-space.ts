// Memory as one kind of requester sees it (a CPU, a bus master): loads, stores and transfers that find RAM, devices and IOMMUs by address.

import { difference, type FlatRange, FlatView } from './flat-view.ts';
import { PAGE_SIZE } from './page-flags.ts';
import type { RamSpace } from './ram-space.ts';
import type { MemoryRegion } from './region.ts';
import { forgetMapUser } from './transaction.ts';
import {
  type AccessSize,
  ADDRESS_LIMIT,
  ATTR_DEBUG,
  type Attrs,
  type IommuEntry,
  MEM_DECODE_ERROR,
  MEM_OK,
  type MemResult,
  type ProbeOptions,
} from './types.ts';

/** Follows the map of an address space. In each update `begin`, what goes, what comes, `commit`. */
export interface MapListener {
  begin?(): void;
  remove?(range: FlatRange): void;
  add?(range: FlatRange): void;
  commit?(view: FlatView): void;
}

/** Told of accesses that nothing answered, or not in that size: for `-d guest_errors`. */
export type InvalidAccessListener = (address: number, size: number, write: boolean, region?: MemoryRegion) => void;

/** Up to this many bytes a loop is quicker than making a view. */
const SHORT_COPY = 32;

function copyOut(from: Uint8Array, at: number, into: Uint8Array, start: number, length: number): void {
  if (length > SHORT_COPY) into.set(from.subarray(at, at + length), start);
  else for (let i = 0; i < length; i++) into[start + i] = from[at + i] as number;
}

/** An access of a device: its region's name, the address, bytes, the value. */
export type PortAccessListener = (region: string, address: number, size: number, value: bigint, write: boolean) => void;

/**
 * A tree of regions with the ways to access it. Values of loads and stores are in little-endian order: the byte at the lowest address is
 * the least significant. Results are {@link MEM_OK} or negative.
 */
export class AddressSpace {
  readonly name: string;
  readonly root: MemoryRegion;
  readonly space: RamSpace;
  /** Low and high half of what {@link loadPair} found, unsigned. */
  lo = 0;
  hi = 0;
  /** Hears of accesses that failed for want of a region. */
  onInvalidAccess: InvalidAccessListener | undefined;
  /** Hears of accesses of devices that were answered. */
  onPortAccess: PortAccessListener | undefined;
  #view: FlatView;
  readonly #listeners = new Set<MapListener>();
  readonly #endUse: () => void;

  constructor(name: string, root: MemoryRegion, space: RamSpace) {
    this.name = name;
    this.root = root;
    this.space = space;
    this.#view = FlatView.of(root);
    this.#endUse = root.addUser(this);
  }

  flatView(): FlatView {
    return this.#view;
  }

  /** Adds a listener, tells it of every range there is, and returns the function that removes it. */
  addListener(listener: MapListener): () => void {
    this.#listeners.add(listener);
    listener.begin?.();
    for (const range of this.#view.ranges) listener.add?.(range);
    listener.commit?.(this.#view);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Flattens the tree anew and tells the listeners what changed. Called when a transaction ends. */
  updateMap(): void {
    const old = this.#view;
    const view = FlatView.of(this.root);
    this.#view = view;
    const gone = difference(old, view);
    const come = difference(view, old);
    if (gone.length === 0 && come.length === 0) return;
    for (const listener of [...this.#listeners]) {
      listener.begin?.();
      for (const range of gone) listener.remove?.(range);
      for (const range of come) listener.add?.(range);
      listener.commit?.(view);
    }
  }

  /** Follows the tree no longer. */
  dispose(): void {
    this.#endUse();
    this.#listeners.clear();
    forgetMapUser(this);
  }

  /** Reads 1, 2 or 4 bytes. @returns the value, unsigned, or a negative result */
  load(address: number, size: AccessSize, attrs: Attrs = 0): number {
    const range = this.#view.find(address);
    if (range === undefined) return this.#invalid(address, size, false);
    const at = address - range.base;
    if (address + size > range.end) return this.#loadBytewise(address, size, attrs);
    if (range.host < 0) return this.#loadSlow(range, address, size, attrs);
    const host = range.host + at;
    if (size === 4) return this.space.view.getUint32(host, true);
    return size === 1 ? (this.space.u8[host] as number) : this.space.view.getUint16(host, true);
  }

  /** Writes 1, 2 or 4 bytes. */
  store(address: number, size: AccessSize, value: number, attrs: Attrs = 0): MemResult {
    const range = this.#view.find(address);
    if (range === undefined) return this.#invalid(address, size, true);
    if (address + size > range.end) return this.#storeBytewise(address, size, value, attrs);
    if (range.writeHost < 0) return this.#storeSlow(range, address, size, value, attrs);
    const host = range.writeHost + (address - range.base);
    if (size === 4) this.space.view.setUint32(host, value, true);
    else if (size === 1) this.space.u8[host] = value;
    else this.space.view.setUint16(host, value, true);
    this.#noteStore(host, size);
    return MEM_OK;
  }

  /** Reads 8 bytes into {@link lo} and {@link hi}, without allocating. */
  loadPair(address: number, attrs: Attrs = 0): MemResult {
    const range = this.#view.find(address);
    if (range === undefined) return this.#invalid(address, 8, false);
    const at = address - range.base;
    if (address + 8 > range.end) return this.#loadHalves(address, attrs);
    if (range.host < 0) return this.#loadPairSlow(range, address, attrs);
    this.lo = this.space.view.getUint32(range.host + at, true);
    this.hi = this.space.view.getUint32(range.host + at + 4, true);
    return MEM_OK;
  }

  /** Writes 8 bytes, given as two halves, without allocating. */
  storePair(address: number, lo: number, hi: number, attrs: Attrs = 0): MemResult {
    const range = this.#view.find(address);
    if (range === undefined) return this.#invalid(address, 8, true);
    const at = address - range.base;
    const { port } = range.region;
    if (range.writeHost < 0 && port !== undefined && address + 8 <= range.end) {
      this.onPortAccess?.(range.region.name, address, 8, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0), true);
      const result = port.write64(range.offset + at, lo, hi, attrs);
      return this.#told(result, range.region, range.offset + at, address, 8, true);
    }
    const first = this.store(address, 4, lo, attrs);
    const second = this.store(address + 4, 4, hi, attrs);
    return first < 0 ? first : second;
  }

  /** Reads 8 bytes. @returns the value, unsigned, or a negative result */
  load64(address: number, attrs: Attrs = 0): bigint {
    const result = this.loadPair(address, attrs);
    return result < 0 ? BigInt(result) : (BigInt(this.hi) << 32n) | BigInt(this.lo);
  }

  /** Writes 8 bytes, the low 64 bits of the value. */
  store64(address: number, value: bigint, attrs: Attrs = 0): MemResult {
    const bits = BigInt.asUintN(64, value);
    return this.storePair(address, Number(bits & 0xffff_ffffn), Number(bits >> 32n), attrs);
  }

  /**
   * Reads bytes from wherever they lie, devices too. Goes on after an error, with zeros for what could not be read.
   *
   * @returns the first error, or {@link MEM_OK}
   */
  readBytes(address: number, into: Uint8Array, attrs: Attrs = 0): MemResult {
    let result = MEM_OK;
    for (let done = 0; done < into.length; ) {
      const at = address + done;
      const left = into.length - done;
      const range = this.#view.find(at);
      let length: number;
      let outcome = MEM_OK;
      if (range === undefined) {
        length = this.#gap(at, left);
        into.fill(0, done, done + length);
        outcome = this.#invalid(at, length, false);
      } else if (range.host >= 0) {
        length = Math.min(left, range.end - at);
        copyOut(this.space.u8, range.host + at - range.base, into, done, length);
      } else {
        length = this.#pieceLength(range, at, left);
        outcome = this.#readPiece(range, at, into, done, length, attrs);
      }
      if (outcome < 0 && result === MEM_OK) result = outcome;
      done += length;
    }
    return result;
  }

  /**
   * Writes bytes to wherever the addresses lie, devices too. Goes on after an error. Writes to ROM are ignored, except with
   * {@link ATTR_DEBUG}.
   *
   * @returns the first error, or {@link MEM_OK}
   */
  writeBytes(address: number, bytes: Uint8Array, attrs: Attrs = 0): MemResult {
    let result = MEM_OK;
    for (let done = 0; done < bytes.length; ) {
      const at = address + done;
      const left = bytes.length - done;
      const range = this.#view.find(at);
      let length: number;
      let outcome = MEM_OK;
      if (range === undefined) {
        length = this.#gap(at, left);
        outcome = this.#invalid(at, length, true);
      } else if (this.#writeHostFor(range, attrs) >= 0) {
        length = Math.min(left, range.end - at);
        const host = this.#writeHostFor(range, attrs) + at - range.base;
        copyOut(bytes, done, this.space.u8, host, length);
        this.space.noteWrite(host, length);
      } else {
        length = this.#pieceLength(range, at, left);
        outcome = this.#writePiece(range, at, bytes, done, length, attrs);
      }
      if (outcome < 0 && result === MEM_OK) result = outcome;
      done += length;
    }
    return result;
  }

  /** Writes bytes to RAM and ROM as a programmer of ROMs would; what is neither gets the write as a guest's. */
  writeRom(address: number, bytes: Uint8Array): MemResult {
    return this.writeBytes(address, bytes, ATTR_DEBUG);
  }

  /** The host offset of a range that is RAM (or, for reading, ROM) all through; -1 if it is not. */
  hostOffset(address: number, length: number, forWrite: boolean): number {
    const range = this.#view.find(address);
    if (range === undefined || address + length > range.end) return -1;
    const host = forWrite ? range.writeHost : range.host;
    return host < 0 ? -1 : host + (address - range.base);
  }

  /**
   * Whether every byte of a range could be accessed, without doing it: {@link MEM_OK} or {@link MEM_DECODE_ERROR}. A device may still
   * refuse when it is asked. `size`: in accesses of so many bytes; 0: of whatever size suits.
   */
  probe(address: number, length: number, how: ProbeOptions): MemResult {
    for (let at = address; at < address + length; ) {
      const range = this.#view.find(at);
      if (range === undefined) return MEM_DECODE_ERROR;
      const end = Math.min(address + length, range.end);
      const { region } = range;
      const offset = range.offset + (at - range.base);
      if (range.host < 0 && region.translate !== undefined) {
        const entry = region.translate(offset, how.write, how.attrs);
        if (entry === undefined || !(how.write ? entry.write : entry.read)) return MEM_DECODE_ERROR;
        const inPage = offset % entry.pageSize;
        const count = Math.min(end - at, entry.pageSize - inPage);
        const result = entry.target.probe(entry.address + inPage, count, how);
        if (result < 0) return result;
        at += count;
        continue;
      }
      if (how.size > 0 && (how.write ? range.writeHost : range.host) < 0 && region.port !== undefined) {
        for (let byte = 0; byte < end - at; byte += how.size) {
          if (!region.port.accepts(offset + byte, how.size)) return MEM_DECODE_ERROR;
        }
      }
      at = end;
    }
    return MEM_OK;
  }

  #invalid(address: number, size: number, write: boolean, region?: MemoryRegion): MemResult {
    this.onInvalidAccess?.(address, size, write, region);
    return MEM_DECODE_ERROR;
  }

  /** Passes a result on. A decode error of an access that the device never saw is told first. */
  #told(result: number, region: MemoryRegion, offset: number, address: number, size: number, write: boolean): number {
    if (result === MEM_DECODE_ERROR && region.port?.accepts(offset, size) === false) {
      return this.#invalid(address, size, write, region);
    }
    return result;
  }

  #noteStore(host: number, size: number): void {
    const { u8, pageFlags } = this.space;
    const first = u8[pageFlags + Math.floor(host / PAGE_SIZE)] as number;
    const last = u8[pageFlags + Math.floor((host + size - 1) / PAGE_SIZE)] as number;
    if ((first | last) !== 0) this.space.noteWrite(host, size);
  }

  #writeHostFor(range: FlatRange, attrs: Attrs): number {
    if (range.writeHost >= 0 || (attrs & ATTR_DEBUG) === 0) return range.writeHost;
    const { block } = range.region;
    range.region.materialize();
    return block === undefined ? -1 : block.offset + range.offset;
  }

  #loadSlow(range: FlatRange, address: number, size: AccessSize, attrs: Attrs): number {
    const { region } = range;
    const offset = range.offset + (address - range.base);
    if (region.port !== undefined) {
      const value = region.port.read(offset, size, attrs);
      if (value >= 0) this.onPortAccess?.(region.name, address, size, BigInt(value), false);
      return this.#told(value, region, offset, address, size, false);
    }
    const entry = region.translate?.(offset, false, attrs);
    if (!entry?.read) return this.#invalid(address, size, false, region);
    const inPage = offset % entry.pageSize;
    if (inPage + size > entry.pageSize) return this.#loadBytewise(address, size, attrs);
    return entry.target.load(entry.address + inPage, size, attrs);
  }

  #storeSlow(range: FlatRange, address: number, size: AccessSize, value: number, attrs: Attrs): MemResult {
    const { region } = range;
    const offset = range.offset + (address - range.base);
    if (region.port !== undefined) {
      this.onPortAccess?.(region.name, address, size, BigInt(value >>> 0), true);
      return this.#told(region.port.write(offset, size, value, attrs), region, offset, address, size, true);
    }
    if (region.translate === undefined) return this.#storeToRom(range, address, size, value, attrs);
    const entry = region.translate(offset, true, attrs);
    if (!entry?.write) return this.#invalid(address, size, true, region);
    const inPage = offset % entry.pageSize;
    if (inPage + size > entry.pageSize) return this.#storeBytewise(address, size, value, attrs);
    return entry.target.store(entry.address + inPage, size, value, attrs);
  }

  #storeToRom(range: FlatRange, address: number, size: AccessSize, value: number, attrs: Attrs): MemResult {
    const base = this.#writeHostFor(range, attrs);
    if (base < 0) return MEM_OK;
    const host = base + (address - range.base);
    for (let i = 0; i < size; i++) this.space.u8[host + i] = value >>> (8 * i);
    this.space.noteWrite(host, size);
    return MEM_OK;
  }

  #loadBytewise(address: number, size: number, attrs: Attrs): number {
    let value = 0;
    let error = MEM_OK;
    for (let i = 0; i < size; i++) {
      const byte = this.load(address + i, 1, attrs);
      if (byte >= 0) value |= byte << (8 * i);
      else if (error === MEM_OK) error = byte;
    }
    return error < 0 ? error : value >>> 0;
  }

  #storeBytewise(address: number, size: number, value: number, attrs: Attrs): MemResult {
    let error = MEM_OK;
    for (let i = 0; i < size; i++) {
      const outcome = this.store(address + i, 1, (value >>> (8 * i)) & 0xff, attrs);
      if (outcome < 0 && error === MEM_OK) error = outcome;
    }
    return error;
  }

  #loadHalves(address: number, attrs: Attrs): MemResult {
    const lo = this.load(address, 4, attrs);
    const hi = this.load(address + 4, 4, attrs);
    if (lo < 0) return lo;
    if (hi < 0) return hi;
    this.lo = lo;
    this.hi = hi;
    return MEM_OK;
  }

  #loadPairSlow(range: FlatRange, address: number, attrs: Attrs): MemResult {
    const { port } = range.region;
    if (port === undefined) return this.#loadHalves(address, attrs);
    const offset = range.offset + (address - range.base);
    const result = port.read64(offset, attrs);
    if (result >= 0)
      this.onPortAccess?.(range.region.name, address, 8, (BigInt(port.hi >>> 0) << 32n) | BigInt(port.lo >>> 0), false);
    this.lo = port.lo;
    this.hi = port.hi;
    return this.#told(result, range.region, offset, address, 8, false);
  }

  /** Bytes up to the next range. */
  #gap(address: number, left: number): number {
    if (address >= ADDRESS_LIMIT) return left;
    return Math.min(left, this.#view.nextBase(address) - address);
  }

  /** How much of a transfer a range that is not RAM takes at once. */
  #pieceLength(range: FlatRange, address: number, left: number): number {
    const inRange = Math.min(left, range.end - address);
    return range.region.port?.bulkSize(range.offset + (address - range.base), inRange) ?? inRange;
  }

  #readPiece(
    range: FlatRange,
    address: number,
    into: Uint8Array,
    start: number,
    length: number,
    attrs: Attrs,
  ): MemResult {
    if (range.region.port === undefined) {
      return this.#translate(range, address, length, false, attrs, (entry, to, from, count) =>
        entry.target.readBytes(to, into.subarray(start + from, start + from + count), attrs),
      );
    }
    const wide = length === 8;
    const value = wide ? this.loadPair(address, attrs) : this.load(address, length as AccessSize, attrs);
    const lo = wide ? this.lo : value;
    for (let i = 0; i < length; i++) {
      into[start + i] = value < 0 ? 0 : (i < 4 ? lo : this.hi) >>> ((i & 3) * 8);
    }
    return value < 0 ? value : MEM_OK;
  }

  #writePiece(
    range: FlatRange,
    address: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    attrs: Attrs,
  ): MemResult {
    const { region } = range;
    if (region.port === undefined) {
      if (region.translate === undefined) return MEM_OK;
      return this.#translate(range, address, length, true, attrs, (entry, to, from, count) =>
        entry.target.writeBytes(to, bytes.subarray(start + from, start + from + count), attrs),
      );
    }
    let lo = 0;
    let hi = 0;
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i] as number;
      if (i < 4) lo |= byte << (8 * i);
      else hi |= byte << (8 * (i - 4));
    }
    if (length === 8) return this.storePair(address, lo >>> 0, hi >>> 0, attrs);
    return this.store(address, length as AccessSize, lo >>> 0, attrs);
  }

  /** Sends a transfer through an IOMMU, page by page. */
  #translate(
    range: FlatRange,
    address: number,
    length: number,
    write: boolean,
    attrs: Attrs,
    transfer: (entry: IommuEntry, to: number, from: number, count: number) => MemResult,
  ): MemResult {
    let result = MEM_OK;
    for (let done = 0; done < length; ) {
      const offset = range.offset + (address + done - range.base);
      const entry = range.region.translate?.(offset, write, attrs);
      if (entry === undefined || !(write ? entry.write : entry.read)) {
        return result < 0 ? result : this.#invalid(address + done, length - done, write, range.region);
      }
      const inPage = offset % entry.pageSize;
      const count = Math.min(length - done, entry.pageSize - inPage);
      const outcome = transfer(entry, entry.address + inPage, done, count);
      if (outcome < 0 && result === MEM_OK) result = outcome;
      done += count;
    }
    return result;
  }
}
