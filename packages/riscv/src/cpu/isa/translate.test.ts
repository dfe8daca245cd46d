/** What the translator is told about an instruction besides its meaning: length, the end of the block, legality. */
import { type InsnContext, IrBuilder } from '@boardwalk/translator';
import { describe, expect, test } from 'vitest';
import { EXTENSIONS, type Extension } from '../models.ts';
import { InstructionSet } from './index.ts';

const all = Object.keys(EXTENSIONS) as Extension[];

/** An instruction at 0x80000000, and the one before. */
function contextOf(word: number, before = 0): InsnContext {
  return {
    pcLo: 0x8000_0000 | 0,
    pcHi: 0,
    inPage: 0,
    addressOf: (offset) => [(0x8000_0000 + offset) | 0, 0],
    extraLo: 0,
    extraHi: 0,
    mode: 3,
    first: before === 0,
    isAligned: true,
    carried: 0,
    fetch16: (offset) => (word >>> (8 * offset)) & 0xffff,
    fetch32: (offset) => (offset < 0 ? before : word) >>> 0,
    length: 0,
    ended: false,
  };
}

/** What an instruction hands on to the next. */
function carriedBy(instructions: InstructionSet, word: number): number {
  const context = contextOf(word);
  instructions.translate(new IrBuilder(), context);
  return context.carried;
}

/** `auipc`: the instruction before, which is one. */
function translate(word: number, without: readonly Extension[] = [], auipc?: number) {
  const instructions = new InstructionSet(new Set(all.filter((name) => !without.includes(name))), {});
  const context = { ...contextOf(word, auipc), carried: auipc === undefined ? 0 : carriedBy(instructions, auipc) };
  const b = new IrBuilder();
  instructions.translate(b, context);
  return { context, statements: b.finish() };
}

describe('translation of an instruction', () => {
  test('straight code goes on', () => {
    const { context, statements } = translate(0x00150513);
    expect(context).toMatchObject({ length: 4, ended: false });
    expect(statements.map((n) => n.kind)).toEqual(['get', 'pure', 'set']);
  });

  test('a jump ends the block', () => {
    const { context, statements } = translate(0xffdff06f);
    expect(context).toMatchObject({ length: 4, ended: true });
    expect(statements.map((n) => n.detail)).toMatchObject([{ kind: 'goto', pcLo: 0x7fff_fffc, pcHi: 0 }]);
  });

  test('a compressed branch has the next halfword as its other way', () => {
    const { context, statements } = translate(0xc111);
    expect(context).toMatchObject({ length: 2, ended: true });
    expect(statements.at(-1)?.detail).toMatchObject({
      kind: 'gotoIf',
      takenLo: 0x8000_0004 | 0,
      fallLo: 0x8000_0002 | 0,
    });
  });

  test('a call by auipc and jalr goes to a known address, if the register is the one', () => {
    // auipc t1, 0x12; jalr ra, 0x345(t1)
    const auipc = 0x0001_2317;
    const call = translate(0x3453_00e7, [], auipc).statements;
    expect(call.at(-1)?.detail).toMatchObject({ kind: 'goto', pcLo: (0x8001_2344 - 4) | 0, pcHi: 0 });
    expect(translate(0x3452_80e7, [], auipc).statements.at(-1)?.kind).toBe('gotoIndirect');
    expect(translate(0x3453_00e7).statements.at(-1)?.kind).toBe('gotoIndirect');
  });

  test('the link of a compressed call is the next halfword', () => {
    const { statements } = translate(0x9502);
    const link = statements.find((n) => n.kind === 'set');
    expect(link?.args[0]).toMatchObject({ lo: 0x8000_0002 | 0, hi: 0 });
    expect(statements.at(-1)?.kind).toBe('gotoIndirect');
  });

  test('an unknown word raises illegal instruction with its bits', () => {
    const { context, statements } = translate(0xffff_ffff | 0);
    expect(context).toMatchObject({ length: 4, ended: true });
    expect(statements.at(-1)?.args).toMatchObject([{ lo: 2 }, { lo: -1, hi: 0 }]);
  });

  test('an unknown compressed word shows its sixteen bits only', () => {
    const { context, statements } = translate(0x1234_0000);
    expect(context).toMatchObject({ length: 2, ended: true });
    expect(statements.at(-1)?.args).toMatchObject([{ lo: 2 }, { lo: 0, hi: 0 }]);
  });

  test('without C, a jump to an odd halfword is a misaligned fetch, a branch only when it is taken', () => {
    expect(translate(0x0020006f, ['c']).statements.map((n) => n.kind)).toEqual(['raise']);
    const branch = translate(0x00000163, ['c']);
    expect(branch.statements.slice(-2).map((n) => n.kind)).toEqual(['if', 'goto']);
    expect(branch.context.ended).toBe(true);
    expect(translate(0x00050067, ['c']).statements.some((n) => n.kind === 'if')).toBe(true);
    expect(translate(0x00050067).statements.some((n) => n.kind === 'if')).toBe(false);
  });

  test('fence.i ends the block, fence does not', () => {
    expect(translate(0x0000_100f).context.ended).toBe(true);
    expect(translate(0x0ff0_000f).context.ended).toBe(false);
  });

  test('a load into x0 is still made', () => {
    expect(translate(0x0005_3003).statements.map((n) => n.kind)).toEqual(['get', 'load']);
  });

  test('disassembles from bytes', () => {
    const instructions = new InstructionSet(new Set(all), {});
    expect(instructions.disassemble(Uint8Array.of(0x82, 0x80), 0n)).toEqual({ text: 'ret', length: 2 });
    expect(instructions.disassemble(Uint8Array.of(0x13, 0x05, 0x15, 0x00), 0n)).toEqual({
      text: 'addi    a0,a0,1',
      length: 4,
    });
  });
});
