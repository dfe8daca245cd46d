/**
 * The data area of a channel command: one area, a list of indirect addresses (IDAWs, MIDAWs), or several of these where commands
 * are data-chained. After the Principles of Operation, SA22-7832, "Channel-Command Word", "CCW Indirect Data Addressing" and
 * "Modified CCW Indirect Data Addressing".
 */
import type { AbsoluteStorage } from './storage.ts';
import { CCW_INDIRECT, CCW_MIDAW, CCW_SKIP, SS_PROGRAM_CHECK } from './words.ts';

/** The channel program cannot go on: a subchannel status. Caught where the program is run. */
export class ChannelCheck extends Error {
  override readonly name = 'ChannelCheck';
  /** Subchannel-status bits. */
  readonly status: number;

  constructor(status: number) {
    super(`channel check 0x${status.toString(16)}`);
    this.status = status;
  }
}

export function programCheck(): ChannelCheck {
  return new ChannelCheck(SS_PROGRAM_CHECK);
}

/** A channel-command word, of either format. */
export interface Ccw {
  readonly command: number;
  readonly flags: number;
  readonly count: number;
  readonly address: number;
}

/** How a program addresses data, from the operation-request block. */
export interface Addressing {
  /** CCWs and data lie below this. */
  readonly limit: number;
  /** IDAWs have 64 bits. */
  readonly wideIdaws: boolean;
  /** Bytes that an IDAW describes at most. */
  readonly idawBlock: 2048 | 4096;
}

interface Segment {
  readonly address: number;
  readonly length: number;
  /** Nothing is stored, and zeros are fetched. */
  readonly skip: boolean;
}

const FORMAT1_IDAW_LIMIT = 0x8000_0000;
const MIDAW_BYTES = 16;
const MIDAW_LAST = 0x80;
const MIDAW_SKIP = 0x40;
const PAGE = 4096;

/** Data of one command. Transfers go on where the last one ended. */
export class ChannelData {
  readonly #storage: AbsoluteStorage;
  readonly #addressing: Addressing;
  readonly #ccws: readonly Ccw[];
  #segments: Iterator<Segment>;
  #segment: Segment | undefined;
  /** Bytes of the present segment that are used up. */
  #used = 0;
  #at = 0;
  #furthest = 0;
  /** The device had more than there was room for. */
  overrun = false;

  /** @param ccws the command, and those that are data-chained to it */
  constructor(storage: AbsoluteStorage, addressing: Addressing, ccws: readonly Ccw[]) {
    this.#storage = storage;
    this.#addressing = addressing;
    this.#ccws = ccws;
    this.#segments = this.#walk();
  }

  /** Bytes in all. */
  get length(): number {
    return this.#ccws.reduce((sum, { count }) => sum + count, 0);
  }

  /** Bytes that the device has not used, of the CCW that it ended in. */
  get residual(): number {
    let left = this.length - this.#furthest;
    for (const { count } of this.#ccws.toReversed()) {
      if (left <= count) return left;
      left -= count;
    }
    return 0;
  }

  /** Number of CCWs that have been used up or begun. */
  get ccwsUsed(): number {
    let end = 0;
    let used = 0;
    for (const { count } of this.#ccws) {
      used++;
      end += count;
      if (this.#furthest < end) break;
    }
    return used;
  }

  /** Fetches bytes from main storage for the device. @returns how many, fewer at the end @throws ChannelCheck */
  read(into: Uint8Array): number {
    return this.#move(into.length, ({ address, skip }, done, length) => {
      const part = into.subarray(done, done + length);
      if (skip) part.fill(0);
      else if (!this.#storage.read(address + this.#used, part)) throw programCheck();
    });
  }

  /** Stores bytes of the device's. @returns how many, fewer at the end @throws ChannelCheck */
  write(from: Uint8Array): number {
    const moved = this.#move(from.length, ({ address, skip }, done, length) => {
      if (!skip && !this.#storage.write(address + this.#used, from.subarray(done, done + length))) throw programCheck();
    });
    if (moved < from.length) this.overrun = true;
    return moved;
  }

  /** Begins again at the first byte: some commands fetch an argument and put their answer in its place. */
  rewind(): void {
    this.#segments = this.#walk();
    this.#segment = undefined;
    this.#used = 0;
    this.#at = 0;
  }

  #move(length: number, copy: (segment: Segment, done: number, length: number) => void): number {
    let done = 0;
    while (done < length) {
      if (this.#segment === undefined || this.#used === this.#segment.length) {
        const { value, done: end } = this.#segments.next();
        if (end === true) break;
        this.#segment = value;
        this.#used = 0;
      }
      const part = Math.min(length - done, this.#segment.length - this.#used);
      copy(this.#segment, done, part);
      this.#used += part;
      done += part;
      this.#at += part;
    }
    this.#furthest = Math.max(this.#furthest, this.#at);
    return done;
  }

  *#walk(): Generator<Segment, undefined> {
    for (const ccw of this.#ccws) {
      if (ccw.count === 0) continue;
      if ((ccw.flags & CCW_MIDAW) !== 0) yield* this.#midaws(ccw);
      else if ((ccw.flags & CCW_INDIRECT) !== 0) yield* this.#idaws(ccw);
      else yield this.#checked({ address: ccw.address, length: ccw.count, skip: (ccw.flags & CCW_SKIP) !== 0 });
    }
  }

  /** Only the first IDAW may point into a block; the others are each a whole one. */
  *#idaws({ address, count, flags }: Ccw): Generator<Segment> {
    const { wideIdaws, idawBlock } = this.#addressing;
    const block = wideIdaws ? idawBlock : 2048;
    const bytes = wideIdaws ? 8 : 4;
    if (address % bytes !== 0) throw programCheck();
    for (let at = address, left = count; left > 0; at += bytes) {
      const target = wideIdaws ? this.#storage.doubleword(at) : this.#storage.word(at);
      if (target === undefined || (!wideIdaws && Number(target) >= FORMAT1_IDAW_LIMIT)) throw programCheck();
      const start = Number(target);
      if (left < count && start % block !== 0) throw programCheck();
      const length = Math.min(left, block - (start % block));
      yield this.#checked({ address: start, length, skip: (flags & CCW_SKIP) !== 0 }, Infinity);
      left -= length;
    }
  }

  /** Each MIDAW has a count of its own; the last one says so, and they add up to the CCW's. */
  *#midaws({ address, count, flags }: Ccw): Generator<Segment> {
    if (address % MIDAW_BYTES !== 0) throw programCheck();
    for (let at = address, left = count, last = false; left > 0; at += MIDAW_BYTES) {
      if (last || (at !== address && at % PAGE === 0)) throw programCheck();
      const control = this.#storage.doubleword(at);
      const target = this.#storage.doubleword(at + 8);
      if (control === undefined || target === undefined || control >> 24n !== 0n) throw programCheck();
      const marks = Number((control >> 16n) & 0xffn);
      const length = Number(control & 0xffffn);
      const start = Number(target);
      if (length === 0 || length > left || (start % PAGE) + length > PAGE) throw programCheck();
      last = (marks & MIDAW_LAST) !== 0;
      const skip = ((flags & CCW_SKIP) | (marks & MIDAW_SKIP)) !== 0;
      left -= length;
      if (last !== (left === 0)) throw programCheck();
      yield this.#checked({ address: start, length, skip }, Infinity);
    }
  }

  #checked(segment: Segment, limit = this.#addressing.limit): Segment {
    if (segment.address + segment.length > limit) throw programCheck();
    return segment;
  }
}
