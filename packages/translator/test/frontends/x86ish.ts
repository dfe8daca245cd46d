/**
 * Test-only frontend in the shape of x86: bytes of any length, lazy condition codes, unaligned accesses, a register stack
 * whose top is in the mode word, a code segment's base in the second word, moves from memory to memory, interruptible string moves, stores into the running code.
 *
 * Registers e0 to e7 (i32), s0 to s7 (the stack), x0 to x7 (v128). e4 is the stack pointer; the exception vector is in `vector`.
 */
import { ATTR_SECURE } from '@boardwalk/core';
import {
  type AccessOptions,
  defineHelper,
  type Frontend,
  type InsnContext,
  type IrBuilder,
  StateLayout,
  type Value,
} from '@boardwalk/translator';

const layout = new StateLayout();
const { pc, mode, extra, extraLo, extraHi, excCode, excValue, walkPa, walkBits, halted, pendingIrq } = layout.common;
const e = layout.array('e', 'i32', 8);
const s = layout.array('s', 'i64', 8);
const x = layout.array('x', 'v128', 8);
/** Operands of the last operation that set the flags: result, first operand; whether it subtracted. */
const ccResult = layout.field('ccResult', 'i32');
const ccFirst = layout.field('ccFirst', 'i32');
const ccSubtract = layout.field('ccSubtract', 'i32');
const vector = layout.field('vector', 'i64', { reset: 0x1000 });
const savedPc = layout.field('savedPc', 'i64');
/** Base of the code segment when the last exception was raised. */
const savedBase = layout.field('savedBase', 'i64');
const savedCode = layout.field('savedCode', 'i32');
const savedValue = layout.field('savedValue', 'i64');
const interruptsOn = layout.field('interruptsOn', 'i32');

/** Assembles: numbers are bytes, `i(n)` a 32-bit immediate. */
export const X = {
  hlt: 0x00,
  movImm: 0x01,
  mov: 0x02,
  add: 0x03,
  load: 0x04,
  store: 0x05,
  jmp: 0x06,
  jz: 0x07,
  jc: 0x08,
  repMovsb: 0x09,
  storeImm8: 0x0a,
  fpush: 0x0b,
  fpop: 0x0c,
  int: 0x0d,
  iret: 0x0e,
  movsd: 0x0f,
  sub: 0x10,
  push: 0x11,
  pop: 0x12,
  call: 0x13,
  ret: 0x14,
  cmpxchg: 0x15,
  mulHigh: 0x16,
  sti: 0x17,
  divU: 0x18,
  /** Base of the code segment = a number, for the block that follows. */
  ljmp: 0x19,
  /** The same for the instruction that follows in the block. */
  lcs: 0x1a,
  /** Register = base of the code segment, which translation takes for constant. */
  getcs: 0x1b,
  /** Vector loads and stores of 16 bytes: from any address, and from multiples of 16 only. */
  movdquLoad: 0x1c,
  movdquStore: 0x1d,
  movdqaLoad: 0x1e,
  movdqaStore: 0x1f,
  /** Bytes in reverse order, from any address. */
  movbeLoad: 0x20,
  movbeStore: 0x21,
  /** [e] = x if it was x0; x0 = what it was; the zero flag says whether it was x0. */
  cmpxchg16b: 0x22,
  /** x and [e] change places. */
  xchg16b: 0x23,
  nop: 0x90,
} as const;

export function i(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

/** The byte that names two registers. */
export const rr = (d: number, s = 0): number => (d << 4) | s;
export const movImm = (d: number, n: number): number[] => [X.movImm, rr(d), ...i(n)];
/** The jump at `from` to `to`. */
export const jmp = (from: number, to: number): number[] => [X.jmp, ...i(to - from - 5)];

const reg = (n: number) => e[n & 7] ?? raiseBug();
const vector128 = (n: number) => x[n & 7] ?? raiseBug();
const stack = (n: number) => s[n & 7] ?? raiseBug();
function raiseBug(): never {
  throw new Error('no such register');
}

function setFlags(b: IrBuilder, result: Value, first: Value, subtract: number): void {
  b.set(ccResult, result);
  b.set(ccFirst, first);
  b.set(ccSubtract, b.i32(subtract));
}

/** Computes the carry from what the last operation left. */
const carry = defineHelper('x86ish_carry', [], 'i32', (b) => {
  const [result, first] = [b.get(ccResult), b.get(ccFirst)];
  return b.select(b.get(ccSubtract), b.gtU(result, first), b.ltU(result, first));
});

const raise = defineHelper('x86ish_raise', [], undefined, (b) => {
  b.set(savedPc, b.get(pc));
  b.set(savedBase, b.get(extra));
  b.set(savedCode, b.get(excCode));
  b.set(savedValue, b.get(excValue));
  b.set(interruptsOn, b.i32(0));
  b.set(pc, b.get(vector));
});

/** Pages 0x200 to 0x2ff are not there; the rest is mapped as it is. */
const walk = defineHelper('x86ish_walk', ['i64', 'i32', 'i32'], 'i32', (b, va) => {
  const page = b.shr(va, b.i64(12));
  b.if(b.eq(b.shr(page, b.i64(8)), b.i64(2)), () => {
    b.set(excCode, b.i32(14));
    b.set(excValue, va);
    b.return_(b.i32(1));
  });
  b.set(walkPa, va);
  b.set(walkBits, b.i32(12));
  return b.i32(0);
});

/** The rest is mapped as it is, in pieces of a megabyte that are there or not. */
const span = defineHelper('x86ish_span', ['i64', 'i32', 'i32'], 'i32', (b) => b.i32(20));

const serviceInterrupt = defineHelper('x86ish_interrupt', [], 'i32', (b) => {
  b.if(b.get(pendingIrq), () => {
    b.set(halted, b.i32(0));
    b.if(b.get(interruptsOn), () => {
      b.set(excCode, b.i32(32));
      b.set(excValue, b.i64(0));
      b.call(raise);
      b.return_(b.i32(1));
    });
  });
  return b.i32(0);
});

type Emit = (b: IrBuilder, c: Operands) => void;

interface Operands {
  readonly d: number;
  readonly s: number;
  readonly immediate: number;
  readonly top: number;
  readonly c: InsnContext;
}

const M4 = { size: 4, ty: 'i32' } as const;
const M16 = { size: 16 } as const;
const A16 = { size: 16, align: 'natural' } as const;
const B16 = { size: 16, endian: 'big' } as const;
const vectorLoad =
  (access: AccessOptions): Emit =>
  (b, o) =>
    b.set(vector128(o.d), b.load(b.get(reg(o.s)), access));
const vectorStore =
  (access: AccessOptions): Emit =>
  (b, o) =>
    b.store(b.get(reg(o.d)), b.get(vector128(o.s)), access);
/** Halves of the address so many bytes behind the instruction. */
const at = ({ c }: Operands, offset = 0): readonly [lo: number, hi: number] => c.addressOf(c.length + offset);
const next = (b: IrBuilder, o: Operands): Value => b.address(...at(o));
const end = (b: IrBuilder, o: Operands): void => {
  b.set(pc, next(b, o));
  b.exitToLookup();
};

const TABLE: Readonly<Record<number, readonly [shape: '' | 'r' | 'rr' | 'i' | 'ri', ends: boolean, emit: Emit]>> = {
  [X.hlt]: [
    '',
    true,
    (b, o) => {
      b.set(pc, next(b, o));
      b.halt();
    },
  ],
  [X.nop]: ['', false, () => {}],
  [X.movImm]: ['ri', false, (b, o) => b.set(reg(o.d), b.i32(o.immediate))],
  [X.mov]: ['rr', false, (b, o) => b.set(reg(o.d), b.get(reg(o.s)))],
  [X.add]: [
    'rr',
    false,
    (b, o) => {
      const first = b.get(reg(o.d));
      const result = b.add(first, b.get(reg(o.s)));
      setFlags(b, result, first, 0);
      b.set(reg(o.d), result);
    },
  ],
  [X.sub]: [
    'rr',
    false,
    (b, o) => {
      const first = b.get(reg(o.d));
      const result = b.sub(first, b.get(reg(o.s)));
      setFlags(b, result, first, 1);
      b.set(reg(o.d), result);
    },
  ],
  [X.load]: ['rr', false, (b, o) => b.set(reg(o.d), b.load(b.get(reg(o.s)), M4))],
  [X.store]: ['rr', false, (b, o) => b.store(b.get(reg(o.d)), b.get(reg(o.s)), M4)],
  [X.storeImm8]: ['ri', false, (b, o) => b.store(b.get(reg(o.d)), b.i32(o.immediate), { size: 1 })],
  [X.jmp]: ['i', true, (b, o) => b.goto(...at(o, o.immediate))],
  [X.jz]: ['i', true, (b, o) => b.gotoIf(b.eqz(b.get(ccResult)), ...at(o, o.immediate), ...at(o))],
  [X.jc]: ['i', true, (b, o) => b.gotoIf(b.call(carry), ...at(o, o.immediate), ...at(o))],
  [X.repMovsb]: [
    '',
    true,
    (b, o) => {
      b.if(b.eqz(b.get(reg(1))), () => b.goto(...at(o)));
      const byte = b.load(b.get(reg(6)), { size: 1, ty: 'i32' });
      b.store(b.get(reg(7)), byte, { size: 1 });
      for (const [n, by] of [
        [6, 1],
        [7, 1],
        [1, -1],
      ] as const)
        b.set(reg(n), b.add(b.get(reg(n)), b.i32(by)));
      b.goto(...o.c.addressOf(0));
    },
  ],
  [X.movsd]: [
    '',
    false,
    (b) => {
      b.probe(b.extend32U(b.get(reg(7))), b.i32(4), { write: true });
      const value = b.load(b.get(reg(6)), M4);
      b.set(reg(6), b.add(b.get(reg(6)), b.i32(4)));
      b.store(b.get(reg(7)), value, M4);
      b.set(reg(7), b.add(b.get(reg(7)), b.i32(4)));
    },
  ],
  [X.fpush]: [
    'i',
    true,
    (b, o) => {
      b.set(stack(o.top - 1), b.i64(o.immediate));
      b.set(mode, b.i32((o.top - 1) & 7));
      end(b, o);
    },
  ],
  [X.fpop]: [
    'r',
    true,
    (b, o) => {
      b.set(reg(o.d), b.wrap(b.get(stack(o.top))));
      b.set(mode, b.i32((o.top + 1) & 7));
      end(b, o);
    },
  ],
  [X.int]: ['', true, (b) => b.raise(3, b.i64(0))],
  [X.iret]: [
    '',
    true,
    (b) => {
      b.set(pc, b.get(savedPc));
      b.exitToLookup();
    },
  ],
  [X.push]: [
    'r',
    false,
    (b, o) => {
      const sp = b.sub(b.get(reg(4)), b.i32(4));
      b.store(sp, b.get(reg(o.d)), M4);
      b.set(reg(4), sp);
    },
  ],
  [X.pop]: [
    'r',
    false,
    (b, o) => {
      const value = b.load(b.get(reg(4)), M4);
      b.set(reg(4), b.add(b.get(reg(4)), b.i32(4)));
      b.set(reg(o.d), value);
    },
  ],
  [X.call]: [
    'i',
    true,
    (b, o) => {
      const sp = b.sub(b.get(reg(4)), b.i32(4));
      b.store(sp, b.wrap(next(b, o)), M4);
      b.set(reg(4), sp);
      b.goto(...at(o, o.immediate));
    },
  ],
  [X.ret]: [
    '',
    true,
    (b) => {
      const to = b.load(b.get(reg(4)), M4);
      b.set(reg(4), b.add(b.get(reg(4)), b.i32(4)));
      b.gotoIndirect(b.extend32U(to));
    },
  ],
  [X.cmpxchg]: [
    'rr',
    false,
    (b, o) => {
      const at = b.get(reg(o.d));
      const expected = b.extend32U(b.get(reg(0)));
      const old = b.atomicCas(at, expected, b.extend32U(b.get(reg(o.s))), { size: 4 });
      setFlags(b, b.wrap(b.sub(old, expected)), b.wrap(old), 1);
      b.set(reg(0), b.wrap(old));
    },
  ],
  [X.movdquLoad]: ['rr', false, vectorLoad(M16)],
  [X.movdquStore]: ['rr', false, vectorStore(M16)],
  [X.movdqaLoad]: ['rr', false, vectorLoad(A16)],
  [X.movdqaStore]: ['rr', false, vectorStore(A16)],
  [X.movbeLoad]: ['rr', false, vectorLoad(B16)],
  [X.movbeStore]: ['rr', false, vectorStore(B16)],
  [X.cmpxchg16b]: [
    'rr',
    false,
    (b, o) => {
      const expected = b.get(vector128(0));
      const old = b.atomicCas(b.get(reg(o.d)), expected, b.get(vector128(o.s)), M16);
      setFlags(b, b.pure('v128.anyTrue', b.pure('v128.xor', old, expected)), b.i32(0), 0);
      b.set(vector128(0), old);
    },
  ],
  [X.xchg16b]: [
    'rr',
    false,
    (b, o) => {
      const value = b.get(vector128(o.s));
      b.set(vector128(o.s), b.atomicRmw('swap', b.get(reg(o.d)), value, M16));
    },
  ],
  [X.mulHigh]: [
    'rr',
    false,
    (b, o) => {
      const product = b.mul(b.extend32U(b.get(reg(o.d))), b.extend32U(b.get(reg(o.s))));
      b.set(reg(o.d), b.wrap(b.shr(product, b.i64(32))));
    },
  ],
  [X.divU]: [
    'rr',
    false,
    (b, o) => {
      b.if(b.eqz(b.get(reg(o.s))), () => b.raise(0, b.i64(0)));
      b.set(reg(o.d), b.divU(b.get(reg(o.d)), b.get(reg(o.s))));
    },
  ],
  [X.ljmp]: [
    'i',
    true,
    (b, o) => {
      b.set(extra, b.i64x(o.immediate, 7));
      end(b, o);
    },
  ],
  [X.lcs]: [
    'i',
    false,
    (b, o) => {
      b.set(extra, b.i64x(o.immediate, 7));
      o.c.extraLo = o.immediate;
      o.c.extraHi = 7;
    },
  ],
  [X.getcs]: ['r', false, (b, o) => b.set(reg(o.d), b.i32(o.c.extraLo + o.c.extraHi))],
  [X.sti]: [
    '',
    true,
    (b, o) => {
      b.set(interruptsOn, b.i32(1));
      b.requestExit();
      end(b, o);
    },
  ],
};

const LENGTHS = { '': 1, r: 2, rr: 2, i: 5, ri: 6 } as const;

function translateInsn(b: IrBuilder, c: InsnContext): void {
  const byte = (n: number): number => {
    const pair = c.fetch16(n & ~1);
    return n % 2 === 0 ? pair & 255 : pair >> 8;
  };
  const entry = TABLE[byte(0)];
  if (entry === undefined) {
    c.length = 1;
    c.ended = true;
    b.raise(6, b.i64(0));
    return;
  }
  const [shape, ends, emit] = entry;
  c.length = LENGTHS[shape];
  c.ended = ends;
  const registers = shape.startsWith('r') ? byte(1) : 0;
  const from = shape === 'i' ? 1 : 2;
  const immediate = shape.endsWith('i')
    ? byte(from) | (byte(from + 1) << 8) | (byte(from + 2) << 16) | (byte(from + 3) << 24)
    : 0;
  const operands = {
    d: registers >> 4,
    s: registers & 15,
    immediate,
    top: c.mode & 7,
    c,
  };
  emit(b, operands);
}

export const x86ish: Frontend = {
  name: 'x86ish',
  endian: 'little',
  pageBits: 12,
  mmuModes: 1,
  state: layout,
  preciseCodeWrites: true,
  usesExtra: true,
  restartSlots: [extraLo, extraHi],
  restartWords: (c) => [c.extraLo, c.extraHi],
  regimeAttributes: [ATTR_SECURE],
  exceptions: { busLoad: 20, busStore: 21, busFetch: 22, misalignedLoad: 17, misalignedStore: 17 },
  translateInsn,
  fetchMmu: (b) => b.i32(0),
  walk,
  span,
  raise,
  serviceInterrupt,
  helpers: { variant: '', ts: [] },
  disassemble: (bytes) => ({ text: `op ${bytes[0]?.toString(16)}`, length: LENGTHS[TABLE[bytes[0] ?? 0]?.[0] ?? ''] }),
};

const { span: _, ...withoutSpan } = x86ish;
/** The same, where nothing is known but single pages. */
export const x86ishPaged: Frontend = { ...withoutSpan, helpers: { variant: 'paged', ts: [] } };
