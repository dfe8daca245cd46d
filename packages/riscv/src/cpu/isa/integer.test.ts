/** Integer semantics against a second writing of the manual in bigints, on edge values and random ones. */
import { compileHelpers, defineHelper } from '@boardwalk/translator';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodings } from '../decode/tables/index.ts';
import { EXTENSIONS, type Extension } from '../models.ts';
import { x as xregs } from '../state.ts';
import type { Emitter, RiscvContext } from './emitter.ts';
import { userSemantics } from './index.ts';

const extensions = new Set(Object.keys(EXTENSIONS) as Extension[]);
const cpuAt = (pc: bigint): RiscvContext => ({
  addressOf: (offset) => {
    const address = pc + BigInt(offset);
    return [Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n))];
  },
  offsetIn: () => undefined,
  length: 4,
  word: 0,
  mode: 3,
  extensions,
});
const cpu = cpuAt(0x8000_0000n);
const noFields = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0, aqrl: 0 };

const u64 = (n: bigint) => BigInt.asUintN(64, n);
const s64 = (n: bigint) => BigInt.asIntN(64, n);
const u32 = (n: bigint) => BigInt.asUintN(32, n);
const s32 = (n: bigint) => BigInt.asIntN(32, n);
const bits = (n: bigint, width: number) => n.toString(2).padStart(width, '0');
const leading = (n: bigint, width: number) =>
  BigInt(bits(n, width).indexOf('1') < 0 ? width : bits(n, width).indexOf('1'));
const trailing = (n: bigint, width: number) => leading(BigInt(`0b${[...bits(n, width)].reverse().join('')}`), width);
const ones = (n: bigint) => BigInt(n.toString(2).replaceAll('0', '').length);
const flag = (b: boolean) => (b ? 1n : 0n);
const rotate = (n: bigint, right: bigint, width: bigint) => (n >> right) | (n << (width - right));
const bytes = (n: bigint, map: (b: bigint[]) => bigint[]) =>
  map(Array.from({ length: 8 }, (_, i) => (n >> BigInt(8 * i)) & 255n)).reduce(
    (sum, b, i) => sum | (b << BigInt(8 * i)),
    0n,
  );
const divide = (x: bigint, y: bigint) => (y === 0n ? -1n : x / y);
const remainder = (x: bigint, y: bigint) => (y === 0n ? x : x % y);

/** rd by rs1 and rs2 (or the immediate), both unsigned; any representative modulo 2^64. */
type Reference = (x: bigint, y: bigint) => bigint;

const base: Readonly<Record<string, Reference>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  sll: (x, y) => x << (y & 63n),
  slt: (x, y) => flag(s64(x) < s64(y)),
  sltu: (x, y) => flag(x < y),
  xor: (x, y) => x ^ y,
  srl: (x, y) => x >> (y & 63n),
  sra: (x, y) => s64(x) >> (y & 63n),
  or: (x, y) => x | y,
  and: (x, y) => x & y,
  addw: (x, y) => s32(x + y),
  subw: (x, y) => s32(x - y),
  sllw: (x, y) => s32(x << (y & 31n)),
  srlw: (x, y) => s32(u32(x) >> (y & 31n)),
  sraw: (x, y) => s32(x) >> (y & 31n),
};

const multiply: Readonly<Record<string, Reference>> = {
  mul: (x, y) => x * y,
  mulh: (x, y) => (s64(x) * s64(y)) >> 64n,
  mulhsu: (x, y) => (s64(x) * y) >> 64n,
  mulhu: (x, y) => (x * y) >> 64n,
  div: (x, y) => divide(s64(x), s64(y)),
  divu: divide,
  rem: (x, y) => remainder(s64(x), s64(y)),
  remu: remainder,
  mulw: (x, y) => s32(x * y),
  divw: (x, y) => s32(divide(s32(x), s32(y))),
  divuw: (x, y) => s32(divide(u32(x), u32(y))),
  remw: (x, y) => s32(remainder(s32(x), s32(y))),
  remuw: (x, y) => s32(remainder(u32(x), u32(y))),
};

const bitmanip: Readonly<Record<string, Reference>> = {
  sh1add: (x, y) => (x << 1n) + y,
  sh2add: (x, y) => (x << 2n) + y,
  sh3add: (x, y) => (x << 3n) + y,
  'add.uw': (x, y) => u32(x) + y,
  'sh1add.uw': (x, y) => (u32(x) << 1n) + y,
  'sh2add.uw': (x, y) => (u32(x) << 2n) + y,
  'sh3add.uw': (x, y) => (u32(x) << 3n) + y,
  andn: (x, y) => x & ~y,
  orn: (x, y) => x | ~y,
  xnor: (x, y) => ~(x ^ y),
  clz: (x) => leading(x, 64),
  ctz: (x) => trailing(x, 64),
  cpop: (x) => ones(x),
  clzw: (x) => leading(u32(x), 32),
  ctzw: (x) => trailing(u32(x), 32),
  cpopw: (x) => ones(u32(x)),
  'sext.b': (x) => BigInt.asIntN(8, x),
  'sext.h': (x) => BigInt.asIntN(16, x),
  'zext.h': (x) => BigInt.asUintN(16, x),
  min: (x, y) => (s64(x) < s64(y) ? x : y),
  max: (x, y) => (s64(x) < s64(y) ? y : x),
  minu: (x, y) => (u64(x) < u64(y) ? x : y),
  maxu: (x, y) => (u64(x) < u64(y) ? y : x),
  rol: (x, y) => rotate(x, (64n - (y & 63n)) & 63n, 64n),
  ror: (x, y) => rotate(x, y & 63n, 64n),
  rolw: (x, y) => s32(rotate(u32(x), (32n - (y & 31n)) & 31n, 32n)),
  rorw: (x, y) => s32(rotate(u32(x), y & 31n, 32n)),
  'orc.b': (x) => bytes(x, (all) => all.map((b) => (b === 0n ? 0n : 255n))),
  rev8: (x) => bytes(x, (all) => all.reverse()),
  bclr: (x, y) => x & ~(1n << (y & 63n)),
  bext: (x, y) => (x >> (y & 63n)) & 1n,
  binv: (x, y) => x ^ (1n << (y & 63n)),
  bset: (x, y) => x | (1n << (y & 63n)),
};

const registers: Readonly<Record<string, Reference>> = { ...base, ...multiply, ...bitmanip };

/** Immediate forms: what they share with a register form, and the immediates to try. */
const signed12 = [0, 1, -1, 5, 2047, -2048];
const shift6 = [0, 1, 31, 32, 63];
const shift5 = [0, 1, 15, 31];
const immediates: readonly (readonly [string, Reference | undefined, readonly number[]])[] = [
  ['addi', base.add, signed12],
  ['slti', base.slt, signed12],
  ['sltiu', base.sltu, signed12],
  ['xori', base.xor, signed12],
  ['ori', base.or, signed12],
  ['andi', base.and, signed12],
  ['addiw', base.addw, signed12],
  ['slli', base.sll, shift6],
  ['srli', base.srl, shift6],
  ['srai', base.sra, shift6],
  ['slliw', base.sllw, shift5],
  ['srliw', base.srlw, shift5],
  ['sraiw', base.sraw, shift5],
  ['slli.uw', (x, y) => u32(x) << y, shift6],
  ['rori', bitmanip.ror, shift6],
  ['roriw', bitmanip.rorw, shift5],
  ['bclri', bitmanip.bclr, shift6],
  ['bexti', bitmanip.bext, shift6],
  ['binvi', bitmanip.binv, shift6],
  ['bseti', bitmanip.bset, shift6],
];

function emitter(mnemonic: string): Emitter {
  const found = userSemantics[mnemonic];
  if (!found) throw new Error(`no semantics for ${mnemonic}`);
  return found;
}

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const view = new DataView(memory.buffer);
const RD = 10;
const RS1 = 11;
const RS2 = 12;

function slotOffset(register: number): number {
  const slot = xregs[register];
  if (!slot) throw new RangeError(`no register x${register}`);
  return slot.offset;
}

const functions = compileHelpers(memory, [
  ...Object.keys(registers).map((name) =>
    defineHelper(name, [], undefined, (b) => emitter(name)(b, { ...noFields, rd: RD, rs1: RS1, rs2: RS2 }, cpu)),
  ),
  ...immediates.flatMap(([name, , values]) =>
    values.map((imm) =>
      defineHelper(`${name} ${imm}`, [], undefined, (b) =>
        emitter(name)(b, { ...noFields, rd: RD, rs1: RS1, imm }, cpu),
      ),
    ),
  ),
]);

function run(name: string, x: bigint, y: bigint): bigint {
  view.setBigUint64(slotOffset(RD), 0xdeadn, true);
  view.setBigUint64(slotOffset(RS1), x, true);
  view.setBigUint64(slotOffset(RS2), y, true);
  functions[name]?.(0);
  return view.getBigUint64(slotOffset(RD), true);
}

const EDGES = [
  0n,
  1n,
  -1n,
  2n,
  -2n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 32n,
  1n << 63n,
  (1n << 63n) - 1n,
  -(1n << 31n),
];
const operand = fc.oneof(
  fc.constantFrom(...EDGES.map(u64)),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.bigInt({ min: 0n, max: 70n }),
);

describe('integer semantics', () => {
  test.each(Object.entries(registers))('%s', (name, reference) => {
    for (const x of EDGES.map(u64))
      for (const y of EDGES.map(u64)) expect(run(name, x, y), `${x}, ${y}`).toBe(u64(reference(x, y)));
    fc.assert(fc.property(operand, operand, (x, y) => run(name, x, y) === u64(reference(x, y))));
  });

  test.each(immediates)('%s', (name, reference, values) => {
    if (!reference) throw new Error(`no reference for ${name}`);
    for (const imm of values) {
      fc.assert(fc.property(operand, (x) => run(`${name} ${imm}`, x, 0n) === u64(reference(x, u64(BigInt(imm))))));
    }
  });

  test('x0 reads as zero, and writing it changes nothing', () => {
    const some = compileHelpers(memory, [
      defineHelper('read', [], undefined, (b) => emitter('sub')(b, { ...noFields, rd: RD, rs1: 0, rs2: RS2 }, cpu)),
      defineHelper('write', [], undefined, (b) => emitter('add')(b, { ...noFields, rd: 0, rs1: RS1, rs2: RS2 }, cpu)),
    ]);
    view.setBigUint64(slotOffset(0), 99n, true);
    view.setBigUint64(slotOffset(RS2), 7n, true);
    some.read?.(0);
    expect(view.getBigInt64(slotOffset(RD), true)).toBe(-7n);
    some.write?.(0);
    expect(view.getBigUint64(slotOffset(0), true)).toBe(99n);
  });

  test('lui and auipc are constants, sign-extended from 32 bits', () => {
    const at = cpuAt(0x7_ffff_f000n);
    const some = compileHelpers(memory, [
      defineHelper('lui', [], undefined, (b) => emitter('lui')(b, { ...noFields, rd: RD, imm: -0x8000_0000 }, cpu)),
      defineHelper('auipc', [], undefined, (b) => emitter('auipc')(b, { ...noFields, rd: RD, imm: 0x1000 }, at)),
      defineHelper('back', [], undefined, (b) =>
        emitter('auipc')(b, { ...noFields, rd: RD, imm: -0x8000_0000 }, cpuAt(0x7_0000_0000n)),
      ),
    ]);
    some.lui?.(0);
    expect(view.getBigUint64(slotOffset(RD), true)).toBe(0xffff_ffff_8000_0000n);
    some.auipc?.(0);
    expect(view.getBigUint64(slotOffset(RD), true)).toBe(0x8_0000_0000n);
    some.back?.(0);
    expect(view.getBigUint64(slotOffset(RD), true)).toBe(0x6_8000_0000n);
  });
});

test('every instruction of the tables but the system ones has semantics', () => {
  const system = /^(csrr|e(call|break)$|[ms]ret$|wfi$|sfence)/;
  const missing = encodings
    .filter((row) => row.xlen !== 32 && !row.expands && !system.test(row.mnemonic) && !userSemantics[row.mnemonic])
    .map((row) => row.mnemonic);
  expect(missing).toEqual([]);
});
