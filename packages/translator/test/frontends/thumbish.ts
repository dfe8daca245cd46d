/**
 * Test-only frontend in the shape of ARM: two instruction sets (16-bit "thumb", 32-bit "arm") between which a jump switches,
 * predication of the next four instructions by IT state in the mode word, load and store multiple, exclusive pairs, data in
 * either byte order, pages of 1 KiB.
 *
 * Registers r0 to r15 of i32 (r13 stack, r14 link; r15 is not used). Thumb: op (6) a (4) b (4) .. or op (6) n (8);
 * arm: op (8) a (4) b (4) n (16).
 */
import {
  defineHelper,
  type Frontend,
  type InsnContext,
  type IrBuilder,
  StateLayout,
  type Value,
} from '@boardwalk/translator';
import { at, le32, takeInterrupt } from './harness.ts';

const layout = new StateLayout();
const { pc, mode, excCode, excValue, walkPa, walkBits, walkProt } = layout.common;
const r = layout.array('r', 'i32', 16);
const flagZ = layout.field('flagZ', 'i32');
const flagC = layout.field('flagC', 'i32');
/** The exclusive monitor: address and value of the last load-exclusive; address -1 when none. */
const exclusive = layout.field('exclusive', 'i32', { reset: 0xffff_ffff });
const exclusiveValue = layout.field('exclusiveValue', 'i64');
const savedPc = layout.field('savedPc', 'i64');
const savedMode = layout.field('savedMode', 'i32');
const savedCode = layout.field('savedCode', 'i32');
const savedValue = layout.field('savedValue', 'i64');

/** Mode word: bit 0 arm, bit 1 data big-endian, bits 8 to 10 IT: instructions left, 12 to 15 their condition (a bit each). */
const ARM = 1;
const BIG = 2;
const IT = 0xff00;
export const VECTOR = 0x8000;
export const EXC = { undefined: 1, svc: 2, fetch: 3, data: 4, irq: 5, bus: 6, alignment: 7 } as const;
/** Pages of 1 KiB that are missing, read-only, and mapped to another place. */
export const PAGES = { missing: 0x4400, readonly: 0x4c00, moved: 0x5400, movedTo: 0x6000 } as const;

const reg2 =
  (op: number) =>
  (a = 0, b = 0) =>
    half((op << 10) | (a << 6) | (b << 2));
const byte =
  (op: number) =>
  (n = 0) =>
    half((op << 10) | (n & 0xff));
const half = (value: number): number[] => [value & 255, value >> 8];

/** Thumb's assembler. */
export const T = {
  halt: byte(1),
  /** IT: the next instructions run where Z is set ('t') or clear ('e'). */
  it: (pattern: string) =>
    half((2 << 10) | (pattern.length << 4) | [...pattern].reduce((m, x, i) => m | (x === 't' ? 1 << i : 0), 0)),
  add: reg2(3),
  mov: reg2(4),
  cmp: reg2(5),
  ldr: reg2(6),
  str: reg2(7),
  /** b: halfwords from the next instruction. */
  b: byte(8),
  bx: reg2(9),
  svc: byte(10),
  eret: byte(11),
  setend: byte(12),
  ldrex: reg2(13),
  /** a = 1 if b could not be stored at the address of the monitor. */
  strex: reg2(14),
  movs: (a: number, n: number) => half((15 << 10) | (a << 6) | (n & 63)),
  ldrh: reg2(16),
  /** Loads or stores r0 to r(b - 1) from the address in a, which moves on. */
  ldm: reg2(17),
  stm: reg2(18),
  undefined: byte(63),
} as const;

const word =
  (op: number) =>
  (a = 0, b = 0, n = 0) =>
    le32(((op << 24) | (a << 20) | (b << 16) | (n & 0xffff)) >>> 0);
/** Arm's. */
export const A = { halt: word(1), mov: word(2), add: word(3), bx: word(4), movt: word(5) } as const;

const get = (b: IrBuilder, n: number): Value => b.get(at(r, n));
const set = (b: IrBuilder, n: number, v: Value): void => b.set(at(r, n), v);

const raise = defineHelper('thumbish_raise', [], undefined, (b) => {
  b.set(savedPc, b.get(pc));
  b.set(savedMode, b.get(mode));
  b.set(savedCode, b.get(excCode));
  b.set(savedValue, b.get(excValue));
  b.set(mode, b.i32(0));
  b.set(pc, b.i64(VECTOR));
});

const walk = defineHelper('thumbish_walk', ['i64', 'i32', 'i32'], 'i32', (b, va, access) => {
  const page = b.and(b.wrap(va), b.i32(-1024));
  const store = b.eq(access, b.i32(1));
  const bad = b.or(b.eq(page, b.i32(PAGES.missing)), b.and(b.eq(page, b.i32(PAGES.readonly)), store));
  b.if(bad, () => {
    b.set(excCode, b.select(b.eq(access, b.i32(2)), b.i32(EXC.fetch), b.i32(EXC.data)));
    b.set(excValue, va);
    b.return_(b.i32(1));
  });
  b.set(walkPa, b.select(b.eq(page, b.i32(PAGES.moved)), b.i64(PAGES.movedTo), va));
  b.set(walkBits, b.i32(10));
  b.set(walkProt, b.i32(7));
  return b.i32(0);
});

const serviceInterrupt = takeInterrupt('thumbish_interrupt', layout, raise, EXC.irq);

interface Insn {
  readonly a: number;
  readonly b: number;
  readonly n: number;
  readonly c: InsnContext;
}

/** Ends the block in the mode that the instructions of it have come to, so many bytes behind the instruction. */
const go = (b: IrBuilder, { c }: Insn, offset = 0): void => {
  b.set(mode, b.i32(c.mode));
  b.goto(...c.addressOf(c.length + offset));
};
const system = (b: IrBuilder, o: Insn): void => {
  b.exitToLookup();
  o.c.ended = true;
};

/** Jumps to an address whose bit 0 says thumb. */
function interwork(b: IrBuilder, o: Insn): void {
  const to = get(b, o.a);
  b.set(mode, b.or(b.i32(o.c.mode & ~ARM), b.and(b.not(to), b.i32(1))));
  b.set(pc, b.extend32U(b.and(to, b.i32(-2))));
  system(b, o);
}

const halt = (b: IrBuilder, o: Insn): void => {
  b.set(mode, b.i32(o.c.mode));
  b.set(pc, b.address(...o.c.addressOf(o.c.length)));
  b.halt();
  o.c.ended = true;
};

const access = (o: Insn, size: 2 | 4 = 4) =>
  ({ size, ty: 'i32', endian: (o.c.mode & BIG) !== 0 ? 'big' : 'little' }) as const;

function multiple(b: IrBuilder, o: Insn, write: boolean): void {
  const base = get(b, o.a);
  b.probe(b.extend32U(base), b.i32(o.b * 4), { write });
  for (let n = 0; n < o.b; n++) {
    const place = b.add(base, b.i32(n * 4));
    if (write) b.store(place, get(b, n), access(o));
    else set(b, n, b.load(place, access(o)));
  }
  set(b, o.a, b.add(base, b.i32(o.b * 4)));
}

type Emit = (b: IrBuilder, o: Insn) => void;

const THUMB: Readonly<Record<number, Emit>> = {
  1: halt,
  2: (_b, o) => {
    o.c.mode |= ((o.n >> 4) << 8) | ((o.n & 15) << 12);
  },
  3: (b, o) => {
    const sum = b.add(get(b, o.a), get(b, o.b));
    b.set(flagC, b.ltU(sum, get(b, o.b)));
    set(b, o.a, sum);
  },
  4: (b, o) => set(b, o.a, get(b, o.b)),
  5: (b, o) => b.set(flagZ, b.eq(get(b, o.a), get(b, o.b))),
  6: (b, o) => set(b, o.a, b.load(get(b, o.b), access(o))),
  7: (b, o) => b.store(get(b, o.b), get(b, o.a), access(o)),
  8: (b, o) => {
    go(b, o, (o.n << 24) >> 23);
    o.c.ended = true;
  },
  9: interwork,
  10: (b, o) => {
    b.raise(EXC.svc, b.i64(o.n));
    o.c.ended = true;
  },
  11: (b, o) => {
    b.set(pc, b.get(savedPc));
    b.set(mode, b.get(savedMode));
    system(b, o);
  },
  12: (_b, o) => {
    o.c.mode = (o.c.mode & ~BIG) | (o.n !== 0 ? BIG : 0);
  },
  13: (b, o) => {
    const value = b.load(get(b, o.b), { ...access(o), ty: 'i64', align: 'natural' });
    b.set(exclusiveValue, value);
    b.set(exclusive, get(b, o.b));
    set(b, o.a, b.wrap(value));
  },
  14: (b, o) => {
    const failed = b.local('i32', b.i32(1));
    b.if(b.ne(b.get(exclusive), b.i32(-1)), () => {
      const expected = b.get(exclusiveValue);
      const { endian } = access(o);
      const old = b.atomicCas(b.get(exclusive), expected, b.extend32U(get(b, o.b)), { size: 4, endian });
      b.setLocal(failed, b.ne(old, expected));
    });
    b.set(exclusive, b.i32(-1));
    set(b, o.a, b.getLocal(failed));
  },
  15: (b, o) => set(b, o.a, b.i32(o.n & 63)),
  16: (b, o) => set(b, o.a, b.load(get(b, o.b), { ...access(o, 2), signed: true })),
  17: (b, o) => multiple(b, o, false),
  18: (b, o) => multiple(b, o, true),
};

const ARM_TABLE: Readonly<Record<number, Emit>> = {
  1: halt,
  2: (b, o) => set(b, o.a, b.i32(o.n)),
  3: (b, o) => set(b, o.a, b.add(get(b, o.b), b.i32((o.n << 16) >> 16))),
  4: interwork,
  5: (b, o) => set(b, o.a, b.deposit(get(b, o.a), 16, 16, b.i32(o.n))),
};

/** IT state after one instruction. */
function advance(state: number): number {
  const left = ((state >> 8) & 7) - 1;
  return left <= 0 ? state & ~IT : (state & ~IT) | (left << 8) | ((state >> 1) & 0x7000);
}

function run(b: IrBuilder, o: Insn, emit: Emit | undefined): void {
  if (emit !== undefined) {
    emit(b, o);
    return;
  }
  o.c.ended = true;
  b.raise(EXC.undefined, b.i64(0));
}

function translateInsn(b: IrBuilder, c: InsnContext): void {
  if ((c.mode & ARM) !== 0) {
    const code = c.fetch32(0);
    c.length = 4;
    run(b, { a: (code >> 20) & 15, b: (code >> 16) & 15, n: code & 0xffff, c }, ARM_TABLE[code >>> 24]);
    return;
  }
  const code = c.fetch16(0);
  c.length = 2;
  const o = { a: (code >> 6) & 15, b: (code >> 2) & 15, n: code & 0xff, c };
  const emit = THUMB[code >> 10];
  const predicated = (c.mode & 0x700) !== 0;
  if (!predicated) {
    run(b, o, emit);
    return;
  }
  const wanted = (c.mode >> 12) & 1;
  c.mode = advance(c.mode);
  b.if(b.eq(b.ne(b.get(flagZ), b.i32(0)), b.i32(wanted)), () => run(b, o, emit));
  if (c.ended) go(b, o);
}

export function thumbish(maxBlockInsns = 64): Frontend {
  return {
    name: `thumbish${maxBlockInsns}`,
    endian: 'little',
    pageBits: 10,
    mmuModes: 1,
    state: layout,
    maxBlockInsns,
    restartSlots: [mode],
    restartWords: (c) => [c.mode],
    exceptions: {
      busLoad: EXC.bus,
      busStore: EXC.bus,
      busFetch: EXC.bus,
      misalignedLoad: EXC.alignment,
      misalignedStore: EXC.alignment,
    },
    translateInsn,
    fetchMmu: (b) => b.i32(0),
    walk,
    raise,
    serviceInterrupt,
    disassemble: (bytes) => ({ text: `op ${(bytes[1] ?? 0) >> 2}`, length: 2 }),
  };
}
