/** What an architecture package supplies: how its instructions mean IR, and how its addresses are translated. */
import { type DebugDescription, PAGE_SHIFT } from '@boardwalk/core';
import type { IrBuilder, Value } from './ir/builder.ts';
import type { IrHelper, TsHelper } from './ir/helper.ts';
import type { Slot } from './ir/types.ts';
import type { StateLayout } from './state.ts';

/** The instruction that is being translated. */
export interface InsnContext {
  /**
   * Address of the instruction, as the halves of a 64-bit number. What looks at it means something else at another address, so its
   * block is translated for each that it runs at: where an address is only handed on, use `addressOf`.
   */
  readonly pcLo: number;
  readonly pcHi: number;
  /** Bytes from the start of its page of code (`codePageBits`). */
  readonly inPage: number;
  /**
   * Halves of the address `offset` bytes from the instruction, modulo 2^64, for `b.goto`, `b.gotoIf` and `b.address`, and for nothing
   * else: of code that runs at several addresses, as shared libraries do, they count from the start of the instruction's page.
   */
  addressOf(offset: number): readonly [lo: number, hi: number];
  /**
   * The mode word that the instruction is translated for. Where an instruction changes it for the one that follows it in
   * the block (IT state, a delay slot), the frontend assigns it here: the engine writes it to `state.mode` if the block is
   * cut before its own end. Such a frontend has `mode` among its `restartSlots`.
   */
  mode: number;
  /**
   * Halves of the second word that the instruction is translated for (`state.extra`); 0 unless the frontend `usesExtra`. Assigned
   * as `mode` is where the instruction that follows in the block has another; then `extraLo` and `extraHi` are `restartSlots`.
   */
  extraLo: number;
  extraHi: number;
  /** Two bytes of the instruction stream, `offset` bytes from the instruction's start, in the order of the frontend. */
  fetch16(offset: number): number;
  /** Four bytes, as an unsigned number. */
  fetch32(offset: number): number;
  /** Whether it lies at a multiple of the frontend's `codeAlignment`. */
  readonly isAligned: boolean;
  /** Whether the instruction is the first of its block: nothing is known of what ran before it. */
  readonly first: boolean;
  /**
   * What the frontend knows of the instructions before this one in the block, beyond what they left in the state: a number below
   * 15 of its own making, 0 at the block's first instruction. Assigned for the one that follows; read it only where it matters.
   */
  carried: number;
  /** Set by the frontend: bytes of this instruction. */
  length: number;
  /** Set by the frontend: no further instruction belongs to the block. It must have emitted a block end. */
  ended: boolean;
}

/** An operand that only says how far from the instruction something is. */
export interface RelativeOperand {
  /** Its bits in the first four bytes, the first byte in the low eight bits, and in the two behind those. */
  first: number;
  rest: number;
  /** Its distance in bytes. */
  offset: number;
}

/**
 * Exception codes that the engine itself raises, as `excCode` values of the frontend. The address is in `excValue`; with a bus
 * error `state.busResult` tells a device that refused (MEM_ERROR) from an address where nothing is (MEM_DECODE_ERROR).
 */
export interface EngineExceptions {
  readonly busLoad: number;
  readonly busStore: number;
  readonly busFetch: number;
  readonly misalignedLoad: number;
  readonly misalignedStore: number;
}

/** Where a register of a debugger's is: in a slot, or what helpers say, () -> i64 and (i64). */
export type DebugRegisterPlace =
  | { readonly slot: Slot; readonly fixed?: boolean }
  | { readonly read: IrHelper; readonly write?: IrHelper };

/** How debuggers see a CPU. Without it they see the state's fields by their names. */
export interface FrontendDebug {
  readonly description: DebugDescription;
  /** The place of a register by its number; undefined where there is none. `fixed` registers ignore writes. */
  place(number: number): DebugRegisterPlace | undefined;
  /** Regimes that a debugger's accesses of memory try, by the mode word, best first. */
  dataMmus(mode: number): readonly number[];
  /** Return addresses of the calls that the program is in, the nearest first, as far as its frames tell. */
  callers?(frames: FrameReader): Iterable<bigint>;
}

/** What can be read of a stopped program to find its callers. */
export interface FrameReader {
  readonly pc: bigint;
  register(number: number): bigint;
  /** A word of the stack; undefined where nothing is mapped. */
  load(address: bigint, size: 4 | 8): bigint | undefined;
  /** Whether two addresses are known to lie in one function. */
  same(a: bigint, b: bigint): boolean;
}

/** log2 of the page that blocks and their links stay within: larger guest pages may lie in pieces on the host. */
export function codePageBits(frontend: Frontend): number {
  return Math.min(frontend.pageBits, PAGE_SHIFT);
}

/** Bytes that stores are marked in, one for each page, by the number of the page of the address that a span is of. */
export interface StoreMarks {
  /** i32 slots that have the host offset of the first, and how many there are; they do not change while vCPUs run. */
  readonly table: Slot;
  readonly count: Slot;
  /** log2 of the bytes of a page. */
  readonly pageBits: number;
  /** What a byte becomes, whatever it was: `span` allows only addresses where that is right. */
  readonly value: number;
}

/** What tells helpers of a frontend from those of another. */
export interface FrontendHelpers {
  /**
   * All that the bodies of its helpers depend on beside the program's version, as a text. Two frontends of the same name with the same
   * variant have the same helpers under the same names.
   */
  readonly variant: string;
  /** Every helper in TypeScript that its helpers and blocks call. */
  readonly ts: readonly TsHelper[];
}

/** What an architecture gives the translator; docs/adding-an-architecture.md goes through it. */
export interface Frontend {
  readonly name: string;
  readonly endian: 'little' | 'big';
  /** log2 of the smallest page. */
  readonly pageBits: number;
  /** Number of translation regimes (`mmu` of accesses). */
  readonly mmuModes: number;
  readonly state: StateLayout;
  /** Instructions lie at multiples of so many bytes (a power of two); the frontend raises where one does not. 1 unless given. */
  readonly codeAlignment?: number;
  /** Most instructions in a block; 64 unless said otherwise. */
  readonly maxBlockInsns?: number;
  /** A store into the running block takes effect at the next instruction (x86). Otherwise code is refetched at block ends. */
  readonly preciseCodeWrites?: boolean;
  /**
   * `state.extra` is part of a block's key too: a base address, the next pc of a delay slot, whatever else does not fit in
   * the mode word. An instruction that changes it ends its block with `exitToLookup`, or assigns the context's halves.
   */
  readonly usesExtra?: boolean;
  /**
   * Attributes of device accesses by regime: `ATTR_USER`, `ATTR_SECURE` of core, which come to the device beside `ATTR_FETCH` and the
   * vCPU's requester id. None unless given.
   */
  readonly regimeAttributes?: readonly number[];
  /** The page walk also sets `state.walkAttrs` to attributes of the page (the same bits): a secure page, say. */
  readonly walkAttributes?: boolean;
  /** i32 slots that the `restartWords` of an instruction are written to when it is restarted or raises. */
  readonly restartSlots?: readonly Slot[];
  readonly exceptions: EngineExceptions;
  /**
   * Decodes one instruction at `ctx` and emits its IR. Undefined instructions raise. The engine has emitted the marker. The IR
   * depends on nothing but what is read of `ctx`. Where that is only the instruction's bytes and the mode, the engine keeps what
   * it made of it: read the pc and `extra` only where they matter.
   */
  translateInsn(b: IrBuilder, ctx: InsnContext): void;
  /**
   * Fills in the operand of the instruction at `ctx` that `translateInsn` uses for nothing but `addressOf`, if it has one; beside that
   * address it asks for no other than the next instruction's. So what was made of one jump serves others of its form.
   */
  relativeOperand?(ctx: InsnContext, operand: RelativeOperand): boolean;
  /** Restart words of the instruction at `ctx`; needed only with `restartSlots`. */
  restartWords?(ctx: InsnContext): readonly number[];
  /** IR: the translation regime of instruction fetches (i32), from the state: the mode word determines it. */
  fetchMmu(b: IrBuilder): Value;
  /** The same of a mode word. Without it a flush of one regime forgets the jumps of all. */
  fetchMmuOf?(b: IrBuilder, mode: Value): Value;
  /** (va i64, access i32 0 load 1 store 2 fetch, mmu i32) -> i32: 0 and walk* set, or not 0 and excCode, excValue set. */
  readonly walk: IrHelper;
  /**
   * (va i64, access i32, mmu i32) -> i32, after a walk that succeeded: log2 of the aligned bytes around the address that the same
   * access may be made to as well, a constant away from where they are, without another walk: no page's accessed bit or storage
   * key hears of it. For tier 1 (softmmu/spans.ts); below 16 says that a page is all that is known.
   */
  readonly span?: IrHelper;
  /** Where a store through a span of stores leaves a mark, if the architecture keeps track of pages that were stored into. */
  readonly storeMarks?: StoreMarks;
  /** () : enters the exception in excCode and excValue at `pc`; sets pc and mode. */
  readonly raise: IrHelper;
  /** () -> i32: takes the highest pending enabled interrupt, if any: 1; clears `halted` when one is pending. */
  readonly serviceInterrupt: IrHelper;
  readonly debug?: FrontendDebug;
  /** For code to be kept for other runs, and helpers to be linked once for all threads; without it neither is done. */
  readonly helpers?: FrontendHelpers;
  /** Text of the instruction in these bytes, for logs. */
  disassemble(bytes: Uint8Array, pc: bigint): { readonly text: string; readonly length: number };
}
