/**
 * Test-only frontend in the shape of PA-RISC: big-endian, instructions that nullify the next one, space registers (64-bit
 * virtual addresses of 32-bit offsets), fields deposited and extracted, conditional traps, pairs of registers, loads and
 * stores that modify their base, vectors longer than 128 bits, floats on the host's.
 *
 * Registers g0 (zero) to g15, sr0 to sr3, d0 to d3 (f64), s0 to s3 (f32), v0 to v7. An instruction: op (8) a (4) b (4) n (16).
 */
import {
  defineHelper,
  type Frontend,
  type InsnContext,
  type IrBuilder,
  StateLayout,
  type Value,
} from '@boardwalk/translator';
import { at, be32, takeInterrupt } from './harness.ts';

const layout = new StateLayout();
const { pc, mode, excCode, excValue, walkPa, walkBits } = layout.common;
const g = layout.array('g', 'i32', 16);
const sr = layout.array('sr', 'i32', 4);
const d = layout.array('d', 'f64', 4);
const s = layout.array('s', 'f32', 4);
const v = layout.array('v', 'v128', 8);
/** In mode NULLIFYING: not zero, the next instruction does nothing. */
const nullify = layout.field('nullify', 'i32');
const ipc = layout.field('ipc', 'i64');
const imode = layout.field('imode', 'i32');
const inullify = layout.field('inullify', 'i32');
const icode = layout.field('icode', 'i32');
const ivalue = layout.field('ivalue', 'i64');

/** Mode word: whether the instruction is nullified stands in `nullify`. */
const NULLIFYING = 1;
/** Spaces from this one on are not there. */
export const NO_SPACE = 0x100;
/** A page that is not there. */
export const NO_PAGE = 0x3f_0000;
export const VECTOR = 0x8000;
export const TRAP = { overflow: 12, conditional: 14, data: 15, illegal: 8, bus: 1, alignment: 28 } as const;

const insn =
  (op: number) =>
  (a = 0, b = 0, n = 0) =>
    be32(((op << 24) | (a << 20) | (b << 16) | (n & 0xffff)) >>> 0);

/** The assembler; a is the target unless said otherwise, n a signed number of 16 bits. */
export const H = {
  halt: insn(1),
  ldi: insn(2),
  /** a += b, nullifies if the sum is zero. */
  addZ: insn(3),
  /** a += b, traps on overflow. */
  addO: insn(4),
  /** Traps if a is not less than b, unsigned. */
  trapGe: insn(5),
  /** Loads from n(sr2, b): `ldwm` adds n to b, too. */
  ldw: insn(6),
  ldwm: insn(7),
  /** Stores a. */
  stw: insn(8),
  stwm: insn(9),
  /** Pairs: a, a + 1. */
  ldd: insn(10),
  std: insn(11),
  /** n: position from the low end * 256 + length. */
  extru: insn(12),
  extrs: insn(13),
  dep: insn(14),
  /** a = low half of (a, a + 1 as 64 bits) >> n. */
  shrp: insn(15),
  mtsp: insn(16),
  branch: insn(17),
  rfi: insn(18),
  trap: insn(19),
  /** d[a] = d[a] op d[b]: n 0 add, 1 subtract, 2 multiply, 3 divide; and s. */
  fd: insn(20),
  fs: insn(21),
  fldd: insn(22),
  fcnv: insn(23),
  fsqrt: insn(24),
  /** Vector of 16 n bytes from v[a] on: 32-bit lanes added to, or bytes compared with, those from v[b]. */
  vadd: insn(25),
  vload: insn(26),
  vstore: insn(27),
  /** One vector register: v[a] = swizzle(v[a], v[b]). */
  vswizzle: insn(28),
  /** Branches if d[a] < d[b]. */
  fblt: insn(29),
  or: insn(30),
} as const;

interface Insn {
  readonly a: number;
  readonly b: number;
  readonly n: number;
  readonly next: number;
  readonly c: InsnContext;
}

/** The register of a number; there are more numbers than registers. */
const among = <X>(list: readonly X[], n: number): X => at(list, n % list.length);
const get = (b: IrBuilder, n: number): Value => (n === 0 ? b.i32(0) : b.get(among(g, n)));
const set = (b: IrBuilder, n: number, value: Value): void => {
  if (n !== 0) b.set(among(g, n), value);
};

const raise = defineHelper('hppaish_raise', [], undefined, (b) => {
  b.set(ipc, b.get(pc));
  b.set(imode, b.get(mode));
  b.set(inullify, b.get(nullify));
  b.set(icode, b.get(excCode));
  b.set(ivalue, b.get(excValue));
  b.set(nullify, b.i32(0));
  b.set(mode, b.i32(0));
  b.set(pc, b.i64(VECTOR));
});

const walk = defineHelper('hppaish_walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
  const space = b.shr(va, b.i64(32));
  const hole = b.eq(b.shr(va, b.i64(12)), b.i64(NO_PAGE >> 12));
  b.if(b.or(b.geU(space, b.i64(NO_SPACE)), hole), () => {
    b.set(excCode, b.i32(TRAP.data));
    b.set(excValue, va);
    b.return_(b.i32(1));
  });
  // Each space begins 64 KiB higher.
  b.set(walkPa, b.add(b.and(va, b.i64x(-1, 0)), b.shl(space, b.i64(16))));
  b.set(walkBits, b.i32(12));
  return b.i32(0);
});

const serviceInterrupt = takeInterrupt('hppaish_interrupt', layout, raise, 4);

/** (first target, first source, vectors): 32-bit lanes of vectors that lie one after the other. */
const addRange = defineHelper('hppaish_vadd', ['i32', 'i32', 'i32'], undefined, (b, to, from, count) => {
  const i = b.local('i32', b.i32(0));
  const base = b.add(b.cpuBase(), b.i32(at(v, 0).offset));
  b.loop((breakIf) => {
    breakIf(b.geU(b.getLocal(i), count));
    const place = (first: Value): Value => b.add(base, b.shl(b.add(first, b.getLocal(i)), b.i32(4)));
    for (const half of [0, 8]) {
      const [x, y] = [place(to), place(from)].map((p) => b.hostLoad(b.add(p, b.i32(half)), { size: 8 }));
      if (x === undefined || y === undefined) return;
      const sum = b.pure('v128.add.i32x4', b.pure('splat.i64x2', x), b.pure('splat.i64x2', y));
      b.hostStore(b.add(place(to), b.i32(half)), b.pure('low64', sum), { size: 8 });
    }
    b.setLocal(i, b.add(b.getLocal(i), b.i32(1)));
  });
});

const address = (b: IrBuilder, o: Insn, offset: Value): Value =>
  b.or(b.shl(b.extend32U(b.get(at(sr, 2))), b.i64(32)), b.extend32U(b.add(get(b, o.b), offset)));
const W = { size: 4, ty: 'i32', endian: 'big', align: 'natural' } as const;
const D = { size: 8, endian: 'big', align: 'natural' } as const;

/** Whether the next instruction does nothing is `condition`. */
function nullifyNext(b: IrBuilder, o: Insn, condition: Value): void {
  b.set(nullify, condition);
  o.c.mode |= NULLIFYING;
}

function float(ty: 'f64' | 'f32', b: IrBuilder, o: Insn): void {
  const list = ty === 'f64' ? d : s;
  const [x, y] = [b.get(among(list, o.a)), b.get(among(list, o.b))];
  const compute = [() => b.fadd(x, y), () => b.fsub(x, y), () => b.fmul(x, y), () => b.fdiv(x, y)][o.n & 3];
  if (compute !== undefined) b.set(among(list, o.a), compute());
}

const end = (b: IrBuilder, o: Insn, to: number): void => {
  b.goto(to, 0);
  o.c.ended = true;
};

const TABLE: Readonly<Record<number, (b: IrBuilder, o: Insn) => void>> = {
  1: (b, o) => {
    b.set(pc, b.i64(o.next));
    b.halt();
    o.c.ended = true;
  },
  2: (b, o) => set(b, o.a, b.i32(o.n)),
  3: (b, o) => {
    const sum = b.add(get(b, o.a), get(b, o.b));
    set(b, o.a, sum);
    nullifyNext(b, o, b.eqz(sum));
  },
  4: (b, o) => {
    const [x, y] = [get(b, o.a), get(b, o.b)];
    const sum = b.add(x, y);
    const overflow = b.and(b.xor(x, sum), b.xor(y, sum));
    b.if(b.ltS(overflow, b.i32(0)), () => b.raise(TRAP.overflow, b.extend32S(sum)));
    set(b, o.a, sum);
  },
  5: (b, o) => b.if(b.geU(get(b, o.a), get(b, o.b)), () => b.raise(TRAP.conditional, b.i64(0))),
  6: (b, o) => set(b, o.a, b.load(address(b, o, b.i32(o.n)), W)),
  7: (b, o) => {
    const base = b.add(get(b, o.b), b.i32(o.n));
    const value = b.load(address(b, o, b.i32(o.n)), W);
    set(b, o.b, base);
    set(b, o.a, value);
  },
  8: (b, o) => b.store(address(b, o, b.i32(o.n)), get(b, o.a), W),
  9: (b, o) => {
    b.store(address(b, o, b.i32(o.n)), get(b, o.a), W);
    set(b, o.b, b.add(get(b, o.b), b.i32(o.n)));
  },
  10: (b, o) => {
    const pair = b.load(address(b, o, b.i32(o.n)), D);
    set(b, o.a, b.wrap(b.shr(pair, b.i64(32))));
    set(b, o.a + 1, b.wrap(pair));
  },
  11: (b, o) => {
    const pair = b.deposit(b.extend32U(get(b, o.a + 1)), 32, 32, b.extend32U(get(b, o.a)));
    b.store(address(b, o, b.i32(o.n)), pair, D);
  },
  12: (b, o) => set(b, o.a, b.extract(get(b, o.b), o.n >> 8, o.n & 255)),
  13: (b, o) => set(b, o.a, b.sext(b.extract(get(b, o.b), o.n >> 8, o.n & 255), o.n & 255)),
  14: (b, o) => set(b, o.a, b.deposit(get(b, o.a), o.n >> 8, o.n & 255, get(b, o.b))),
  15: (b, o) => {
    const pair = b.or(b.shl(b.extend32U(get(b, o.a)), b.i64(32)), b.extend32U(get(b, o.a + 1)));
    set(b, o.a, b.wrap(b.shr(pair, b.i64(o.n))));
  },
  16: (b, o) => b.set(among(sr, o.a), get(b, o.b)),
  17: (b, o) => end(b, o, o.next + o.n * 4),
  18: (b, o) => {
    b.set(pc, b.get(ipc));
    b.set(mode, b.get(imode));
    b.set(nullify, b.get(inullify));
    b.exitToLookup();
    o.c.ended = true;
  },
  19: (b, o) => {
    b.raise(9, b.i64(0));
    o.c.ended = true;
  },
  20: (b, o) => float('f64', b, o),
  21: (b, o) => float('f32', b, o),
  22: (b, o) => b.set(among(d, o.a), b.reinterpret(b.load(address(b, o, b.i32(o.n)), D))),
  23: (b, o) => {
    b.set(among(s, o.a), b.demote(b.get(among(d, o.b))));
    set(b, o.a, b.truncSat(b.get(among(d, o.b)), 'i32', true));
  },
  24: (b, o) => b.set(among(d, o.a), b.fsqrt(b.convert(get(b, o.b), 'f64', true))),
  25: (b, o) => {
    const [to, from] = [o.a & 7, o.b & 7];
    b.call(addRange, b.i32(to), b.i32(from), b.i32(Math.min(o.n & 7, 8 - Math.max(to, from))));
  },
  26: (b, o) => {
    const [low, high] = [0, 8].map((n) => b.load(address(b, o, b.i32(o.n + n)), { size: 8 }));
    if (low !== undefined && high !== undefined)
      b.set(among(v, o.a), b.pure('withHigh64', b.pure('splat.i64x2', low), high));
  },
  27: (b, o) => {
    b.probe(address(b, o, b.i32(o.n)), b.i32(16), { write: true });
    const value = b.get(among(v, o.a));
    b.store(address(b, o, b.i32(o.n)), b.pure('low64', value), { size: 8 });
    b.store(address(b, o, b.i32(o.n + 8)), b.pure('high64', value), { size: 8 });
  },
  28: (b, o) => b.set(among(v, o.a), b.pure('v128.swizzle.i8x16', b.get(among(v, o.a)), b.get(among(v, o.b)))),
  29: (b, o) => {
    b.gotoIf(b.flt(b.get(among(d, o.a)), b.get(among(d, o.b))), o.next + o.n * 4, 0, o.next, 0);
    o.c.ended = true;
  },
  30: (b, o) => set(b, o.a, b.or(get(b, o.a), get(b, o.b))),
};

function translateInsn(b: IrBuilder, c: InsnContext): void {
  const word = c.fetch32(0);
  c.length = 4;
  const o = { a: (word >> 20) & 15, b: (word >> 16) & 15, n: (word << 16) >> 16, next: c.pcLo + 4, c };
  if ((c.mode & NULLIFYING) !== 0) {
    c.mode &= ~NULLIFYING;
    // Whoever restarts this instruction finds `nullify` zero: it did not do nothing.
    const skipped = b.get(nullify);
    b.set(mode, b.i32(c.mode));
    b.set(nullify, b.i32(0));
    b.if(skipped, () => b.goto(o.next, 0));
  }
  const emit = TABLE[word >>> 24];
  if (emit !== undefined) {
    emit(b, o);
    return;
  }
  c.ended = true;
  b.raise(TRAP.illegal, b.i64(0));
}

export function hppaish(maxBlockInsns = 64): Frontend {
  return {
    name: `hppaish${maxBlockInsns}`,
    endian: 'big',
    pageBits: 12,
    mmuModes: 1,
    state: layout,
    maxBlockInsns,
    restartSlots: [mode],
    restartWords: (c) => [c.mode],
    exceptions: {
      busLoad: TRAP.bus,
      busStore: TRAP.bus,
      busFetch: TRAP.bus,
      misalignedLoad: TRAP.alignment,
      misalignedStore: TRAP.alignment,
    },
    translateInsn,
    fetchMmu: (b) => b.i32(0),
    walk,
    raise,
    serviceInterrupt,
    disassemble: (bytes) => ({ text: `op ${bytes[0]}`, length: 4 }),
  };
}
