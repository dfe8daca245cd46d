/** Jumps, branches and AUIPC are translated once for a form: what is made of that is what translating each by itself makes. */
import { Machine } from '@boardwalk/core';
import { TranslatedCpu } from '@boardwalk/translator';
import { expect, test, vi } from 'vitest';
import { virt } from '../../src/boards/virt.ts';
import { Pattern } from '../../src/cpu/decode/pattern.ts';
import { encodings } from '../../src/cpu/decode/tables/index.ts';

const RAM = 0x8000_0000;
const MODE = 3;
const PAGE = 4096;
const NEVER = 0;
const OFFSETS = [-0x80, -6, 0, 2, 4, 6, 0x40, 0x7e];
const PLACES = [0, 0x100, 0x7fee, PAGE - 8, PAGE + 0x80];

const FORMS: readonly (readonly [mnemonic: string, registers: Record<string, number>])[] = [
  ['jal', { rd: 0 }],
  ['jal', { rd: 1 }],
  ['beq', { rs1: 3, rs2: 4 }],
  ['beq', { rs1: 3, rs2: 0 }],
  ['bne', { rs1: 4, rs2: 4 }],
  ['blt', { rs1: 0, rs2: 9 }],
  ['bge', { rs1: 9, rs2: 31 }],
  ['bltu', { rs1: 5, rs2: 6 }],
  ['bgeu', { rs1: 6, rs2: 5 }],
  ['c.j', {}],
  ['c.beqz', { rs1: 8 }],
  ['c.bnez', { rs1: 15 }],
];

function wordOf(mnemonic: string, operands: Record<string, number>): number {
  const row = encodings.find((e) => e.mnemonic === mnemonic && (e.xlen ?? 64) === 64);
  if (row === undefined) throw new Error(`no instruction ${mnemonic}`);
  return new Pattern(row.pattern, row.expands?.fixed).encode(operands);
}

async function withCpu(
  check: (translate: (word: number, at: number, isAlone: boolean) => number[], calls: () => number) => void,
  slides: boolean,
): Promise<void> {
  const machine = await Machine.create(virt, { ramSize: 2 ** 20, cpu: 'rv64', firmware: 'none' });
  try {
    const cpu = machine.cpus[0];
    if (!(cpu instanceof TranslatedCpu)) throw new Error('no hart');
    const { engine } = cpu;
    const spy = vi.spyOn(engine.frontend, 'translateInsn');
    const base = machine.addressSpace.hostOffset(RAM, 2 ** 20, true);
    const translate = (word: number, at: number, isAlone: boolean): number[] => {
      new DataView(machine.space.u8.buffer).setUint32(base + at, word, true);
      const block = engine.blocks.translate({
        host: base + at,
        pcLo: (RAM + at) | 0,
        pcHi: 0x7f,
        mode: MODE,
        extraLo: 0,
        extraHi: 0,
        maxInsns: 1,
        place: engine.cache.place(),
        slides,
        secondPage: () => -1,
        fetchMmu: () => 3,
        countdown: NEVER,
        // Whoever sees the IR sees it of all instructions.
        watch: isAlone ? () => {} : undefined,
      });
      if (block === undefined) throw new Error('no block');
      return [block.bytes, block.tail, ...machine.space.i32.subarray(block.start >>> 2, block.end >>> 2)];
    };
    check(translate, () => spy.mock.calls.length);
  } finally {
    await machine.dispose();
  }
}

test.each([false, true])('a form at other places and with other offsets, sliding: %s', async (slides) => {
  await withCpu((translate) => {
    for (const [mnemonic, registers] of FORMS) {
      for (const imm of OFFSETS) {
        const word = wordOf(mnemonic, { ...registers, imm });
        for (const at of PLACES) {
          expect(translate(word, at, false), `${mnemonic} ${imm} at ${at}`).toEqual(translate(word, at, true));
        }
      }
    }
    for (const rd of [0, 1, 31]) {
      for (const imm of [0, 0x1000, 0x7fff_f000, -0x8000_0000]) {
        const word = wordOf('auipc', { rd, imm });
        for (const at of PLACES) expect(translate(word, at, false)).toEqual(translate(word, at, true));
      }
    }
  }, slides);
});

test.each([false, true])('the frontend is asked for a form once, sliding: %s', async (slides) => {
  await withCpu((translate, calls) => {
    for (const [mnemonic, registers] of FORMS) translate(wordOf(mnemonic, { ...registers, imm: 0x10 }), 0, false);
    const before = calls();
    for (const [mnemonic, registers] of FORMS) {
      translate(wordOf(mnemonic, { ...registers, imm: -0x20 }), 0x200, false);
      expect(calls(), mnemonic).toBe(before);
    }
    translate(wordOf('beq', { rs1: 3, rs2: 5, imm: -0x20 }), 0x200, false);
    expect(calls()).toBe(before + 1);
  }, slides);
});
