/**
 * Loops of 32-bit, 64-bit and floating-point arithmetic come to the same in the interpreter and in compiled regions, which keep
 * values that follow from their low half in 32-bit locals, and try the host's floats first. `BOARDWALK_LONG_RUNS=2000` is the number of programs.
 */
import { Machine } from '@boardwalk/core';
import { Random } from '@boardwalk/testing';
import { TranslatedCpu } from '@boardwalk/translator';
import { expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';
import { Assembler, type Label } from '../differential/assembler.ts';

const RAM = 0x8000_0000;
const RESULTS = RAM + 0x4000;
const FLASH = 0x2000_0000;
const DATA = RAM + 0x5000;
/** Registers that programs compute in; x5 counts down, x6 is the data's address. */
const REGISTERS = [10, 11, 12, 13, 14, 15, 16, 17] as const;
const ROUNDS = 40;

const THREE = [
  'add',
  'addw',
  'sub',
  'subw',
  'and',
  'or',
  'xor',
  'sllw',
  'srlw',
  'sraw',
  'sll',
  'srl',
  'sra',
  'mul',
  'mulw',
  'mulhu',
  'divw',
  'remuw',
  'slt',
  'sltu',
  'rolw',
  'rorw',
  'add.uw',
  'sh2add',
  'sh1add.uw',
  'andn',
  'min',
  'maxu',
] as const;
const TWO = ['clzw', 'ctz', 'cpopw', 'sext.b', 'sext.h', 'zext.h', 'rev8'] as const;
const SHIFTS = ['slliw', 'srliw', 'sraiw', 'slli', 'srli', 'srai', 'roriw'] as const;
const IMMEDIATES = ['addi', 'addiw', 'andi', 'ori', 'xori', 'slti', 'sltiu'] as const;
const LOADS = ['lb', 'lbu', 'lh', 'lhu', 'lw', 'lwu', 'ld'] as const;
const STORES = ['sb', 'sh', 'sw', 'sd'] as const;
/** Of two operands to a float, of one, to an integer, and from one; single and double. */
const FLOATS = ['fadd', 'fsub', 'fmul', 'fdiv', 'fmin', 'fsgnjx'] as const;
const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'] as const;

function statement(a: Assembler, random: Random): void {
  const [rd, rs1, rs2] = [random.pick(REGISTERS), random.pick(REGISTERS), random.pick(REGISTERS)];
  const imm = random.below(4096) - 2048;
  // Within the data; some are misaligned, so that regions are left there.
  const near = random.below(255) * 8 + random.pick([0, 0, 1, 2]);
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      a.op(random.pick(THREE), { rd, rs1, rs2 });
      return;
    case 3:
      a.op(random.pick(TWO), { rd, rs1 });
      return;
    case 4:
      a.op(random.pick(SHIFTS), { rd, rs1, imm: random.below(32) });
      return;
    case 5:
      a.op(random.pick(IMMEDIATES), { rd, rs1, imm });
      return;
    case 6:
      a.op(random.pick(LOADS), { rd, rs1: 6, imm: near });
      return;
    case 7:
      a.op('lui', { rd, imm: random.u32() & 0xfffff000 });
      return;
    default:
      a.op(random.pick(STORES), { rs1: 6, rs2, imm: near });
  }
}

/** Floating point in any rounding mode; f10 to f17. */
function floatStatement(a: Assembler, random: Random): void {
  const [rd, rs1, rs2] = [random.pick(REGISTERS), random.pick(REGISTERS), random.pick(REGISTERS)];
  const width = random.pick(['s', 'd', 'd']);
  const rm = random.pick([0, 0, 0, 0, 7, 1, 2]);
  switch (random.below(6)) {
    case 0:
      a.op(`fmadd.${width}`, { rd, rs1, rs2, rs3: random.pick(REGISTERS), rm });
      return;
    case 1:
      a.op(`fsqrt.${width}`, { rd, rs1, rm });
      return;
    case 2:
      a.op(random.pick([`feq.${width}`, `flt.${width}`, `fle.${width}`]), { rd, rs1, rs2 });
      return;
    case 3:
      a.op(random.pick([`fcvt.w.${width}`, `fcvt.lu.${width}`, `fcvt.${width}.l`]), { rd, rs1, rm });
      return;
    default: {
      const name = random.pick(FLOATS);
      a.op(`${name}.${width}`, { rd, rs1, rs2, ...(/min|sgn/.test(name) ? {} : { rm }) });
    }
  }
}

/** A loop of several blocks, some of which are skipped; then all registers are stored, and the machine waits. */
function program(random: Random): Uint8Array {
  const a = new Assembler(RAM);
  const loop = a.label();
  for (const rd of REGISTERS) {
    const value = BigInt(random.u32()) | (BigInt(random.u32()) << 32n);
    a.constant(rd, random.pick([value, BigInt.asIntN(32, value), value & 0xffff_ffffn, value & 0x7fn]));
  }
  // Floating point on; the flags of half of the programs start with inexact raised, as they are in most.
  a.op('lui', { rd: 5, imm: 0x6000 }).op('csrrs', { csr: 0x300, rs1: 5 });
  a.op('csrrwi', { csr: 0x001, imm: random.below(2) });
  for (const rd of REGISTERS) a.op(random.pick(['fcvt.d.w', 'fcvt.s.l', 'fmv.d.x']), { rd, rs1: rd });
  const hasFloats = random.below(2) === 0;
  a.op('addi', { rd: 5, rs1: 0, imm: ROUNDS }).address(6, DATA).place(loop);
  let skip: Label | undefined;
  for (let n = 20 + random.below(30); n > 0; n--) {
    if (hasFloats && random.below(3) === 0) floatStatement(a, random);
    else statement(a, random);
    if (random.below(5) !== 0) continue;
    if (skip !== undefined) a.place(skip);
    skip = a.label();
    a.jump(random.pick(BRANCHES), { rs1: random.pick(REGISTERS), rs2: random.pick([0, ...REGISTERS]) }, skip);
  }
  if (skip !== undefined) a.place(skip);
  a.op('addi', { rd: 5, rs1: 5, imm: -1 }).jump('bne', { rs1: 5, rs2: 0 }, loop);
  a.address(6, RESULTS);
  for (const [n, rs2] of REGISTERS.entries()) a.op('sd', { rs1: 6, rs2, imm: n * 8 });
  for (const [n, rs2] of REGISTERS.entries()) a.op('fsd', { rs1: 6, rs2, imm: 64 + n * 8 });
  a.op('csrrs', { rd: 10, csr: 0x001, rs1: 0 }).op('sd', { rs1: 6, rs2: 10, imm: 128 });
  const stop = a.label();
  a.place(stop).op('wfi').jump('jal', { rd: 0 }, stop);
  return a.bytes();
}

/** Results and data after a program, interpreted or compiled; and how many regions there were. */
async function run(
  code: Uint8Array,
  tier1: 'off' | { readonly threshold: number },
): Promise<readonly [string, number]> {
  const machine = await Machine.create(virt, { ramSize: 2 ** 20, firmware: 'none', tier1 });
  const host = machine.addressSpace.hostOffset(RAM, 2 ** 20, true);
  machine.space.u8.set(code, host);
  for (let at = 0; at < 2048; at++) machine.space.u8[host + DATA - RAM + at] = (at * 151) ^ (at >>> 3);
  const [cpu] = machine.cpus;
  if (!(cpu instanceof TranslatedCpu)) throw new Error('no CPU');
  for (let budget = ROUNDS * 80; budget > 0 && !cpu.halted; ) budget -= cpu.execute(500);
  expect(cpu.halted).toBe(true);
  const end = machine.space.u8.subarray(host + RESULTS - RAM, host + DATA - RAM + 2048).join();
  const regions = cpu.engine.stats.tier1?.compiled ?? 0;
  await machine.dispose();
  return [end, regions];
}

it('a word that is extended in another way than before is whole where a region is left', async () => {
  const a = new Assembler(RAM);
  const [loop, first, next, stop] = [a.label(), a.label(), a.label(), a.label()];
  a.op('addi', { rd: 5, rs1: 0, imm: ROUNDS }).address(6, DATA).constant(7, BigInt(FLASH)).place(loop);
  // The block that repeats first is where the region begins.
  a.jump('beq', { rs1: 5, rs2: 0 }, first).place(first);
  a.op('addi', { rd: 10, rs1: 0, imm: 5 }).jump('beq', { rs1: 5, rs2: 10 }, next).place(next);
  // Sign-extended; then a misaligned access of what is no RAM, which is left to the interpreter.
  a.op('lui', { rd: 10, imm: 0x81dbb000 | 0 })
    .op('lw', { rd: 11, rs1: 7, imm: 1 })
    .op('sd', { rs1: 6, rs2: 10, imm: 64 });
  a.op('addi', { rd: 5, rs1: 5, imm: -1 }).jump('bne', { rs1: 5, rs2: 0 }, loop);
  a.place(stop).op('wfi').jump('jal', { rd: 0 }, stop);
  const [[interpreted], [compiled, regions]] = [await run(a.bytes(), 'off'), await run(a.bytes(), { threshold: 2 })];
  expect(compiled).toBe(interpreted);
  expect(regions).toBeGreaterThan(0);
});

it('loops of words, double words and floats come to the same, interpreted and compiled', async () => {
  const runs = Number(process.env.BOARDWALK_LONG_RUNS ?? 12);
  const random = new Random(Number(process.env.BOARDWALK_SEED ?? 1));
  let regions = 0;
  for (let n = 0; n < runs; n++) {
    const code = program(random);
    const [interpreted] = await run(code, 'off');
    const [compiled, count] = await run(code, { threshold: 1 + random.below(12) });
    expect(compiled, `program ${n}`).toBe(interpreted);
    regions += count;
  }
  expect(regions).toBeGreaterThan(runs / 2);
});

it('an access that leaves a region finds whole registers, whatever their form was before', async () => {
  const a = new Assembler(RAM);
  const [loop, next] = [a.label(), a.label()];
  a.op('addi', { rd: 5, rs1: 0, imm: ROUNDS }).constant(13, BigInt(DATA - RAM) + 2n ** 32n);
  // A jump: the loop's first block is one of its own, and the region's.
  a.jump('jal', { rd: 0 }, loop).place(loop);
  // Positive here, negative where the load is.
  a.op('lui', { rd: 15, imm: 0x2000_0000 }).jump('beq', { rs1: 5, rs2: 15 }, next).place(next);
  a.op('lui', { rd: 15, imm: -0x8000_0000 }).op('add', { rd: 14, rs1: 15, rs2: 13 });
  // Only the last round reaches what is no RAM.
  a.op('sltiu', { rd: 16, rs1: 5, imm: 2 })
    .constant(17, BigInt(RAM - FLASH))
    .op('mul', { rd: 16, rs1: 16, rs2: 17 });
  a.op('sub', { rd: 14, rs1: 14, rs2: 16 }).op('ld', { rd: 12, rs1: 14, imm: 0 });
  a.op('addi', { rd: 5, rs1: 5, imm: -1 }).jump('bne', { rs1: 5, rs2: 0 }, loop);
  const stop = a.label();
  a.place(stop).op('wfi').jump('jal', { rd: 0 }, stop);
  const machine = await Machine.create(virt, { ramSize: 2 ** 20, firmware: 'none', tier1: { threshold: 8 } });
  machine.space.u8.set(a.bytes(), machine.addressSpace.hostOffset(RAM, 2 ** 20, true));
  const [cpu] = machine.cpus;
  if (!(cpu instanceof TranslatedCpu)) throw new Error('no CPU');
  for (let n = 0; n < ROUNDS && !cpu.halted; n++) cpu.execute(500);
  const [x15] = cpu.frontend.state.fields.filter(({ slot }) => slot.name === 'x15');
  expect(cpu.engine.stats.tier1?.exits.slow).toBeGreaterThan(0);
  expect(x15 && cpu.register(x15.slot)).toBe(0xffff_ffff_8000_0000n);
  await machine.dispose();
});
