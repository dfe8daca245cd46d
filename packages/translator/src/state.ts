/**
 * The state of a vCPU in the RAM space: named slots at fixed offsets from the vCPU's base. The engine's own words come
 * first and are the same for every architecture; a frontend adds its registers with `StateLayout.field`.
 */
import { type Slot, TYPE_BYTES, type Ty } from './ir/types.ts';

/** Bytes of state that operands of tier 0 can reach. */
export const STATE_BYTES = 65536;
/** First temporary of tier 0, and how many 8-byte ones there are. */
export const TEMP_OFFSET = 512;
export const TEMP_COUNT = 256;
/** The jump filter (softmmu/layout.ts) lies at the end of the state's 64 KiB. */
const FIELDS_END = STATE_BYTES - 4096;
/** First slot of the architecture's own; those before are the engine's. */
export const FIRST_FIELD = TEMP_OFFSET + TEMP_COUNT * 8;

function slot(name: string, offset: number, ty: Ty): Slot {
  return { name, offset, ty };
}

function half(name: string, whole: Slot, bytes: 0 | 8): Slot {
  if (whole.ty !== 'v128') throw new Error(`${whole.name} is no vector`);
  return { name, offset: whole.offset + bytes, ty: 'i64', whole };
}

/** The engine's words. */
export const COMMON = {
  /** Address of the next instruction: valid when the vCPU is not running translated code. */
  pc: slot('pc', 0, 'i64'),
  /** The mode word: all that translation takes for constant. The frontend keeps it up to date. */
  mode: slot('mode', 8, 'i32'),
  /** Not zero: leave translated code soon. Any thread may set it; the budget's decrement never writes it. */
  exitRequest: slot('exitRequest', 12, 'i32'),
  budget: slot('budget', 16, 'i32'),
  /** Budget given back when a slice was cut short. */
  budgetReturned: slot('budgetReturned', 20, 'i32'),
  exitIp: slot('exitIp', 24, 'i32'),
  exitReason: slot('exitReason', 28, 'i32'),
  excCode: slot('excCode', 32, 'i32'),
  /** Set by a memory helper that could not finish; see `FAULT`. */
  fault: slot('fault', 36, 'i32'),
  excValue: slot('excValue', 40, 'i64'),
  /** Results of the frontend's page walk: physical address, log2 of the mapping's bytes, rights (1 R, 2 W, 4 X). */
  walkPa: slot('walkPa', 48, 'i64'),
  walkBits: slot('walkBits', 56, 'i32'),
  walkProt: slot('walkProt', 60, 'i32'),
  /** Interrupt lines that devices set: a bit each, the frontend's numbering. */
  pendingIrq: slot('pendingIrq', 64, 'i32'),
  halted: slot('halted', 68, 'i32'),
  /** Instructions executed; exact when the vCPU is not running translated code. */
  insnCount: slot('insnCount', 72, 'i64'),
  /** Budget that translated code was entered with. */
  runBudget: slot('runBudget', 124, 'i32'),
  ioLo: slot('ioLo', 80, 'i32'),
  ioHi: slot('ioHi', 84, 'i32'),
  /** Host offset of the physical map, and its number of ranges. */
  physMap: slot('physMap', 88, 'i32'),
  physCount: slot('physCount', 92, 'i32'),
  /** The instruction runs alone: let a store go through although it hits the page of the running block, and an access of watched memory. */
  storeToCode: slot('storeToCode', 96, 'i32'),
  /** Bit regime * 3 + access: that TLB table has had an entry since the last flush. */
  tlbUsed: slot('tlbUsed', 100, 'i32'),
  /** Bit of a regime: its TLB has had an entry since the last flush that `walkLocal` said to be of one address space only. */
  tlbLocal: slot('tlbLocal', 432, 'i32'),
  /** Set by the frontend's walk, 0 before it: the mapping is of the present address space, not of all. */
  walkLocal: slot('walkLocal', 436, 'i32'),
  /** Host offset of the block hash: those of threads differ, their code does not. */
  blockHash: slot('blockHash', 440, 'i32'),
  /** Not zero: translated code leaves to raise an exception, so that it can be logged. */
  traceRaises: slot('traceRaises', 120, 'i32'),
  /** Physical address found by the last slow translation. */
  pa: slot('pa', 104, 'i64'),
  /** Exceptions that translated code raised itself; each costs one of the budget, so that no storm of them runs for ever. */
  raised: slot('raised', 116, 'i32'),
  /** Not zero: the vCPU has nothing better to do than to let others run (a spin-wait hint). */
  yielded: slot('yielded', 112, 'i32'),
  /** Bytes of the access that the frontend's page walk is for: one that reaches past what the walk allows is its to refuse. */
  accessBytes: slot('accessBytes', 200, 'i32'),
  /** The operation that ends a block that tier 1 is to have, or 0. */
  hotIp: slot('hotIp', 204, 'i32'),
  /** Where a region was left for a slow access so often that it should be looked at, or 0; and the region's number. */
  slowIp: slot('slowIp', 208, 'i32'),
  slowRegion: slot('slowRegion', 212, 'i32'),
  /** What a region found in the TLB in place of the page that it accessed when it was left last. */
  missedTag: slot('missedTag', 400, 'i64'),
  /** That access's address; where it was compared with a span, less the constant in it. */
  missedAddress: slot('missedAddress', 448, 'i64'),
  /** The page (`codePageBits`) of the code that runs: what the addresses in a block that slides count from. */
  codePage: slot('codePage', 408, 'i64'),
  /** The same when `hotIp` was set; and that of the first block of the region when `slowIp` was. */
  hotPage: slot('hotPage', 416, 'i64'),
  slowPage: slot('slowPage', 424, 'i64'),
  /** Watched ranges of addresses: how many, and the host offset of their table (softmmu/layout.ts). */
  watchCount: slot('watchCount', 216, 'i32'),
  watchTable: slot('watchTable', 220, 'i32'),
  /** Address of the access that a watched range was hit by. */
  watchVa: slot('watchVa', 224, 'i64'),
  /** The second word of what translation takes for constant; `extraLo` and `extraHi` are its halves. See `Frontend.usesExtra`. */
  extra: slot('extra', 232, 'i64'),
  extraLo: slot('extraLo', 232, 'i32'),
  extraHi: slot('extraHi', 236, 'i32'),
  /** Result of the access that raised a bus error: MEM_ERROR (the device refused) or MEM_DECODE_ERROR (nothing is there). */
  busResult: slot('busResult', 240, 'i32'),
  /** Attributes that the page walk found (`Frontend.walkAttributes`), and those of the device access that is made. */
  walkAttrs: slot('walkAttrs', 244, 'i32'),
  ioAttrs: slot('ioAttrs', 248, 'i32'),
  /** Attributes of every access of the vCPU: its requester id, set when it is made. */
  cpuAttrs: slot('cpuAttrs', 252, 'i32'),
  /** Not zero: time is counted in instructions, so an instruction that reaches a device runs alone, with its count known. */
  exactIo: slot('exactIo', 384, 'i32'),
  /** Instructions executed, as translated code last told them: before it calls what asks for the time. */
  counted: slot('counted', 392, 'i64'),
  args: Array.from({ length: 8 }, (_, i) => slot(`arg${i}`, 128 + i * 8, 'i64')),
  ret: slot('ret', 192, 'i64'),
  /** Small constants that operands of tier 0 may name: -1 to 14. */
  constants: Array.from({ length: 16 }, (_, i) => slot(`const${i - 1}`, 256 + i * 8, 'i64')),
} as const;

/** Why translated code was left (`exitReason`). */
export const EXIT = {
  /** A link to a block that is not translated yet; `exitIp` is the stub. */
  unlinked: 0,
  /** The budget is used up; `exitIp` goes on. */
  budget: 1,
  /** No translated block at `state.pc`, or interrupts want a look. */
  lookup: 2,
  /** `excCode` is to be raised at the instruction of `exitIp`. */
  exception: 3,
  /** The vCPU waits for an interrupt. */
  halt: 4,
  /** The operation at `exitIp` wrote to its own block, touched watched memory or a device at an exact time: repeat its instruction alone. */
  codeWrite: 5,
  /** A breakpoint: `exitIp` lies in the block that stands for it. */
  debug: 6,
} as const;

/** Values of `COMMON.fault`. */
export const FAULT = { none: 0, exception: 1, codeWrite: 2 } as const;

export interface FieldOptions {
  /** Value after reset; zero unless said otherwise. */
  readonly reset?: number | bigint;
}

export interface StateField {
  readonly slot: Slot;
  readonly reset: bigint;
}

/** Declares the registers of an architecture, once, for translation, reset, snapshots and inspection. */
export class StateLayout {
  readonly common = COMMON;
  readonly #fields: StateField[] = [];
  #next = FIRST_FIELD;

  field(name: string, ty: Ty, o: FieldOptions = {}): Slot {
    const bytes = TYPE_BYTES[ty];
    const offset = Math.ceil(this.#next / bytes) * bytes;
    this.#next = offset + bytes;
    if (this.#next > FIELDS_END) throw new Error(`state of a vCPU ends at ${FIELDS_END} bytes, before ${name}`);
    const made = slot(name, offset, ty);
    this.#fields.push({ slot: made, reset: BigInt(o.reset ?? 0) });
    return made;
  }

  /** `count` fields called name0, name1 ... */
  array(name: string, ty: Ty, count: number, o: FieldOptions = {}): Slot[] {
    return Array.from({ length: count }, (_, i) => this.field(`${name}${i}`, ty, o));
  }

  /**
   * The high half of a v128 under a name of its own, as floating-point registers lie in vector registers. It is no field: the
   * vector is. Instructions may name both; helpers get them as arguments.
   */
  highHalf(name: string, whole: Slot): Slot {
    return half(name, whole, 8);
  }

  /** The same of the low half. */
  lowHalf(name: string, whole: Slot): Slot {
    return half(name, whole, 0);
  }

  /** Every field in the order of declaration. */
  get fields(): readonly StateField[] {
    return this.#fields;
  }
}
