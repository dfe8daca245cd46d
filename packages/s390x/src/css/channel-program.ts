/**
 * Fetching of channel programs: CCWs of both formats, transfers in channel, data chains. After the Principles of Operation,
 * SA22-7832, chapter "Basic I/O Functions", "Channel Program Organization" and "Channel-Command Word".
 */
import { type Addressing, type Ccw, programCheck } from './channel-data.ts';
import type { AbsoluteStorage } from './storage.ts';
import {
  CCW_CHAIN_DATA,
  CCW_MIDAW,
  CCW_SUSPEND,
  CMD_TRANSFER,
  ORB_FORMAT1,
  ORB_IDAW_2K,
  ORB_IDAW_FORMAT2,
  ORB_MIDAW,
  ORB_SUSPEND_CONTROL,
} from './words.ts';

const CCW_BYTES = 8;
/** CCWs that one command's data can be chained over; a real channel has no bound, but moves on in time. */
const MAX_DATA_CHAIN = 256;
const FORMAT0_LIMIT = 0x100_0000;
const FORMAT1_LIMIT = 0x8000_0000;

/** A command with its data chain. */
export interface Command {
  readonly ccws: readonly Ccw[];
  /** Where each of the CCWs lies. */
  readonly addresses: readonly number[];
  /** The program asks to be suspended before this command. */
  readonly suspend: boolean;
}

/** How data is addressed, by the flags (word 1) of an ORB. */
export function addressingOf(orbFlags: number): Addressing {
  return {
    limit: (orbFlags & ORB_FORMAT1) !== 0 ? FORMAT1_LIMIT : FORMAT0_LIMIT,
    wideIdaws: (orbFlags & ORB_IDAW_FORMAT2) !== 0,
    idawBlock: (orbFlags & ORB_IDAW_2K) !== 0 ? 2048 : 4096,
  };
}

/** Reads the CCWs of one program, in turn. */
export class ProgramReader {
  readonly #storage: AbsoluteStorage;
  readonly #orbFlags: number;
  /** Address of the CCW that follows the last one fetched. */
  next: number;
  /** No CCW has been executed yet: the program must not begin with a transfer. */
  #first: boolean;

  constructor(
    storage: AbsoluteStorage,
    orbFlags: number,
    start: { readonly address: number; readonly first: boolean },
  ) {
    this.#storage = storage;
    this.#orbFlags = orbFlags;
    this.next = start.address;
    this.#first = start.first;
  }

  /** The next command, its data chain fetched. @throws ChannelCheck */
  command(): Command {
    const first = this.#fetch();
    const suspend = (first.flags & CCW_SUSPEND) !== 0;
    if (suspend && (this.#orbFlags & ORB_SUSPEND_CONTROL) === 0) throw programCheck();
    const addresses = [this.next - CCW_BYTES];
    if (suspend) return { ccws: [first], addresses, suspend };
    if ((first.command & 0x0f) === 0) throw programCheck();
    const ccws = [first];
    for (let ccw = first; (ccw.flags & CCW_CHAIN_DATA) !== 0; ccws.push(ccw)) {
      if (ccws.length === MAX_DATA_CHAIN) throw programCheck();
      ccw = this.#fetch();
      if (ccw.count === 0) throw programCheck();
      addresses.push(this.next - CCW_BYTES);
    }
    return { ccws, addresses, suspend };
  }

  /** A CCW that is no transfer in channel. */
  #fetch(): Ccw {
    for (let transferred = this.#first; ; transferred = true) {
      const ccw = this.#fetchOne();
      if (!this.#isTransfer(ccw)) {
        this.#first = false;
        return this.#checked(ccw);
      }
      if (transferred) throw programCheck();
      this.next = ccw.address;
    }
  }

  #fetchOne(): Ccw {
    const at = this.next;
    this.next = at + CCW_BYTES;
    const { limit } = addressingOf(this.#orbFlags);
    if (at % CCW_BYTES !== 0 || at + CCW_BYTES > limit) throw programCheck();
    const [high, low] = [this.#storage.word(at), this.#storage.word(at + 4)];
    if (high === undefined || low === undefined) throw programCheck();
    if (limit === FORMAT1_LIMIT) {
      return { command: high >>> 24, flags: (high >>> 16) & 0xff, count: high & 0xffff, address: low };
    }
    return { command: high >>> 24, flags: low >>> 24, count: low & 0xffff, address: high & 0xff_ffff };
  }

  /** In format 0 only the low half of the command counts, and nothing else but the address; in format 1 all must be right. */
  #isTransfer({ command, flags, count }: Ccw): boolean {
    if ((this.#orbFlags & ORB_FORMAT1) === 0) return (command & 0x0f) === CMD_TRANSFER;
    if (command !== CMD_TRANSFER) return false;
    if (flags !== 0 || count !== 0) throw programCheck();
    return true;
  }

  #checked(ccw: Ccw): Ccw {
    const format1 = (this.#orbFlags & ORB_FORMAT1) !== 0;
    if (ccw.address >= FORMAT1_LIMIT || (!format1 && ccw.count === 0)) throw programCheck();
    if ((ccw.flags & CCW_MIDAW) !== 0 && (this.#orbFlags & ORB_MIDAW) === 0) throw programCheck();
    return ccw;
  }
}
