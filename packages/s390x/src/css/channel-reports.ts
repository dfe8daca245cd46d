/**
 * Channel-report words that wait for STORE CHANNEL REPORT WORD. After the Principles of Operation, SA22-7832, chapter "I/O Support
 * Functions", "Channel Report".
 */

const CRW_SOLICITED = 0x4000_0000;
const CRW_OVERFLOW = 0x2000_0000;
const CRW_CHAINED = 0x1000_0000;

/** Reporting source. */
export const SOURCE_SUBCHANNEL = 3;
export const SOURCE_CHANNEL_PATH = 4;
export const SOURCE_CHANNEL_SUBSYSTEM = 11;

/** Error-recovery code: information is pending; initialized; of a subchannel that came or went: installed parameters initialized. */
export const RECOVERY_EVENT = 0;
export const RECOVERY_INITIALIZED = 2;
export const RECOVERY_PARAMETERS = 4;

const CAPACITY = 64;

/** What a report is of. */
export interface ChannelReport {
  readonly source: number;
  readonly recovery: number;
  /** Number of the subchannel or channel path. */
  readonly id: number;
  readonly solicited?: boolean;
  /** The next report belongs to this one. */
  readonly chained?: boolean;
}

/** A queue; a report too many is lost, and the one that follows says so. */
export class ChannelReports {
  /** Words, and how many of them count; both are state. */
  readonly words = new Uint32Array(CAPACITY);
  count = 0;
  /** The program has been told that there are reports, and has not found all of them taken yet. */
  told = false;

  static readonly capacity = CAPACITY;

  /** @returns whether the program is to be told */
  add({ source, recovery, id, solicited = false, chained = false }: ChannelReport): boolean {
    const isNews = !this.told;
    this.told = true;
    if (this.count === CAPACITY) {
      this.words[CAPACITY - 1] = (this.words[CAPACITY - 1] ?? 0) | CRW_OVERFLOW;
      return isNews;
    }
    const flags = (solicited ? CRW_SOLICITED : 0) | (chained ? CRW_CHAINED : 0);
    this.words[this.count++] = (flags | (source << 24) | (recovery << 16) | id) >>> 0;
    return isNews;
  }

  /** The oldest word; undefined where there is none. */
  take(): number | undefined {
    if (this.count === 0) {
      this.told = false;
      return undefined;
    }
    const first = this.words[0];
    this.words.copyWithin(0, 1);
    this.count--;
    this.words[this.count] = 0;
    return first;
  }

  clear(): void {
    this.words.fill(0);
    this.count = 0;
    this.told = false;
  }
}
