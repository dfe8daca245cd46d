// One access to a device becomes the accesses that the device can take: split, widened, in its byte order.
// The rules of `valid` and `impl` are those of QEMU's MemoryRegionOps (docs/devel/memory.rst).

import {
  type AccessSize,
  type Attrs,
  MEM_DECODE_ERROR,
  MEM_ERROR,
  MEM_OK,
  type MemResult,
  type RegionOps,
} from './types.ts';

const LOW = 0xffff_ffffn;

function swap16(v: number): number {
  return ((v & 0xff) << 8) | ((v >>> 8) & 0xff);
}

function swap32(v: number): number {
  return ((v << 24) | ((v & 0xff00) << 8) | ((v >>> 8) & 0xff00) | (v >>> 24)) >>> 0;
}

function swapped(v: number, size: number): number {
  if (size === 4) return swap32(v);
  return size === 2 ? swap16(v) : v & 0xff;
}

function trimmed(v: number, size: number): number {
  if (size === 4) return v >>> 0;
  return size === 2 ? v & 0xffff : v & 0xff;
}

/** Right for all offsets: the low 32 bits of a number below 2^53 are exact. */
function isAligned(offset: number, size: number): boolean {
  return (offset & (size - 1)) === 0;
}

function failure(result: number): MemResult {
  return result === MEM_DECODE_ERROR ? MEM_DECODE_ERROR : MEM_ERROR;
}

/** A device's write may return nothing. */
function outcomeOf(result: unknown): MemResult {
  return typeof result === 'number' && result < 0 ? failure(result) : MEM_OK;
}

/**
 * The way to a device's registers. Values here are in little-endian order: the byte at the lowest address is the least significant,
 * whatever the device's order is. Nothing allocates, 64-bit values of a device with `read64` excepted.
 */
export class IoPort {
  readonly #ops: RegionOps;
  readonly #big: boolean;
  readonly #validMin: number;
  readonly #validMax: number;
  readonly #validUnaligned: boolean;
  readonly #implMin: number;
  readonly #implMax: number;
  readonly #implUnaligned: boolean;
  readonly #bulkMax: number;
  /** Low and high half of what the last 64-bit read gave. */
  lo = 0;
  hi = 0;

  constructor(ops: RegionOps) {
    const { valid = {}, impl = {} } = ops;
    const wide = ops.read64 !== undefined && ops.write64 !== undefined;
    this.#ops = ops;
    this.#big = ops.endianness === 'big';
    this.#validMin = valid.min ?? 1;
    this.#validMax = valid.max ?? 8;
    this.#validUnaligned = valid.unaligned ?? false;
    this.#implMin = impl.min ?? 1;
    this.#implMax = Math.min(Math.max(impl.max ?? (wide ? 8 : 4), this.#implMin), wide ? 8 : 4);
    this.#implUnaligned = impl.unaligned ?? false;
    this.#bulkMax = valid.max ?? Math.max(4, this.#implMax);
    if (this.#implMin > this.#implMax || this.#validMin > this.#validMax) {
      throw new Error('a region allows no access at all');
    }
  }

  /** Whether the guest may access this many bytes here in one piece. */
  accepts(offset: number, size: number): boolean {
    if (size < this.#validMin || size > this.#validMax) return false;
    return this.#validUnaligned || isAligned(offset, size);
  }

  /** How many of the bytes from an offset on a bulk transfer takes in one access: 1, 2, 4 or 8. */
  bulkSize(offset: number, length: number): number {
    let size = 8;
    while (size > length || size > this.#bulkMax || (!this.#validUnaligned && !isAligned(offset, size))) size /= 2;
    return size;
  }

  /** @returns the value, or a negative result */
  read(offset: number, size: AccessSize, attrs: Attrs): number {
    if (!this.accepts(offset, size)) return MEM_DECODE_ERROR;
    if (!this.#direct(offset, size)) {
      const result = this.#readLanes(offset, size, attrs);
      return result < 0 ? result : this.lo;
    }
    const value = this.#ops.read(offset, size, attrs);
    if (value < 0) return failure(value);
    return this.#big ? swapped(value, size) : trimmed(value, size);
  }

  write(offset: number, size: AccessSize, value: number, attrs: Attrs): MemResult {
    if (!this.accepts(offset, size)) return MEM_DECODE_ERROR;
    if (!this.#direct(offset, size)) return this.#writeLanes(offset, size, value, 0, attrs);
    return this.#writeUnit(offset, size, value, 0, attrs);
  }

  /** Reads 64 bits into {@link lo} and {@link hi}. */
  read64(offset: number, attrs: Attrs): MemResult {
    if (!this.accepts(offset, 8)) return MEM_DECODE_ERROR;
    return this.#direct(offset, 8) ? this.#readUnit(offset, 8, attrs) : this.#readLanes(offset, 8, attrs);
  }

  /** Writes 64 bits, given as two unsigned halves. */
  write64(offset: number, lo: number, hi: number, attrs: Attrs): MemResult {
    if (!this.accepts(offset, 8)) return MEM_DECODE_ERROR;
    if (this.#direct(offset, 8)) return this.#writeUnit(offset, 8, lo, hi, attrs);
    return this.#writeLanes(offset, 8, lo, hi, attrs);
  }

  #direct(offset: number, size: number): boolean {
    return size >= this.#implMin && size <= this.#implMax && (this.#implUnaligned || isAligned(offset, size));
  }

  /** Bytes of the largest access that the device can take here, or 0 if even the smallest reaches too far. */
  #unitAt(offset: number, length: number): number {
    let size = this.#implMax;
    while (size > length || (!this.#implUnaligned && !isAligned(offset, size))) size /= 2;
    return size < this.#implMin ? 0 : size;
  }

  #readUnit(offset: number, size: number, attrs: Attrs): MemResult {
    if (size === 8) return this.#readWide(offset, attrs);
    const value = this.#ops.read(offset, size as AccessSize, attrs);
    this.hi = 0;
    this.lo = 0;
    if (value < 0) return failure(value);
    this.lo = this.#big ? swapped(value, size) : trimmed(value, size);
    return MEM_OK;
  }

  #readWide(offset: number, attrs: Attrs): MemResult {
    const value = this.#ops.read64?.(offset, attrs) ?? MEM_ERROR;
    this.hi = 0;
    this.lo = 0;
    if (typeof value === 'number' && value < 0) return failure(value);
    const bits = BigInt.asUintN(64, BigInt(value));
    const lo = Number(bits & LOW);
    const hi = Number(bits >> 32n);
    this.lo = this.#big ? swap32(hi) : lo;
    this.hi = this.#big ? swap32(lo) : hi;
    return MEM_OK;
  }

  #writeUnit(offset: number, size: number, lo: number, hi: number, attrs: Attrs): MemResult {
    if (size === 8) {
      const first = this.#big ? swap32(hi) : lo >>> 0;
      const second = this.#big ? swap32(lo) : hi >>> 0;
      return outcomeOf(this.#ops.write64?.(offset, (BigInt(second) << 32n) | BigInt(first), attrs));
    }
    const value = this.#big ? swapped(lo, size) : trimmed(lo, size);
    return outcomeOf(this.#ops.write(offset, size as AccessSize, value, attrs));
  }

  #readLanes(offset: number, size: number, attrs: Attrs): MemResult {
    let result = MEM_OK;
    let lo = 0;
    let hi = 0;
    for (let done = 0; done < size; ) {
      const unit = this.#unitAt(offset + done, size - done);
      const width = unit === 0 ? this.#implMin : unit;
      const lane = unit === 0 ? (offset + done) & (width - 1) : 0;
      const outcome = this.#readUnit(offset + done - lane, width, attrs);
      if (outcome < 0 && result === MEM_OK) result = outcome;
      const count = Math.min(size - done, width - lane);
      for (let i = 0; i < count; i++, done++) {
        const from = lane + i;
        const byte = ((from < 4 ? this.lo : this.hi) >>> ((from & 3) * 8)) & 0xff;
        if (done < 4) lo |= byte << (done * 8);
        else hi |= byte << ((done - 4) * 8);
      }
    }
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
    return result;
  }

  #writeLanes(offset: number, size: number, lo: number, hi: number, attrs: Attrs): MemResult {
    let result = MEM_OK;
    for (let done = 0; done < size; ) {
      const unit = this.#unitAt(offset + done, size - done);
      const width = unit === 0 ? this.#implMin : unit;
      const lane = unit === 0 ? (offset + done) & (width - 1) : 0;
      const start = offset + done - lane;
      const count = Math.min(size - done, width - lane);
      let unitLo = 0;
      let unitHi = 0;
      for (let i = 0; i < count; i++, done++) {
        const byte = ((done < 4 ? lo : hi) >>> ((done & 3) * 8)) & 0xff;
        const to = lane + i;
        if (to < 4) unitLo |= byte << (to * 8);
        else unitHi |= byte << ((to - 4) * 8);
      }
      const outcome = this.#writeUnit(start, width, unitLo >>> 0, unitHi >>> 0, attrs);
      if (outcome < 0 && result === MEM_OK) result = outcome;
    }
    return result;
  }
}
