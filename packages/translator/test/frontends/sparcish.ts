/**
 * Test-only frontend in the shape of SPARC V8: big-endian, delay slots with annulment, register windows, carry and overflow
 * out, pages of 8 KiB, alignment traps, three translation regimes (user, supervisor, physical), little-endian accesses.
 *
 * Registers r0 (zero) to r31: globals, outs, locals, ins. Instructions are words of 32 bits:
 *   op (8)  rd (5)  rs1 (5)  i (1)  simm13 or rs2       branches: op (8)  annul (1)  condition (4)  words (19)
 */
import { ATTR_USER } from '@boardwalk/core';
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
const { pc, mode, busResult, excCode, excValue, walkPa, walkBits } = layout.common;
const r = layout.array('r', 'i32', 32);
/** Locals and ins of each window; the outs of window w are the ins of window w - 1. */
const WINDOWS = 4;
const bank = layout.array('bank', 'i32', WINDOWS * 16);
const cwp = layout.field('cwp', 'i32');
/** Windows that may not be entered, a bit each. */
const wim = layout.field('wim', 'i32');
/** Where the instruction after the one in the delay slot is; of meaning only in mode DELAY. */
const npc = layout.field('npc', 'i64');
const carry = layout.field('carry', 'i32');
const overflow = layout.field('overflow', 'i32');
const zero = layout.field('zero', 'i32');
const tpc = layout.field('tpc', 'i64');
const tnpc = layout.field('tnpc', 'i64');
const tmode = layout.field('tmode', 'i32');
const tcode = layout.field('tcode', 'i32');
/** Result of the access behind a bus error. */
const tbus = layout.field('tbus', 'i32');
const tvalue = layout.field('tvalue', 'i64');

/** Mode word: the instruction is in a delay slot; it runs unprivileged. */
const DELAY = 1;
const USER = 2;
const REGIME = { user: 0, supervisor: 1, physical: 2 } as const;
/** The page table of the user's and supervisor's addresses from 0x1000_0000: big-endian words, pa | 64 KiB 8 | supervisor 4 | write 2 | valid 1. */
export const PAGE_TABLE = 0x10_0000;
export const VECTOR = 0x8000;

export const TRAP = { illegal: 2, alignment: 7, window: 5, data: 9, fetch: 1, software: 0x80 } as const;

type Operand = number | { readonly imm: number };
const CONDITIONS = { never: 0, equal: 1, notEqual: 2, carry: 3, overflow: 4, always: 8 } as const;

function word(op: number, rd: number, rs1: number, second: Operand): number[] {
  const low = typeof second === 'number' ? second : 0x2000 | (second.imm & 0x1fff);
  return be32(((op << 24) | (rd << 19) | (rs1 << 14) | low) >>> 0);
}

const three = (op: number) => (rd: number, rs1: number, second: Operand) => word(op, rd, rs1, second);

/** The assembler. */
export const S = {
  add: three(1),
  addcc: three(2),
  addx: three(3),
  subcc: three(4),
  ld: three(5),
  st: three(6),
  ldsh: three(7),
  ldd: three(8),
  std: three(9),
  ldLittle: three(10),
  ldPhysical: three(11),
  stLittle: three(12),
  jmpl: three(14),
  save: three(15),
  restore: three(16),
  /** rd = value, the upper 19 of its bits. */
  sethi: (rd: number, value: number) => be32(((17 << 24) | (rd << 19) | (value >>> 13)) >>> 0),
  or: three(18),
  trap: () => word(19, 0, 0, 0),
  rett: () => word(20, 0, 0, 0),
  halt: () => word(21, 0, 0, 0),
  casx: three(22),
  flush: (rs1: number) => word(23, 0, rs1, 0),
  user: () => word(24, 0, 0, 0),
  b: (condition: keyof typeof CONDITIONS, words: number, annul = false) =>
    be32(((13 << 24) | (annul ? 1 << 23 : 0) | (CONDITIONS[condition] << 19) | (words & 0x7ffff)) >>> 0),
};

interface Insn {
  readonly rd: number;
  readonly rs1: number;
  readonly next: number;
  readonly c: InsnContext;
  readonly word: number;
  readonly regime: number;
  readonly second: (b: IrBuilder) => Value;
}

const reg = (n: number) => at(r, n);
const get = (b: IrBuilder, n: number): Value => (n === 0 ? b.i32(0) : b.get(reg(n)));
const set = (b: IrBuilder, n: number, v: Value): void => {
  if (n !== 0) b.set(reg(n), v);
};
const address = (b: IrBuilder, o: Insn): Value => b.add(get(b, o.rs1), o.second(b));

const raise = defineHelper('sparcish_raise', [], undefined, (b) => {
  const delayed = b.and(b.get(mode), b.i32(DELAY));
  b.set(tpc, b.get(pc));
  b.set(tnpc, b.select(delayed, b.get(npc), b.add(b.get(pc), b.i64(4))));
  b.set(tmode, b.get(mode));
  b.set(tcode, b.get(excCode));
  b.set(tbus, b.get(busResult));
  b.set(tvalue, b.get(excValue));
  b.set(pc, b.i64(VECTOR));
  b.set(mode, b.i32(0));
});

/** What is not translated is there as far as it goes. */
const span = defineHelper('sparcish_span', ['i64', 'i32', 'i32'], 'i32', (b, va, _access, mmu) =>
  b.select(b.or(b.eq(mmu, b.i32(REGIME.physical)), b.ltU(va, b.i64(0x1000_0000))), b.i32(28), b.i32(0)),
);

const walk = defineHelper('sparcish_walk', ['i64', 'i32', 'i32'], 'i32', (b, va, access, mmu) => {
  b.set(walkBits, b.i32(13));
  b.set(walkPa, va);
  b.if(b.eq(mmu, b.i32(REGIME.physical)), () => b.return_(b.i32(0)));
  b.if(b.ltU(va, b.i64(0x1000_0000)), () => b.return_(b.i32(0)));
  const index = b.and(b.wrap(b.shr(va, b.i64(13))), b.i32(255));
  const entry = b.hostLoad(b.ramHost(b.extend32U(b.add(b.shl(index, b.i32(2)), b.i32(PAGE_TABLE)))), {
    size: 4,
    ty: 'i32',
    endian: 'big',
  });
  const needed = b.select(b.eq(access, b.i32(1)), b.i32(3), b.i32(1));
  const allowed = b.and(
    b.eq(b.and(entry, needed), needed),
    b.or(b.eqz(b.and(entry, b.i32(4))), b.eq(mmu, b.i32(REGIME.supervisor))),
  );
  b.if(b.eqz(allowed), () => {
    b.set(excCode, b.select(b.eq(access, b.i32(2)), b.i32(TRAP.fetch), b.i32(TRAP.data)));
    b.set(excValue, va);
    b.return_(b.i32(1));
  });
  b.if(b.and(entry, b.i32(8)), () => b.set(walkBits, b.i32(16)));
  b.if(b.and(entry, b.i32(16)), () => b.set(walkBits, b.i32(28)));
  b.set(walkPa, b.extend32U(entry));
  return b.i32(0);
});

const serviceInterrupt = takeInterrupt('sparcish_interrupt', layout, raise, 16);

/** Makes window `to` the one in the fixed slots: `forward` after a save, else after a restore. */
function changeWindow(name: string, forward: boolean) {
  return defineHelper(name, ['i32'], undefined, (b, to) => {
    const place = (window: Value, n: number): Value => {
      const at = b.shl(b.and(window, b.i32(WINDOWS - 1)), b.i32(6));
      return b.add(b.add(b.cpuBase(), at), b.i32((bank[n] ?? cwp).offset));
    };
    const word32 = { size: 4, ty: 'i32' } as const;
    const from = b.get(cwp);
    const below = b.sub(from, b.i32(1));
    for (let n = 0; n < 8; n++) {
      const [out, local, inn] = [reg(8 + n), reg(16 + n), reg(24 + n)];
      b.hostStore(place(from, n), b.get(local), word32);
      b.hostStore(place(from, 8 + n), b.get(inn), word32);
      b.hostStore(place(below, 8 + n), b.get(out), word32);
      const shared = b.get(forward ? out : inn);
      b.set(local, b.hostLoad(place(to, n), word32));
      b.set(forward ? inn : out, shared);
      const other = b.hostLoad(forward ? place(b.sub(to, b.i32(1)), 8 + n) : place(to, 8 + n), word32);
      b.set(forward ? out : inn, other);
    }
    b.set(cwp, to);
  });
}

const enterWindow = changeWindow('sparcish_save', true);
const leaveWindow = changeWindow('sparcish_restore', false);

function window(b: IrBuilder, o: Insn, by: number): void {
  const result = address(b, o);
  const to = b.and(b.add(b.get(cwp), b.i32(by)), b.i32(WINDOWS - 1));
  b.if(b.and(b.shr(b.get(wim), to), b.i32(1)), () => b.raise(TRAP.window, b.i64(0)));
  b.call(by < 0 ? enterWindow : leaveWindow, to);
  set(b, o.rd, result);
}

function arithmetic(b: IrBuilder, o: Insn, subtract: boolean): void {
  const [x, y] = [get(b, o.rs1), o.second(b)];
  const result = subtract ? b.sub(x, y) : b.add(x, y);
  const signs = subtract ? b.and(b.xor(x, y), b.xor(x, result)) : b.and(b.xor(x, result), b.xor(y, result));
  b.set(carry, subtract ? b.ltU(x, y) : b.ltU(result, x));
  b.set(overflow, b.shr(signs, b.i32(31)));
  b.set(zero, b.eqz(result));
  set(b, o.rd, result);
}

/** The instruction after this one is in a delay slot, then comes `to`. */
function delay(b: IrBuilder, o: Insn, to: Value): void {
  b.set(npc, to);
  o.c.mode |= DELAY;
}

function branch(b: IrBuilder, o: Insn): void {
  const condition = (o.word >>> 19) & 15;
  const annul = ((o.word >>> 23) & 1) !== 0;
  const target = o.c.pcLo + ((o.word << 13) >> 11);
  const after = o.next + 4;
  const holds: Record<number, (b: IrBuilder) => Value> = {
    [CONDITIONS.never]: () => b.i32(0),
    [CONDITIONS.equal]: () => b.get(zero),
    [CONDITIONS.notEqual]: () => b.eqz(b.get(zero)),
    [CONDITIONS.carry]: () => b.get(carry),
    [CONDITIONS.overflow]: () => b.get(overflow),
  };
  if (condition === CONDITIONS.always) {
    if (annul) {
      b.goto(target, 0);
      o.c.ended = true;
    } else delay(b, o, b.i64(target));
    return;
  }
  const taken = holds[condition]?.(b) ?? b.i32(0);
  if (!annul) {
    delay(b, o, b.select(taken, b.i64(target), b.i64(after)));
    return;
  }
  b.if(b.eqz(taken), () => b.goto(after, 0));
  delay(b, o, b.i64(target));
}

const load = (
  b: IrBuilder,
  o: Insn,
  a: { size?: 2 | 4; signed?: boolean; endian?: 'little'; mmu?: number } = {},
): void =>
  set(b, o.rd, b.load(address(b, o), { size: 4, ty: 'i32', endian: 'big', align: 'natural', mmu: o.regime, ...a }));

const PAIR = { size: 8, endian: 'big', align: 'natural' } as const;

const TABLE: Readonly<Record<number, (b: IrBuilder, o: Insn) => void>> = {
  1: (b, o) => set(b, o.rd, address(b, o)),
  2: (b, o) => arithmetic(b, o, false),
  3: (b, o) => set(b, o.rd, b.add(address(b, o), b.get(carry))),
  4: (b, o) => arithmetic(b, o, true),
  5: (b, o) => load(b, o),
  6: (b, o) => b.store(address(b, o), get(b, o.rd), { size: 4, endian: 'big', align: 'natural', mmu: o.regime }),
  7: (b, o) => load(b, o, { size: 2, signed: true }),
  8: (b, o) => {
    const both = b.load(address(b, o), { ...PAIR, mmu: o.regime });
    set(b, o.rd & ~1, b.wrap(b.shr(both, b.i64(32))));
    set(b, o.rd | 1, b.wrap(both));
  },
  9: (b, o) => {
    const high = b.shl(b.extend32U(get(b, o.rd & ~1)), b.i64(32));
    b.store(address(b, o), b.or(high, b.extend32U(get(b, o.rd | 1))), { ...PAIR, mmu: o.regime });
  },
  10: (b, o) => load(b, o, { endian: 'little' }),
  11: (b, o) => load(b, o, { mmu: REGIME.physical }),
  12: (b, o) => b.store(address(b, o), get(b, o.rd), { size: 4, align: 'natural', mmu: o.regime }),
  13: branch,
  14: (b, o) => {
    const to = address(b, o);
    set(b, o.rd, b.i32(o.c.pcLo));
    delay(b, o, b.extend32U(to));
  },
  15: (b, o) => window(b, o, -1),
  16: (b, o) => window(b, o, 1),
  17: (b, o) => set(b, o.rd, b.i32((o.word & 0x7ffff) << 13)),
  18: (b, o) => set(b, o.rd, b.or(get(b, o.rs1), o.second(b))),
  19: (b, o) => {
    o.c.ended = true;
    b.raise(TRAP.software, b.i64(0));
  },
  20: (b, o) => {
    const [to, then] = [b.get(tpc), b.get(tnpc)];
    const inSlot = b.ne(then, b.add(to, b.i64(4)));
    b.set(npc, then);
    b.set(mode, b.or(b.and(b.get(tmode), b.i32(~DELAY)), inSlot));
    b.set(pc, to);
    b.exitToLookup();
    o.c.ended = true;
  },
  21: (b, o) => {
    b.set(pc, b.i64(o.next));
    b.halt();
    o.c.ended = true;
  },
  22: (b, o) => {
    const old = b.atomicCas(get(b, o.rs1), b.extend32U(o.second(b)), b.extend32U(get(b, o.rd)), {
      size: 4,
      endian: 'big',
      mmu: o.regime,
    });
    set(b, o.rd, b.wrap(old));
  },
  23: (b, o) => {
    b.tlbFlushPage(b.extend32U(get(b, o.rs1)));
    b.set(pc, b.i64(o.next));
    b.exitToLookup();
    o.c.ended = true;
  },
  24: (b, o) => {
    b.set(mode, b.i32(USER));
    b.set(pc, b.i64(o.next));
    b.exitToLookup();
    o.c.ended = true;
  },
};

/** What may not stand in a delay slot here: anything that decides itself where to go on. */
const NO_SLOT = new Set([13, 14, 20, 21, 23, 24]);

function translateInsn(b: IrBuilder, c: InsnContext): void {
  const insn = c.fetch32(0);
  c.length = 4;
  const inSlot = (c.mode & DELAY) !== 0;
  const op = insn >>> 24;
  const emit = TABLE[op];
  if (emit === undefined || (inSlot && NO_SLOT.has(op))) {
    c.ended = true;
    b.raise(TRAP.illegal, b.i64(0));
    return;
  }
  const imm = (insn & 0x2000) !== 0;
  emit(b, {
    rd: (insn >>> 19) & 31,
    rs1: (insn >>> 14) & 31,
    next: c.pcLo + 4,
    c,
    word: insn,
    regime: (c.mode & USER) !== 0 ? REGIME.user : REGIME.supervisor,
    second: (to) => (imm ? to.i32((insn << 19) >> 19) : get(to, insn & 31)),
  });
  if (!inSlot || c.ended) return;
  b.set(mode, b.i32(c.mode & ~DELAY));
  b.gotoIndirect(b.get(npc));
  c.ended = true;
}

/** The frontend, with blocks of at most so many instructions. */
export function sparcish(maxBlockInsns = 64): Frontend {
  return {
    name: `sparcish${maxBlockInsns}`,
    endian: 'big',
    pageBits: 13,
    mmuModes: 3,
    regimeAttributes: [ATTR_USER, 0, 0],
    state: layout,
    maxBlockInsns,
    restartSlots: [mode],
    restartWords: (c) => [c.mode],
    exceptions: {
      busLoad: 41,
      busStore: 41,
      busFetch: 33,
      misalignedLoad: TRAP.alignment,
      misalignedStore: TRAP.alignment,
    },
    translateInsn,
    fetchMmu: (b) => b.select(b.and(b.get(mode), b.i32(USER)), b.i32(REGIME.user), b.i32(REGIME.supervisor)),
    walk,
    span,
    raise,
    serviceInterrupt,
    disassemble: (bytes) => ({ text: `op ${bytes[0]}`, length: 4 }),
  };
}
